package app

import (
	"errors"
	"os"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/store"
)

// TestOperateBesideServe: while a process serves, it alone changes runs, and is asked to;
// nobody else can ask it.
func TestOperateBesideServe(t *testing.T) {
	s := newSite(t)
	a := s.serve()
	// A run that nobody works on, since its time has not come.
	id, _, err := a.Engine.Submit(t.Context(), durable.Request{Workflow: "scan", At: s.clock.Now().AddDate(100, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	busy := func() (*App, error) { return nil, trimtab.Errorf(trimtab.Busy, "another process writes") }
	o, err := Operate(busy, a.Deployment.State)
	if err != nil || o.App != nil {
		t.Fatalf("%+v, %v", o, err)
	}
	if added, err := o.Signal(t.Context(), id, "approve", "ann"); !added || err != nil {
		t.Errorf("%t, %v", added, err)
	}
	if err := o.Cancel(t.Context(), id); err != nil {
		t.Error(err)
	}
	if run, _, err := a.Engine.Show(t.Context(), id); err != nil || run.Status != durable.Cancelled {
		t.Errorf("%+v, %v", run, err)
	}
	for name, err := range map[string]error{
		"cancel": o.Cancel(t.Context(), id), "retry": o.Retry(t.Context(), id, "none"), "unknown": o.Cancel(t.Context(), 99),
	} {
		if code := trimtab.CodeOf(err); code != trimtab.Invalid && code != trimtab.NotFound || trimtab.NextOf(err) == "" {
			t.Errorf("%s: %v, next %q", name, err, trimtab.NextOf(err))
		}
	}
	testActs(t, a, o)
	testControlFile(t, a, o, id)
	if err := o.Resume(t.Context(), id); err != nil {
		t.Error(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := Operate(busy, a.Deployment.State); trimtab.CodeOf(err) != trimtab.Busy {
		t.Errorf("after the end of serve: %v", err)
	}
}

// testActs: what a command asks of the process that serves is done there, and refusals
// come back as they are.
func testActs(t *testing.T, a *App, o Operated) {
	t.Helper()
	board := a.Deployment.Boards[0].Name
	if err := o.Act(t.Context(), "pause", store.Pause{Kind: store.PauseBoard, Name: board, Why: "w"}, nil); err != nil {
		t.Fatal(err)
	}
	err := a.Store.Read(t.Context(), func(tx *store.Tx) error {
		pauses, err := tx.Pauses(a.Clock.Now())
		if len(pauses) != 1 || pauses[0].Name != board || pauses[0].Why != "w" {
			t.Errorf("%+v", pauses)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	var recalled distribute.Recalled
	if err := o.Act(t.Context(), "recall", distribute.RecallRequest{Rule: "none"}, &recalled); err != nil || !recalled.Paused {
		t.Errorf("%+v, %v", recalled, err)
	}
	for _, err := range []error{
		o.Act(t.Context(), "pause", store.Pause{Kind: store.PauseBoard, Name: "none"}, nil), o.Act(t.Context(), "none", 1, nil),
		o.Act(t.Context(), "put-off", PutOff{Recommendation: 99}, nil), o.Act(t.Context(), "stage", []int{1}, nil),
	} {
		if code := trimtab.CodeOf(err); code != trimtab.NotFound && code != trimtab.Invalid {
			t.Errorf("%v", err)
		}
	}
}

// testControlFile: only the owner can read where to ask, and the token is asked for.
func testControlFile(t *testing.T, a *App, o Operated, id int64) {
	t.Helper()
	info, err := os.Stat(controlPath(a.Deployment.State))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	r, ok := o.Operator.(remote)
	if !ok {
		t.Fatal("the process that serves was not asked")
	}
	r.Token = "wrong"
	if err := r.Cancel(t.Context(), id); err == nil || errors.Is(err, durable.ErrNoRun) {
		t.Errorf("a wrong token: %v", err)
	}
}
