package store

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
)

func money(t *testing.T, text string) trimtab.Money {
	t.Helper()
	m, err := trimtab.ParseMoney(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// day is a day of 2026, of a month.
func day(month time.Month, n int) time.Time { return time.Date(2026, month, n, 12, 0, 0, 0, time.UTC) }

// lives are four recommendations: one verified and come back, its superseded alternative, one
// in another currency that is verified, and one that nobody was told of.
func lives(t *testing.T) []SavingsLife {
	row := func(kind string, at time.Time, realised string) Saving {
		e := lifecycle.Entry{Kind: kind, At: at}
		if realised != "" {
			e.Realised = money(t, realised)
		}
		return Saving{Entry: e}
	}
	return []SavingsLife{
		{
			Rule: "p/idle", Board: "shop", Owner: "ann", Account: "1", Savings: money(t, "100.10 USD"),
			Seen: day(1, 5), Ticketed: day(1, 6), Claimed: day(2, 1),
			Booked: []Saving{row("verified", day(2, 20), "90.05 USD"), row("regressed", day(3, 3), ""), row("verified", day(4, 1), "80.00 USD")},
		},
		{Rule: "p/large", Board: "shop", Owner: "ann", Account: "1", Savings: money(t, "50.20 USD"), Seen: day(1, 5), Ticketed: day(1, 6), Superseded: true},
		{
			Rule: "p/idle", Board: "web", Owner: "ben", Account: "2", Savings: money(t, "20.00 EUR"),
			Seen: day(1, 31), Ticketed: day(2, 1), Claimed: day(2, 2), Booked: []Saving{row("verified", day(3, 1), "19.99 EUR")},
		},
		{Rule: "p/idle", Savings: money(t, "0.30 USD"), Seen: day(2, 10)},
	}
}

// TestSumSavings: the figures are added by hand.
func TestSumSavings(t *testing.T) {
	for name, c := range map[string]struct {
		by    SavingsBy
		since time.Time
		want  []string
	}{
		// 100.10 + 50.20 + 0.30; without 50.20; 90.05 + 80.00; 90.05 came back.
		"total": {ByTotal, time.Time{}, []string{
			"total EUR 1: 20.00 20.00 20.00 20.00 19.99 0.00",
			"total USD 3: 150.60 100.40 100.10 100.10 170.05 90.05",
		}},
		"month": {ByMonth, time.Time{}, []string{
			"2026-01 EUR 1: 20.00 20.00 0.00 0.00 0.00 0.00",
			"2026-01 USD 2: 150.30 100.10 100.10 0.00 0.00 0.00",
			"2026-02 EUR 0: 0.00 0.00 20.00 20.00 0.00 0.00",
			"2026-02 USD 1: 0.30 0.30 0.00 100.10 90.05 0.00",
			"2026-03 EUR 0: 0.00 0.00 0.00 0.00 19.99 0.00",
			"2026-03 USD 0: 0.00 0.00 0.00 0.00 0.00 90.05",
			"2026-04 USD 0: 0.00 0.00 0.00 0.00 80.00 0.00",
		}},
		"since March": {ByTotal, day(3, 1).Add(-12 * time.Hour), []string{
			"total EUR 0: 0.00 0.00 0.00 0.00 19.99 0.00",
			"total USD 0: 0.00 0.00 0.00 0.00 80.00 90.05",
		}},
		"team": {ByTeam, time.Time{}, []string{
			"- USD 1: 0.30 0.30 0.00 0.00 0.00 0.00",
			"shop USD 2: 150.30 100.10 100.10 100.10 170.05 90.05",
			"web EUR 1: 20.00 20.00 20.00 20.00 19.99 0.00",
		}},
		"rule": {ByRule, time.Time{}, []string{
			"p/idle EUR 1: 20.00 20.00 20.00 20.00 19.99 0.00",
			"p/idle USD 2: 100.40 100.40 100.10 100.10 170.05 90.05",
			"p/large USD 1: 50.20 0.00 0.00 0.00 0.00 0.00",
		}},
		"owner":   {ByOwner, day(4, 1).Add(-12 * time.Hour), []string{"ann USD 0: 0.00 0.00 0.00 0.00 80.00 0.00"}},
		"account": {ByAccount, day(4, 1).Add(-12 * time.Hour), []string{"1 USD 0: 0.00 0.00 0.00 0.00 80.00 0.00"}},
		"board":   {ByBoard, day(4, 1).Add(-12 * time.Hour), []string{"shop USD 0: 0.00 0.00 0.00 0.00 80.00 0.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range SumSavings(lives(t), c.by, c.since) {
				got = append(got, line(t, s))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n%v\nwant\n%v", got, c.want)
			}
		})
	}
}

// line writes a sum in one line; every amount must have the sum's currency.
func line(t *testing.T, s SavingsSum) string {
	t.Helper()
	text := fmt.Sprintf("%s %s %d:", s.Group, s.Currency, s.Recommendations)
	for _, m := range []trimtab.Money{s.Identified, s.Net, s.Ticketed, s.Claimed, s.Verified, s.Regressed} {
		if m.Currency != s.Currency {
			t.Errorf("%s in a sum of %s", m, s.Currency)
		}
		text += " " + m.Amount.StringFixed(2)
	}
	return text
}
