package focus

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/internal/duck"
)

// charge is one line of a cost file by column; what is not said is as usual.
type charge map[string]string

var usual = charge{
	"ProviderName": "AWS", "SubAccountId": "acc-1", "ResourceId": "vm-1", "ServiceName": "Compute", "ChargeCategory": "Usage", "ChargeClass": "",
	"BillingCurrency": "USD", "BilledCost": "1", "EffectiveCost": "1", "Tags": "", "CommitmentDiscountId": "",
}

// on is a charge of a day, 1 for the first of September 2026.
func on(day int, with charge) charge {
	start := time.Date(2026, 9, day, 0, 0, 0, 0, time.UTC)
	c := charge{"ChargePeriodStart": start.Format(time.RFC3339), "ChargePeriodEnd": start.AddDate(0, 0, 1).Format(time.RFC3339)}
	for _, from := range []charge{usual, with} {
		for k, v := range from {
			c[k] = v
		}
	}
	return c
}

// days are the same charge on days 1 to n.
func days(n int, with charge) (all []charge) {
	for d := 1; d <= n; d++ {
		all = append(all, on(d, with))
	}
	return all
}

// file writes charges as CSV under a header.
func file(header string, charges ...charge) string {
	var b strings.Builder
	b.WriteString(strings.Join(strings.Fields(header), ",") + "\n")
	for _, c := range charges {
		cells := strings.Fields(header)
		for i, name := range cells {
			cells[i] = `"` + strings.ReplaceAll(c[name], `"`, `""`) + `"`
			if c[name] == "" || c[name] == "NULL" {
				cells[i] = c[name]
			}
		}
		b.WriteString(strings.Join(cells, ",") + "\n")
	}
	return b.String()
}

const plain = `ProviderName SubAccountId ResourceId ServiceName ChargeCategory ChargeClass BillingCurrency ChargePeriodStart ChargePeriodEnd
	BilledCost EffectiveCost Tags CommitmentDiscountId`

// of gathers charges from one plain CSV.
func of(t *testing.T, charges ...charge) *source.Batch {
	t.Helper()
	return gather(t, Config{Path: write(t, "a.csv", file(plain, charges...))})
}

// costs are the monthly costs of all resources: "provider/account/resource" and the money.
func costs(batch *source.Batch) map[string]string {
	all := map[string]string{}
	for _, f := range batch.Facts {
		if f.Type == "ResourceCost" {
			name := f.Fields["provider"].(string) + "/" + f.Fields["account"].(string) + "/" + f.Fields["resource"].(string)
			all[name] = strings.TrimPrefix(all[name]+" + "+f.Fields["monthly_cost"].(trimtab.Money).String(), " + ")
		}
	}
	return all
}

func want(t *testing.T, batch *source.Batch, costsWanted map[string]string) {
	t.Helper()
	got := costs(batch)
	if len(got) != len(costsWanted) {
		t.Errorf("costs %v, want %v", got, costsWanted)
	}
	for name, cost := range costsWanted {
		if got[name] != cost {
			t.Errorf("%s costs %q, want %q", name, got[name], cost)
		}
	}
}

// FOCUS 1.3 has ServiceProviderName for ProviderName and names the columns as
// 1.2 does; the case of a header does not count.
func TestNewerHeaders(t *testing.T) {
	for _, c := range []struct{ old, new string }{
		{"ProviderName", "ServiceProviderName"}, {"SubAccountId", "BillingAccountId"}, {"ResourceId", "RESOURCEID"}, {"ChargePeriodStart", "chargeperiodstart"},
	} {
		text := strings.Replace(file(plain, days(10, nil)...), c.old, c.new, 1)
		want(t, gather(t, Config{Path: write(t, "a.csv", text)}), map[string]string{"AWS/acc-1/vm-1": "30.4375 USD"})
	}
}

