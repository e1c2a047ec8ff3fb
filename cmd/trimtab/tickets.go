package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
)

func newTickets(env *environment) *cobra.Command {
	return group("tickets", "The tickets, on all boards",
		newTicketsList(env), newTicketsShow(env), newTicketsLink(env), newTicketsUnlink(env), newTicketsRefile(env), newTicketsBackfill(env))
}

func newTicketsList(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "One row a ticket", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var views []store.TicketView
			err := env.read(c, func(tx *store.Tx) (err error) {
				views, err = tx.TicketViews()
				return err
			})
			if err != nil {
				return err
			}
			t := table{names: []string{"id", "key", "status", "workflow", "condition", "recommendation", "resource", "savings", "tracker", "board", "owner", "assignee", "created_at"}}
			for _, v := range views {
				t.add(v.ID, v.Key, v.Status, v.Workflow, v.Condition, v.Action, v.Resource, v.Savings, v.Tracker, v.Board, v.Owner, v.Assignee, v.CreatedAt.Format(time.RFC3339))
			}
			t.more = fmt.Sprintf("%d tickets", len(views))
			return env.print(t)
		},
	}
}

func newTicketsShow(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "show KEY", Short: "One ticket: what both sides say, and who changed what when, here and there", Args: exactly(1, "the key of a ticket"),
		RunE: func(c *cobra.Command, args []string) error {
			var story *store.Story
			err := env.read(c, func(tx *store.Tx) (err error) {
				story, err = tx.Story(args[0])
				return err
			})
			if err != nil {
				return err
			}
			if env.output == "json" {
				return env.writeJSON(story)
			}
			return env.print(storyTable(story))
		},
	}
}

// storyTable tells a ticket's story from top to bottom.
func storyTable(s *store.Story) table {
	t := table{names: []string{"what", "value"}}
	t.add("ticket", strings.TrimSpace(s.Key+" "+s.URL))
	t.add("board", s.Board+" on "+s.Tracker)
	t.add("ticket status", s.Status)
	switch {
	case s.State == store.LinkGone:
		t.add("gone", s.Reason)
	case s.Hidden:
		t.add("hidden", "its project cannot be seen")
	case s.Missing > 0:
		t.add("missing", fmt.Sprintf("%d looks did not find it", s.Missing))
	}
	for _, p := range s.About {
		t.add(fmt.Sprintf("recommendation %d", p.Recommendation), fmt.Sprintf("%s %s: %s, %s", p.Action, p.Resource, p.Workflow, p.Condition))
	}
	for _, f := range s.Fields {
		t.add(f.Field, fieldText(f))
	}
	for _, w := range s.Waiting {
		t.add("waits", strings.TrimSpace(fmt.Sprintf("%s (%s) %s", w.Does, w.State, w.Error)))
	}
	for _, c := range s.Conflicts {
		t.add(fmt.Sprintf("conflict %d", c.ID), conflictText(c))
	}
	for _, l := range s.Timeline {
		t.add(l.At.Format(time.RFC3339), strings.TrimSpace(l.Actor+": "+l.What+" "+strings.Join(strings.Fields(l.Detail), " ")))
	}
	return t
}

func fieldText(f store.FieldState) string {
	text := quoted(f.Ours)
	switch {
	case f.Field == merge.Description:
		text = "our part of it is there" // digests say nothing to people
		if f.Drifts {
			text = "people have edited our part of it"
		}
	case merge.IsSet(f.Field):
		text = strings.Join(merge.Elements(f.Theirs), " ")
	case f.Ours != f.Theirs:
		text = fmt.Sprintf("ours %s, tracker %s", quoted(f.Ours), quoted(f.Theirs))
	}
	switch {
	case f.Waiting:
		return text + " (a conflict waits for a decision)"
	case f.Taken:
		return text + " (a person's)"
	}
	return text
}

func quoted(s string) string { return cmp.Or(s, "–") }

func conflictText(c *store.Conflict) string {
	text := fmt.Sprintf("%s: was %q, ours %q, tracker %q", c.Field, c.Base, c.Ours, c.Theirs)
	if c.Author != "" {
		text += " by " + c.Author
	}
	if c.Open() {
		return text + "; not decided"
	}
	return text + "; " + c.Winner + " (" + c.DecidedBy + ")"
}

func newTicketsLink(env *environment) *cobra.Command {
	var board string
	c := &cobra.Command{
		Use: "link KEY RECOMMENDATION", Short: "Tie a ticket that exists to a recommendation that has none",
		Args: exactly(2, "the key of a ticket and the id of a recommendation"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := recommendationID(args[1])
			if err != nil {
				return err
			}
			in := distribute.Binding{Ticket: args[0], Recommendation: id, Board: board, Actor: actorName()}
			return env.bound(c, "link", in, "%s is now about %s")
		},
	}
	c.Flags().StringVar(&board, "board", "", "the board of the ticket; the one whose project its key names unless it is said")
	return c
}

// bound asks for an act about one ticket and tells of it.
func (e *environment) bound(c *cobra.Command, act string, in distribute.Binding, sentence string) error {
	return e.acting(c, func(ctx context.Context, o app.Operated) error {
		var out distribute.Bound
		if err := o.Act(ctx, act, in, &out); err != nil {
			return err
		}
		return e.printBound(sentence, []distribute.Bound{out})
	})
}

func (e *environment) printBound(sentence string, all []distribute.Bound) error {
	t := table{names: []string{"id", "resource", "ticket", "workflow"}}
	for _, b := range all {
		t.add(b.Recommendation, b.Resource, b.Ticket, b.Workflow)
		if sentence != "" {
			t.more = fmt.Sprintf(sentence, b.Ticket, b.Resource)
		}
	}
	return e.print(t)
}

