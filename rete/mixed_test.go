package rete_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/rete"
	"github.com/trimtab/trimtab/rete/internal/naive"
)

// mixedTypes are those of the other tests, a bag, and one for many strings.
var mixedTypes = append([]rete.Type{
	{Name: "G", Bag: true, Fields: []rete.Field{{Name: "x", Optional: true}, {Name: "y", Optional: true}}},
	{Name: "S", Fields: []rete.Field{{Name: "text"}}},
}, derivedTypes...)

func init() { fieldsOf["G"], optional["G"] = []string{"x", "y"}, true }

// mixedRule is a production with what its twin knows of it.
type mixedRule struct {
	production rete.Production
	when       []naive.Elem
	derive     *naive.Rule                         // of those that conclude
	per        func(m rete.Matched) (string, bool) // of those in an exclusive group
}

// mixed drives one session through everything at once.
type mixed struct {
	*generator
	s     *rete.Session
	rules map[string]*mixedRule
	ends  map[rete.Handle]int64 // when facts expire
	made  int                   // productions so far
	texts int                   // different strings so far
	quiet bool                  // the last run came to its end, and nothing happened since
}

// mixedSteps counts the steps of all checks.
var mixedSteps atomic.Int64

// TestMixed does thousands of steps of every kind and compares with the twin every
// so often.
func TestMixed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { mix(t, 10, 120) })
	t.Logf("%d steps", mixedSteps.Load())
}

// FuzzSession is TestMixed with steps that are read from bytes. Zeros follow them, by
// which every draw is the least: what is too short is no other test than what is not.
func FuzzSession(f *testing.F) {
	session := rapid.MakeFuzz(func(t *rapid.T) { mix(t, 1, 40) })
	f.Fuzz(func(t *testing.T, input []byte) { session(t, append(input, make([]byte, 1<<17)...)) })
}