// Months exported by two versions of FOCUS lie in one folder: a resource stays
// one resource, whatever its provider's column was called.
func TestMonthsWithDifferingColumns(t *testing.T) {
	dir := t.TempDir()
	charges := days(10, charge{"ServiceProviderName": "AWS", "RegionId": "eu-1", "Region": "eu-1"})
	older := strings.Replace(plain, "Tags", "Region", 1)
	newer := strings.Replace(plain, "ProviderName", "RegionId ServiceProviderName x_Extra", 1)
	for name, text := range map[string]string{"2026-08.csv": file(older, charges[:6]...), "2026-09.csv": file(newer, charges[6:]...)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	batch := gather(t, Config{Path: dir + "/*.csv"})
	want(t, batch, map[string]string{"AWS/acc-1/vm-1": "30.4375 USD"})
	if f := find(t, batch, "ResourceCost", "vm-1"); batch.Rows != 10 || f["rows"] != int64(10) || f["region"] != "eu-1" {
		t.Errorf("%d rows, %v", batch.Rows, f)
	}
}

// The window is the last 30 days: a line that ends when it begins is before it,
// one that ends when the data end is in it.
func TestWindow(t *testing.T) {
	start := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	var charges []charge
	for d := range 62 { // to the end of August
		c := on(1, charge{"EffectiveCost": "1"})
		c["ChargePeriodStart"], c["ChargePeriodEnd"] = start.AddDate(0, 0, d).Format(time.RFC3339), start.AddDate(0, 0, d+1).Format(time.RFC3339)
		if d == 31 || d == 62-31 {
			c["EffectiveCost"] = "1000" // 1 August ends as the window begins
		}
		if d == 32 || d == 61 {
			c["EffectiveCost"] = "16" // its first and its last day
		}
		charges = append(charges, c)
	}
	batch := of(t, charges...)
	f := find(t, batch, "ResourceCost", "vm-1")
	if f["rows"] != int64(30) || f["days"] != 30.0 || f["monthly_cost"].(trimtab.Money).String() != "60.875 USD" {
		t.Errorf("%v: 60.00 in 30 days are 60.875 a month", f)
	}
	if first := f["first"].(time.Time); !first.Equal(start.AddDate(0, 0, 32)) {
		t.Errorf("first %s", first)
	}
}

// A tax or a purchase is charged for a period that ends long after the data do
// (a month, a year): it does not say how far the data reach.
func TestReachIsOfUsage(t *testing.T) {
	month := on(1, charge{"ChargeCategory": "Tax", "ResourceId": "", "ChargePeriodEnd": "2026-10-01T00:00:00Z"})
	year := on(1, charge{"ChargeCategory": "Purchase", "ResourceId": "ri-1", "ChargePeriodEnd": "2027-09-01T00:00:00Z"})
	batch := of(t, append(days(10, nil), month, year)...)
	want(t, batch, map[string]string{"AWS/acc-1/vm-1": "30.4375 USD"})
	if end := time.Date(2026, 9, 11, 0, 0, 0, 0, time.UTC); !batch.Until.Equal(end) {
		t.Errorf("the data reach until %s", batch.Until)
	}
}

func TestTwoCurrencies(t *testing.T) {
	charges := append(days(10, nil), days(10, charge{"BillingCurrency": "EUR", "EffectiveCost": "2"})...)
	want(t, of(t, charges...), map[string]string{"AWS/acc-1/vm-1": "60.875 EUR + 30.4375 USD"})
	since := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	seen, err := New(Config{Path: write(t, "a.csv", file(plain, append(charges, days(10, charge{"ResourceId": "vm-2"})...)...))}).
		Observe(t.Context(), []source.Claim{{Resource: "vm-1", Since: since}, {Resource: "vm-2", Since: since}, {Resource: "vm-1", Since: since, Currency: "EUR"}})
	if err != nil {
		t.Fatal(err)
	}
	if seen[0].Days != 0 || !seen[0].RunRate.IsZero() {
		t.Errorf("euros and dollars were added: %v", seen[0])
	}
	if seen[1].Days != 10 || seen[1].RunRate.String() != "30.4375 USD" {
		t.Errorf("one currency: %v", seen[1])
	}
	if seen[2].Days != 10 || seen[2].RunRate.String() != "60.875 EUR" {
		t.Errorf("the baseline's currency: %v", seen[2])
	}
}

// Azure writes one id in several cases (ids of Azure Resource Manager do not
// differ by case); other providers' ids do.
func TestCaseOfIds(t *testing.T) {
	const id = "/subscriptions/0a/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm"
	charges := append(days(5, charge{"ResourceId": strings.ToUpper(id)}), on(6, charge{"ResourceId": id}), on(6, charge{"ResourceId": "I-1"}), on(6, charge{"ResourceId": "i-1"}))
	batch := of(t, charges...)
	want(t, batch, map[string]string{"AWS/acc-1/" + id: "30.4375 USD", "AWS/acc-1/I-1": "30.4375 USD", "AWS/acc-1/i-1": "30.4375 USD"})
	seen, err := New(Config{Path: write(t, "a.csv", file(plain, charges...))}).
		Observe(t.Context(), []source.Claim{{Resource: id, Since: time.Date(2026, 9, 5, 0, 0, 0, 0, time.UTC)}})
	if err != nil || seen[0].RunRate.String() != "30.4375 USD" {
		t.Errorf("%v, %v", seen, err)
	}
}

func TestTags(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{"owner": "ann", "Env": "dev"}`: {"owner": "ann", "Env": "dev"},
		`{" env ": "prod"}`:              {"env": "prod"},
		`{"é\"": "ü, \u00e4"}`:           {`é"`: "ü, ä"},
		"":                               nil, "NULL": nil, "{}": nil, "{owner: ann}": nil, `["a"]`: nil, `"a"`: nil, `{"owner": "ann"`: nil,
	} {
		f := find(t, of(t, on(1, charge{"Tags": text})), "ResourceCost", "vm-1")
		got, _ := f["tags"].(map[string]string)
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %q, want %q", text, k, got[k], v)
			}
		}
	}
	if f := find(t, of(t, on(1, charge{"Tags": `{"Env": "dev"}`})), "ResourceCost", "vm-1"); f["environment"] != "dev" {
		t.Errorf("environment %v", f["environment"])
	}
}

