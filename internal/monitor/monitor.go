// Package monitor is the job that follows the tickets: it pulls what changed
// on the trackers, merges it with what Trimtab knows, and moves the life of
// each recommendation on. What has to be written back goes into the outbox.
//
// It asks from a watermark on the tracker's clock, with an overlap, because
// trackers show changes late; what was seen in the overlap is remembered, so
// nothing is heard twice. The watermark moves only in the transaction that has
// taken everything in: a monitor that is killed asks again. Of each ticket it merges
// the fields (merge.go), tells what people did and does what their comments ask for
// (hear.go, obey.go); once a day it looks every ticket up, and finds out which are
// deleted (sweep.go).
package monitor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// Job is a configured monitor.
type Job struct {
	Store    *store.Store
	Trackers map[string]tracker.Tracker
	Overlap  time.Duration         // how far before the watermark to ask; default 5 minutes
	Fields   map[string]merge.Rule // how fields are merged; what is missing by [merge.Defaults]
	Boards   map[string]Board
	// Sayings are what a ticket should say by the newest recommendations, by field; nil: what
	// was agreed on.
	Sayings func(tx *store.Tx, link *store.Link, about []*store.Episode) (map[string]string, error)
	Gone    lifecycle.WhenGone // what becomes of a recommendation whose ticket is deleted
	Life    lifecycle.Policy
	Clock   clock.Clock
	Log     *slog.Logger
}

// Board is what the monitor needs to know of a board.
type Board struct {
	Tracker, Project string
	CannotTell       bool // it has no way to say "won't do"
}

// Request says which trackers a run pulls; none is all.
type Request struct {
	Trackers []string `json:"trackers,omitempty"`
}

// Report says what a pull found.
type Report struct {
	Changed   int      // linked tickets that changed since they were last seen
	Conflicts int      // fields that both sides had changed
	Events    []string // what happened, a line each
	// Duplicates are second tickets of one marker; the distributor closes them.
	Duplicates int
	Missing    int // tickets that were there at the last sweep
	Gone       int // tickets that are proved to be deleted
}

// Workflow is the pull as a durable run.
func (j *Job) Workflow() durable.Workflow {
	return durable.NewWorkflow("monitor", 2, func(f *durable.Flow, in Request) (*Report, error) { return j.FlowOf(f, in) }, Steps()...)
}

// Steps are the steps of a pull, for workflows that have one in them.
func Steps() []durable.Registered {
	return []durable.Registered{durable.Declare[string, *Report]("pull")}
}

// Run pulls every tracker once, or ends a pull that was interrupted.
func (j *Job) Run(ctx context.Context) (*Report, error) {
	return durable.Once[*Report](ctx, j.Store.Runs(), j.Clock, j.Workflow(), Request{})
}

// Flow pulls every tracker once.
func (j *Job) Flow(f *durable.Flow) (*Report, error) { return j.FlowOf(f, Request{}) }

// FlowOf pulls some trackers once, each in a job of its own. One that fails does not stop
// the others.
func (j *Job) FlowOf(f *durable.Flow, in Request) (*Report, error) {
	log := j.Log.With("run", fmt.Sprintf("monitor-%d", f.ID()))
	names := slices.Sorted(maps.Keys(j.Trackers))
	if len(in.Trackers) > 0 {
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(in.Trackers, name) })
	}
	results, err := durable.Side(f, "tracker", names, func(f *durable.Flow, i int) (*Report, error) {
		return durable.NewStep("pull", j.pullAndSweep).Do(f, names[i])
	})
	if err != nil {
		return nil, err
	}
	report := &Report{}
	var failed error
	for _, r := range results {
		if r.Err != nil {
			log.Error("pull failed", "tracker", r.Item, "error", r.Err)
			failed = errors.Join(failed, fmt.Errorf("tracker %s: %w", r.Item, r.Err))
			continue
		}
		report.add(r.Out)
	}
	if report.Changed+report.Conflicts > 0 {
		log.Info("pulled", "changed", report.Changed, "conflicts", report.Conflicts)
	}
	if failed == nil {
		return report, nil
	}
	return report, trimtab.Errorf(trimtab.Outside, "%w", failed).
		WithNext("nothing is lost: run `trimtab monitor --once` again when the tracker answers")
}

// add adds what was found on one tracker.
func (r *Report) add(one *Report) {
	r.Changed += one.Changed
	r.Conflicts += one.Conflicts
	r.Duplicates += one.Duplicates
	r.Missing += one.Missing
	r.Gone += one.Gone
	r.Events = append(r.Events, one.Events...)
}

// pullAndSweep asks one tracker for what has changed and, once a day, for everything.
func (j *Job) pullAndSweep(ctx context.Context, name string) (*Report, error) {
	report, err := j.pull(ctx, name)
	if err != nil {
		return nil, err
	}
	return report, j.sweep(ctx, name, report)
}

