package rule

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

const refraction = `apiVersion: trimtab/v1
pack: p
rules:
  - id: f
    when:
      - {match: VM, as: vm, where: 'vm.cpu + 1.0 < 5.0'}
      - let: {label: 'vm.region + "!"'}
    then: [{log: label + vm.id}]
`

// TestRefraction: a match fires again when a field that the rule reads changed,
// in its conditions or its actions, and for nothing else.
func TestRefraction(t *testing.T) {
	session, out := run1(t, load(t, vmTypes, refraction), vm("a", map[string]any{"cpu": 1, "region": "eu"}))
	if len(out.Logs) != 1 || out.Logs[0].Text != "eu!a" {
		t.Fatalf("%+v", out.Logs)
	}
	for _, c := range []struct {
		fields map[string]any
		want   int
	}{
		{map[string]any{"account": "2"}, 0}, // not read
		{map[string]any{"cpu": 1.0}, 0},     // no change
		{map[string]any{"cpu": 2}, 1},
		{map[string]any{"region": "us"}, 1},
		{map[string]any{"monthly_cost": "9 USD"}, 0},
		{map[string]any{"cpu": 4.5}, 0}, // no match any more
		{map[string]any{"cpu": 1}, 1},   // and again
	} {
		c.fields["id"] = "a"
		if err := session.Assert("VM", c.fields); err != nil {
			t.Fatal(err)
		}
		if out := again(t, session); len(out.Logs) != c.want {
			t.Errorf("%v: fired %d times, want %d", c.fields, len(out.Logs), c.want)
		}
	}
}

// TestExpiry: a comparison with now follows the clock without any fact changing.
func TestExpiry(t *testing.T) {
	s := load(t, vmTypes, `apiVersion: trimtab/v1
pack: p
rules:
  - id: old
    when: [{match: VM, as: vm, where: 'vm.when < now - duration("24h")'}]
    then: [{recommend: {action: stop, resource: vm.id}}]
`)
	session, err := s.NewSession(SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	if err := session.Assert("VM", vm("a", map[string]any{"when": at}).Fields); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {24 * time.Hour, 0}, {24*time.Hour + 1, 1}, {time.Hour, 0}, {48 * time.Hour, 1}} {
		if err := session.SetClock(at.Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if out := again(t, session); len(out.Recommendations) != c.want {
			t.Errorf("after %v: %d recommendations, want %d", c.after, len(out.Recommendations), c.want)
		}
	}
}

// TestReplace: a complete reading of a source retracts what it no longer has,
// and leaves other types and derived facts alone.
func TestReplace(t *testing.T) {
	session, _ := run1(t, load(t, vmTypes, strings.Split(shared, "---\n")[0]),
		vm("a", map[string]any{"cpu": 1}), vm("b", map[string]any{"cpu": 1}), Fact{"Keep", map[string]any{"vm": "x"}})
	err := session.Replace([]string{"VM", "Recommendation"}, []Fact{vm("b", map[string]any{"cpu": 1}), vm("c", map[string]any{"cpu": 1})})
	if err != nil {
		t.Fatal(err)
	}
	out := again(t, session)
	got := ""
	for _, c := range out.Recommendations {
		got += c.Resource
	}
	if got != "bc" || out.Firings["low/a"] != 1 {
		t.Errorf("recommended %q with firings %v", got, out.Firings)
	}
	if err := session.Replace([]string{"VM"}, []Fact{{"VM", map[string]any{"id": 3}}}); err == nil {
		t.Error("a bad fact is taken")
	}
}

// TestShared: sessions of one set run side by side; run with -race.
func TestShared(t *testing.T) {
	s := load(t, append([]string{vmTypes, refraction}, strings.Split(shared, "---\n")...)...)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			session, err := s.NewSession(SessionOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			for j := range 20 {
				f := vm(fmt.Sprint(i, j), map[string]any{"cpu": j, "region": "eu", "tags": map[string]string{"env": "dev"}})
				if err := session.Assert(f.Type, f.Fields); err != nil {
					t.Error(err)
				}
			}
			if out, err := session.Run(t.Context()); err != nil || len(out.Recommendations) != 20 {
				t.Error(out, err)
			}
		})
	}
	all.Wait()
}

// TestConflict: two rules derive one key with other values; the one with the
// higher priority wins and the other is told.
func TestConflict(t *testing.T) {
	s := load(t, `apiVersion: trimtab/v1
pack: p
facts:
  A: {fields: {x: int}}
  B: {key: [id], fields: {id: string, x: int}}
rules:
  - id: low
    when: [{match: A, as: a}]
    then: [{derive: B, set: {id: '"k"', x: '1'}}]
  - id: high
    priority: 1
    when: [{match: A, as: a}]
    then: [{derive: B, set: {id: '"k"', x: '2'}}]
  - id: show
    priority: -1
    when: [{match: B, as: b}]
    then: [{log: b.x}]
`)
	_, out := run1(t, s, Fact{"A", map[string]any{"x": 1}})
	if len(out.Conflicts) == 0 || out.Conflicts[0] != (Conflict{"B", "p/high", "p/low"}) {
		t.Errorf("conflicts %+v", out.Conflicts)
	}
	if len(out.Logs) != 1 || out.Logs[0].Text != "2" {
		t.Errorf("logs %+v", out.Logs)
	}
}
