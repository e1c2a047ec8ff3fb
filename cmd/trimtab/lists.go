package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/store"
)

// read runs fn on the state of the deployment, beside whoever writes to it.
func (e *environment) read(c *cobra.Command, fn func(*store.Tx) error) error {
	s, err := app.OpenState(c.Context(), e.file)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // it was only read
	return s.Read(c.Context(), fn)
}

func newRecommendations(env *environment) *cobra.Command {
	c := group("recommendations", "What was recommended, and what became of it",
		newRecommendationsList(env), newRecommendationsShow(env), newDismiss(env), newSnooze(env))
	c.Aliases = []string{"recs"}
	return c
}

func newRecommendationsList(env *environment) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "One row a recommendation, repeats folded", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var views []store.RecommendationView
			err := env.read(c, func(tx *store.Tx) (err error) {
				views, err = tx.RecommendationViews(all)
				return err
			})
			if err != nil {
				return err
			}
			return env.print(recommendationTable(views))
		},
	}
	c.Flags().BoolVar(&all, "all", false, "closed ones too")
	return c
}

// recommendationTable sums what can be had: a superseded proposal and the one
// before it are not both counted.
func recommendationTable(views []store.RecommendationView) table {
	t := table{names: []string{
		"id", "recommendation", "resource", "savings", "condition", "workflow", "owner", "owner_from", "board", "ticket", "seen", "rule",
	}}
	sums := map[string]trimtab.Money{}
	for _, v := range views {
		t.add(v.ID, v.Action, v.Resource, v.Savings, v.Condition, v.Workflow, v.Owner, v.OwnerFrom, v.Board, v.Ticket, v.Seen, v.Rule)
		// Without a currency nothing is known of the savings. Currencies stay apart.
		if v.Workflow != trimtab.Superseded && v.Savings.Currency != "" {
			sums[v.Savings.Currency] = trimtab.Money{Amount: sums[v.Savings.Currency].Amount.Add(v.Savings.Amount), Currency: v.Savings.Currency}
		}
	}
	t.more = fmt.Sprintf("%d recommendations", len(views))
	for _, m := range sorted(sums) {
		t.more += ", " + m.Display() + " a month (net of superseded ones)"
	}
	return t
}

func newRecommendationsShow(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "One recommendation with its evidence and its timeline", Args: exactly(1, "the id of a recommendation"),
		RunE: func(c *cobra.Command, args []string) error {
			return env.read(c, func(tx *store.Tx) error {
				e, err := episodeOf(tx, args[0])
				if err != nil {
					return err
				}
				// The last scan's: an episode has one for each scan that saw it.
				rec, err := tx.Recommendation(e.Last)
				if err != nil {
					return err
				}
				lines, err := tx.Timeline(e.ID)
				if err != nil {
					return err
				}
				// Whole and nested here; the flat table below is for people and for CSV.
				if env.output == "json" {
					return env.writeJSON(shown{rec, e.State.Condition, e.State.Workflow, e.State.Why(), lines})
				}
				return env.print(showTable(e, rec, lines))
			})
		},
	}
}

// shown is a recommendation as `show -o json` gives it.
type shown struct {
	*trimtab.Recommendation
	Condition trimtab.Condition `json:"condition"`
	Workflow  trimtab.Workflow  `json:"workflow"`
	Reason    string            `json:"reason,omitempty"`
	Timeline  []store.Line      `json:"timeline"`
}

// episodeOf finds the episode of a recommendation by the id that list shows.
func episodeOf(tx *store.Tx, text string) (*store.Episode, error) {
	id, err := recommendationID(text)
	if err != nil {
		return nil, err
	}
	return tx.EpisodeOf(id)
}

func recommendationID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, trimtab.Errorf(trimtab.Invalid, "%q is no id", text).WithNext("`trimtab recommendations list` shows the ids")
	}
	return id, nil
}

// showTable is everything about one recommendation: what, why, whose, and what
// became of it.
func showTable(e *store.Episode, rec *trimtab.Recommendation, lines []store.Line) table {
	t := table{names: []string{"field", "value"}}
	t.add("recommendation", rec.Action)
	t.add("resource", rec.Subject.Resource)
	t.add("title", rec.Title)
	t.add("savings", rec.Savings)
	t.add("monthly_cost", rec.MonthlyCost)
	t.add("condition", e.State.Condition)
	t.add("workflow", e.State.Workflow)
	t.add("reason", e.State.Why())
	t.add("owner", rec.Owner.Name+" (from: "+rec.Owner.Source+")")
	t.add("board", rec.Board)
	t.add("fix", rec.Fix)
	for _, r := range rec.Reasons {
		t.add("rule", r.Rule+" @ "+r.Hash)
		for _, fact := range r.Evidence {
			for _, name := range slices.Sorted(maps.Keys(fact.Fields)) {
				t.add(fact.Type+"."+name, fact.Fields[name])
			}
		}
	}
	for _, l := range lines {
		t.add(l.At.Format(time.RFC3339), l.Actor+": "+l.What+" "+l.Detail)
	}
	return t
}

// newDismiss has an end as well as a reason: what was right to leave alone may
// not be for ever.
func newDismiss(env *environment) *cobra.Command {
	var reason string
	var days int
	c := &cobra.Command{
		Use: "dismiss ID", Short: "Leave it as it is, for a time and a reason", Args: exactly(1, "the id of a recommendation"),
		RunE: func(c *cobra.Command, args []string) error {
			// Who meets it again in half a year must be able to see why.
			if reason == "" {
				return trimtab.Errorf(trimtab.Invalid, "a dismissal needs a reason").WithNext("add --reason \"…\"")
			}
			return env.putOff(c, args[0], app.PutOff{Dismiss: true, Days: days, Reason: reason})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why")
	c.Flags().IntVar(&days, "days", 180, "for how long")
	return c
}

// newSnooze asks for no reason, and so is short by default.
func newSnooze(env *environment) *cobra.Command {
	var days int
	c := &cobra.Command{
		Use: "snooze ID", Short: "Put it off", Args: exactly(1, "the id of a recommendation"),
		RunE: func(c *cobra.Command, args []string) error {
			return env.putOff(c, args[0], app.PutOff{Days: days})
		},
	}
	c.Flags().IntVar(&days, "days", 14, "for how long")
	return c
}

// putOff tells a person's decision about a recommendation.
func (e *environment) putOff(c *cobra.Command, text string, in app.PutOff) (err error) {
	if in.Recommendation, err = recommendationID(text); err != nil {
		return err
	}
	in.Actor = actorName()
	return e.acting(c, func(ctx context.Context, o app.Operated) error {
		var out app.Moved
		if err := o.Act(ctx, "put-off", in, &out); err != nil {
			return err
		}
		t := table{names: []string{"id", "was", "is", "until"}}
		t.add(text, out.Was, out.Is, out.Until.Format(time.DateOnly))
		return e.print(t)
	})
}

// exactly asks for n arguments and says what they are.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return trimtab.Errorf(trimtab.Invalid, "%s needs %s", c.CommandPath(), what).WithNext("`%s --help` shows how", c.CommandPath())
	}
}
