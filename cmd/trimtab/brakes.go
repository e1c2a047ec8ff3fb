package main

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/store"
)

// acting runs do with whoever may change the state: this process, or the one that serves.
func (e *environment) acting(c *cobra.Command, do func(context.Context, app.Operated) error) (err error) {
	state, err := deploy.StatePath(e.file)
	if err != nil {
		return err
	}
	done := func(*error) {}
	o, err := app.Operate(func() (a *app.App, err error) {
		a, done, err = e.open(c, e.log())
		return a, err
	}, state)
	if err != nil {
		return err
	}
	if o.App != nil {
		defer func() { done(&err) }()
	}
	return do(c.Context(), o)
}

// say tells in a sentence what was done.
func (e *environment) say(format string, args ...any) error {
	_, err := fmt.Fprintf(e.out, format+"\n", args...)
	return err
}

// actorName is who gives a command, for the timelines.
func actorName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "person"
}

// newApprove without a run shows which wait, and for what.
func newApprove(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "approve [RUN]", Short: "Let a run go on that the brake has stopped; without one, show what waits", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return env.printWaiting(c)
			}
			return env.operate(c, args[0], true, func(ctx context.Context, o app.Operated, id int64) error {
				signal, err := env.approvalOf(ctx, id)
				if err != nil {
					return err
				}
				_, err = o.Signal(ctx, id, signal, map[string]string{"by": actorName()})
				return err
			})
		},
	}
}

func (e *environment) approvalOf(ctx context.Context, id int64) (signal string, err error) {
	err = e.reading(ctx, func(o durable.Operator) error {
		run, _, err := o.Show(ctx, id)
		if err != nil {
			return err
		}
		signal, err = app.Approval(run)
		return err
	})
	return signal, err
}

// printWaiting shows the writes that wait for an approval, one row each.
func (e *environment) printWaiting(c *cobra.Command) error {
	var writes []store.WriteView
	err := e.read(c, func(tx *store.Tx) (err error) {
		writes, err = tx.WaitingWrites()
		return err
	})
	if err != nil {
		return err
	}
	t := table{names: []string{"does", "board", "ticket", "owner", "savings", "summary"}}
	for _, w := range writes {
		t.add(w.Kind, w.Board, w.Ticket, w.Owner, w.Savings, w.Summary)
	}
	t.more = fmt.Sprintf("%d writes wait", len(writes))
	err = e.reading(c.Context(), func(o durable.Operator) error {
		runs, err := o.List(c.Context(), durable.Filter{Statuses: []durable.Status{durable.Waiting}})
		for _, run := range slices.Backward(runs) {
			if _, no := app.Approval(run); no == nil {
				t.more += fmt.Sprintf("; run %d: %s. `trimtab approve %d` lets it go on", run.ID, run.Reason, run.ID)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return e.print(t)
}

// newPause without a name lists what is paused.
func newPause(env *environment) *cobra.Command {
	var rule, board, until string
	var p store.Pause
	c := &cobra.Command{
		Use: "pause --rule RULE | --board BOARD", Short: "Stop what a rule files, or everything that is written to a board; without either, list what is paused", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if rule == "" && board == "" {
				return env.printPauses(c)
			}
			if p.Kind, p.Name, err = stopped(rule, board); err != nil {
				return err
			}
			if p.Until, err = day(until); err != nil {
				return err
			}
			p.Actor = actorName()
			return env.acting(c, func(ctx context.Context, o app.Operated) error {
				if err := o.Act(ctx, "pause", p, nil); err != nil {
					return err
				}
				return env.say("the %s %s is paused; `trimtab resume --%s %s` ends it", p.Kind, p.Name, p.Kind, p.Name)
			})
		},
	}
	stopFlags(c, &rule, &board)
	c.Flags().StringVar(&until, "until", "", "the day on which it ends by itself, as 2026-12-24")
	c.Flags().StringVar(&p.Why, "why", "", "why; people see it beside what is held back")
	return c
}

func newResume(env *environment) *cobra.Command {
	var rule, board string
	c := &cobra.Command{
		Use: "resume --rule RULE | --board BOARD", Short: "End a pause: what has waited goes out with the next distribution", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			kind, name, err := stopped(rule, board)
			if err != nil {
				return err
			}
			return env.acting(c, func(ctx context.Context, o app.Operated) error {
				if err := o.Act(ctx, "resume", app.Resumed{Kind: kind, Name: name}, nil); err != nil {
					return err
				}
				return env.say("the %s %s goes on", kind, name)
			})
		},
	}
	stopFlags(c, &rule, &board)
	return c
}

func stopFlags(c *cobra.Command, rule, board *string) {
	c.Flags().StringVar(rule, "rule", "", "a rule, as aws.compute/idle-vm")
	c.Flags().StringVar(board, "board", "", "a board, as the deployment file names it")
}

// stopped is the one thing that the flags name.
func stopped(rule, board string) (store.PauseKind, string, error) {
	switch {
	case rule != "" && board == "":
		return store.PauseRule, rule, nil
	case board != "" && rule == "":
		return store.PauseBoard, board, nil
	}
	return "", "", trimtab.Errorf(trimtab.Invalid, "name a rule or a board, one of them").WithNext("--rule aws.compute/idle-vm or --board finops")
}

// day reads a date of a flag; "" is none.
func day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, trimtab.Errorf(trimtab.Invalid, "%q is no day", text).WithNext("write it as 2026-12-24")
	}
	return t, nil
}