// mix is one session's life.
func mix(t *rapid.T, least, most int) {
	var now int64
	m := &mixed{generator: &generator{t: t, now: &now}, rules: map[string]*mixedRule{}, ends: map[rete.Handle]int64{}}
	base, err := rete.Compile(mixedTypes, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.s = rete.NewSession(base, rete.Config{
		Strategy: rete.Strategy(m.int("strategy", 0, int(rete.Random))), MaxFirings: 400, Seed: 7,
		Groups: []string{"first", "", "last"},
	})
	if err := m.s.SetClock(time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	for range m.int("rules", 1, 4) {
		m.add()
	}
	for range m.int("steps", least, most) {
		mixedSteps.Add(1)
		m.step()
	}
	m.run(1_000_000)
	m.compare()
	m.leave()
}

// step does one thing.
func (m *mixed) step() {
	m.types = []string{"A", "A", "B", "C", "D0", "D1", "G"}
	switch kind := m.int("step", 0, 19); {
	case kind < 9:
		m.changes()
	case kind < 12:
		m.runSome()
	case kind < 14:
		m.clock()
	case kind == 14:
		m.add()
	case kind == 15:
		m.remove()
	case kind == 16:
		m.ask()
	case kind == 17 && m.int("flood", 0, 9) == 0:
		m.flood()
	default:
		m.compare()
	}
}

// changes commits a batch, or rolls it back.
func (m *mixed) changes() {
	before, ends := texts(factsOf(m.s)), map[rete.Handle]int64{}
	for h, at := range m.ends {
		ends[h] = at
	}
	tx := m.s.Begin()
	for range m.int("changes", 1, 5) {
		m.change(m.s, tx)
		if m.int("expire", 0, 3) == 0 {
			m.expire(tx)
		}
	}
	if m.int("rollback", 0, 5) > 0 {
		m.quiet = false
		if err := tx.Commit(); err != nil {
			m.t.Fatal(err)
		}
		return
	}
	tx.Rollback()
	m.ends = ends
	if after := texts(factsOf(m.s)); !slices.Equal(before, after) {
		m.t.Fatalf("rollback left\n%v\nof\n%v", after, before)
	}
}

// expire gives a keyed fact an end, or takes it away.
func (m *mixed) expire(tx *rete.Tx) {
	var stated []rete.Fact
	for f := range m.s.FactsOf("B") {
		if !f.Derived() {
			stated = append(stated, f)
		}
	}
	if len(stated) == 0 {
		return
	}
	h := rapid.SampledFrom(stated).Draw(m.t, "expiring").Handle()
	at, end := time.Time{}, int64(m.int("end", 0, 8))
	if end > 0 {
		at = time.Unix(end, 0)
		m.ends[h] = end
	} else {
		delete(m.ends, h)
	}
	if err := tx.ExpireAt(h, at); err != nil {
		m.t.Fatal(err)
	}
}

// clock moves the clock; facts whose end has come go, and no others that are stated.
func (m *mixed) clock() {
	m.quiet = false
	*m.now += int64(m.int("tick", -1, 2))
	want := map[rete.Handle]bool{}
	for f := range m.s.Facts() {
		if at, ends := m.ends[f.Handle()]; !f.Derived() && !(ends && at <= *m.now) {
			want[f.Handle()] = true
		}
	}
	if err := m.s.SetClock(time.Unix(*m.now, 0)); err != nil {
		m.t.Fatal(err)
	}
	for f := range m.s.Facts() {
		if !f.Derived() && !want[f.Handle()] {
			m.t.Fatalf("%v stands after its end %d, now %d", f, m.ends[f.Handle()], *m.now)
		}
		delete(want, f.Handle())
	}
	if len(want) > 0 {
		m.t.Fatalf("%v went before their end, now %d; ends %v", want, *m.now, m.ends)
	}
	for h, at := range m.ends {
		if at <= *m.now {
			delete(m.ends, h)
		}
	}
}

// flood makes thousands of strings and forgets them, so that symbols are swept.
func (m *mixed) flood() {
	m.quiet = false
	shape, err := m.s.Base().Shape("S", "text")
	if err != nil {
		m.t.Fatal(err)
	}
	var handles []rete.Handle
	tx := m.s.Begin()
	for range 5000 {
		m.texts++
		h, err := tx.AssertRow(shape, rete.String(fmt.Sprint("text ", m.texts)))
		if err != nil {
			m.t.Fatal(err)
		}
		handles = append(handles, h)
	}
	if err := tx.Commit(); err != nil {
		m.t.Fatal(err)
	}
	tx = m.s.Begin()
	for _, h := range handles {
		if err := tx.Retract(h); err != nil {
			m.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		m.t.Fatal(err)
	}
	if n := m.s.Symbols(); n > 11000 {
		m.t.Fatalf("%d values are kept of %d facts", n, m.s.Size().Facts)
	}
}

// add adds a rule that watches, acts or concludes.
func (m *mixed) add() {
	if len(m.rules) >= 6 {
		return
	}
	m.quiet = false
	m.made++
	m.ways = 2
	id := fmt.Sprint("r", m.made)
	var r *mixedRule
	switch m.int("role", 0, 4) {
	case 0, 1:
		r = m.watcher(id)
	case 2:
		r = m.actor(id)
	default:
		r = m.deriver(id)
	}
	m.rules[id] = r
	base, err := m.s.Base().With(nil, []rete.Production{r.production})
	if err := errors.Join(err, m.s.Adopt(base)); err != nil {
		m.t.Fatal(err)
	}
}

// remove takes a rule out.
func (m *mixed) remove() {
	ids := m.s.Base().Productions()
	if len(ids) == 0 {
		return
	}
	m.quiet = false
	id := rapid.SampledFrom(ids).Draw(m.t, "out")
	delete(m.rules, id)
	base, err := m.s.Base().Without(id)
	if err := errors.Join(err, m.s.Adopt(base)); err != nil {
		m.t.Fatal(err)
	}
}

// when draws what a rule of stated and derived facts asks for.
func (m *mixed) when(id string) (*mixedRule, []named) {
	m.types, m.denied = []string{"A", "B", "C", "D0", "G"}, nil
	pairs, scope := m.elements(m.int("elements", 1, 3), 2, nil)
	ours, twins := split(pairs)
	return &mixedRule{production: rete.Production{ID: id, When: ours, Priority: m.int("priority", -1, 1)}, when: twins}, scope
}

// watcher draws a rule that does nothing: a query, or one with all options.
func (m *mixed) watcher(id string) *mixedRule {
	r, scope := m.when(id)
	p := &r.production
	if len(scope) > 0 && m.int("query", 0, 2) == 0 {
		for range m.int("params", 1, 2) {
			name, field := m.ref(scope)
			p.Params = append(p.Params, rete.Ref{Name: name, Field: field})
		}
		return r
	}
	p.Then = func(*rete.Firing) error { return nil }
	m.options(r, scope)
	if len(scope) > 0 && m.int("exclusive", 0, 1) == 0 {
		p.Group = "" // where all take their turns
		p.Exclusive.Group = "x"
		name, field := m.ref(scope)
		p.Exclusive.Per = rete.Read(name, field)
		r.per = func(m rete.Matched) (string, bool) { return perOf(m, name, field) }
	}
	return r
}

// perOf is the key of exclusion of a match in words; an absent one is a key too.
func perOf(m rete.Matched, name, field string) (string, bool) {
	if field == "" {
		return plainly("", m.Values[name]), true
	}
	for _, f := range m.Facts {
		if f.Handle() == m.Bind[name] {
			v, ok := f.Get(field)
			if !ok {
				return "absent", true
			}
			return plainly("", v), true
		}
	}
	return "", false
}

// options draws agenda group and salience.
func (m *mixed) options(r *mixedRule, scope []named) {
	p := &r.production
	p.Group = rapid.SampledFrom([]string{"", "", "first", "last", "asleep"}).Draw(m.t, "group")
	p.NoLoop = m.int("no loop", 0, 3) == 0
	if len(scope) > 0 && m.int("salience", 0, 2) == 0 {
		p.Salience, _ = m.value(scope)
	}
}

// actor draws a rule that changes what is stated, a few times or without end.
func (m *mixed) actor(id string) *mixedRule {
	r, scope := m.when(id)
	m.options(r, scope)
	facts := slices.DeleteFunc(slices.Clone(scope), func(n named) bool { return n.typ == "" })
	typ := rapid.SampledFrom([]string{"A", "B", "C", "G"}).Draw(m.t, "made")
	sources := m.sources(typ, scope)
	r.production.Reads = readsOf(sources)
	act := m.int("act", 0, 4)
	var target named
	if len(facts) == 0 {
		act = 0
	} else {
		target = rapid.SampledFrom(facts).Draw(m.t, "target")
	}
	fails, focus := m.int("fails", 0, 4) == 0, m.int("focus", 0, 3) == 0
	r.production.Then = func(c *rete.Firing) error {
		if focus {
			c.Focus("asleep")
		}
		fields := sourceFields(c, sources)
		var err error
		switch f, _ := c.Fact(target.name); {
		case act == 0:
			_, err = c.Assert(typ, fields)
		case act < 3:
			err = c.Update(f.Handle(), rete.Fields{"x": fields["x"]})
		default:
			err = c.Retract(f.Handle())
		}
		if fails && err == nil && c.Now().Unix()%2 == 0 {
			err = errors.New("out of luck")
		}
		return err
	}
	return r
}

// sourceFields are the fields that a rule gives a fact.
func sourceFields(env rete.Env, sources map[string]source) rete.Fields {
	fields := rete.Fields{}
	for field, src := range sources {
		fields[field] = src.value
		if src.name != "" {
			if v, err := read(env, src.name, src.field); err == nil {
				fields[field] = v
			}
		}
	}
	return fields
}

// deriver draws a rule of a level: what it denies lies below.
func (m *mixed) deriver(id string) *mixedRule {
	m.bag = true // the twin concludes in an order of its own
	defer func() { m.bag = false }()
	level := m.int("level", 0, 1)
	m.types, m.denied = levels[level].matches, levels[level].denies
	pairs, scope := m.elements(m.int("elements", 1, 3), 1, nil)
	when, twins := split(pairs)
	typ := levels[level].derives
	sources := m.sources(typ, scope)
	var trace []string
	r := &mixedRule{when: twins, production: rete.Production{
		ID: id, When: when, Priority: m.int("priority", -1, 1), Reads: readsOf(sources), Then: deriving(typ, sources, &trace),
	}}
	r.derive = &naive.Rule{ID: id, Level: level, When: twins, Derive: derivingTwin(typ, sources)}
	if len(scope) > 0 && m.int("salience", 0, 2) == 0 {
		r.production.Salience, _ = m.value(scope)
	}
	return r
}

// runSome runs to the end or for a few firings.
func (m *mixed) runSome() {
	limit := 1_000_000
	if m.int("limited", 0, 2) == 0 {
		limit = m.int("limit", 0, 5)
	}
	m.run(limit)
}

// run runs; too many firings are a fair end, a false accusation is not.
func (m *mixed) run(limit int) {
	report, err := m.s.RunLimit(context.TODO(), limit)
	var without *rete.MaxFiringsError
	if err != nil && !errors.As(err, &without) {
		m.t.Fatalf("%v\n%s", err, m.words())
	}
	m.quiet = err == nil && report.Firings < limit
	if err := m.s.CheckInvariants(); err != nil {
		m.t.Fatal(err)
	}
}

// words say what the rules ask for and what is there.
func (m *mixed) words() string {
	var lines []string
	for _, id := range m.s.Base().Productions() {
		for _, l := range m.s.Levels(id) {
			lines = append(lines, fmt.Sprintf("%s/%d %s: %d", id, l.Branch, l.Element, l.Count))
		}
	}
	for f := range m.s.Facts() {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// ask compares the answers of queries with the matches that have the values.
func (m *mixed) ask() {
	if err := m.s.CheckInvariants(); err != nil {
		m.t.Fatal(err)
	}
	for _, id := range m.s.Base().Productions() {
		params := m.rules[id].production.Params
		if len(params) == 0 {
			continue
		}
		args := make([]any, len(params))
		for i := range args {
			args[i] = anyValue.Draw(m.t, "arg")
		}
		var want, got []string
		for found := range m.s.Matches(id) {
			fits := true
			for i, p := range params {
				v := found.Values[p.Name]
				ok := p.Field == ""
				if h, bound := found.Bind[p.Name]; bound {
					f, _ := m.s.Get(h)
					v, ok = f.Get(p.Field)
				}
				fits = fits && ok && naive.Equal(v, args[i])
			}
			if fits {
				want = append(want, fmt.Sprint(found.Facts, found.Values))
			}
		}
		answer, err := m.s.Query(id, args...)
		if err != nil {
			m.t.Fatal(err)
		}
		for found := range answer {
			got = append(got, fmt.Sprint(found.Facts, found.Values))
		}
		if !slices.Equal(got, want) {
			m.t.Fatalf("%s of %v by %v is\n%v\nwant\n%v\n%s", id, args, params, got, want, m.words())
		}
	}
}

// compare compares matches and conclusions with the twin.
func (m *mixed) compare() {
	twins := map[string][]naive.Elem{}
	var derive []naive.Rule
	for id, r := range m.rules {
		twins[id] = r.when
		if r.derive != nil {
			derive = append(derive, *r.derive)
		}
	}
	compareMatches(m.t, m.s, twins)
	m.compareExclusive()
	if m.quiet {
		compareFixpoint(m.t, m.s, derive, nil)
	}
}

// compareExclusive checks that of all matches with one key at most one has fired,
// and after a run exactly one.
func (m *mixed) compareExclusive() {
	fired, there := map[string]int{}, map[string]int{}
	for id, r := range m.rules {
		if r.per == nil {
			continue
		}
		for found := range m.s.Matches(id) {
			key, ok := r.per(found)
			if !ok {
				m.t.Fatalf("%v has no key", found)
			}
			there[key]++
			if found.Fired {
				fired[key]++
			}
		}
	}
	for key, n := range there {
		if fired[key] > 1 || m.quiet && fired[key] == 0 {
			m.t.Fatalf("of %d matches with the key %s %d have fired", n, key, fired[key])
		}
	}
}

// leave takes all rules out, and all facts.
func (m *mixed) leave() {
	bare, err := m.s.Base().Without(m.s.Base().Productions()...)
	if err := errors.Join(err, m.s.Adopt(bare)); err != nil {
		m.t.Fatal(err)
	}
	tx := m.s.Begin()
	for f := range m.s.Facts() {
		if f.Derived() {
			m.t.Fatalf("%v stands without rules", f)
		}
		if err := tx.Retract(f.Handle()); err != nil {
			m.t.Fatal(err)
		}
	}
	if err := errors.Join(tx.Commit(), m.s.CheckInvariants(), m.s.CheckEmpty()); err != nil {
		m.t.Fatal(err)
	}
}
