package rule

import "github.com/trimtab/trimtab/internal/schema"

// matchKeys are those of a pattern.
var matchKeys = []schema.Key{
	{Name: "as", Doc: "The name by which later elements and actions speak of the fact.", Value: schema.Text, With: []string{"match"}},
	{Name: "where", Doc: "What must hold of it; earlier names can be used.", Value: testOf, With: []string{"match"}},
}

var elementMapping = schema.Mapping{
	Name: "element", Doc: "One condition of a rule.",
	OneOf: []string{"match", "not", "exists", "forall", "any", "accumulate", "let", "test"},
	Keys: append([]schema.Key{
		{Name: "match", Doc: "A fact of this type.", Value: schema.Text},
		{Name: "not", Doc: "No combination of facts satisfies the elements.", Value: wholeList},
		{Name: "exists", Doc: "At least one combination does; the rule matches once, however many.", Value: wholeList},
		{Name: "forall", Doc: "For every fact of a pattern the elements hold.", Value: schema.Ref("forall")},
		{Name: "any", Doc: "Branches, one sub-rule each. A name can be used afterwards only if every branch binds it.", Value: schema.List(schema.Either(wholeList, schema.Ref("element")), 1)},
		{Name: "accumulate", Doc: "Aggregates over all matching facts, per group with by.", Value: schema.Ref("accumulate")},
		{Name: "let", Doc: "Names values.", Value: schema.Entries(expression)},
		{Name: "test", Doc: "A condition over what is bound.", Value: testOf},
		{Name: "window", Later: true},
		{Name: "within", Later: true},
	}, matchKeys...),
}

var forallMapping = schema.Mapping{Name: "forall", Doc: "For every fact of the pattern the elements hold.", Keys: []schema.Key{
	{Name: "match", Doc: "Every fact of this type.", Value: schema.Text, Need: true},
	{Name: "as", Doc: "Its name.", Value: schema.Text},
	{Name: "where", Doc: "Only those for which this holds.", Value: testOf},
	{Name: "satisfy", Doc: "What must hold for each of them.", Value: wholeList, Need: true},
}}

var accumulateMapping = schema.Mapping{Name: "accumulate", Doc: "An aggregation.", Keys: []schema.Key{
	{Name: "from", Doc: "What is aggregated: a pattern, or a list of elements.", Value: schema.Either(schema.Ref("element"), schema.List(schema.Ref("element"), 0)), Need: true},
	{Name: "by", Doc: "Groups: one result for each combination of these values.", Value: schema.Entries(expression)},
	{Name: "let", Doc: "The results, each an aggregate with a name.", Value: atLeast(schema.Entries(schema.Ref("aggregate")), 1), Need: true},
	{Name: "where", Doc: "What must hold of the results.", Value: testOf},
}}

// aggregateDocs say what the aggregates are.
var aggregateDocs = map[string]string{
	"count": "How many facts there are for which the expression is true.", "sum": "The sum; of nothing 0.",
	"min": "The smallest value.", "max": "The greatest value.", "avg": "The mean, as a double.",
	"distinct": "How many different values there are.", "collect": "A list of the values, in the order of their facts.",
	"p50": "The median, by nearest rank.", "p90": "The 90th percentile, by nearest rank.",
	"p95": "The 95th percentile, by nearest rank.", "p99": "The 99th percentile, by nearest rank.",
}

var aggregateMapping = func() schema.Mapping {
	m := schema.Mapping{Name: "aggregate", Doc: "One aggregate.", OneOf: sortedKeys(aggregateOps)}
	for _, word := range m.OneOf {
		value := expression
		if word == "count" {
			value = testOf
		}
		m.Keys = append(m.Keys, schema.Key{Name: word, Doc: aggregateDocs[word], Value: value})
	}
	m.Keys = append(m.Keys, schema.Key{Name: "if", Doc: "Only facts for which this holds.", Value: testOf})
	return m
}()

var actionMapping = schema.Mapping{
	Name: "action", Doc: "What the rule does.",
	OneOf: []string{"recommend", "derive", "assert", "update", "retract", "assign", "log", "halt", "focus"},
	Keys: []schema.Key{
		{Name: "recommend", Doc: "Concludes a recommendation.", Value: schema.Ref("recommend")},
		{Name: "derive", Doc: "A fact of this type that stands exactly as long as its reasons.", Value: schema.Text},
		{Name: "assert", Doc: "A fact of this type that stays until it is retracted.", Value: schema.Text},
		{Name: "update", Doc: "Changes the fact that a pattern of this name matched.", Value: schema.Text},
		{Name: "set", Doc: "The fields of the fact, each an expression.", Value: schema.Entries(expression), With: []string{"derive", "assert", "update"}, Need: true},
		{Name: "retract", Doc: "Removes the fact that a pattern of this name matched.", Value: schema.Text},
		{Name: "assign", Doc: "Says where a recommendation goes.", Value: schema.Ref("assign")},
		{Name: "log", Doc: "A line in the transcript.", Value: expression},
		{Name: "halt", Doc: "Ends the run after this firing.", Value: schema.Either(schema.Bool, schema.Null)},
		{Name: "focus", Doc: "Gives an agenda group its turn.", Value: schema.Text},
	},
}

var recommendMapping = func() schema.Mapping {
	keys := []schema.Key{
		{Name: "action", Doc: "What to do, a word in small letters: part of the recommendation's identity.", Value: schema.Pattern(actionName.String()), Need: true},
		{Name: "resource", Doc: "The id of the resource: part of the identity.", Value: schema.Expression("string"), Need: true},
		{Name: "variant", Doc: "Tells apart two recommendations of one action on one resource.", Value: schema.Expression("string")},
		{Name: "subject", Doc: "The matched fact whose fields are copied, unless it is the rule's subject.", Value: schema.Text},
	}
	return schema.Mapping{Name: "recommend", Doc: "A recommendation.", Keys: append(keys, fieldKeys(append(append([]FieldDecl(nil), authoredFields...), subjectFields...))...)}
}()

var assignMapping = schema.Mapping{
	Name: "assign", Doc: "Where a recommendation goes.", Some: fieldNames(assignedFields),
	Keys: append([]schema.Key{
		{Name: "recommendation", Doc: "The pattern that matched the Recommendation.", Value: schema.Text, Need: true},
	}, fieldKeys(assignedFields)...),
}

// fieldKeys are fields as keys whose values are expressions.
func fieldKeys(fields []FieldDecl) []schema.Key {
	var out []schema.Key
	for _, f := range fields {
		t, _ := parseType(f.Type) // the tables of this package, which a test reads
		out = append(out, schema.Key{Name: f.Name, Doc: f.Doc, Value: schema.Expression(t.present().String())})
	}
	return out
}

// fieldNames are the names of fields.
func fieldNames(fields []FieldDecl) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}
