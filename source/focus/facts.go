package focus

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/internal/duck"
)

// Types implements [source.Typed]. Costs are a month's (30.4375 days) at the
// rate of the window.
func (s *Source) Types() []source.Type {
	return []source.Type{
		{
			Name: "ResourceCost", Key: []string{"provider", "account", "resource", "currency"}, Doc: "What a resource costs.",
			Fields: []source.Field{
				{Name: "provider", Type: "string", Doc: "Whose cloud it is: AWS, Microsoft, Google Cloud."},
				{Name: "account", Type: "string", Doc: "The account that is charged."},
				{Name: "account_name", Type: "string?", Doc: "What people call the account."},
				{Name: "resource", Type: "string", Doc: "The id of what is charged."},
				{Name: "name", Type: "string?", Doc: "What people call it."},
				{Name: "type", Type: "string?", Doc: "What kind of thing the provider calls it."},
				{Name: "service", Type: "string?", Doc: "The provider's service."},
				{Name: "category", Type: "string?", Doc: "The kind of service: Compute, Storage and so on."},
				{Name: "region", Type: "string?", Doc: "Where it runs."},
				{Name: "environment", Type: "string?", Doc: "From the tag environment or env."},
				{Name: "tags", Type: "map(string, string)?", Doc: "Its tags."},
				{Name: "currency", Type: "string", Doc: "What it is billed in."},
				{Name: "monthly_cost", Type: "money", Doc: "What a month costs at the present rate."},
				{Name: "committed_cost", Type: "money", Doc: "How much of it commitments pay for already."},
				{Name: "billed", Type: "money?", Doc: "What was billed in the window."},
				{Name: "list", Type: "money?", Doc: "What it would be at list prices."},
				{Name: "basis", Type: "string?", Doc: "What the cost is made of: effective, billed or mixed."},
				{Name: "days", Type: "double?", Doc: "How many days of data there are."},
				{Name: "rows", Type: "int?", Doc: "How many lines there are."},
				{Name: "first", Type: "timestamp?", Doc: "The beginning of the first charge."},
				{Name: "last", Type: "timestamp?", Doc: "The end of the last charge."},
			},
		},
		{
			Name: "SkuUsage", Key: []string{"provider", "account", "resource", "currency", "sku", "description", "unit"}, Doc: "What a resource uses of one thing that is sold; resource is empty for what is charged to none.",
			Fields: []source.Field{
				{Name: "provider", Type: "string", Doc: "Whose cloud it is: AWS, Microsoft, Google Cloud."},
				{Name: "account", Type: "string", Doc: "The account that is charged."},
				{Name: "resource", Type: "string", Doc: "The id of what is charged."},
				{Name: "currency", Type: "string", Doc: "What it is billed in."},
				{Name: "sku", Type: "string", Doc: "The provider's id of what is sold."},
				{Name: "description", Type: "string", Doc: "What the line says."},
				{Name: "unit", Type: "string", Doc: "What the quantity counts."},
				{Name: "service", Type: "string?", Doc: "The provider's service."},
				{Name: "category", Type: "string?", Doc: "The kind of service: Compute, Storage and so on."},
				{Name: "region", Type: "string?", Doc: "Where it runs."},
				{Name: "environment", Type: "string?", Doc: "From the tag environment or env."},
				{Name: "pricing", Type: "string?", Doc: "How it is bought: on demand, committed and so on."},
				{Name: "tags", Type: "map(string, string)?", Doc: "Its tags."},
				{Name: "quantity", Type: "decimal?", Doc: "How much of it a month uses."},
				{Name: "unit_price", Type: "decimal?", Doc: "What one of it costs."},
				{Name: "monthly_cost", Type: "money", Doc: "What a month costs at the present rate."},
			},
		},
	}
}

// span is the time that a group of lines covers, at least a day: a single
// hourly line says what a day's line would, not 730 times as much.
func span(first, last time.Time) time.Duration { return max(last.Sub(first), 24*time.Hour) }

// Multiplied before it is divided, so that only one step rounds.
var secondsPerMonth = decimal.RequireFromString(source.DaysPerMonth).Mul(decimal.NewFromInt(86400))

// monthly turns an amount over a span into one a month.
func monthly(amount trimtab.Decimal, over time.Duration) (trimtab.Decimal, error) {
	return trimtab.Quo(amount.Mul(secondsPerMonth), decimal.NewFromInt(int64(over/time.Second)))
}

