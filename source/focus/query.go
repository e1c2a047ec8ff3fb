package focus

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab/source/internal/duck"
)

// cost is what a line costs for a run-rate: the effective cost; where an export
// leaves that 0 although something was billed, without commitment or credit,
// the billed cost (and the fact says so in its basis).
const (
	fellBack = `(COALESCE(effective, 0) = 0 AND billed <> 0 AND commitment IS NULL)`
	cost     = `CASE WHEN ` + fellBack + ` THEN billed ELSE COALESCE(effective, 0) END`
	// consumption leaves out taxes, credits, purchases of commitments (their use
	// is amortised in the effective cost) and corrections of closed periods. The
	// words are those of FOCUS for ChargeCategory (%[1]s) and ChargeClass (%[2]s).
	consumption = `COALESCE(%[1]s, 'Usage') NOT IN ('Tax', 'Credit', 'Purchase') AND COALESCE(%[2]s, '') <> 'Correction'`
)

// running tells a canonical line of consumption.
var running = fmt.Sprintf(consumption, "charge", "class")

// profile looks at all lines once: how many, how far they reach, and how many
// values of each column cannot be read. Only consumption says how far they
// reach: a tax is charged to the end of the month and a commitment for a year,
// which would make every resource look gone.
// One pass, because a large export is read from disk each time.
func (l layout) profile(table string) (query string, checked []column) {
	values := map[string]string{}
	for _, c := range columns {
		values[c.name] = l.value(c)
	}
	runs := fmt.Sprintf(consumption, values["charge"], values["class"])
	parts := []string{"count(*)", "max(" + values["ended"] + ") FILTER (WHERE " + runs + ")"}
	for _, c := range columns {
		if broken := l.broken(c); broken != "" {
			checked = append(checked, c)
			parts = append(parts, "count(*) FILTER (WHERE "+broken+")")
		}
	}
	return "SELECT " + strings.Join(parts, ",\n  ") + "\nFROM " + table, checked
}

// firstBroken finds the first unreadable value of a column, with its row.
func (l layout) firstBroken(table string, c column) string {
	return "SELECT n, CAST(" + duck.Ident(l.found[c.name]) + " AS VARCHAR) FROM (SELECT *, row_number() OVER () AS n FROM " + table +
		") WHERE " + l.broken(c) + " ORDER BY n LIMIT 1"
}

// usage aggregates the lines of the window ($1, $2] by resource and SKU.
var usage = `CREATE TEMP TABLE usage AS
SELECT COALESCE(provider, '') AS provider, COALESCE(account, '') AS account, COALESCE(resource, '') AS resource,
  COALESCE(currency, '') AS currency, COALESCE(sku, '') AS sku, COALESCE(description, '') AS description, COALESCE(unit, '') AS unit,
  max(account_name) AS account_name, max(resource_name) AS resource_name, max(resource_type) AS resource_type,
  max(service) AS service, max(category) AS category, max(region) AS region, max(pricing) AS pricing,
  arg_max(tags, {'at': started, 'tags': tags}) AS tags,
  sum(quantity) AS quantity, max(unit_price) AS unit_price, sum(` + cost + `) AS cost, sum(billed) AS billed, sum(list) AS list,
  COALESCE(sum(CASE WHEN commitment IS NOT NULL THEN ` + cost + ` END), 0) AS committed,
  count(*) FILTER (WHERE ` + fellBack + `) AS fallbacks, count(*) AS rows, min(started) AS first, max(ended) AS last
FROM lines
WHERE ` + running + ` AND ended > CAST($1 AS TIMESTAMP) AND ended <= CAST($2 AS TIMESTAMP)
GROUP BY ALL`

// perResource folds the SKUs of each resource together; what is not charged to
// a resource is left out.
const perResource = `SELECT provider, account, resource, currency, max(account_name), max(resource_name), max(resource_type),
  arg_max(service, {'cost': cost, 'service': service}), arg_max(category, {'cost': cost, 'service': service}), max(region),
  arg_max(tags, {'at': last, 'tags': tags}), sum(cost), sum(billed), sum(list), sum(committed), sum(fallbacks), sum(rows), min(first), max(last)
FROM usage WHERE resource <> ''
GROUP BY provider, account, resource, currency
HAVING max(last) >= CAST($1 AS TIMESTAMP)
ORDER BY provider, account, resource, currency`

// perSku keeps what is charged to no resource, under "": support, data transfer.
const perSku = `SELECT provider, account, resource, currency, sku, description, unit, service, category, region, pricing, tags,
  quantity, unit_price, cost, first, last
FROM usage WHERE last >= CAST($1 AS TIMESTAMP)
ORDER BY provider, account, resource, currency, sku, description, unit`

// observed sums what each claimed resource has cost in periods that begin at
// or after its claim, by currency; the claims come in the place of {{claims}}.
var observed = `SELECT c.n, currency, sum(` + cost + `)
FROM lines JOIN (VALUES {{claims}}) AS c (n, claimed, since) ON lines.resource = c.claimed
WHERE ` + running + ` AND started >= c.since
GROUP BY c.n, currency`

// periods are those of consumption only: a commitment is bought at any minute,
// and no day of data begins with it.
var periods = `SELECT DISTINCT started FROM lines WHERE started IS NOT NULL AND ` + running + ` ORDER BY started`