func newTicketsUnlink(env *environment) *cobra.Command {
	var then, reason string
	c := &cobra.Command{
		Use: "unlink KEY", Short: "Let a ticket go: it stays as it is, and is followed no more", Args: exactly(1, "the key of a ticket"),
		RunE: func(c *cobra.Command, args []string) error {
			switch then {
			case "leave", "recreate", "dismiss":
			default:
				return trimtab.Errorf(trimtab.Invalid, "--then %q is none of leave, recreate, dismiss", then)
			}
			return env.acting(c, func(ctx context.Context, o app.Operated) error {
				var out []distribute.Bound
				if err := o.Act(ctx, "unlink", distribute.Unbinding{Ticket: args[0], Then: then, Why: reason, Actor: actorName()}, &out); err != nil {
					return err
				}
				return env.printBound("", out)
			})
		},
	}
	c.Flags().StringVar(&then, "then", "leave", "what becomes of the recommendation: leave (held, not filed again), recreate, dismiss")
	c.Flags().StringVar(&reason, "reason", "", "why")
	return c
}

func newTicketsRefile(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "refile RECOMMENDATION", Short: "Let a recommendation be filed again whose ticket is gone", Args: exactly(1, "the id of a recommendation"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := recommendationID(args[0])
			if err != nil {
				return err
			}
			return env.bound(c, "refile", distribute.Binding{Recommendation: id, Actor: actorName()}, "")
		},
	}
}

func newTicketsBackfill(env *environment) *cobra.Command {
	var in app.Backfilling
	c := &cobra.Command{
		Use: "backfill", Short: "Find tickets that people have made already about what is to be filed", Args: cobra.NoArgs,
		Long: "Looks on the boards for open tickets that name the resource of a recommendation without a ticket.\n" +
			"With --link those that leave no choice are linked; the others are for `trimtab tickets link`.",
		RunE: func(c *cobra.Command, _ []string) error {
			in.Actor = actorName()
			return env.acting(c, func(ctx context.Context, o app.Operated) error {
				var out []distribute.Candidate
				if err := o.Act(ctx, "backfill", in, &out); err != nil {
					return err
				}
				t := table{names: []string{"ticket", "id", "recommendation", "resource", "board", "alone", "linked", "summary"}}
				for _, f := range out {
					t.add(f.Ticket, f.Recommendation, f.Action, f.Resource, f.Board, f.Alone, f.Linked, f.Summary)
				}
				t.more = fmt.Sprintf("%d pairs", len(out))
				return env.print(t)
			})
		},
	}
	c.Flags().StringVar(&in.Board, "board", "", "only this board")
	c.Flags().BoolVar(&in.Link, "link", false, "link those that leave no choice")
	return c
}

func newConflicts(env *environment) *cobra.Command {
	return group("conflicts", "Fields that were changed on both sides", newConflictsList(env), newConflictsResolve(env))
}

func newConflictsList(env *environment) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "Those that wait for a decision", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var conflicts []*store.Conflict
			err := env.read(c, func(tx *store.Tx) (err error) {
				conflicts, err = tx.Conflicts(all)
				return err
			})
			if err != nil {
				return err
			}
			t := table{names: []string{"id", "ticket", "board", "field", "at", "base", "ours", "tracker", "author", "why", "winner", "decided_by"}}
			for _, f := range conflicts {
				t.add(f.ID, f.Ticket, f.Board, f.Field, f.At.Format(time.RFC3339), oneLine(f.Base), oneLine(f.Ours), oneLine(f.Theirs), f.Author, f.Why, f.Winner, f.DecidedBy)
			}
			t.more = fmt.Sprintf("%d conflicts", len(conflicts))
			return env.print(t)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "also those that were decided")
	return c
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func newConflictsResolve(env *environment) *cobra.Command {
	var take string
	c := &cobra.Command{
		Use: "resolve ID --take tracker|trimtab", Short: "Decide whose value counts", Args: exactly(1, "the id of a conflict"),
		RunE: func(c *cobra.Command, args []string) error {
			var id int64
			if _, err := fmt.Sscan(args[0], &id); err != nil {
				return trimtab.Errorf(trimtab.Invalid, "%q is no id", args[0]).WithNext("`trimtab conflicts list` shows the ids")
			}
			return env.acting(c, func(ctx context.Context, o app.Operated) error {
				var out store.Conflict
				in := distribute.Resolution{Conflict: id, Take: merge.Winner(take), Actor: actorName()}
				if err := o.Act(ctx, "resolve", in, &out); err != nil {
					return err
				}
				t := table{names: []string{"id", "ticket", "field", "winner", "decided_by"}}
				t.add(out.ID, out.Ticket, out.Field, out.Winner, out.DecidedBy)
				return env.print(t)
			})
		},
	}
	c.Flags().StringVar(&take, "take", "", "whose value counts: tracker or trimtab")
	return c
}

func newDrift(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "drift", Short: "Where Trimtab and the trackers do not agree, and why", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var drifts []store.Drift
			err := env.read(c, func(tx *store.Tx) (err error) {
				drifts, err = tx.Drifts()
				return err
			})
			if err != nil {
				return err
			}
			t := table{names: []string{"ticket", "board", "field", "ours", "tracker", "why", "since", "problem"}}
			for _, d := range drifts {
				since := ""
				if !d.Since.IsZero() {
					since = d.Since.Format(time.RFC3339)
				}
				t.add(d.Ticket, d.Board, d.Field, oneLine(d.Ours), oneLine(d.Theirs), d.Why, since, d.Problem)
			}
			t.more = fmt.Sprintf("%d differences", len(drifts))
			return env.print(t)
		},
	}
}