// resourceCost makes a fact of a row of perResource; the order is its columns'.
func resourceCost(rows *sql.Rows) (source.Fact, error) {
	var provider, account, resource, currency string
	var accountName, name, kind, service, category, region, tagText sql.NullString
	var total, billed, committed, list duckdb.Decimal
	var listNull, fallbacks, count any
	var first, last time.Time
	err := rows.Scan(&provider, &account, &resource, &currency, &accountName, &name, &kind, &service, &category, &region,
		&tagText, &total, &billed, &listNull, &committed, &fallbacks, &count, &first, &last)
	if err != nil {
		return source.Fact{}, err
	}
	over := span(first, last)
	rate, err := monthly(duck.Decimal(total), over)
	if err != nil {
		return source.Fact{}, err
	}
	committedRate, err := monthly(duck.Decimal(committed), over)
	if err != nil {
		return source.Fact{}, err
	}
	fields := map[string]any{
		"provider": provider, "account": account, "resource": resource, "currency": currency,
		"monthly_cost": money(rate, currency), "committed_cost": money(committedRate, currency),
		"billed": money(duck.Decimal(billed), currency), "basis": basis(number64(fallbacks), number64(count)),
		"days": over.Hours() / 24, "rows": number64(count), "first": first.UTC(), "last": last.UTC(),
	}
	if d, ok := listNull.(duckdb.Decimal); ok {
		list = d
		fields["list"] = money(duck.Decimal(list), currency)
	}
	optional(fields, map[string]sql.NullString{
		"account_name": accountName, "name": name, "type": kind, "service": service, "category": category, "region": region,
	})
	addTags(fields, tagText)
	return source.Fact{Type: "ResourceCost", Fields: fields}, nil
}

// money is an amount in the lines' own currency: nothing is converted here.
func money(d trimtab.Decimal, currency string) trimtab.Money {
	return trimtab.Money{Amount: d, Currency: currency}
}

// number64 reads a sum of counts, which DuckDB gives as a huge integer.
func number64(v any) int64 {
	switch v := duck.Value(v).(type) {
	case int64:
		return v
	case trimtab.Decimal:
		return v.IntPart()
	}
	return 0
}

// basis says which cost the rate was made of.
func basis(fallbacks, rows int64) string {
	switch fallbacks {
	case 0:
		return "effective"
	case rows:
		return "billed"
	}
	return "mixed"
}

// skuUsage makes a fact of a row of perSku; the order is its columns'.
func skuUsage(rows *sql.Rows) (source.Fact, error) {
	names := []string{"provider", "account", "resource", "currency", "sku", "description", "unit"}
	key := make([]string, len(names))
	var service, category, region, pricing, tagText sql.NullString
	var quantity, unitPrice any
	var total duckdb.Decimal
	var first, last time.Time
	into := make([]any, 0, 17)
	for i := range key {
		into = append(into, &key[i])
	}
	into = append(into, &service, &category, &region, &pricing, &tagText, &quantity, &unitPrice, &total, &first, &last)
	if err := rows.Scan(into...); err != nil {
		return source.Fact{}, err
	}
	over := span(first, last)
	rate, err := monthly(duck.Decimal(total), over)
	if err != nil {
		return source.Fact{}, err
	}
	fields := map[string]any{"monthly_cost": money(rate, key[3])}
	for i, name := range names {
		fields[name] = key[i]
	}
	// Quantities are a month's too, in the pricing unit; a unit price is as it is.
	if q, ok := duck.Value(quantity).(trimtab.Decimal); ok {
		if fields["quantity"], err = monthly(q, over); err != nil {
			return source.Fact{}, err
		}
	}
	if p, ok := duck.Value(unitPrice).(trimtab.Decimal); ok {
		fields["unit_price"] = p
	}
	optional(fields, map[string]sql.NullString{"service": service, "category": category, "region": region, "pricing": pricing})
	addTags(fields, tagText)
	return source.Fact{Type: "SkuUsage", Fields: fields}, nil
}

// optional leaves NULL out: an absent field and an empty one differ in a rule.
func optional(fields map[string]any, values map[string]sql.NullString) {
	for name, v := range values {
		if v.Valid {
			fields[name] = v.String
		}
	}
}

// addTags reads the tags and, from them, the environment, which companies tag
// by more than one name. Keys are trimmed, numbers and truth values are written
// out; tags that are no JSON object are left out, as if there were none.
func addTags(fields map[string]any, text sql.NullString) {
	var raw map[string]any
	if !text.Valid || json.Unmarshal([]byte(text.String), &raw) != nil || len(raw) == 0 {
		return
	}
	tags := make(map[string]string, len(raw))
	for k, v := range raw {
		switch v := v.(type) {
		case string:
			tags[strings.TrimSpace(k)] = v
		case bool, float64:
			tags[strings.TrimSpace(k)] = fmt.Sprint(v)
		}
	}
	fields["tags"] = tags
	for _, name := range []string{"environment", "env", "Environment", "Env"} {
		if tags[name] != "" {
			fields["environment"] = tags[name]
			return
		}
	}
}
