package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
)

// newSavings sums what can be saved and what was; the rows behind it are a command below.
func newSavings(env *environment) *cobra.Command {
	var by, since string
	c := &cobra.Command{
		Use: "savings", Short: "What was identified, ticketed, claimed, verified, and came back, a month",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(store.AllSavingsBy(), store.SavingsBy(by)) {
				return trimtab.Errorf(trimtab.Invalid, "savings are not summed by %q", by).WithNext("by %s", orWords(store.AllSavingsBy()))
			}
			from, err := sinceDay(since)
			if err != nil {
				return err
			}
			var sums []store.SavingsSum
			err = env.read(c, func(tx *store.Tx) error {
				lives, err := tx.SavingsLives()
				sums = store.SumSavings(lives, store.SavingsBy(by), from)
				return err
			})
			if err != nil {
				return err
			}
			return env.print(savingsTable(sums))
		},
	}
	c.Flags().StringVar(&by, "by", string(store.ByTotal), "one row for each "+orWords(store.AllSavingsBy()[1:])+", or the total")
	c.Flags().StringVar(&since, "since", "", "only what happened since a month or a day, as 2026-01")
	c.AddCommand(newLedger(env))
	return c
}

func orWords(all []store.SavingsBy) string {
	words := make([]string, len(all))
	for i, by := range all {
		words[i] = string(by)
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// sinceDay reads a month or a day; "" is from the beginning.
func sinceDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, trimtab.Errorf(trimtab.Invalid, "--since %q is no month and no day", text).WithNext("write it as 2026-01 or 2026-01-15")
}

func savingsTable(sums []store.SavingsSum) table {
	t := table{names: []string{
		"group", "currency", "recommendations", "identified", "net", "ticketed", "claimed", "verified", "regressed",
	}}
	for _, s := range sums {
		t.add(s.Group, s.Currency, s.Recommendations, s.Identified, s.Net, s.Ticketed, s.Claimed, s.Verified, s.Regressed)
	}
	if len(sums) == 0 {
		t.more = "Nothing was identified."
	}
	return t
}

// newLedger shows both signs: what came back stands in the ledger too.
func newLedger(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "ledger", Short: "One row for each saving that was verified or came back", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var rows []store.Saving
			err := env.read(c, func(tx *store.Tx) (err error) {
				rows, err = tx.Ledger()
				return err
			})
			if err != nil {
				return err
			}
			t := table{names: []string{"at", "kind", "recommendation", "resource", "baseline", "observed", "realised", "basis"}}
			for _, s := range rows {
				t.add(s.At.Format(time.DateOnly), s.Kind, s.Action, s.Resource, s.Baseline, s.Observed, s.Realised, s.Basis)
			}
			return env.print(t)
		},
	}
}