// The newest line's tags are the resource's.
func TestTagsOfToday(t *testing.T) {
	batch := of(t, on(3, charge{"Tags": `{"owner": "ben"}`}), on(1, charge{"Tags": `{"owner": "zoe"}`}), on(2, charge{"Tags": `{"owner": "ann"}`}))
	if tags := find(t, batch, "ResourceCost", "vm-1")["tags"].(map[string]string); tags["owner"] != "ben" {
		t.Errorf("%v", tags)
	}
}

// Numbers as exports spell them. What spells "none" leaves the line's billed
// cost to count, and the fact says so.
func TestSpellings(t *testing.T) {
	for text, want := range map[string]string{
		"1.5e1": "456.5625 effective", "2E-05": "0.00060875 effective", "+3": "91.3125 effective", "-0.5": "-15.21875 effective", " 2 ": "60.875 effective",
		"0.000000000001": "0.000000000030 effective",
		"":               "121.75 billed", "NULL": "121.75 billed", "NaN": "121.75 billed", "nan": "121.75 billed", "null": "121.75 billed", "0": "121.75 billed",
	} {
		f := find(t, of(t, on(1, charge{"BilledCost": "4", "EffectiveCost": text})), "ResourceCost", "vm-1")
		got := f["monthly_cost"].(trimtab.Money)
		amount, basis, _ := strings.Cut(want, " ")
		if expected, _ := trimtab.NewMoney(amount, "USD"); !got.Equal(expected) || f["basis"] != basis {
			t.Errorf("%q: %s %s, want %s", text, got, f["basis"], want)
		}
	}
	for _, text := range []string{"1,50", "1.000,5", "$1", "inf", "-Infinity", "1e40", "0x10", "one"} {
		_, err := New(Config{Path: write(t, "a.csv", file(plain, on(1, charge{"EffectiveCost": text})))}).Gather(t.Context(), time.Now())
		if err == nil || !strings.Contains(err.Error(), "is no number") {
			t.Errorf("%q was read as a number: %v", text, err)
		}
	}
}

// A refund within the usage lowers the cost; it may even be below nothing.
func TestNegativeCosts(t *testing.T) {
	want(t, of(t, on(1, charge{"EffectiveCost": "3", "BilledCost": "3"}), on(1, charge{"EffectiveCost": "-1", "BilledCost": "-1"})), map[string]string{"AWS/acc-1/vm-1": "60.875 USD"})
	want(t, of(t, on(1, charge{"EffectiveCost": "-1", "BilledCost": "-1"})), map[string]string{"AWS/acc-1/vm-1": "-30.4375 USD"})
}

// What a commitment covers is billed nothing and costs its share; the share is
// shown apart. A line that it covers whole at no cost does not fall back.
func TestCommitted(t *testing.T) {
	batch := of(t,
		on(1, charge{"BilledCost": "0", "EffectiveCost": "3", "CommitmentDiscountId": "sp-1"}), on(1, charge{"BilledCost": "1", "EffectiveCost": "1"}),
		on(1, charge{"BilledCost": "9", "EffectiveCost": "0", "CommitmentDiscountId": "sp-1"}))
	f := find(t, batch, "ResourceCost", "vm-1")
	if total, part := f["monthly_cost"].(trimtab.Money).String(), f["committed_cost"].(trimtab.Money).String(); total != "121.75 USD" || part != "91.3125 USD" || f["basis"] != "effective" {
		t.Errorf("%s, of which %s, %s", total, part, f["basis"])
	}
	batch = of(t, on(1, nil), on(1, charge{"EffectiveCost": "0"}))
	if f := find(t, batch, "ResourceCost", "vm-1"); f["basis"] != "mixed" || f["monthly_cost"].(trimtab.Money).String() != "60.875 USD" {
		t.Errorf("%v", f)
	}
}

