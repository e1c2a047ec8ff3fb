package durable

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// Graph is jobs with dependencies: what has no unmet dependency runs, side by side up
// to a limit; what depends waits; a job that fails lets be skipped what depends on it,
// and nothing else.
type Graph struct {
	flow  *Flow
	limit int
	jobs  []*Job
}

// Job is a node of a graph: a piece of the workflow with steps of its own.
type Job struct {
	name    string
	fn      func(*Flow) error
	after   []*Job
	outcome Outcome
	err     error
	started bool
	began   time.Time
	record  *Record
}

// Graph makes an empty graph whose jobs run at most limit at once; 0 is no limit.
func (f *Flow) Graph(limit int) *Graph { return &Graph{flow: f, limit: limit} }

// Job adds a job that runs when all of those before it are done. Since they must exist
// already, there are no circles. Its steps are named "name/step"; what would be mistaken
// for a path is escaped in the name.
func (g *Graph) Job(name string, fn func(*Flow) error, after ...*Job) *Job {
	j := &Job{name: escaped.Replace(name), fn: fn, after: after, outcome: StepPending}
	g.jobs = append(g.jobs, j)
	return j
}

// escaped keeps names apart that differ.
var escaped = strings.NewReplacer("%", "%25", "/", "%2F", "[", "%5B", "]", "%5D")

// Err is why the job failed, was skipped, or could not be begun; after [Graph.Run].
func (j *Job) Err() error { return j.err }

// Run runs the graph to its end. The error lists the jobs that failed and those that
// were skipped for it, and is of the code [trimtab.Partial]; a job whose own error is of
// that code counts as done, and its error is listed. It is [ErrSuspended], or what ends
// the work here, when a job came to that.
func (g *Graph) Run() error {
	if err := g.begin(); err != nil {
		for _, j := range g.jobs { // none of them ran, whoever is asked
			j.err = err
		}
		return err
	}
	ended, running := make(chan *Job), 0
	var halt error
	for {
		if halt == nil {
			running += g.start(ended, running)
		}
		if running == 0 {
			break
		}
		j := <-ended
		running--
		if err := g.end(j); err != nil {
			halt = err
		}
	}
	if halt != nil {
		return halt
	}
	return g.verdict()
}

// begin writes the jobs down, so that people see what is to come and what depends on
// what.
func (g *Graph) begin() error {
	var fresh []*Record
	for _, j := range g.jobs {
		if err := checkName(j.name); err != nil {
			return err
		}
		r, err := g.flow.enter(task{name: g.flow.scope + j.name}, KindJob)
		if err != nil {
			return err
		}
		if j.record = r; r.Outcome == "" {
			r.Outcome = StepPending
			for _, before := range j.after {
				r.After = append(r.After, g.flow.scope+before.name)
			}
			fresh = append(fresh, r)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return g.flow.keep(fresh...)
}

// start starts every job that can, and skips every one that cannot any more.
func (g *Graph) start(ended chan<- *Job, running int) (started int) {
	for _, j := range g.jobs {
		if j.started || g.limit > 0 && running+started >= g.limit {
			continue
		}
		switch ready, lacks := j.ready(); {
		case lacks != "":
			// Later jobs stand behind earlier ones, so one pass skips a whole chain.
			j.started, j.outcome, j.err = true, StepSkipped, fmt.Errorf("skipped, since %s", lacks)
			started++
			go func() { ended <- j }()
		case ready:
			j.started, j.began = true, time.Now()
			started++
			go func() {
				_, j.err = guarded(func() (any, error) { return nil, j.fn(g.flow.sub(j.name)) })
				ended <- j
			}()
		}
	}
	return started
}

// ready reports whether all before it are done, or names one that will not be.
func (j *Job) ready() (ready bool, lacks string) {
	ready = true
	for _, before := range j.after {
		switch before.outcome {
		case StepDone:
		case StepFailed, StepSkipped:
			return false, before.name + " is " + string(before.outcome)
		default:
			ready = false
		}
	}
	return ready, ""
}

// end notes how a job ended. The error ends the graph here: the run is suspended, or is
// not ours any more.
func (g *Graph) end(j *Job) error {
	switch {
	case j.outcome == StepSkipped:
	case errors.Is(j.err, ErrSuspended):
		return j.err
	case g.flow.halted() != nil:
		return g.flow.halted()
	case j.err == nil, trimtab.CodeOf(j.err) == trimtab.Partial:
		j.outcome = StepDone
	default:
		j.outcome = StepFailed
	}
	return g.flow.note(j)
}

// verdict lists what is missing.
func (g *Graph) verdict() error {
	var missing []string
	var first error
	for _, j := range g.jobs {
		if j.err == nil {
			continue
		}
		missing = append(missing, j.name+": "+j.err.Error())
		if first == nil {
			first = j.err
		}
	}
	if first == nil {
		return nil
	}
	e := trimtab.Errorf(trimtab.Partial, "%s", strings.Join(missing, "\n"))
	e.Next = trimtab.NextOf(first)
	return e
}

// halted is why nothing more may be done here; nil while something may.
func (x *execution) halted() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.stopped
}

// note brings a job's record up to date, if it says something new.
func (x *execution) note(j *Job) error {
	r := j.record
	if r.Outcome == j.outcome {
		return nil
	}
	return x.commit(func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		r.Outcome, r.Error, r.EndedAt = j.outcome, failureOf(j.err), now
		if !j.began.IsZero() && r.StartedAt.IsZero() {
			r.StartedAt = now.Add(-time.Since(j.began)).Truncate(time.Millisecond)
		}
		return tx.SaveRecord(r)
	})
}

// Side does something for each of several names, each in a job of its own, all side by
// side, and gives the results in their order. What the jobs are called begins with what
// the names are of. One that fails does not stop the others; the error is only of what ends
// the work here.
func Side[Out any](f *Flow, of string, names []string, do func(f *Flow, i int) (Out, error)) ([]Result[Out], error) {
	results := make([]Result[Out], len(names))
	g := f.Graph(0)
	for i, name := range names {
		results[i].Item = name
		g.Job(of+" "+name, func(f *Flow) (err error) {
			results[i].Out, err = do(f, i)
			return err
		})
	}
	err := g.Run()
	for i, j := range g.jobs {
		results[i].Err = j.err
	}
	if errors.Is(err, ErrSuspended) {
		return results, err
	}
	return results, f.halted()
}

// Result is what one item of many came to.
type Result[Out any] struct {
	Item string
	Out  Out
	Err  error
}

// Each does a step for every item, at most limit at once (0 is 16), and gives the
// results in the order of the items. One that fails does not stop the others. The error
// is only of what ends the work here. How far it is stands in the run's progress.
func (s *Step[In, Out]) Each(f *Flow, limit int, items []In, name func(In) string) ([]Result[Out], error) {
	results := make([]Result[Out], len(items))
	slots, ended := make(chan struct{}, or(limit, 16)), make(chan error)
	go func() {
		for i, item := range items {
			slots <- struct{}{}
			go func() {
				results[i].Item = name(item)
				results[i].Out, results[i].Err = s.Item(f, results[i].Item, item)
				<-slots
				ended <- results[i].Err
			}()
		}
	}()
	var suspended error
	for n := range items {
		if err := <-ended; errors.Is(err, ErrSuspended) {
			suspended = err
		}
		f.count(s.name, n+1, len(items))
	}
	if err := f.halted(); err != nil {
		return results, err
	}
	return results, suspended
}
