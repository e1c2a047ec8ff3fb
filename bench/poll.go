package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/sandbox"
)

// polling is a site with tickets of ours that are followed.
type polling struct {
	jira    *sandbox.Jira
	app     *app.App
	clock   *clock.Manual
	tickets []sandbox.Issue
	edits   int
}

// pollTable files n tickets and counts the calls of following them.
func pollTable(ctx context.Context, out io.Writer, n int) (err error) {
	dir, err := os.MkdirTemp("", "trimtab-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := &polling{clock: clock.At(time.Date(2026, 9, 3, 6, 0, 0, 0, time.UTC))}
	p.jira, err = sandbox.New(sandbox.Config{Projects: []sandbox.Project{{Key: "FIN"}}, Users: owners(10), Email: "t@example.com", Token: "t", Now: p.clock.Now})
	if err != nil {
		return err
	}
	server := httptest.NewServer(p.jira.Handler())
	defer server.Close()
	if err := volumes(ctx, filepath.Join(dir, "lines.parquet"), n); err != nil {
		return err
	}
	file := filepath.Join(dir, "trimtab.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, deployment, "{name: t, kind: jira, url: '"+server.URL+"', auth: {email: t@example.com, token: t}}"), 0o600); err != nil {
		return err
	}
	plan, err := app.Load(file)
	if err != nil {
		return err
	}
	if p.app, err = app.Open(ctx, plan, p.clock, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	defer func() { _ = p.app.Close() }()
	if _, err := p.app.RunScan(ctx); err != nil {
		return err
	}
	if err := fileAll(ctx, p.app); err != nil {
		return err
	}
	if p.tickets = p.jira.Issues("FIN"); len(p.tickets) != n {
		return fmt.Errorf("%d tickets, want %d", len(p.tickets), n)
	}
	return p.measure(ctx, out)
}

// measure prints each figure beside its bar.
func (p *polling) measure(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "| what | calls | bar | writes |")
	fmt.Fprintln(out, "| --- | --- | --- | --- |")
	var failed error
	row := func(what string, bar int, do func() error) {
		calls, writes := p.calls()
		failed = errors.Join(failed, do())
		now, wrote := p.calls()
		fmt.Fprintf(out, "| %s | %d | %d | %d |\n", what, now-calls, bar, wrote-writes)
		if wrote != writes {
			failed = errors.Join(failed, fmt.Errorf("%s: %d writes", what, wrote-writes))
		}
	}
	n := len(p.tickets)
	row("the first pull, which hears what was filed", 1+(n+99)/100, func() error { return p.pull(ctx, 0) })
	p.change(1)
	failed = errors.Join(failed, p.pull(ctx, 1))
	row("an idle pull", 1, func() error { return p.pull(ctx, 0) })
	for _, m := range []int{1, 100, 1000} {
		if m = min(m, n); m < 1 {
			continue
		}
		p.clock.Advance(10 * time.Minute) // beyond the overlap
		p.change(m)
		row(fmt.Sprintf("a pull when %d have changed", m), 1+(m+99)/100, func() error { return p.pull(ctx, m) })
	}
	p.clock.Advance(10 * time.Minute)
	p.change(1)
	failed = errors.Join(failed, p.pull(ctx, 1))
	row("an idle day, a pull a minute, with its sweep", 1440+(n+99)/100, func() error { return p.day(ctx, 0) })
	row("a day with 1000 changes", 1440+(n+99)/100+10, func() error { return p.day(ctx, 1000) })
	return failed
}

// calls are all that the site has had, and those that change an issue.
func (p *polling) calls() (all, writes int) {
	for name, n := range p.jira.Calls() {
		all += n
		if len(name) > 3 && name[:3] == "PUT" {
			writes += n
		}
	}
	return all, writes
}

// change lets a person edit m tickets, in one moment.
func (p *polling) change(m int) {
	p.clock.Advance(10 * time.Minute)
	for range m {
		p.edits++
		summary := "By hand " + strconv.Itoa(p.edits)
		_ = p.jira.Edit(p.tickets[p.edits%len(p.tickets)].Key, sandbox.Edited{Summary: &summary}, "acc-1") // it is there
	}
	p.clock.Advance(time.Second)
}

// pull asks once and checks that all that has changed was taken.
func (p *polling) pull(ctx context.Context, changed int) error {
	report, err := p.app.Monitor.Run(ctx)
	if err == nil && report.Changed != changed {
		err = fmt.Errorf("%d changes were taken, want %d", report.Changed, changed)
	}
	return err
}

// day pulls every minute, with changes spread over it.
func (p *polling) day(ctx context.Context, changed int) error {
	taken, made := 0, 0
	for minute := range 1440 {
		for ; made < changed*(minute+1)/1440; made++ {
			p.edits++
			summary := "By hand " + strconv.Itoa(p.edits)
			_ = p.jira.Edit(p.tickets[p.edits%len(p.tickets)].Key, sandbox.Edited{Summary: &summary}, "acc-1")
		}
		p.clock.Advance(time.Minute)
		report, err := p.app.Monitor.Run(ctx)
		if err != nil {
			return err
		}
		taken += report.Changed
	}
	if taken != changed {
		return fmt.Errorf("%d changes of a day were taken, want %d", taken, changed)
	}
	return nil
}
