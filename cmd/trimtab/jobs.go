package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/monitor"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/internal/store"
)

// newRun is the whole round once, for cron and for trying out.
func newRun(env *environment) *cobra.Command {
	var dry, full, approve bool
	c := &cobra.Command{
		Use: "run", Short: "Scan, distribute and monitor once", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			a, done, err := env.open(c, env.log())
			if err != nil {
				return err
			}
			defer done(&err)
			if dry {
				return env.dryRun(c.Context(), a, full)
			}
			result, err := a.Run(c.Context(), approve)
			// What was done is shown even if the run failed half way: tickets may be filed.
			return errors.Join(env.printRun(result), env.printBraked(c, err), err)
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "scan, and show which tickets would be filed; file none")
	c.Flags().BoolVar(&full, "full", false, "with --dry-run: each ticket as it would look")
	c.Flags().BoolVar(&approve, "approve", false, "let it touch even more tickets than the brake allows")
	return c
}

// dryRun shows the tickets of a run; nothing is kept. What they say is in the JSON and CSV
// output, and with full on the terminal too.
func (e *environment) dryRun(ctx context.Context, a *app.App, full bool) error {
	r, err := a.Rehearse(ctx)
	// A rehearsal that fails late still has something to show.
	if r == nil {
		return err
	}
	t := table{names: []string{"board", "assignee", "summary"}}
	if e.output != "table" {
		t.names = append(t.names, "description")
	}
	for _, p := range r.Tickets {
		t.add([]any{p.Board, p.Op.Assignee, p.Op.Summary, p.Op.Description}[:len(t.names)]...)
	}
	t.more = fmt.Sprintf("%d recommendations; %d tickets would be filed, none was.%s", len(r.Scan.Recommendations), len(r.Tickets), heldText(r.Held))
	if full && e.output == "table" {
		err = errors.Join(e.printTickets(r.Tickets), err)
	}
	return errors.Join(e.print(t), err)
}

// printTickets shows tickets as people will read them.
func (e *environment) printTickets(tickets []distribute.Preview) error {
	for _, p := range tickets {
		_, err := fmt.Fprintf(e.out, "── %s ─ %s\n\n%s\n\n%s\n", p.Board, ticketHead(p.Op), p.Op.Summary, p.Op.Description)
		if err != nil {
			return err
		}
	}
	return nil
}

// ticketHead is what a ticket has besides its text.
func ticketHead(p store.OpPayload) string {
	head := []string{p.Project, p.Type, "for " + p.Assignee}
	for _, field := range []struct{ name, value string }{
		{"labels", strings.Join(p.Labels, " ")},
		{"components", strings.Join(p.Components, ", ")},
		{"priority", p.Priority},
		{"due", p.Due},
		{"under", p.Parent},
	} {
		if field.value != "" {
			head = append(head, field.name+" "+field.value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		head = append(head, fmt.Sprintf("%s %v", name, p.Fields[name]))
	}
	return strings.Join(head, " ─ ")
}

// printBraked shows what a run would do that waits for approval.
func (e *environment) printBraked(c *cobra.Command, err error) error {
	if !errors.Is(err, durable.ErrWaits) {
		return nil
	}
	return e.printWaiting(c)
}

// heldText says for each rule of policy how many it holds back.
func heldText(held map[string]int) string {
	var parts []string
	for why, n := range held {
		parts = append(parts, fmt.Sprintf("\n  held back: %d, because %s", n, why))
	}
	sort.Strings(parts)
	return strings.Join(parts, "")
}

// newScan files nothing: what it keeps waits for distribute.
func newScan(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "scan", Short: "Gather, judge and keep what is recommended", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			a, done, err := env.open(c, env.log())
			if err != nil {
				return err
			}
			defer done(&err)
			report, err := a.RunScan(c.Context())
			return errors.Join(env.printRun(&app.Result{Scan: report}), err)
		},
	}
}

func newDistribute(env *environment) *cobra.Command {
	var approve, unblock bool
	c := &cobra.Command{
		Use: "distribute", Short: "File what is due and write what was decided", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			a, done, err := env.open(c, env.log())
			if err != nil {
				return err
			}
			defer done(&err)
			report, err := a.RunDistribute(c.Context(), distribute.Request{Approved: approve, Unblock: unblock})
			return errors.Join(env.printRun(&app.Result{Distribute: report}), env.printBraked(c, err), err)
		},
	}
	c.Flags().BoolVar(&approve, "approve", false, "let it touch even more tickets than the brake allows")
	c.Flags().BoolVar(&unblock, "unblock", false, "try blocked writes again")
	return c
}