// One export in the wrappings in which exports come.
func TestWrappings(t *testing.T) {
	text := file(plain, days(10, charge{"Tags": `{"owner": "ann"}`})...)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(text)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"plain.csv": text, "zipped.csv.gz": zipped.String(), "bom.csv": "\ufeff" + text, "crlf.csv": strings.ReplaceAll(text, "\n", "\r\n"),
		"tabs.tsv": strings.ReplaceAll(file(plain, days(10, nil)...), ",", "\t"), "semicolons.csv": strings.ReplaceAll(file(plain, days(10, nil)...), ",", ";"),
		"no newline at the end.csv": strings.TrimSuffix(text, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			want(t, gather(t, Config{Path: write(t, name, data)}), map[string]string{"AWS/acc-1/vm-1": "30.4375 USD"})
		})
	}
	cut := write(t, "cut.csv.gz", zipped.String()[:zipped.Len()/2])
	if _, err := New(Config{Path: cut}).Gather(t.Context(), time.Now()); err == nil {
		t.Error("half a file was taken for a whole one")
	}
}

// The reader guesses a CSV's quotes from its first 20,480 lines: the first
// quoted text may come later.
func TestLateQuotes(t *testing.T) {
	var b strings.Builder
	b.WriteString(header)
	for range 25_000 {
		line(&b, "vm-1", "Usage", "", time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), "0.001", "0.001", "")
	}
	line(&b, "vm-2", "Usage", "", time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), "1", "1", `"{""a"": ""b"", ""c"": ""#d""}"`)
	line(&b, "#3", "Usage", "", time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), "1", "1", "")
	batch := gather(t, Config{Path: write(t, "a.csv", b.String())})
	want(t, batch, map[string]string{"AWS/acc-1/vm-1": "760.9375 USD", "AWS/acc-1/vm-2": "30.4375 USD", "AWS/acc-1/#3": "30.4375 USD"})
	if tags := find(t, batch, "ResourceCost", "vm-2")["tags"].(map[string]string); tags["c"] != "#d" {
		t.Errorf("%v", tags)
	}
}

// parquet writes the rows of a SELECT as a Parquet file.
func parquet(t *testing.T, query string) string {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	path := filepath.Join(t.TempDir(), "a.parquet")
	if _, err := db.ExecContext(t.Context(), "COPY ("+query+") TO "+duck.Quote(path)+" (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	return path
}

// Parquet keeps numbers and tags as one of several types; all say the same.
func TestParquetTypes(t *testing.T) {
	csv := duck.Quote(write(t, "a.csv", file(plain, append(days(10, charge{"Tags": `{"owner": "ann"}`}), on(10, charge{"EffectiveCost": "NaN", "BilledCost": "0"}))...)))
	for name, replace := range map[string]string{
		"text":    "BilledCost AS BilledCost",
		"double":  "EffectiveCost::DOUBLE AS EffectiveCost, BilledCost::DOUBLE AS BilledCost",
		"decimal": "TRY_CAST(EffectiveCost AS DECIMAL(20, 6)) AS EffectiveCost",
		"map":     "MAP {'owner': 'ann'} AS Tags", "struct": "{'owner': 'ann'} AS Tags", "json": "Tags::JSON AS Tags",
		"times":  "ChargePeriodStart::TIMESTAMPTZ AS ChargePeriodStart, ChargePeriodEnd::TIMESTAMP AS ChargePeriodEnd",
		"nanos":  "ChargePeriodStart::TIMESTAMP_NS AS ChargePeriodStart, ChargePeriodEnd::TIMESTAMP_MS AS ChargePeriodEnd",
		"no tag": "NULL::MAP(VARCHAR, VARCHAR) AS Tags",
	} {
		t.Run(name, func(t *testing.T) {
			batch := gather(t, Config{Path: parquet(t, "SELECT * REPLACE ("+replace+") FROM read_csv("+csv+", all_varchar = true)")})
			want(t, batch, map[string]string{"AWS/acc-1/vm-1": "30.4375 USD"})
			tags, _ := find(t, batch, "ResourceCost", "vm-1")["tags"].(map[string]string)
			if (tags["owner"] == "ann") != (name != "no tag") {
				t.Errorf("tags %v", tags)
			}
		})
	}
}