func (e *environment) printPauses(c *cobra.Command) error {
	now, err := e.clock()
	if err != nil {
		return err
	}
	t := table{names: []string{"what", "name", "since", "until", "by", "why"}}
	err = e.read(c, func(tx *store.Tx) error {
		pauses, err := tx.Pauses(now.Now())
		for _, p := range pauses {
			t.add(p.Kind, p.Name, moment(p.Since), moment(p.Until), p.Actor, p.Why)
		}
		return err
	})
	if err != nil {
		return err
	}
	t.more = fmt.Sprintf("%d paused", len(t.rows))
	return e.print(t)
}

// newRecall takes tickets back.
func newRecall(env *environment) *cobra.Command {
	var in distribute.RecallRequest
	c := &cobra.Command{
		Use: "recall --rule RULE [--run RUN]", Short: "Withdraw what a bad rule has filed, with one comment each, and pause the rule", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			in.Actor = actorName()
			return env.acting(c, func(ctx context.Context, o app.Operated) error {
				var out distribute.Recalled
				if err := o.Act(ctx, "recall", in, &out); err != nil {
					return err
				}
				t := table{names: []string{"tickets", "left_to_other_rules", "paused"}}
				t.add(out.Tickets, out.Shared, out.Paused)
				t.more = "the next distribution closes them"
				return env.print(t)
			})
		},
	}
	c.Flags().StringVar(&in.Rule, "rule", "", "the rule, as aws.compute/idle-vm")
	c.Flags().Int64Var(&in.Run, "run", 0, "only what this run decided to file; `trimtab runs list` shows them")
	c.Flags().StringVar(&in.Why, "why", "", "what was wrong; it stands in the comments")
	_ = c.MarkFlagRequired("rule")
	return c
}

// newRecover needs the state to itself: a restored one has nobody at work on it.
func newRecover(env *environment) *cobra.Command {
	var fromTracker bool
	c := &cobra.Command{
		Use: "recover --from-tracker", Short: "After restoring a backup: look up what the trackers have, and let this state write again", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if !fromTracker {
				return trimtab.Errorf(trimtab.Invalid, "say where from").WithNext("`trimtab recover --from-tracker`")
			}
			a, done, err := env.open(c, env.log())
			if err != nil {
				return err
			}
			defer done(&err)
			r, err := a.Recover(c.Context())
			if err != nil {
				return err
			}
			t := table{names: []string{"tickets", "known", "taken_over", "unknown", "epoch"}}
			t.add(r.Tickets, r.Known, r.Adopted, r.Unknown, r.Epoch)
			t.more = "unknown ones are found again when their recommendation is filed; every other copy of this state refuses to write now"
			return env.print(t)
		},
	}
	c.Flags().BoolVar(&fromTracker, "from-tracker", false, "from what the trackers have")
	return c
}

// newGrant takes the token from standard input: on the command line it would stand in
// histories and lists of processes.
func newGrant(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "grant TRACKER", Short: "Keep the refresh token of an OAuth app, read from standard input, sealed with the app's secret", Args: exactly(1, "the name of a tracker"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			text, err := io.ReadAll(io.LimitReader(env.in, 64<<10))
			if err != nil {
				return err
			}
			token := strings.TrimSpace(string(text))
			if token == "" {
				return trimtab.Errorf(trimtab.Invalid, "there is no token on standard input").WithNext("`trimtab grant %s < token.txt`", args[0])
			}
			a, done, err := env.open(c, env.log())
			if err != nil {
				return err
			}
			defer done(&err)
			if err := a.Grant(c.Context(), args[0], token); err != nil {
				return err
			}
			return env.say("the grant of %s is kept; `trimtab check` tries it", args[0])
		},
	}
}
