package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// Finding is one thing that a check has to say.
type Finding struct {
	Part    string `json:"part"` // "source billing", "tracker corp", "rules"
	OK      bool   `json:"ok"`
	Message string `json:"message"`
	Next    string `json:"next,omitempty"`
}

// Check tries everything that can be tried before a run without changing
// anything: the state is opened, sources are read and their facts held against the
// rules' types, trackers are asked whether they have what the boards need.
func Check(ctx context.Context, p *Plan, c clock.Clock) ([]Finding, error) {
	findings := checkRules(ctx, p)
	findings = append(findings, checkState(ctx, p.Deployment.State))
	findings = append(findings, checkData(ctx, p, c)...)
	more, err := checkTrackers(ctx, p, c)
	return append(findings, more...), err
}

// checkRules runs the tests beside the rules: a pack that no longer does what its
// author meant should not file tickets.
func checkRules(ctx context.Context, p *Plan) []Finding {
	var findings []Finding
	for _, w := range append(p.Deployment.Warnings, p.Rules.Warnings()...) {
		findings = append(findings, Finding{Part: "rules", OK: true, Message: w.Headline()})
	}
	tested, err := p.Tested()
	if err != nil {
		return append(findings, Finding{Part: "rules", Message: err.Error()})
	}
	results, err := tested.Test(ctx)
	if err != nil {
		return append(findings, Finding{Part: "rules", Message: err.Error()})
	}
	failed := 0
	for _, r := range results {
		if r.Passed() {
			continue
		}
		failed++
		findings = append(findings, Finding{Part: "rules", Message: r.Rule + ": " + r.Name + ": " + r.Failures[0], Next: "trimtab rules test"})
	}
	if failed == 0 {
		findings = append(findings, Finding{Part: "rules", OK: true, Message: countOf(len(p.Rules.Rules()), "rule") + ", " + countOf(len(results), "test") + " passed"})
	}
	return findings
}

// checkState opens the state and closes it. One that is not there yet is made by the first
// run.
func checkState(ctx context.Context, state string) Finding {
	s, err := openForReading(ctx, state)
	switch {
	case errors.Is(err, store.ErrNoState):
		return Finding{Part: "state", OK: true, Message: "there is none yet: the first run makes it"}
	case err != nil:
		return Finding{Part: "state", Message: err.Error(), Next: trimtab.NextOf(err)}
	}
	_ = s.Close() // nothing was written
	return Finding{Part: "state", OK: true, Message: "answers"}
}

// checkData reads every source and states its facts, each source by itself, so
// that one broken file hides no other.
func checkData(ctx context.Context, p *Plan, c clock.Clock) []Finding {
	var findings []Finding
	session, err := p.Rules.NewSession(sessionOptions)
	if err != nil {
		return []Finding{{Part: "rules", Message: err.Error()}}
	}
	for _, s := range p.Sources {
		f := Finding{Part: "source " + s.Name()}
		batch, err := s.Gather(ctx, c.Now())
		for i := 0; err == nil && i < len(batch.Facts); i++ {
			err = session.Assert(batch.Facts[i].Type, batch.Facts[i].Fields)
		}
		if err != nil {
			f.Message, f.Next = err.Error(), trimtab.NextOf(err)
		} else {
			f.OK, f.Message = true, countOf(int(batch.Rows), "row")+", "+countOf(len(batch.Facts), "fact")
		}
		findings = append(findings, f)
	}
	return findings
}

// checkTrackers asks each tracker about the boards that use it, in one go.
func checkTrackers(ctx context.Context, p *Plan, c clock.Clock) ([]Finding, error) {
	all, err := trackers(p.Deployment, nil, c)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, name := range slices.Sorted(maps.Keys(all)) {
		var samples []tracker.Draft
		for _, b := range p.Deployment.Boards {
			if b.Tracker == name {
				samples = append(samples, sample(b, c.Now()))
			}
		}
		findings = append(findings, checkTracker(ctx, name, all[name], samples)...)
	}
	return findings, nil
}

// sample is a ticket of a board, as far as the board decides what it has.
func sample(b deploy.Board, now time.Time) tracker.Draft {
	d := tracker.Draft{
		Target: tracker.Target{Project: b.Project, Type: b.Type}, Labels: b.Labels, Components: b.Components, Parent: b.Parent, Fields: b.Fields,
		Summary: "A ticket of Trimtab", Description: "Is everything there that it needs?", Assignee: b.Lead,
	}
	if b.Due > 0 {
		d.Due = now.Add(b.Due)
	}
	return d
}

func checkTracker(ctx context.Context, name string, t tracker.Tracker, samples []tracker.Draft) []Finding {
	problems, err := t.Check(ctx, samples)
	if err != nil {
		return []Finding{{Part: "tracker " + name, Message: err.Error(), Next: "mend `url:` and `auth:`, or wait until it answers"}}
	}
	var findings []Finding
	for _, p := range problems {
		findings = append(findings, Finding{Part: "tracker " + name, OK: !p.Fatal, Message: p.Target.Project + ": " + p.Message, Next: p.Next})
	}
	if len(findings) == 0 {
		findings = append(findings, Finding{Part: "tracker " + name, OK: true, Message: countOf(len(samples), "board") + " can be filed on"})
	}
	return findings
}
