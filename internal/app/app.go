// Package app puts the parts together: it turns a deployment file into sources,
// rules, trackers and jobs over one state, and runs them once or on a schedule.
// It is the only package that knows every part.
//
// [Load] reads and checks what needs no state; [Open] adds the state and makes
// the jobs; [App.Run] walks once through scan, distribute and monitor;
// [App.Start] does so on a schedule until [App.Stop].
package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/monitor"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/tracker"
)

// Plan is a deployment that has been checked: everything but the state.
type Plan struct {
	Deployment *deploy.Deployment
	Rules      *rule.Set
	Sources    []source.Source
	Assign     scan.Assign

	packs []rule.File
	texts map[string]*distribute.Text // of boards that word their tickets themselves
	words map[string]distribute.Word  // by field: what a ticket says, where the file says it
}

// Load reads a deployment file and all that it names but the state, the data
// and the trackers. All mistakes come at once.
func Load(path string) (*Plan, error) {
	d, err := deploy.Read(path)
	if err != nil {
		return nil, err
	}
	return Prepare(d)
}

// Prepare is Load for a deployment that has been read.
func Prepare(d *deploy.Deployment) (*Plan, error) {
	p := &Plan{Deployment: d, Sources: sources(d)}
	p.Assign = assign(d)
	checkSchedule(d)
	p.packs = packFiles(d)
	var err error
	if p.Rules, err = compile(p.packs, d.Params, d.Path, p.Sources); err != nil {
		return nil, errors.Join(d.Err(), err)
	}
	p.Sources = append(p.Sources, lacking(p.packs, p.Rules, p.Sources)...)
	checkSources(d, p.Rules)
	p.texts = readTexts(d)
	p.words = fieldWords(d)
	checkAccounts(d)
	if err := d.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Tested are the rules as their tests see them, under the packs' own parameters: a
// threshold that a deployment changes must not fail them.
func (p *Plan) Tested() (*rule.Set, error) { return compile(p.packs, nil, "", p.Sources) }

// App is a deployment at work on its state.
type App struct {
	*Plan
	Store      *store.Store
	Trackers   map[string]tracker.Tracker
	Scan       *scan.Job
	Distribute *distribute.Job
	Monitor    *monitor.Job
	Engine     *durable.Engine
	Clock      clock.Clock
	Log        *slog.Logger
	Notify     func(distribute.Event)        // told of every ticket filed while serving; may be nil
	Began      func(run int64, resumed bool) // told of every run that is asked for; may be nil

	serving atomic.Pointer[serving]
	atWork  atomic.Pointer[[]distribute.RuleText]
	working sync.RWMutex // held by the runs that judge by the rules, and by whoever exchanges them
}

// Open opens the plan's state for writing and makes the jobs.
func Open(ctx context.Context, p *Plan, c clock.Clock, log *slog.Logger) (*App, error) {
	s, err := openForWriting(ctx, p.Deployment.State)
	if err != nil {
		return nil, err
	}
	a := &App{Plan: p, Store: s, Clock: c, Log: log}
	if a.Trackers, err = trackers(p.Deployment, s, c); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	a.makeJobs()
	if err := a.makeEngine(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return a, nil
}

// Close gives the state back.
func (a *App) Close() error { return a.Store.Close() }

// makeJobs translates the deployment's words into each job's configuration. The
// jobs know neither the file nor one another.
func (a *App) makeJobs() {
	d, life := a.Deployment, lifecycle.DefaultPolicy()
	a.Scan = &scan.Job{
		Store: a.Store, Sources: a.Sources, Rules: a.Rules, Assign: a.Assign, Policy: life,
		Verify: scan.Windows{State: d.Policy.VerifyState, Cost: d.Policy.VerifyCost}, Clock: a.Clock, Log: a.Log.With("job", "scan"),
	}
	settle := map[string]time.Duration{}
	for _, t := range d.Trackers {
		settle[t.Name] = t.Settle
	}
	boards, followed := map[string]distribute.Board{}, map[string]monitor.Board{}
	for _, b := range d.Boards {
		boards[b.Name] = a.boardOf(b)
		followed[b.Name] = monitor.Board{Tracker: b.Tracker, Project: b.Project, CannotTell: b.CannotTell}
	}
	a.Distribute = &distribute.Job{
		Store: a.Store, Trackers: a.Trackers, Boards: boards, Policy: policy(d), Settle: settle, Fields: d.Sync.Fields, Life: life, Rules: a.ruleTexts,
		Clock: a.Clock, Log: a.Log.With("job", "distribute"),
	}
	a.noteRules()
	a.Monitor = &monitor.Job{
		Store: a.Store, Trackers: a.Trackers, Overlap: d.Sync.Overlap, Fields: d.Sync.Fields, Boards: followed, Sayings: a.Distribute.Sayings,
		Gone: lifecycle.WhenGone(d.Policy.Gone), Life: life,
		Clock: a.Clock, Log: a.Log.With("job", "monitor"),
	}
}

// boardOf is a board in the distributor's words.
func (p *Plan) boardOf(b deploy.Board) distribute.Board {
	board := distribute.Board{
		Name: b.Name, Tracker: b.Tracker, Project: b.Project, Type: b.Type, Labels: b.Labels, Components: b.Components, Parent: b.Parent,
		Due: b.Due, Fields: b.Fields, Open: b.Open, Checklist: b.Checklist, Text: p.texts[b.Name], Page: p.Deployment.Page, Words: p.words,
	}
	for _, s := range b.Freeze {
		board.Freeze = append(board.Freeze, distribute.Span(s))
	}
	return board
}

// policy is the distributor's part of the deployment's policy. Five failures in a
// row block a write: by then a person should look.
func policy(d *deploy.Deployment) distribute.Policy {
	return distribute.Policy{
		MinSavings: d.Policy.MinSavings, Sightings: d.Policy.Sightings, OpenPerOwner: d.Policy.OpenPerOwner,
		NewPerBoardWeek: d.Policy.NewPerBoardWeek, Destructive: distribute.Destructive{Actions: d.Policy.Destructive, Sightings: d.Policy.DestructiveSightings},
		Rollout: distribute.Rollout{New: store.Stage(d.Policy.RolloutNew), Canary: d.Policy.Canary}, Brake: distribute.Brake{Tickets: d.Policy.BrakeTickets, Share: d.Policy.BrakeShare},
		CloseTickets: d.Policy.Close == "transition", MaxAttempts: 5, MaxWait: 30 * time.Second,
	}
}

// Result is what one walk did; a part that was not reached is nil.
type Result struct {
	Scan       *scan.Report
	Distribute *distribute.Report
	Monitor    *monitor.Report
}

// Rehearsal is what a run would do.
type Rehearsal struct {
	Scan    *scan.Report
	Tickets []distribute.Preview
	Held    map[string]int // why → how many
}

// Rehearse is Run without its effects: nothing is kept, nothing is filed. The
// brake does not apply.
func (a *App) Rehearse(ctx context.Context) (*Rehearsal, error) {
	r := &Rehearsal{}
	var err error
	r.Scan, err = a.Scan.Rehearse(ctx, func(tx *store.Tx) (err error) {
		r.Tickets, r.Held, err = a.Distribute.Rehearse(tx)
		return err
	})
	if r.Scan == nil {
		return nil, err
	}
	return r, err
}
