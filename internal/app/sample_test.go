package app

import (
	"encoding/csv"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
)

// The public FOCUS sample (FinOps-Open-Cost-and-Usage-Spec/FOCUS-Sample-Data,
// CC BY 4.0), read in place.
func samplePath(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "focus", "focus_sample_1.0_1000.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: the public FOCUS sample is not at %s", path)
	}
	return path
}

// byHand works the sample out row by row, without database or rules: the cost
// a month of each resource's rows that a filter keeps. Every resource of the
// filters has rows within one day only, so its month is 30.4375 such days.
func byHand(t *testing.T, path string, keep func(map[string]string) bool) map[string]trimtab.Decimal {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	costs := map[string]trimtab.Decimal{}
	for _, row := range rows[1:] {
		r := map[string]string{}
		for i, name := range rows[0] {
			r[name] = row[i]
		}
		if !keep(r) {
			continue
		}
		cost := decimal.RequireFromString(r["EffectiveCost"])
		if cost.IsZero() && r["CommitmentDiscountId"] == "NULL" {
			cost = decimal.RequireFromString(r["BilledCost"])
		}
		costs[r["ResourceId"]] = costs[r["ResourceId"]].Add(cost.Mul(decimal.RequireFromString("30.4375")))
	}
	return costs
}

const sampleDeployment = `
apiVersion: trimtab/v1
packs: [builtin:aws, builtin:governance]
params:
  aws.storage: {snapshot_spend: 0.50 USD}
  governance: {untagged_cost: 1.00 USD}
sources: [{name: sample, kind: focus, path: 'PATH', window: 744h, current: 744h}]
trackers: [{name: local, kind: board}]
boards: [{name: finops, tracker: local, project: FIN}]
owners: [{tag: owner}, {fallback: finops@example.com}]
routes: [{board: finops}]
policy: {min_savings: 0.00 USD, open_per_owner: 0, new_per_board_week: 0, destructive: {sightings: 1}, brake: {tickets: 1000}}
`

// TestSample runs the whole of Trimtab on the real file and holds each rule's
// savings against the file, worked out by hand.
func TestSample(t *testing.T) {
	path := samplePath(t)
	file := filepath.Join(t.TempDir(), "trimtab.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(sampleDeployment, "PATH", path, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), plan, clock.At(time.Date(2024, 10, 2, 6, 0, 0, 0, time.UTC)), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	result, err := a.Run(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]*trimtab.Recommendation{}
	for _, rec := range result.Scan.Recommendations {
		if found[rec.Rule()] == nil {
			found[rec.Rule()] = map[string]*trimtab.Recommendation{}
		}
		found[rec.Rule()][rec.Subject.Raw] = rec
	}
	describes := func(part string) func(map[string]string) bool {
		return func(r map[string]string) bool {
			return strings.Contains(r["ChargeDescription"], part) && r["ResourceId"] != "NULL"
		}
	}
	gp2 := byHand(t, path, describes("(gp2)"))
	compare(t, "aws.storage/gp2-to-gp3", found, gp2, func(r *trimtab.Recommendation) trimtab.Decimal { return r.Savings.Amount.Mul(decimal.NewFromInt(5)) })
	compare(t, "aws.network/idle-address", found, byHand(t, path, describes("Idle public IPv4")), func(r *trimtab.Recommendation) trimtab.Decimal { return r.Savings.Amount })
	compare(t, "aws.storage/snapshot-spend", found, atLeast(byHand(t, path, describes("napshot")), "0.50"), costOf)
	untagged := byHand(t, path, func(r map[string]string) bool {
		return r["Tags"] == "NULL" && r["ResourceId"] != "NULL" && r["ResourceId"] != ""
	})
	compare(t, "governance/untagged", found, atLeast(untagged, "1.00"), costOf)
	if result.Distribute.Filed != len(result.Scan.Recommendations)-superseded(t, a) {
		t.Errorf("%d recommendations, %d tickets", len(result.Scan.Recommendations), result.Distribute.Filed)
	}
	t.Logf("gp2 %d, idle addresses %d, snapshots %d, untagged %d; gross %v, net %v", len(found["aws.storage/gp2-to-gp3"]),
		len(found["aws.network/idle-address"]), len(found["aws.storage/snapshot-spend"]), len(found["governance/untagged"]), result.Scan.Gross, result.Scan.Net)
}

func costOf(r *trimtab.Recommendation) trimtab.Decimal { return r.MonthlyCost.Amount }

func atLeast(costs map[string]trimtab.Decimal, least string) map[string]trimtab.Decimal {
	kept := map[string]trimtab.Decimal{}
	for id, c := range costs {
		if c.GreaterThanOrEqual(decimal.RequireFromString(least)) {
			kept[id] = c
		}
	}
	return kept
}

func superseded(t *testing.T, a *App) int {
	t.Helper()
	s, err := OpenState(t.Context(), a.Deployment.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	return countWorkflow(t, s, trimtab.Superseded)
}

// compare holds what a rule found against what was worked out by hand.
func compare(t *testing.T, rule string, found map[string]map[string]*trimtab.Recommendation, want map[string]trimtab.Decimal, amount func(*trimtab.Recommendation) trimtab.Decimal) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: the sample has nothing for it", rule)
	}
	for id, cost := range want {
		rec := found[rule][id]
		if rec == nil {
			t.Errorf("%s: %s (%s a month) was not found", rule, id, cost)
			continue
		}
		if got := amount(rec); !got.Sub(cost).Abs().LessThan(decimal.RequireFromString("0.0000000001")) {
			t.Errorf("%s: %s: %s, by hand %s", rule, id, got, cost)
		}
	}
	for id := range found[rule] {
		if _, ok := want[id]; !ok {
			t.Errorf("%s: %s should not be there", rule, id)
		}
	}
}
