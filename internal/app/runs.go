package app

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/monitor"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/tracker"
)

// jobs is the queue of all jobs: one at a time over all workers, since they work on the
// same rows and trackers.
const jobs = "jobs"

// stale is how old an interrupted run may be so that its end is what is asked for now. An
// older one is brought to its end, and followed by another.
const stale = time.Hour

// makeEngine makes the engine that every job runs on.
func (a *App) makeEngine() (err error) {
	of := a.Deployment.Runs
	a.Engine, err = durable.New(durable.Config{
		Lease: of.Lease, Margin: of.Lease / 6, Rules: durable.Rules{MaxCrashes: of.Crashes}, Keep: of.Keep,
		Log: a.Store.Runs(), Clock: a.Clock, Worker: durable.Name(), Queues: []durable.Queue{{Name: jobs, Limit: 1}},
		Around: permitted, Observe: a.observe, Logger: a.Log,
	}, a.workflows()...)
	return err
}

// permitted lets every write to a tracker ask whether the run is still ours.
func permitted(ctx context.Context, lease *durable.Lease) context.Context {
	return tracker.WithPermit(ctx, lease.Err)
}

// workflows are the jobs as durable runs. None runs while the rules are exchanged.
func (a *App) workflows() []durable.Workflow {
	return []durable.Workflow{
		durable.NewWorkflow("scan", 1, func(f *durable.Flow, _ *struct{}) (*scan.Report, error) {
			a.working.RLock()
			defer a.working.RUnlock()
			return a.Scan.Flow(f)
		}, scan.Steps()...),
		a.Distribute.Workflow(),
		a.Monitor.Workflow(),
		durable.NewWorkflow("run", 1, a.walk, append(append(scan.Steps(), distribute.Steps()...), monitor.Steps()...)...),
	}
}

// walk scans, distributes and monitors. A scan with failed sources is followed by the
// distribution, since what it knows is sound; one that could not be made is not. The
// trackers are pulled in any case.
func (a *App) walk(f *durable.Flow, in distribute.Request) (*Result, error) {
	a.working.RLock()
	defer a.working.RUnlock()
	r := &Result{}
	file := f.Graph(1)
	scanned := file.Job("scan", func(f *durable.Flow) (err error) {
		r.Scan, err = a.Scan.Flow(f)
		return err
	})
	filed := file.Job("distribute", func(f *durable.Flow) (err error) {
		r.Distribute, err = a.Distribute.Flow(f, in)
		return err
	}, scanned)
	_ = file.Run() // the jobs' own errors say more
	if err := f.Halted(); err != nil {
		return r, err
	}
	pull := f.Graph(1)
	pulled := pull.Job("monitor", func(f *durable.Flow) (err error) {
		r.Monitor, err = a.Monitor.Flow(f)
		return err
	})
	_ = pull.Run() // likewise
	return r, worst(f.Halted(), scanned.Err(), filed.Err(), pulled.Err())
}

// worst joins errors so that the one that ended most comes first: its code is the
// whole's.
func worst(errs ...error) error {
	var first, rest []error
	for _, err := range errs {
		if trimtab.CodeOf(err) == trimtab.Partial {
			rest = append(rest, err)
			continue
		}
		first = append(first, err)
	}
	return errors.Join(append(first, rest...)...)
}

// ask asks for a run of a workflow and follows it to its end, or brings one to its end
// that was interrupted before. One that waits for an approval gives way: what is asked for
// now is about newer data.
func ask[Out any](ctx context.Context, a *App, workflow string, input any) (out Out, err error) {
	for {
		id, added, err := a.Engine.Submit(ctx, durable.Request{Workflow: workflow, Key: workflow, Queue: jobs, Input: input})
		if err != nil {
			return out, err
		}
		if !added {
			given, err := a.giveWay(ctx, id)
			if err != nil {
				return out, err
			}
			if given {
				continue
			}
		}
		a.told(workflow, id, added)
		run, err := a.Engine.Follow(ctx, id)
		if err != nil {
			return out, err
		}
		old := !added && (time.Since(run.CreatedAt) > stale || !sameInput(run, input))
		if old && run.Status.Ended() {
			continue // what was asked for is about what is there now
		}
		out, err = durable.ResultOf[Out](run)
		if errors.Is(err, durable.ErrWaits) {
			err = waits(run)
		}
		return out, err
	}
}

