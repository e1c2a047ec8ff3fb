package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/packs"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/series"
)

const builtinDeployment = `
apiVersion: trimtab/v1
packs: [builtin:aws, builtin:finops]
sources:
SOURCES
trackers: [{name: local, kind: board}]
boards: [{name: finops, tracker: local, project: FIN}]
owners: [{fallback: finops@example.com}]
routes: [{board: finops}]
policy: {min_savings: 0.00 USD}
`

// planOf prepares a deployment in a folder of its own with some files.
func planOf(t *testing.T, sources string, files map[string]string) (*Plan, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := deploy.Parse(filepath.Join(dir, "trimtab.yaml"), []byte(strings.Replace(builtinDeployment, "SOURCES\n", sources, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return Prepare(d)
}

func namesOf(sources []source.Source) []string {
	var names []string
	for _, s := range sources {
		names = append(names, s.Name())
	}
	return names
}

// TestBuiltinPrices: the built-in tables stand in for what no source gives, and
// only for that.
func TestBuiltinPrices(t *testing.T) {
	for sources, want := range map[string][]string{
		"  - {name: own, kind: table, path: p.csv, fact: Price, map: {provider: p, region: r, sku: s, unit: u, price: a}}\n": {"own", "builtin-instance-types"},
		"  - {name: cpu, kind: series, path: cpu.csv, metric: cpu_30d}\n":                                                    {"cpu", "builtin-prices", "builtin-instance-types"},
	} {
		plan, err := planOf(t, sources, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := namesOf(plan.Sources); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// TestSeriesFitsPacks: what a series gives is what the packs read.
func TestSeriesFitsPacks(t *testing.T) {
	shared, err := packs.Types()
	if err != nil {
		t.Fatal(err)
	}
	given := series.New(series.Config{}).Types()[0]
	for _, typ := range shared {
		if typ.Name == given.Name && !reflect.DeepEqual(undocumented(typ), undocumented(given)) {
			t.Errorf("%v and %v", typ, given)
		}
	}
}

// undocumented is a type without what only people read.
func undocumented(typ source.Type) source.Type {
	typ.Doc, typ.Fields = "", slices.Clone(typ.Fields)
	for i := range typ.Fields {
		typ.Fields[i].Doc = ""
	}
	return typ
}

// TestBuiltinSet: an idle machine, two that are too large by the built-in prices
// and by a company's own, from files to recommendations.
func TestBuiltinSet(t *testing.T) {
	const sources = `
  - {name: inventory, kind: table, path: vms.csv, fact: Resource, map: {id: id, kind: '"vm"', state: state, size: size, region: '"us-east-1"'}}
  - {name: costs, kind: table, path: costs.csv, fact: ResourceCost, map: {provider: '"AWS"', account: '"a"', resource: id, currency: '"USD"', monthly_cost: cost, committed_cost: '"0 USD"'}}
  - {name: metrics, kind: table, path: metrics.csv, fact: Metric, map: {resource: id, name: name, max: 'double(max)', p99: 'double(p99)', coverage: 'double(1)', month_end: 'true'}}
`
	files := map[string]string{
		"vms.csv":     "id,state,size\nidle,running,m5.large\nlarge,running,m5.xlarge\n",
		"costs.csv":   "id,cost\nidle,70 USD\nlarge,100 USD\n",
		"metrics.csv": "id,name,max,p99\nidle,cpu_30d,1,1\nlarge,cpu_30d,60,30\nlarge,memory_30d,30,30\n",
		"prices.csv":  "sku,price\nm5.large,0.02 USD\nm5.xlarge,0.10 USD\n",
	}
	const own = `  - {name: own, kind: table, path: prices.csv, fact: Price, map: {provider: '"AWS"', region: '"us-east-1"', sku: sku, unit: '"hour"', price: price}}` + "\n"
	for more, want := range map[string]string{"": "50.00 USD", own: "80.00 USD"} {
		saved := savings(t, sources+more, files, time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC))
		if saved["resize large"] != want || saved["stop idle"] != "70.00 USD" || len(saved) != 2 {
			t.Errorf("%v, want %s for the resize", saved, want)
		}
	}
}

// scanOnce scans with a fresh state.
func scanOnce(t *testing.T, sources string, files map[string]string, now time.Time) *scan.Report {
	t.Helper()
	plan, err := planOf(t, sources, files)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), plan, clock.At(now), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	report, err := a.RunScan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// savings are what a scan recommends: action and resource → amount.
func savings(t *testing.T, sources string, files map[string]string, now time.Time) map[string]string {
	t.Helper()
	saved := map[string]string{}
	for _, rec := range scanOnce(t, sources, files, now).Recommendations {
		saved[rec.Action+" "+rec.Subject.Resource] = rec.Savings.Display()
	}
	return saved
}

// TestDocumentedQueries runs the queries of docs/sources.md over a month of cost
// lines: a jump on the last day, and a commitment of which a tenth is lost.
func TestDocumentedQueries(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "sources.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "Days of cost and commitments")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	text = "  " + strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(text, "data/focus/*.csv", "costs.csv")), "\n", "\n  ") + "\n"

	now := time.Date(2026, 8, 30, 6, 0, 0, 0, time.UTC)
	var b strings.Builder
	b.WriteString("ProviderName,SubAccountId,ServiceName,ChargeCategory,ChargePeriodStart,BillingCurrency,EffectiveCost,CommitmentDiscountId,CommitmentDiscountStatus\n")
	for d := 20; d > 0; d-- {
		day, cost := now.AddDate(0, 0, -d).Format("2006-01-02 00:00:00"), "10.5"
		if d == 1 {
			cost = "90.5"
		}
		b.WriteString("AWS,a,EC2,Usage," + day + ",USD," + cost + ",,\n")
		b.WriteString("AWS,a,EC2,Usage," + day + ",USD,0.9,sp-1,Used\nAWS,a,EC2,Usage," + day + ",USD,0.1,sp-1,Unused\n")
	}
	saved := savings(t, text, map[string]string{"costs.csv": b.String()}, now)
	if len(saved) != 2 || saved["rebalance sp-1"] != "2.00 USD" || saved["investigate AWS/a/EC2"] == "" {
		t.Errorf("%v", saved)
	}
}