// pull asks one tracker and takes everything in with the new watermark, in one
// transaction. The tracker's clock counts from before the question: what changes while
// the pages are read is asked for again.
func (j *Job) pull(ctx context.Context, name string) (*Report, error) {
	var mark store.Watermark
	report := &Report{}
	err := j.Store.Read(ctx, func(tx *store.Tx) (err error) {
		mark, err = tx.Watermark("tracker " + name)
		return err
	})
	if err != nil {
		return nil, err
	}
	since := mark.At
	if !since.IsZero() {
		since = since.Add(-j.Overlap)
	}
	changes, err := j.Trackers[name].Changed(ctx, j.Store.Installation(), since)
	if err != nil {
		return nil, err
	}
	issues := changes.Issues
	asked := j.Clock.Now()
	hinted, err := j.hinted(ctx, name, mark, issues)
	if err != nil {
		return nil, err
	}
	if err := j.identify(ctx, name, mark, issues); err != nil {
		return nil, err
	}
	p := &pulled{job: j, name: name, began: changes.At, mark: mark, report: report}
	return report, j.Store.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(p.takeAll(tx, issues, hinted), tx.Heard(name, asked))
	})
}

// pulled is what one tracker has shown.
type pulled struct {
	job    *Job
	name   string
	began  time.Time       // on the tracker's clock, before it was asked
	mark   store.Watermark // up to where it was asked before
	report *Report
}

// takeAll merges every issue and moves the watermark, as far as all before it is known.
func (p *pulled) takeAll(tx *store.Tx, issues, hinted []tracker.Issue) error {
	next, hold := store.Watermark{At: p.mark.At, Seen: map[string]string{}}, p.began
	for _, issue := range issues {
		version := versionOf(issue)
		next.Seen[issue.ID] = version
		next.At = later(next.At, earlier(issue.Updated, p.began))
		if p.mark.Seen[issue.ID] == version {
			continue
		}
		early, err := p.job.takeFound(tx, p.name, issue, p.report)
		if err != nil {
			return fmt.Errorf("ticket %s: %w", issue.Key, err)
		}
		if early && p.began.Sub(issue.Updated) < patience {
			delete(next.Seen, issue.ID)
			hold = earlier(hold, issue.Updated)
		}
	}
	// What nobody has changed since is not asked for again: a search that lags behind by
	// less than the overlap has shown it by now.
	if !p.began.IsZero() {
		next.At = later(next.At, p.began.Add(-p.job.Overlap))
	}
	next.At = earlier(next.At, hold)
	// They do not move the watermark: what else has changed until then is not known.
	for _, issue := range hinted {
		next.Seen[issue.ID] = versionOf(issue)
		if _, err := p.job.take(tx, p.name, issue, p.report); err != nil {
			return fmt.Errorf("ticket %s: %w", issue.Key, err)
		}
	}
	return tx.SaveWatermark("tracker "+p.name, next)
}

// hinted reads the issues that hints are about, past the search index, unless the search has
// shown something new of them.
func (j *Job) hinted(ctx context.Context, name string, mark store.Watermark, shown []tracker.Issue) ([]tracker.Issue, error) {
	var ids []string
	err := j.Store.Read(ctx, func(tx *store.Tx) (err error) {
		ids, err = tx.Hints(name)
		return err
	})
	ids = slices.DeleteFunc(ids, func(id string) bool {
		return slices.ContainsFunc(shown, func(i tracker.Issue) bool { return i.ID == id && mark.Seen[id] != versionOf(i) })
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return j.Trackers[name].Fetch(ctx, ids)
}

// versionOf tells two states of an issue apart even within one tick of the
// tracker's clock.
func versionOf(i tracker.Issue) string {
	parts := []string{i.StatusName, i.Key, i.Description, fmt.Sprint(i.Stamped, len(i.Edits), len(i.Comments))}
	for _, field := range merge.Fields {
		parts = append(parts, merge.Theirs(i)[field])
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
	return i.Updated.UTC().Format(time.RFC3339Nano) + " " + hex.EncodeToString(sum[:6])
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// patience is how long the watermark waits for the distributor to note a ticket.
const patience = time.Hour

// takeFound is take for what a search shows. It can be older than what we have read or
// written since, and to take it would undo both.
func (j *Job) takeFound(tx *store.Tx, name string, issue tracker.Issue, report *Report) (early bool, err error) {
	link, err := tx.LinkByRemote(name, issue.ID)
	if err != nil || link != nil && issue.Updated.Before(link.Updated) {
		return false, err
	}
	return j.take(tx, name, issue, report)
}

// take merges one issue. It comes early when its creation has not been noted yet: the
// distributor will do so, and then it is looked at again.
func (j *Job) take(tx *store.Tx, name string, issue tracker.Issue, report *Report) (early bool, err error) {
	link, err := tx.LinkByRemote(name, issue.ID)
	if err != nil {
		return false, err
	}
	if link == nil {
		return j.stranger(tx, name, issue, report)
	}
	about, err := tx.About(link)
	if err != nil {
		return false, err
	}
	ticket, err := tx.Ticket(link.Ticket)
	if err != nil {
		return false, err
	}
	m := &merger{job: j, tx: tx, issue: issue, link: link, about: about, ticket: ticket, report: report, name: name}
	return false, m.run()
}