// newMonitor prints each round. Alone it neither scans nor files, so that it can
// be stopped at any time.
func newMonitor(env *environment) *cobra.Command {
	var once bool
	c := &cobra.Command{
		Use: "monitor", Short: "Pull what changed on the trackers, until interrupted", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			a, done, err := env.open(c, env.log())
			if err != nil {
				return err
			}
			defer done(&err)
			for {
				report, err := a.RunMonitor(c.Context())
				if err = errors.Join(env.printRun(&app.Result{Monitor: report}), err); once || c.Context().Err() != nil {
					return err
				}
				// A tracker that is away is no reason to end: the next round asks from the same
				// watermark.
				env.report(err)
				if err := a.Clock.Sleep(c.Context(), a.Deployment.Sync.Interval); err != nil {
					return err
				}
			}
		},
	}
	c.Flags().BoolVar(&once, "once", false, "pull once and end")
	return c
}

// newServe is what a container runs.
func newServe(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the schedules and the monitor; /healthz, /readyz, /metrics", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			// Nobody sits in front of it: the log is all there is.
			env.verbose = true
			a, done, err := env.open(c, env.log())
			if err != nil {
				return err
			}
			defer done(&err)
			if err := a.Start(c.Context()); err != nil {
				return err
			}
			fmt.Fprintf(env.err, "serving on http://%s: /healthz /readyz /metrics; interrupt to stop\n", a.Addr())
			<-c.Context().Done()
			// The context has ended already; 10 s are for what is on its way to a tracker.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 10*time.Second)
			defer cancel()
			return a.Stop(ctx)
		},
	}
}

// printRun shows what the jobs did: one row a figure, so that scripts can pick.
func (e *environment) printRun(r *app.Result) error {
	t := table{names: []string{"job", "figure", "value"}}
	if r.Scan != nil {
		scanRows(&t, r.Scan)
	}
	if r.Distribute != nil {
		distributeRows(&t, r.Distribute)
	}
	if r.Monitor != nil {
		monitorRows(&t, r.Monitor)
	}
	return e.print(t)
}

// scanRows shows gross and net apart: only net can be had.
func scanRows(t *table, r *scan.Report) {
	t.add("scan", "complete", r.Complete)
	for _, s := range r.Detail.Sources {
		what := fmt.Sprintf("%d rows, %d facts", s.Rows, s.Facts)
		if s.Error != "" {
			what = "failed: " + s.Error
		}
		t.add("scan", "source "+s.Source, what)
	}
	t.add("scan", "recommendations", len(r.Recommendations))
	t.add("scan", "of them repeats", r.Detail.Repeats)
	t.add("scan", "cannot tell", r.Detail.Unknown)
	for _, sums := range []struct {
		name string
		by   map[string]trimtab.Money
	}{{"spend a month", r.Spend}, {"savings a month, gross", r.Gross}, {"savings a month, net", r.Net}} {
		for _, m := range sorted(sums.by) {
			t.add("scan", sums.name, m.Display())
		}
	}
}

// sorted gives sums by currency: a map would print in another order each time.
// Currencies are never added up.
func sorted(by map[string]trimtab.Money) []trimtab.Money {
	var all []trimtab.Money
	for _, m := range by {
		all = append(all, m)
	}
	sort.Slice(all, func(i, k int) bool { return all[i].Currency < all[k].Currency })
	return all
}

// distributeRows names adopted tickets apart: they were filed by an earlier run
// that did not hear of it.
func distributeRows(t *table, r *distribute.Report) {
	t.add("distribute", "tickets filed", r.Filed)
	t.add("distribute", "found again after an unknown outcome", r.Adopted)
	t.add("distribute", "other writes", r.Written)
	t.add("distribute", "waiting", r.Waiting)
	t.add("distribute", "blocked", r.Blocked)
	var reasons []string
	for why := range r.Held {
		reasons = append(reasons, why)
	}
	sort.Strings(reasons)
	for _, why := range reasons {
		t.add("distribute", "held back: "+why, r.Held[why])
	}
}

func monitorRows(t *table, r *monitor.Report) {
	t.add("monitor", "tickets changed", r.Changed)
	t.add("monitor", "conflicts", r.Conflicts)
	t.add("monitor", "second tickets found", r.Duplicates)
	for _, e := range r.Events {
		t.add("monitor", "event", e)
	}
}
