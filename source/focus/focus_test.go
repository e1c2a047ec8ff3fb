package focus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/sourcetest"
)

const month = 31 * 24 * time.Hour

// real is the folder of the public FOCUS sample; tests that need it say so
// when it is not there.
func real(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "focus", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: the public FOCUS sample is not at %s", path)
	}
	return path
}

const header = "ProviderName,SubAccountId,ResourceId,ServiceName,ChargeCategory,ChargeClass,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,BilledCost,EffectiveCost,Tags,CommitmentDiscountId\n"

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// small has ten days of one VM at 2.40 a day, a tax, a purchase, a refund, and
// a disk that went on the second day.
func small() string {
	var b strings.Builder
	b.WriteString(header)
	for d := 1; d <= 10; d++ {
		day := time.Date(2026, 9, d, 0, 0, 0, 0, time.UTC)
		line(&b, "vm-1", "Usage", "", day, "2.40", "2.40", `"{"" owner"": ""ann"", ""env"": ""dev""}"`)
	}
	first := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	line(&b, "vm-1", "Tax", "", first, "100.00", "100.00", "")
	line(&b, "vm-1", "Purchase", "", first, "500.00", "0", "")
	// Bought at an odd hour of the 8th: no day of data begins with it.
	line(&b, "sp-1", "Purchase", "", first.AddDate(0, 0, 7).Add(13*time.Hour), "500.00", "0", "")
	line(&b, "vm-1", "Usage", "Correction", first, "-50", "-50", "")
	line(&b, "disk-1", "Usage", "", first, "1", "1", "NULL")
	return b.String()
}

func line(b *strings.Builder, resource, charge, class string, day time.Time, billed, effective, tags string) {
	b.WriteString(strings.Join([]string{
		"AWS", "acc-1", resource, "Compute", charge, class, "USD", day.Format("2006-01-02T15:04:05Z"),
		day.AddDate(0, 0, 1).Format("2006-01-02 15:04:05"), billed, effective, tags, "",
	}, ",") + "\n")
}

func TestSuite(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{
		Good: New(Config{Name: "billing", Path: write(t, "a.csv", small())}),
		Bad:  New(Config{Name: "billing", Path: filepath.Join(t.TempDir(), "none.parquet")}),
		Now:  time.Date(2026, 9, 12, 0, 0, 0, 0, time.UTC),
	})
}

