package app

import (
	"errors"
	"os"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/durable"
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