// giveWay ends a run that waits for somebody.
func (a *App) giveWay(ctx context.Context, id int64) (bool, error) {
	run, _, err := a.Engine.Show(ctx, id)
	if err != nil || !run.Indefinite() {
		return false, err
	}
	a.Log.Warn("a run that waited for approval gives way to a newer one", "job", run.Workflow, "run", id)
	return true, a.Engine.Cancel(ctx, id)
}

// waits is what a caller hears of a run at its brake.
func waits(run *durable.Run) error {
	return trimtab.Errorf(trimtab.Partial, "run %d %w for approval: %s; nothing was written to a tracker", run.ID, durable.ErrWaits, run.Reason).
		WithNext("`trimtab approve` shows what it would do, `trimtab approve %d` lets it go on, `trimtab runs cancel %d` gives it up", run.ID, run.ID)
}

// Approval is the signal that a run waits for; an error if it waits for none.
func Approval(run *durable.Run) (string, error) {
	if run.Indefinite() && strings.HasPrefix(run.Awaits, distribute.Approval+" ") {
		return run.Awaits, nil
	}
	return "", trimtab.Errorf(trimtab.Invalid, "run %d does not wait for approval: it is %s", run.ID, run.Status).WithNext("`trimtab approve` lists those that do")
}

// told says that an earlier run goes on, so that nobody takes its result for one of now.
func (a *App) told(workflow string, id int64, added bool) {
	if !added {
		a.Log.Warn("a run has not ended yet and goes on", "job", workflow, "run", id)
	}
	if a.Began != nil {
		a.Began(id, !added)
	}
}

// sameInput reports whether a run was asked for what is asked for now.
func sameInput(run *durable.Run, input any) bool {
	request, ok := input.(distribute.Request)
	if !ok {
		return true
	}
	had, err := durable.InputOf[distribute.Request](run)
	return err == nil && reflect.DeepEqual(had, request)
}

// RunScan makes one scan; see [scan.Job.Run].
func (a *App) RunScan(ctx context.Context) (*scan.Report, error) {
	report, err := ask[*scan.Report](ctx, a, "scan", nil)
	return a.Scan.Filled(ctx, report, err)
}

// RunDistribute makes one distribution.
func (a *App) RunDistribute(ctx context.Context, in distribute.Request) (*distribute.Report, error) {
	return ask[*distribute.Report](ctx, a, "distribute", in)
}

// RunMonitor pulls every tracker once.
func (a *App) RunMonitor(ctx context.Context) (*monitor.Report, error) {
	return ask[*monitor.Report](ctx, a, "monitor", monitor.Request{})
}

// Run scans, distributes and monitors once. A scan with failed sources is followed by the
// other jobs; its error is returned at the end.
func (a *App) Run(ctx context.Context, approved bool) (*Result, error) {
	r, err := ask[*Result](ctx, a, "run", distribute.Request{Approved: approved})
	if r == nil {
		return &Result{}, err
	}
	r.Scan, err = a.Scan.Filled(ctx, r.Scan, err)
	return r, err
}

// observe counts and logs how runs end while the app serves.
func (a *App) observe(n durable.Note) {
	s := a.serving.Load()
	if s == nil {
		return
	}
	outcome := "ok"
	switch n.Run.Status {
	case durable.Done:
	case durable.Partial:
		outcome = "partial"
	case durable.Failed, durable.Parked:
		outcome = "failed"
	default:
		return // it began, or goes on later
	}
	s.metrics.Ran(n.Run.Workflow, outcome, took(n.Run))
	if err := failure(n.Run); err != nil {
		a.Log.Error("job ended with errors", "job", n.Run.Workflow, "run", n.Run.ID, "outcome", outcome, "error", err, "next", trimtab.NextOf(err))
	}
}

// took is how long a run was at work; a parked one has not ended, and counts for nothing.
func took(run durable.Run) time.Duration {
	if run.EndedAt.IsZero() {
		return 0
	}
	return run.EndedAt.Sub(run.StartedAt)
}

// failure is why a run did not end well; nil if it did.
func failure(run durable.Run) error {
	_, err := durable.ResultOf[struct{}](&run)
	return err
}
