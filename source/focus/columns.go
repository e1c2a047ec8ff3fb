package focus

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source/internal/duck"
)

// kind is what a column holds.
type kind int

const (
	text kind = iota
	number
	moment
	tags
)

// column is one column of the canonical line, with the FOCUS columns that may
// hold it, newest name first (FOCUS 1.0 to 1.4; Region is of 0.5).
type column struct {
	name   string
	from   []string
	kind   kind
	needed bool
	// renamed: the names are those of several versions of FOCUS, not stand-ins.
	// A folder with months of both has both columns, each empty in some lines.
	renamed bool
}

var columns = []column{
	{"provider", []string{"ServiceProviderName", "ProviderName"}, text, false, true},
	{"account", []string{"SubAccountId", "BillingAccountId"}, text, true, false},
	{"account_name", []string{"SubAccountName", "BillingAccountName"}, text, false, false},
	{"resource", []string{"ResourceId"}, text, true, false},
	{"resource_name", []string{"ResourceName"}, text, false, false},
	{"resource_type", []string{"ResourceType"}, text, false, false},
	{"service", []string{"ServiceName"}, text, true, false},
	{"category", []string{"ServiceCategory"}, text, false, false},
	{"region", []string{"RegionId", "Region"}, text, false, true},
	{"description", []string{"ChargeDescription"}, text, false, false},
	{"sku", []string{"SkuPriceId", "SkuId"}, text, false, false},
	{"unit", []string{"PricingUnit", "ConsumedUnit"}, text, false, false},
	{"pricing", []string{"PricingCategory"}, text, false, false},
	{"charge", []string{"ChargeCategory"}, text, true, false},
	{"class", []string{"ChargeClass"}, text, false, false},
	{"commitment", []string{"CommitmentDiscountId"}, text, false, false},
	{"currency", []string{"BillingCurrency"}, text, true, false},
	{"tags", []string{"Tags"}, tags, false, false},
	{"started", []string{"ChargePeriodStart"}, moment, true, false},
	{"ended", []string{"ChargePeriodEnd"}, moment, true, false},
	{"billed", []string{"BilledCost"}, number, true, false},
	{"effective", []string{"EffectiveCost"}, number, true, false},
	{"list", []string{"ListCost"}, number, false, false},
	{"quantity", []string{"PricingQuantity", "ConsumedQuantity"}, number, false, false},
	{"unit_price", []string{"ListUnitPrice"}, number, false, false},
}

// layout is how the columns of one set of files map to the canonical line.
type layout struct {
	found map[string]string   // canonical name → the file's column
	older map[string][]string // canonical name of a renamed column → its other columns
	types map[string]string   // the file's column → its type
}

// findLayout recognises the file by its header. All missing columns are named
// at once, each with the nearest column that is there.
func findLayout(names []string, types map[string]string) (layout, error) {
	l := layout{found: map[string]string{}, older: map[string][]string{}, types: types}
	var missing []string
	for _, c := range columns {
		if from := spelled(names, c.from); from != "" {
			l.found[c.name] = from
			l.older[c.name] = otherNames(names, c, from)
		} else if c.needed {
			missing = append(missing, c.from[0])
		}
	}
	if len(missing) == 0 {
		return l, nil
	}
	if len(names) == 1 {
		// DuckDB finds no column where a quote is opened and never closed: naming
		// the missing columns would send people looking for what is there.
		return l, trimtab.Errorf(trimtab.Outside, "its lines are no table of columns").WithNext("it is damaged or cut short: export it again")
	}
	sort.Strings(missing)
	return l, trimtab.Errorf(trimtab.Outside, "it lacks the FOCUS columns %s", strings.Join(missing, ", ")).
		WithNext("it has %s: export it in the FOCUS format (1.0 or newer) with these columns", shortList(names))
}

// spelled is the file's spelling of the first of the wanted columns that it
// has; case does not count.
func spelled(names, wanted []string) string {
	for _, want := range wanted {
		if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, want) }); i >= 0 {
			return names[i]
		}
	}
	return ""
}

