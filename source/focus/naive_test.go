package focus

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
)

var charges = rapid.Custom(func(t *rapid.T) charge {
	amount := rapid.SampledFrom([]string{"0", "1.10", "-0.25", "0.000000000001", "3e-3", "NULL", "1234567.89"})
	c := on(rapid.IntRange(1, 30).Draw(t, "day"), charge{
		"ResourceId": rapid.SampledFrom([]string{"vm-1", "vm-2", "disk-1", ""}).Draw(t, "resource"), "BilledCost": amount.Draw(t, "billed"), "EffectiveCost": amount.Draw(t, "effective"),
		"BillingCurrency":      rapid.SampledFrom([]string{"USD", "EUR"}).Draw(t, "currency"),
		"ChargeCategory":       rapid.SampledFrom([]string{"Usage", "Usage", "Tax", "Credit", "Purchase", "Adjustment", ""}).Draw(t, "category"),
		"ChargeClass":          rapid.SampledFrom([]string{"", "", "Correction"}).Draw(t, "class"),
		"CommitmentDiscountId": rapid.SampledFrom([]string{"", "sp-1"}).Draw(t, "commitment"),
	})
	if hour := rapid.IntRange(-1, 23).Draw(t, "hour"); hour >= 0 { // an hourly line
		start, _ := time.Parse(time.RFC3339, c["ChargePeriodStart"])
		start = start.Add(time.Duration(hour) * time.Hour)
		c["ChargePeriodStart"], c["ChargePeriodEnd"] = start.Format(time.RFC3339), start.Add(time.Hour).Format(time.RFC3339)
	}
	return c
})

// sums are what the naive computation keeps of a resource and currency.
type sums struct {
	total, committed decimal.Decimal
	first, last      time.Time
}

func runs(c charge) bool {
	switch c["ChargeCategory"] {
	case "Tax", "Credit", "Purchase":
		return false
	}
	return c["ChargeClass"] != "Correction"
}

func amountOf(text string) decimal.Decimal {
	d, _ := decimal.NewFromString(text) // "NULL" is nothing
	return d
}

func period(c charge) (start, end time.Time) {
	start, _ = time.Parse(time.RFC3339, c["ChargePeriodStart"])
	end, _ = time.Parse(time.RFC3339, c["ChargePeriodEnd"])
	return start, end
}

// naively adds the lines up one by one, as decisions/0004 says it in words.
func naively(lines []charge, window, current time.Duration) map[string]string {
	var until time.Time
	for _, c := range lines {
		if _, end := period(c); runs(c) && end.After(until) {
			until = end
		}
	}
	all := map[string]*sums{}
	for _, c := range lines {
		start, end := period(c)
		if !runs(c) || c["ResourceId"] == "" || !end.After(until.Add(-window)) {
			continue
		}
		key := c["ResourceId"] + " " + c["BillingCurrency"]
		if all[key] == nil {
			all[key] = &sums{first: start, last: end}
		}
		all[key].add(c, start, end)
	}
	rates := map[string]string{}
	for key, s := range all {
		if !s.last.Before(until.Add(-current)) {
			rates[key] = s.rate(s.total) + " of which " + s.rate(s.committed)
		}
	}
	return rates
}

func (s *sums) add(c charge, start, end time.Time) {
	cost, billed, free := amountOf(c["EffectiveCost"]), amountOf(c["BilledCost"]), c["CommitmentDiscountId"] == ""
	if cost.IsZero() && free {
		cost = billed
	}
	s.total = s.total.Add(cost)
	if !free {
		s.committed = s.committed.Add(cost)
	}
	if start.Before(s.first) {
		s.first = start
	}
	if end.After(s.last) {
		s.last = end
	}
}

func (s *sums) rate(amount decimal.Decimal) string {
	hours := max(int64(s.last.Sub(s.first)/time.Hour), 24)
	return amount.Mul(decimal.RequireFromString("730.5")).Div(decimal.NewFromInt(hours)).Round(8).String()
}

func told(batch *source.Batch) map[string]string {
	rates := map[string]string{}
	for _, f := range batch.Facts {
		if f.Type == "ResourceCost" {
			total, part := f.Fields["monthly_cost"].(trimtab.Money), f.Fields["committed_cost"].(trimtab.Money)
			rates[f.Fields["resource"].(string)+" "+total.Currency] = total.Amount.Round(8).String() + " of which " + part.Amount.Round(8).String()
		}
	}
	return rates
}

// What DuckDB aggregates is what a loop over the lines adds up, in whatever
// order they come and however they are spread over files. The seeds are fixed:
// a reading takes a tenth of a second, which rapid's hundred times are too many for.
func TestNaive(t *testing.T) {
	const window, current = 20 * 24 * time.Hour, 3 * 24 * time.Hour
	cases := rapid.Custom(func(t *rapid.T) [3][]charge {
		lines := append(rapid.SliceOfN(charges, 0, 60).Draw(t, "lines"), on(30, charge{"ResourceId": "always"}))
		shuffled := rapid.Permutation(lines).Draw(t, "order")
		cut := rapid.IntRange(0, len(lines)).Draw(t, "cut")
		return [3][]charge{lines, shuffled[:cut], shuffled[cut:]}
	})
	for seed := range 20 {
		c := cases.Example(seed)
		expected := naively(c[0], window, current)
		for _, files := range [][][]charge{c[:1], c[1:]} {
			dir := t.TempDir()
			for i, lines := range files {
				if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)+".csv"), []byte(file(plain, lines...)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := told(gather(t, Config{Path: dir + "/*.csv", Window: window, Current: current})); !maps.Equal(got, expected) {
				t.Fatalf("seed %d in %d files: %v\nwant %v", seed, len(files), got, expected)
			}
		}
	}
}
