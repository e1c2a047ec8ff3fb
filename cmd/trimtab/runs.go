package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/durable"
)

func newRuns(env *environment) *cobra.Command {
	return group("runs", "Durable executions: what runs, what has run, and how far it came",
		newRunsList(env), newRunsShow(env), newRunsResume(env), newRunsCancel(env), newRunsRetry(env))
}

// statuses are what --status can be.
var statuses = []string{"pending", "running", "waiting", "done", "partial", "failed", "cancelled", "parked"}

func newRunsList(env *environment) *cobra.Command {
	var filter durable.Filter
	var status []string
	c := &cobra.Command{
		Use: "list", Short: "The runs, the newest first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, s := range status {
				if !slices.Contains(statuses, s) {
					return trimtab.Errorf(trimtab.Invalid, "there is no status %q", s).WithNext("one of %s", strings.Join(statuses, ", "))
				}
				filter.Statuses = append(filter.Statuses, durable.Status(s))
			}
			return env.reading(c.Context(), func(o durable.Operator) error {
				runs, err := o.List(c.Context(), filter)
				if err != nil {
					return err
				}
				return env.print(runsTable(runs))
			})
		},
	}
	c.Flags().StringSliceVar(&status, "status", nil, "only these: "+strings.Join(statuses, ", "))
	c.Flags().StringVar(&filter.Workflow, "job", "", "only this job: scan, distribute, monitor or run")
	c.Flags().IntVar(&filter.Limit, "limit", 50, "how many at most")
	return c
}

func runsTable(runs []*durable.Run) table {
	t := table{names: []string{"run", "job", "status", "created", "took", "progress", "why"}}
	for _, r := range runs {
		t.add(r.ID, r.Workflow, r.Status, moment(r.CreatedAt), tookOf(r.StartedAt, r.EndedAt), progressText(r.Progress), whyOf(r))
	}
	return t
}

// moment writes a time as people and scripts read it; "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// tookOf is how long something took; "" while it has not ended.
func tookOf(began, ended time.Time) string {
	if began.IsZero() || ended.IsZero() {
		return ""
	}
	return ended.Sub(began).Round(time.Millisecond).String()
}

// progressText says how far each part is.
func progressText(p durable.Progress) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(p)) {
		parts = append(parts, fmt.Sprintf("%s %d/%d", what, p[what].Done, p[what].Total))
	}
	return strings.Join(parts, ", ")
}

// whyOf is the one line that says why a run is as it is.
func whyOf(r *durable.Run) string {
	if r.Error != nil {
		return strings.Join(strings.Fields(r.Error.Text), " ")
	}
	return r.Reason
}

// reading opens the runs for reading, beside whoever writes.
func (e *environment) reading(ctx context.Context, fn func(durable.Operator) error) (err error) {
	s, err := app.OpenState(ctx, e.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return fn(app.Runs(s))
}

// runID reads the number of a run.
func runID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, trimtab.Errorf(trimtab.Invalid, "%q is no number of a run", text).WithNext("`trimtab runs list` shows them")
	}
	return id, nil
}

func newRunsCancel(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "cancel RUN", Short: "End a run: at once, or as soon as its worker hears of it", Args: exactly(1, "a run"),
		RunE: func(c *cobra.Command, args []string) error {
			return env.operate(c, args[0], false, func(ctx context.Context, o app.Operated, id int64) error { return o.Cancel(ctx, id) })
		},
	}
}

func newRunsResume(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "resume RUN", Short: "Let a parked, failed, cancelled or interrupted run go on: what is done stays done", Args: exactly(1, "a run"),
		RunE: func(c *cobra.Command, args []string) error {
			return env.operate(c, args[0], true, func(ctx context.Context, o app.Operated, id int64) error { return o.Resume(ctx, id) })
		},
	}
}

func newRunsRetry(env *environment) *cobra.Command {
	var from string
	c := &cobra.Command{
		Use: "retry RUN --from STEP", Short: "Do a run again from a step: that one, and what came after it or depends on it", Args: exactly(1, "a run"),
		RunE: func(c *cobra.Command, args []string) error {
			return env.operate(c, args[0], true, func(ctx context.Context, o app.Operated, id int64) error { return o.Retry(ctx, id, from) })
		},
	}
	c.Flags().StringVar(&from, "from", "", "the step, as `trimtab runs show` names it")
	_ = c.MarkFlagRequired("from")
	return c
}

// operate changes a run. One that goes on does so here, unless another process serves.
func (e *environment) operate(c *cobra.Command, arg string, goesOn bool, do func(context.Context, app.Operated, int64) error) error {
	id, err := runID(arg)
	if err != nil {
		return err
	}
	return e.acting(c, func(ctx context.Context, o app.Operated) error {
		if err := do(ctx, o, id); err != nil {
			return err
		}
		if !goesOn || o.App == nil {
			return e.sayDone(id, goesOn)
		}
		run, err := o.App.Engine.Follow(ctx, id)
		if err != nil {
			return err
		}
		e.sayRun(run)
		_, err = durable.ResultOf[struct{}](run)
		return err
	})
}

// sayDone says what becomes of a run that does not go on here.
func (e *environment) sayDone(id int64, goesOn bool) error {
	if goesOn {
		fmt.Fprintf(e.out, "run %d goes on in the process that serves; `trimtab runs show %d --follow` watches it\n", id, id)
		return nil
	}
	fmt.Fprintf(e.out, "run %d is cancelled, or will be as soon as its worker hears of it\n", id)
	return nil
}