func gather(t *testing.T, cfg Config) *source.Batch {
	t.Helper()
	batch, err := New(cfg).Gather(t.Context(), time.Date(2026, 9, 12, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func find(t *testing.T, batch *source.Batch, typ, resource string) map[string]any {
	t.Helper()
	for _, f := range batch.Facts {
		if f.Type == typ && f.Fields["resource"] == resource {
			return f.Fields
		}
	}
	t.Fatalf("no %s of %s", typ, resource)
	return nil
}

func TestRunRate(t *testing.T) {
	batch := gather(t, Config{Path: write(t, "a.csv", small())})
	vm := find(t, batch, "ResourceCost", "vm-1")
	// 24.00 in 10 days is 73.05 a month of 30.4375 days; tax, purchase and
	// correction are no consumption.
	if got := vm["monthly_cost"].(trimtab.Money); got.String() != "73.05 USD" {
		t.Errorf("monthly cost %s", got)
	}
	if tags := vm["tags"].(map[string]string); tags["owner"] != "ann" || vm["environment"] != "dev" {
		t.Errorf("tags %v, environment %v", tags, vm["environment"])
	}
	for _, f := range batch.Facts {
		if f.Fields["resource"] == "disk-1" {
			t.Error("a resource without a charge for nine days still gives facts")
		}
	}
	if want := time.Date(2026, 9, 11, 0, 0, 0, 0, time.UTC); !batch.Until.Equal(want) {
		t.Errorf("the data reach until %s", batch.Until)
	}
}

func TestObserve(t *testing.T) {
	s := New(Config{Path: write(t, "a.csv", small())})
	claims := []source.Claim{
		{Resource: "vm-1", Since: time.Date(2026, 9, 8, 12, 0, 0, 0, time.UTC)},
		{Resource: "disk-1", Since: time.Date(2026, 9, 8, 12, 0, 0, 0, time.UTC)},
		{Resource: "vm-1", Since: time.Date(2026, 9, 20, 0, 0, 0, 0, time.UTC)},
	}
	seen, err := s.Observe(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	if seen[0].Days != 2 || seen[0].RunRate.String() != "73.05 USD" {
		t.Errorf("vm-1 since noon of the 8th: %v", seen[0])
	}
	if seen[1].Days != 2 || !seen[1].RunRate.IsZero() {
		t.Errorf("disk-1, which has gone: %v", seen[1])
	}
	if seen[2].Days != 0 {
		t.Errorf("a claim after the end of the data: %v", seen[2])
	}
}

func TestBadFiles(t *testing.T) {
	cases := map[string]struct{ path, want string }{
		"no column":   {write(t, "a.csv", strings.Replace(small(), "EffectiveCost", "Effective", 1)), "EffectiveCost"},
		"no number":   {write(t, "a.csv", strings.Replace(small(), "2.40,2.40", "2.40,lots", 1)), `row 1, column EffectiveCost: "lots" is no number (1 rows`},
		"no time":     {write(t, "a.csv", strings.Replace(small(), "2026-09-03T00:00:00Z", "yesterday", 1)), `column ChargePeriodStart: "yesterday" is no time`},
		"no lines":    {write(t, "a.csv", header), "has no lines"},
		"empty":       {write(t, "a.csv", ""), "is empty"},
		"no parquet":  {write(t, "a.parquet", "PAR1 but not really"), "a.parquet"},
		"odd ending":  {write(t, "a.xls", "x"), "the ending says nothing"},
		"cut short":   {write(t, "a.csv", small()[:len(header)+150]), "no table of columns"},
		"odd columns": {write(t, "a.csv", "a,b\n1,2\n"), "lacks the FOCUS columns BilledCost, BillingCurrency"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := New(Config{Path: c.path}).Gather(t.Context(), time.Now())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if trimtab.NextOf(err) == "" {
				t.Errorf("%v names no next step", err)
			}
		})
	}
}

func TestTruncatedParquet(t *testing.T) {
	data, err := os.ReadFile(real(t, "focus_sample_1.0_1000.tags-json.zstd.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "cut.parquet", string(data[:len(data)/2]))
	if _, err := New(Config{Path: path}).Gather(t.Context(), time.Now()); err == nil || !strings.Contains(trimtab.NextOf(err), "cut short") {
		t.Errorf("got %v", err)
	}
}

// The public sample as CSV and in three shapes of Parquet says the same.
func TestSampleShapesAgree(t *testing.T) {
	csv := gather(t, Config{Path: real(t, "focus_sample_1.0_1000.csv"), Current: month})
	if csv.Rows != 1000 {
		t.Fatalf("%d rows", csv.Rows)
	}
	for _, name := range []string{"tags-json.snappy", "tags-json.zstd", "tags-map.snappy"} {
		other := gather(t, Config{Path: real(t, "focus_sample_1.0_1000."+name+".parquet"), Current: month})
		if len(other.Facts) != len(csv.Facts) {
			t.Errorf("%s: %d facts, CSV gives %d", name, len(other.Facts), len(csv.Facts))
			continue
		}
		for i, f := range csv.Facts {
			a, b := f.Fields["monthly_cost"].(trimtab.Money), other.Facts[i].Fields["monthly_cost"].(trimtab.Money)
			if !a.Equal(b) {
				t.Errorf("%s: fact %d costs %s, in CSV %s", name, i, b, a)
			}
		}
	}
}

// One hourly line of an idle address at 0.005 is a day's line, not 730 times
// as much: 0.005 × 30.4375 = 0.1521875 a month.
func TestSampleIdleAddress(t *testing.T) {
	batch := gather(t, Config{Path: real(t, "focus_sample_1.0_1000.csv"), Current: month})
	var idle int
	for _, f := range batch.Facts {
		if f.Type == "SkuUsage" && f.Fields["description"] == "$0.005 per Idle public IPv4 address per hour" {
			idle++
			if got := f.Fields["monthly_cost"].(trimtab.Money); got.String() != "0.1521875 USD" {
				t.Errorf("an idle address costs %s", got)
			}
		}
	}
	if idle != 4 {
		t.Errorf("%d idle addresses, the sample has 4", idle)
	}
}
