package rule

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
)

// TestExplain plays the stories of testdata/explain: a pack, a script, and questions
// as "RULE RESOURCE" or "RESOURCE". The answers are read before they are committed.
func TestExplain(t *testing.T) {
	files, err := filepath.Glob("testdata/explain/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no packs", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			story := strings.TrimSuffix(name, ".yaml")
			session := playedStory(t, name, story+".jsonl")
			questions, err := os.ReadFile(story + ".ask")
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for line := range strings.Lines(string(questions)) {
				fmt.Fprintf(&got, "? %s%s\n", line, answered(session, strings.Fields(line)))
			}
			golden(t, story+".out", got.String())
		})
	}
}

// TestExplainData holds the names of the data, which programs rely on.
func TestExplainData(t *testing.T) {
	session := playedStory(t, "testdata/explain/machines.yaml", "testdata/explain/machines.jsonl")
	var all []any
	for _, q := range [][2]string{{"idle-vm", "i-1"}, {"quiet", "i-2"}, {"idle-vm", "i-5"}} {
		e, err := session.Explain(q[0], q[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	resource, err := session.ExplainResource("i-3")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(append(all, resource), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/explain/machines.json", string(data)+"\n")
}

// playedStory loads a pack and plays a script on it.
func playedStory(t *testing.T, pack, script string) *Session {
	t.Helper()
	data, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(Options{Files: []File{{filepath.Base(pack), data}}})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := os.Open(script)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = steps.Close() }()
	var out strings.Builder
	session, _, err := Play(t.Context(), s, EvalOptions{Script: steps, Dir: filepath.Dir(script), Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// answered asks a question.
func answered(session *Session, words []string) string {
	if len(words) == 1 {
		found, err := session.ExplainResource(words[0])
		if err != nil {
			return err.Error() + "\n"
		}
		return found.Text()
	}
	found, err := session.Explain(words[0], words[1])
	if err != nil {
		return err.Error() + "; " + trimtab.NextOf(err) + "\n"
	}
	return found.Text()
}

// TestExplainAgrees holds explanations of random rules to the matcher: they say that a
// rule's conditions hold exactly where it matches; where they say no, the walk agrees,
// no fact passes the test that is named, and some pass everything before it.
func TestExplainAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		when := drawElements(t)
		// The subject does not always come first.
		if rapid.Bool().Draw(t, "late") {
			when = "      - {match: Disk, as: first, where: 'first.gb > 3'}\n" + strings.Replace(when, "{match: VM, as: vm",
				"{match: VM, as: vm"+rapid.SampledFrom([]string{"", ", where: 'vm.id == first.vm'", ", where: 'vm.n < first.gb && vm.n > 1'"}).Draw(t, "join"), 1)
			when = dropSecondWhere(when)
		}
		head := "  - id: r\n    subject: vm\n" + rapid.SampledFrom([]string{
			"", "    requires: [{match: Disk, as: need, where: 'need.vm == vm.id && need.gb > 2'}]\n",
			"    table: {hit: first, inputs: {n: vm.n}, outputs: {out: int}, rows: [{n: '< 2', out: 1}, {n: '3, 4', out: 2}]}\n",
		}).Draw(t, "head")
		s, err := tryLoad(elementTypes, strings.Replace(logging(when, "vm.id"), "  - id: r\n", head, 1))
		if err != nil {
			t.Fatalf("%s\n%v", when, err)
		}
		session := drawFacts(t, s)
		matched := map[string]bool{}
		for m := range session.memory.Matches("p/r") {
			f, _ := session.memory.Get(m.Bind["vm"])
			matched[text(f, "id")] = true
		}
		for f := range session.memory.FactsOf("VM") {
			id := text(f, "id")
			e, err := session.Explain("p/r", id)
			if err != nil {
				t.Fatal(err)
			}
			r, _ := s.Rule("p/r")
			x := newExplainer(session)
			x.reads = r.readsByName()
			walked := x.furthest(r, x.judged(r, id))
			if (e.Verdict == VerdictFires) != matched[id] || (walked == nil) != matched[id] {
				t.Fatalf("%s\n%s: it matches: %v, explained as\n%s", when, id, matched[id], e.Text())
			}
			checkFailure(t, session, r, id, walked)
			checkWays(t, when, e)
			if evidence := walked != nil && walked.Kind == "requires"; evidence != (e.Verdict == VerdictUnknown) {
				t.Fatalf("%s\n%s: explained as\n%s", when, id, e.Text())
			}
			if _, err := json.Marshal(e); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestExplainAtOnce: sessions of one set are explained by goroutines at once.
func TestExplainAtOnce(t *testing.T) {
	data, err := os.ReadFile("testdata/explain/machines.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(Options{Files: []File{{"machines.yaml", data}}})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			session, err := s.NewSession(SessionOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			fields := map[string]any{"id": "i-1", "kind": "vm", "state": "running", "account": "lab", "monthly_cost": "30.00 USD"}
			if err := session.Assert("Resource", fields); err != nil {
				t.Error(err)
			}
			if _, err := session.Run(t.Context()); err != nil {
				t.Error(err)
			}
			if found, err := session.ExplainResource("i-1"); err != nil || !found.Known || len(found.Others) == 0 {
				t.Error(found, err)
			}
		})
	}
	all.Wait()
}

// TestDoubt: what is known from elsewhere is repeated, and a resource is found however
// it is spelled.
func TestDoubt(t *testing.T) {
	session := playedStory(t, "testdata/explain/machines.yaml", "testdata/explain/machines.jsonl")
	session.Doubt(map[string]string{"fleet/quiet": "source cloudwatch failed"})
	id := "/subscriptions/1/VM-a"
	fields := map[string]any{"id": id, "kind": "vm", "state": "off", "account": "lab", "monthly_cost": "30.00 USD"}
	if err := session.Assert("Resource", fields); err != nil {
		t.Fatal(err)
	}
	again(t, session)
	e, err := session.Explain("quiet", strings.ToLower(id))
	if err != nil || e.Verdict != VerdictNo || e.Doubt != "source cloudwatch failed" || !strings.Contains(e.Text(), "cloudwatch") {
		t.Errorf("%+v %v", e, err)
	}
	all, err := session.ExplainResource(strings.ToLower(id))
	if err != nil || !all.Known || !strings.Contains(all.Text(), "; source cloudwatch failed") {
		t.Errorf("%s %v", all.Text(), err)
	}
}

// dropSecondWhere leaves one where of a pattern that was given two.
func dropSecondWhere(when string) string {
	lines := strings.SplitAfter(when, "\n")
	for i, l := range lines {
		if strings.Count(l, "where:") == 2 && strings.Contains(l, "as: vm,") {
			lines[i] = l[:strings.LastIndex(l, ", where:")] + "}\n"
		}
	}
	return strings.Join(lines, "")
}

// drawFacts makes a memory with a few machines and disks, and runs it.
func drawFacts(t *rapid.T, s *Set) *Session {
	session, err := s.NewSession(SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var facts []Fact
	for i := range rapid.IntRange(0, 4).Draw(t, "vms") {
		facts = append(facts, machine(fmt.Sprint("v", i), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "account"), rapid.IntRange(1, 4).Draw(t, "n"), nil))
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "disks") {
		facts = append(facts, disk(fmt.Sprint("d", i), fmt.Sprint("v", rapid.IntRange(0, 3).Draw(t, "vm")), rapid.IntRange(0, 20).Draw(t, "gb")))
	}
	for _, f := range facts {
		if err := session.Assert(f.Type, f.Fields); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := session.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return session
}

// checkFailure holds a failure to what trying everything finds: what stands before it
// can be satisfied, with it nothing can, and the test that it names is false.
func checkFailure(t *rapid.T, session *Session, r *Rule, id string, f *Failure) {
	if f == nil {
		return
	}
	x := newExplainer(session)
	list := x.hoisted(r.conditions(), "vm")
	if !satisfiable(session, list[:f.At], id) || satisfiable(session, list[:f.At+1], id) {
		t.Fatalf("%s: the condition at %d is not the first that fails: %+v", id, f.At, f)
	}
	for ; f != nil; f = f.Inner {
		if f.Test != nil && f.Test.Holds {
			t.Fatalf("%s: the test that fails holds: %+v", id, f.Test)
		}
		for i, s := range f.Steps {
			if last := i == len(f.Steps)-1; last != (s.Left == 0) {
				t.Fatalf("%s: %d facts are left after %s: %+v", id, s.Left, s.Test, f)
			}
		}
		for _, n := range f.Near {
			if len(n.Failed) == 0 {
				t.Fatalf("%s: a near fact fails nothing: %+v", id, n)
			}
		}
	}
}

// satisfiable tries everything.
func satisfiable(session *Session, list []*condition, id string) bool {
	n := &naive{session: session, note: func(spot, bool) {}, parts: map[*condition][]*expr{}}
	walk(list, false, func(c *condition, _ bool) {
		for _, p := range session.set.conjunctsOf(c) {
			n.parts[c] = append(n.parts[c], p.expr)
		}
	})
	list = slices.Clone(list)
	for i, c := range list {
		if c.kind == "requires" {
			there := *c
			there.kind = "exists"
			list[i] = &there
		}
	}
	found := false
	n.all(list, newScene(session.memory.Now()), func(s *scene) {
		vm, bound := s.facts["vm"]
		found = found || !bound || text(vm, "id") == id
	})
	return found
}

// checkWays holds what is said to hold to holding.
func checkWays(t *rapid.T, when string, e Explanation) {
	for _, w := range e.Matches {
		if len(w.Conditions) == 0 {
			t.Fatalf("%s\na match without its conditions: %+v", when, e)
		}
		for _, h := range w.Conditions {
			for _, test := range h.Tests {
				if !test.Holds {
					t.Fatalf("%s\nsaid to hold: %+v", when, test)
				}
			}
		}
	}
}
