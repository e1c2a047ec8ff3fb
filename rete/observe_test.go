package rete_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/rete"
)

// observed is a session with a bit of everything in its network.
func observed(t *testing.T, cfg rete.Config) *rete.Session {
	t.Helper()
	s := newRules(t, cfg, transcriptRules(t, []string{
		"untagged", "tagged-and-owned", "tagged-or-owned", "over-five", "x-over-y", "double", "of", "not-expired", "derive-total",
	})...)
	for id := range 3 {
		state(t, s, "item", rete.Fields{"id": id, "x": id, "y": 1})
	}
	state(t, s, "tag", rete.Fields{"id": 0, "text": "a & <b>"})
	state(t, s, "owner", rete.Fields{"id": 0, "who": "ann"})
	state(t, s, "line", rete.Fields{"who": "ann", "n": 7})
	return s
}

// TestTrace writes a line for each event of the kinds asked for.
func TestTrace(t *testing.T) {
	var all, firings strings.Builder
	both := rete.ListenerFunc(func(e rete.Event) {
		rete.Trace(&all).Event(e)
		rete.Trace(&firings, rete.Fired, rete.Failed).Event(e)
	})
	s := newRules(t, rete.Config{Listener: both}, transcriptRules(t, []string{"untagged", "fail", "derive-total"})...)
	h := state(t, s, "item", rete.Fields{"id": 1, "x": "a"})
	state(t, s, "line", rete.Fields{"who": "ann", "n": 1})
	runAll(t, s)
	change(t, s, func(tx *rete.Tx) error { return tx.Update(h, rete.Fields{"x": rete.Absent}) })
	change(t, s, func(tx *rete.Tx) error { return tx.Retract(h) })
	want := `==> f-1 item id=1 x=a
==> match fail i=f-1
==> match untagged i=f-1
==> f-2 line n=1 who=ann
==> match derive-total
FIRE derive-total
==> f-3 total n=1 who=ann (derived)
FAIL fail i=f-1: firing fail: out of luck
FIRE untagged i=f-1 seen
<=> f-1 item id=1
<== f-1 item id=1
<== match fail i=f-1
<== match untagged i=f-1
`
	if got := trimLines(all.String()); got != want {
		t.Errorf("the trace is\n%s\nwant\n%s", got, want)
	}
	if got, want := trimLines(firings.String()), "FIRE derive-total\nFAIL fail i=f-1: firing fail: out of luck\nFIRE untagged i=f-1 seen\n"; got != want {
		t.Errorf("the trace of firings is\n%s\nwant\n%s", got, want)
	}
	rete.Trace(failingWriter{}).Event(rete.Event{})
}

func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// failingWriter takes a few bytes and then none.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("full") }

// TestCosts are told for each production, by ID, and grow with what it is given.
func TestCosts(t *testing.T) {
	s := observed(t, rete.Config{})
	runAll(t, s)
	ids := s.Base().Productions()
	before := s.Costs()
	for i, c := range before {
		if c.Production != ids[i] {
			t.Errorf("the cost of %s stands for %s", c.Production, ids[i])
		}
		n := 0
		for range s.Matches(c.Production) {
			n++
		}
		if c.Matches != n || c.Tokens == 0 || c.Firings > 0 != (n > 0 && c.Production != "of") {
			t.Errorf("%+v with %d matches", c, n)
		}
	}
	state(t, s, "line", rete.Fields{"who": "bob", "n": 1})
	for i, c := range s.Costs() {
		lines := c.Production == "over-five" || c.Production == "derive-total"
		if more := c.Tokens > before[i].Tokens && c.Tests > before[i].Tests; more != lines {
			t.Errorf("a line made %+v of %+v", c, before[i])
		}
	}
}

// TestLevels count what matches up to each element, and list it.
func TestLevels(t *testing.T) {
	s := observed(t, rete.Config{})
	var got []string
	for _, id := range []string{"untagged", "tagged-or-owned", "over-five", "double"} {
		for _, l := range s.Levels(id) {
			var partials []string
			for m := range l.Partials() {
				partials = append(partials, strings.TrimSpace(fmt.Sprint(m.Bind, " ", m.Values)))
			}
			if len(partials) != l.Count {
				t.Errorf("%s: %d partial matches, counted %d", l.Element, len(partials), l.Count)
			}
			got = append(got, fmt.Sprintf("%s/%d %s: %s", id, l.Branch, l.Element, strings.Join(partials, ", ")))
		}
	}
	want := `untagged/0 i: item: i=f-1 map[], i=f-2 map[], i=f-3 map[]
untagged/0 not(t: tag where id == i.id): i=f-2 map[], i=f-3 map[]
tagged-or-owned/0 i: item: i=f-1 map[], i=f-2 map[], i=f-3 map[]
tagged-or-owned/0 exists(t: tag where id == i.id): i=f-1 map[]
tagged-or-owned/1 i: item: i=f-1 map[], i=f-2 map[], i=f-3 map[]
tagged-or-owned/1 exists(o: owner where id == i.id): i=f-1 map[]
over-five/0 accumulate(l: line: sum = sum l.n, by who = l.who): map[sum:7 who:ann]
over-five/0 having sum > 5: map[sum:7 who:ann]
double/0 i: item: i=f-1 map[], i=f-2 map[], i=f-3 map[]
double/0 let twice = i.x * 2: i=f-1 map[twice:0], i=f-2 map[twice:2], i=f-3 map[twice:4]
double/0 j: item where x == twice: i=f-1 j=f-1 map[twice:0], i=f-2 j=f-3 map[twice:2]`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("the levels are\n%s\nwant\n%s", text, want)
	}
}

// TestDrawing compares the drawing of a network with a golden file.
func TestDrawing(t *testing.T) {
	s := observed(t, rete.Config{})
	runAll(t, s)
	const file = "testdata/network.dot"
	var dot bytes.Buffer
	if err := s.WriteDOT(&dot); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, dot.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(want, dot.Bytes()) {
		t.Errorf("%v: the drawing is\n%s", err, dot.String())
	}
	var some bytes.Buffer
	if err := s.WriteDOT(&some, "double"); err != nil || some.Len() >= dot.Len() || !strings.Contains(some.String(), "double") {
		t.Errorf("%v: one production is drawn as\n%s", err, some.String())
	}
	for _, err := range []error{s.WriteDOT(failingWriter{}), s.WriteSVG(failingWriter{})} {
		if err == nil {
			t.Error("what cannot be written is no error")
		}
	}
}

// TestPicture is XML, also with texts that are not.
func TestPicture(t *testing.T) {
	evil := rete.Production{ID: `<a href="x">&'`, Then: nothing, When: []rete.Element{
		rete.Match("item", "i", rete.Eq("x", "]]><script>&amp;\x00\xff")),
	}}
	for _, s := range []*rete.Session{observed(t, rete.Config{}), newRules(t, rete.Config{}), newRules(t, rete.Config{}, evil)} {
		var svg bytes.Buffer
		if err := s.WriteSVG(&svg); err != nil {
			t.Fatal(err)
		}
		texts := 0
		for d := xml.NewDecoder(&svg); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, is := token.(xml.StartElement); is && (e.Name.Local == "script" || e.Name.Local == "a") {
				t.Errorf("a text became the element %s", e.Name.Local)
			}
			if _, is := token.(xml.CharData); is {
				texts++
			}
		}
		if texts == 0 {
			t.Error("the picture says nothing")
		}
	}
}
