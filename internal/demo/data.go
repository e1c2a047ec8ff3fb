package demo

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // writes the Parquet files
)

// write writes the company's data as they are at a moment: cost lines since
// Day0, the inventory, metrics of the last 32 days, owners and exemptions.
func (c *company) write(ctx context.Context, dir string, now time.Time) error {
	if err := os.MkdirAll(filepath.Join(dir, "data", "focus"), 0o755); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	path := func(name string) string { return filepath.Join(dir, "data", name) }
	return errors.Join(
		c.writeCosts(ctx, path("focus"), now.Truncate(24*time.Hour)),
		writeCSV(path("inventory.csv"), c.inventory(now)),
		writeCSV(path("metrics.csv"), c.metrics(now)),
		writeCSV(path("owners.csv"), owners()),
		writeCSV(path("exemptions.csv"), exemptions()),
	)
}

var focusHeader = []string{
	"BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart",
	"ChargePeriodEnd", "ChargeCategory", "ChargeClass", "ChargeDescription", "BilledCost", "EffectiveCost", "ContractedCost", "ListCost",
	"PricingQuantity", "PricingUnit", "PricingCategory", "ProviderName", "PublisherName", "InvoiceIssuerName", "RegionId", "ResourceId",
	"ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "SubAccountId", "SubAccountName", "CommitmentDiscountId",
	"CommitmentDiscountStatus", "SkuPriceId", "Tags",
}

// writeCosts writes one Parquet file a month of daily FOCUS lines up to the end
// of the last whole day.
func (c *company) writeCosts(ctx context.Context, dir string, until time.Time) error {
	months := map[string][][]string{}
	for day := Day0; day.Before(until); day = day.AddDate(0, 0, 1) {
		name := day.Format("2006-01")
		for _, r := range c.resources {
			if r.runs(day) {
				months[name] = append(months[name], r.line(day))
			}
		}
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("write cost lines: %w", err)
	}
	defer func() { _ = db.Close() }()
	for name, lines := range months {
		if err := writeParquet(ctx, db, filepath.Join(dir, name), lines); err != nil {
			return err
		}
	}
	return nil
}

// runs reports whether a resource is there at a moment and costs something.
func (r *resource) runs(at time.Time) bool {
	return !at.Before(r.created) && (r.stopped.IsZero() || at.Before(r.stopped))
}

// line is a day of a resource as FOCUS has it, in the order of focusHeader. What a
// commitment covers is billed nothing and costs its share (FOCUS, EffectiveCost).
func (r *resource) line(day time.Time) []string {
	stamp := func(t time.Time) string { return t.Format("2006-01-02T15:04:05Z") }
	month := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
	cost, billed, status, pricing := r.daily.String(), r.daily.String(), "", "Standard"
	if r.commitment != "" {
		billed, status, pricing = "0", "Used", "Committed"
	}
	return []string{
		"acme", "Acme", "USD", stamp(month), stamp(month.AddDate(0, 1, 0)), stamp(day), stamp(day.AddDate(0, 0, 1)), "Usage", "",
		r.description, billed, cost, cost, cost, "24", r.unit, pricing, "AWS", "AWS", "AWS", r.region, r.id, r.name, r.kind,
		"Compute", r.service, r.account, r.account, r.commitment, status, r.size + "@" + r.region, tagText(r.tags),
	}
}

// tagText is the JSON of a FOCUS Tags column; json.Marshal sorts the keys.
func tagText(tags map[string]string) string {
	if len(tags) == 0 {
		return ""
	}
	text, err := json.Marshal(tags)
	if err != nil {
		return ""
	}
	return string(text)
}

// writeParquet goes by way of a CSV that DuckDB converts: the exact decimals are
// written once, as text.
func writeParquet(ctx context.Context, db *sql.DB, path string, lines [][]string) error {
	if err := writeCSV(path+".csv", append([][]string{focusHeader}, lines...)); err != nil {
		return err
	}
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	query := `COPY (SELECT * REPLACE (CAST(BilledCost AS DECIMAL(18, 6)) AS BilledCost, CAST(EffectiveCost AS DECIMAL(18, 6)) AS EffectiveCost,
		CAST(ContractedCost AS DECIMAL(18, 6)) AS ContractedCost, CAST(ListCost AS DECIMAL(18, 6)) AS ListCost,
		CAST(PricingQuantity AS DECIMAL(18, 6)) AS PricingQuantity,
		CAST(ChargePeriodStart AS TIMESTAMP) AS ChargePeriodStart, CAST(ChargePeriodEnd AS TIMESTAMP) AS ChargePeriodEnd)
		FROM read_csv(` + quote(path+".csv") + `, all_varchar = true, header = true, nullstr = ''))
		TO ` + quote(path+".parquet") + ` (FORMAT parquet, COMPRESSION zstd)`
	if _, err := db.ExecContext(ctx, query); err != nil {
		return fmt.Errorf("write %s.parquet: %w", path, err)
	}
	return os.Remove(path + ".csv")
}

// writeCSV reports what Close says, too: a full disk is often told only then.
func writeCSV(path string, rows [][]string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the demo's data: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := csv.NewWriter(f)
	return w.WriteAll(rows)
}

// inventory is what a cloud's own listing would say at a moment.
func (c *company) inventory(now time.Time) [][]string {
	rows := [][]string{{"Id", "Kind", "Name", "State", "Size", "Account", "Region", "Created", "Owner", "Env"}}
	for _, r := range c.resources {
		if now.Before(r.created) {
			continue
		}
		state := r.state
		if !r.runs(now) {
			state = "stopped"
		}
		rows = append(rows, []string{
			r.id, r.kind, r.name, state, r.size, r.account, r.region, r.created.Format(time.RFC3339), r.tags["owner"], r.tags["env"],
		})
	}
	return rows
}

// metrics are hourly CPU maxima of every VM in the last 32 days, in which a month always ends.
func (c *company) metrics(now time.Time) [][]string {
	rows := [][]string{{"resource", "hour", "cpu"}}
	end := now.Truncate(time.Hour)
	for n, r := range c.resources {
		if r.kind != "vm" {
			continue
		}
		for h := end.AddDate(0, 0, -32); h.Before(end); h = h.Add(time.Hour) {
			if r.runs(h) && (r.silent.IsZero() || h.Before(r.silent)) {
				rows = append(rows, []string{r.id, h.Format("2006-01-02 15:04:05"), strconv.FormatFloat(r.cpu(n, h), 'f', 2, 64)})
			}
		}
	}
	return rows
}

// owners names a team for every account but the lab's, which is the orphan's.
func owners() [][]string {
	rows := [][]string{{"account", "team", "email"}}
	for _, t := range teams {
		for _, env := range []string{"prod", "dev"} {
			rows = append(rows, []string{t.prefix + "-" + env, t.name, t.lead})
		}
	}
	return rows
}

// exemptions has one entry, with everything that a rule asks of one.
func exemptions() [][]string {
	return [][]string{
		{"resource", "reason", "approver", "until"},
		{exemptVM, "kept for a legal case", "cfo@acme.example", "2027-06-30T00:00:00Z"},
	}
}
