package rule

import "github.com/trimtab/trimtab/internal/schema"

// What a pack may say. These tables are the only lists of keys: the loader reads by
// them, and the JSON Schema ([Schema]) and the catalogue are made of them.

// expression is CEL of any type, testOf is CEL that is true or false.
var (
	expression = schema.Expression("")
	testOf     = schema.Expression("bool")
	wholeList  = schema.List(schema.Ref("element"), 1)
)

var packMapping = schema.Mapping{Name: "pack", Doc: "A pack of rules.", Keys: []schema.Key{
	{Name: "apiVersion", Doc: "The version of the rule language.", Value: schema.Word(apiVersion), Need: true},
	{Name: "pack", Doc: "The pack's name, unique; its rules are PACK/ID.", Value: schema.Pattern(packName.String()), Need: true},
	{Name: "owner", Doc: "Who answers for the pack; shown in tickets.", Value: schema.Text},
	{Name: "description", Doc: "What the rules are about.", Value: schema.Text},
	{Name: "facts", Doc: "Fact types, by name.", Value: schema.Entries(schema.Ref("factType"))},
	{Name: "params", Doc: "Thresholds that a deployment can set, by name.", Value: schema.Entries(schema.Ref("param"))},
	{Name: "rules", Doc: "The rules.", Value: schema.List(schema.Ref("rule"), 0)},
	{Name: "groups", Doc: "Agenda groups in the order of their turns.", Value: schema.List(schema.Text, 0)},
	{Name: "mode", Doc: "first: only the first rule fires for each value of per.", Value: schema.Word("all", "first"), Default: "all"},
	{Name: "per", Doc: "What mode: first is counted by, as vm.id.", Value: expression},
	{Name: "lint", Doc: "Findings of lint that are meant, in the whole pack.", Value: schema.Ref("lint")},
	{Name: "queries", Later: true},
	{Name: "states", Later: true},
}}

var factTypeMapping = schema.Mapping{Name: "factType", Doc: "A fact type.", Keys: []schema.Key{
	{Name: "key", Doc: "The fields that give a fact its identity: asserting the same key again updates that fact. Without a key equal facts are one.", Value: schema.List(schema.Text, 0)},
	{Name: "fields", Doc: "The fields with their types; T? may be absent.", Value: schema.Entries(valueTypes()), Need: true},
	{Name: "description", Doc: "What a fact of the type says.", Value: schema.Text},
	{Name: "event", Later: true},
}}

var paramMapping = schema.Mapping{Name: "param", Doc: "A parameter.", Keys: []schema.Key{
	{Name: "type", Doc: "The type of its value.", Value: valueTypes(), Need: true},
	{Name: "default", Doc: "The value unless a deployment gives another. Without one a deployment must.", Value: schema.Any},
	{Name: "description", Doc: "What it means, with its unit.", Value: schema.Text},
}}

var ruleMapping = schema.Mapping{Name: "rule", Doc: "A rule.", Keys: []schema.Key{
	{Name: "id", Doc: "The rule's name in its pack.", Value: schema.Pattern(ruleID.String()), Need: true},
	{Name: "title", Doc: "What it proposes, in a few words; the recommendation's title unless it says another.", Value: schema.Text},
	{Name: "priority", Doc: "The higher, the earlier it fires, and the more its words count: a whole number, or an expression over the bindings.", Value: schema.Expression("int"), Default: 0},
	{Name: "subject", Doc: "The pattern that the rule judges; its fields are copied to the recommendation.", Value: schema.Text},
	{Name: "requires", Doc: "Evidence about the subject; without it the answer is unknown, never no.", Value: wholeList},
	{Name: "when", Doc: "The conditions, each seeing the names bound before it.", Value: wholeList, Need: true},
	{Name: "table", Doc: "A decision table; its inputs and outputs are values in then.", Value: schema.Ref("table")},
	{Name: "then", Doc: "The actions, in order.", Value: schema.List(schema.Ref("action"), 1), Need: true},
	{Name: "tests", Doc: "Facts, and what the rule concludes of them: no less and no more.", Value: schema.List(schema.Ref("test"), 0)},
	{Name: "enabled", Doc: "false turns the rule off; it is still checked.", Value: schema.Bool, Default: true},
	{Name: "no_loop", Doc: "The rule's own changes never make it fire again on the same facts.", Value: schema.Bool, Default: false},
	{Name: "tags", Doc: "Words to find the rule by.", Value: schema.Texts},
	{Name: "doc", Doc: "Why the rule is as it is.", Value: schema.Text},
	{Name: "runbook", Doc: "The page that says how to follow the recommendation.", Value: schema.Text},
	{Name: "group", Doc: "The agenda group, which has its turn by groups of the pack or by focus.", Value: schema.Text},
	{Name: "exclusive", Doc: "Of all matches of a group with one value of per only the first by priority fires.", Value: schema.Ref("exclusive")},
	{Name: "effective", Doc: "Between which moments the rule is in effect, by the run's clock.", Value: schema.Ref("effective")},
	{Name: "params", Doc: "Parameters of this rule; they hide the pack's of the same name.", Value: schema.Entries(schema.Ref("param"))},
	{Name: "lint", Doc: "Findings of lint that are meant, in this rule.", Value: schema.Ref("lint")},
}}