// otherNames are the columns beside the first that hold a renamed column.
func otherNames(names []string, c column, first string) (others []string) {
	for _, want := range c.from {
		if name := spelled(names, []string{want}); c.renamed && name != "" && name != first {
			others = append(others, name)
		}
	}
	return others
}

// shortList keeps a message readable: FOCUS has over fifty columns.
func shortList(names []string) string {
	if len(names) > 12 {
		return strings.Join(names[:12], ", ") + fmt.Sprintf(" and %d more", len(names)-12)
	}
	return strings.Join(names, ", ")
}

// value is the SQL of a canonical column; NULL where the files lack it.
func (l layout) value(c column) string {
	from, ok := l.found[c.name]
	if !ok {
		return "NULL::" + sqlType[c.kind]
	}
	switch c.kind {
	case number:
		return exact(l.raw(from))
	case moment:
		return "TRY_CAST(" + duck.Ident(from) + " AS TIMESTAMP)"
	case tags:
		return l.tags(from)
	}
	trimmed := trimmedText(from)
	for _, other := range l.older[c.name] {
		trimmed = "COALESCE(" + trimmed + ", " + trimmedText(other) + ")"
	}
	// Azure Resource Manager takes its ids in any case, and its exports do.
	if c.name == "resource" {
		return "CASE WHEN starts_with(lower(" + trimmed + "), '/subscriptions/') THEN lower(" + trimmed + ") ELSE " + trimmed + " END"
	}
	return trimmed
}

// 38 digits are DuckDB's widest DECIMAL (docs, "Fixed-Point Decimals"); 12 of them
// behind the point hold the prices of a single request.
var sqlType = map[kind]string{text: "VARCHAR", number: "DECIMAL(38, 12)", moment: "TIMESTAMP", tags: "VARCHAR"}

// exact reads a number with 12 places. DuckDB reads text into 64 bits six times
// faster than into 128, so the wide type is left to what does not fit: lines of
// a million and more. Both round at the same place.
func exact(raw string) string {
	return "COALESCE(CAST(TRY_CAST(" + raw + " AS DECIMAL(18, 12)) AS DECIMAL(38, 12)), TRY_CAST(" + raw + " AS DECIMAL(38, 12)))"
}

// trimmedText is the SQL of a text column; nothing in any spelling is NULL.
func trimmedText(from string) string {
	return "NULLIF(NULLIF(trim(CAST(" + duck.Ident(from) + " AS VARCHAR)), ''), 'NULL')"
}

// raw is a number as the file has it. What exports write for "none", a NaN
// above all, is NULL, so that it is not taken for a number that cannot be read.
func (l layout) raw(from string) string {
	col := duck.Ident(from)
	switch l.types[from] {
	case "DOUBLE", "FLOAT":
		return "CASE WHEN isnan(" + col + ") THEN NULL ELSE " + col + " END"
	case "VARCHAR":
		return "CASE WHEN lower(trim(" + col + ")) IN ('', 'null', 'nan') THEN NULL ELSE " + col + " END"
	}
	return col
}

// tags are JSON text whatever the file keeps them as.
func (l layout) tags(from string) string {
	col := duck.Ident(from)
	if strings.HasPrefix(l.types[from], "MAP") || strings.HasPrefix(l.types[from], "STRUCT") {
		return "CAST(to_json(" + col + ") AS VARCHAR)"
	}
	return "NULLIF(CAST(" + col + " AS VARCHAR), 'NULL')"
}

// broken is the SQL that tells a value that is there but cannot be read.
func (l layout) broken(c column) string {
	from, ok := l.found[c.name]
	if !ok || c.kind == text || c.kind == tags {
		return ""
	}
	if c.needed && c.kind == moment {
		return "(" + l.value(c) + ") IS NULL" // a line without a period belongs nowhere
	}
	return "(" + l.raw(from) + ") IS NOT NULL AND (" + l.value(c) + ") IS NULL"
}

// lines is the SELECT of canonical lines over a table.
func (l layout) lines(table string) string {
	// Every file gets the same columns in the same order: what follows knows no files.
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = l.value(c) + " AS " + duck.Ident(c.name)
	}
	return "SELECT " + strings.Join(parts, ",\n  ") + "\nFROM " + table
}