var exclusiveMapping = schema.Mapping{Name: "exclusive", Doc: "A group of which one match fires.", Keys: []schema.Key{
	{Name: "group", Doc: "The group's name.", Value: schema.Text, Need: true},
	{Name: "per", Doc: "What the matches are told apart by; without it one of all fires.", Value: expression},
}}

var effectiveMapping = schema.Mapping{Name: "effective", Doc: "A span of time.", Keys: []schema.Key{
	{Name: "from", Doc: "A day or a moment, as 2026-11-20 or 2026-11-20T10:00:00Z.", Value: schema.Text},
	{Name: "until", Doc: "The first day or moment at which it is over.", Value: schema.Text},
}}

var lintMapping = schema.Mapping{Name: "lint", Doc: "What lint is to say nothing of.", Keys: []schema.Key{
	{Name: "allow", Doc: "The findings that are meant.", Value: schema.List(schema.Ref("allowance"), 0), Need: true},
}}

// allowanceMapping is a function, as lint's checks reach whatever reads packs.
func allowanceMapping() schema.Mapping {
	return schema.Mapping{Name: "allowance", Doc: "A finding that is meant.", Keys: []schema.Key{
		{Name: "id", Doc: "The finding's name, as lint prints it.", Value: schema.Word(FindingIDs()...), Need: true},
		{Name: "reason", Doc: "Why it is meant, for whoever reads it next.", Value: schema.Text, Need: true},
	}}
}

var tableMapping = schema.Mapping{
	Name: "table", Doc: "A decision table.", OneOf: []string{"rows", "csv", "from"},
	Keys: []schema.Key{
		{Name: "hit", Doc: "What happens when several rows match: unique fails, first takes the first, priority the one with the highest priority column, collect all.", Value: schema.Word(hitPolicies...), Default: "unique"},
		{Name: "inputs", Doc: "Columns that rows test, each an expression.", Value: atLeast(schema.Entries(expression), 1), Need: true},
		{Name: "outputs", Doc: "Columns that rows give, each with its type.", Value: schema.Entries(valueTypes()), Need: true},
		{Name: "rows", Doc: "The rows, cells by column. An input's cell is a test (< 5, in [1, 2], a value, - for any), an output's a value or an expression after =.", Value: schema.List(schema.Entries(schema.Any), 1)},
		{Name: "csv", Doc: "The rows as CSV, with a header.", Value: schema.Text},
		{Name: "from", Doc: "A CSV file beside the pack.", Value: schema.Text},
	},
}

var testMapping = schema.Mapping{Name: "test", Doc: "A test of the rule.", Keys: []schema.Key{
	{Name: "name", Doc: "What it shows.", Value: schema.Text, Need: true},
	{Name: "clock", Doc: "The time at which it plays.", Value: schema.Text},
	{Name: "given", Doc: "The facts, each as Type: {field: value}.", Value: schema.List(oneEntry, 0), Need: true},
	{Name: "expect", Doc: "The conclusions: recommend, assign, unknown or a fact type, with the fields that matter.", Value: schema.List(oneEntry, 0), Need: true},
}}

// oneEntry is a fact of a test: a mapping with one key.
var oneEntry = func() schema.Value {
	v := schema.Entries(schema.Entries(schema.Any))
	v.Min, v.Max = 1, 1
	return v
}()

// atLeast is a value with at least min elements.
func atLeast(v schema.Value, min int) schema.Value {
	v.Min = min
	return v
}

// valueTypes is a type of the rule language; an editor proposes the simple ones.
func valueTypes() schema.Value {
	v := schema.Pattern(typePattern)
	for _, name := range kindNames[:kindList] {
		v.Words = append(v.Words, name, name+"?")
	}
	return v
}

// language is everything that a pack may say.
func language() []schema.Mapping {
	return []schema.Mapping{
		packMapping, factTypeMapping, paramMapping, ruleMapping, exclusiveMapping, effectiveMapping, lintMapping, allowanceMapping(),
		tableMapping, testMapping, elementMapping, forallMapping, accumulateMapping, aggregateMapping, actionMapping, recommendMapping, assignMapping,
	}
}

// Schema is the JSON Schema of a pack, for editors.
func Schema() ([]byte, error) {
	return schema.Write("A pack of Trimtab rules", packMapping.Name, language()...)
}
