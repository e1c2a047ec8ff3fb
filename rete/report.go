package rete

import (
	"cmp"
	"slices"
)

// Report says what a run did, including what batches since the last report did
// to derived facts and what their matching met.
type Report struct {
	Firings     int
	Agenda      int            // matches that still wait
	Halted      bool           // a firing called Halt
	Fired       Counts         // firings by production, by ID
	Derived     int            // facts that came to stand by derivation
	Withdrawn   int            // derived facts that fell
	Errors      []*FiringError // firings that failed, in order
	TestErrors  []*TestError   // tests and values that failed while matching
	Conflicts   []Conflict
	AbsentReads map[string]int // reads of absent fields, by production
	Logs        []LogLine
}

// Conflict tells of a derivation whose values lost against others for one key.
type Conflict struct {
	Type   string
	Handle Handle
	Winner string // a production; "" when a stated fact wins
	Loser  string
}

// LogLine is what a firing logged.
type LogLine struct {
	Production string
	Bind       Bind
	Text       string
}

// Counts are numbers by production ID, in the order of IDs.
type Counts []ProductionCount

// ProductionCount is how often something happened to a production.
type ProductionCount struct {
	Production string
	N          int
}

// Of is the number of a production, 0 if it is not counted.
func (c Counts) Of(production string) int {
	i, ok := slices.BinarySearchFunc(c, production, func(x ProductionCount, id string) int { return cmp.Compare(x.Production, id) })
	if !ok {
		return 0
	}
	return c[i].N
}

// Map is the numbers by ID.
func (c Counts) Map() map[string]int {
	m := make(map[string]int, len(c))
	for _, x := range c {
		m[x.Production] = x.N
	}
	return m
}

// takeReport finishes the report and begins the next.
func (s *Session) takeReport() Report {
	r := s.report
	s.report = Report{}
	r.Agenda = s.agenda.size
	if len(s.counted) > 0 {
		r.Fired = s.takeCounts()
	}
	s.attribute(&r)
	return r
}

// takeCounts gives the firings since the last report.
func (s *Session) takeCounts() Counts {
	counts := make(Counts, len(s.counted))
	for i, p := range s.counted {
		counts[i] = ProductionCount{p.id, p.fired}
		p.fired = 0
	}
	s.counted = s.counted[:0]
	if len(counts) > 1 {
		slices.SortFunc(counts, func(a, b ProductionCount) int { return cmp.Compare(a.Production, b.Production) })
	}
	return counts
}

// attribute counts what the network noted for each production that uses the node
// where it happened.
func (s *Session) attribute(r *Report) {
	if len(s.net.noted) == 0 {
		return
	}
	r.AbsentReads = map[string]int{}
	for _, p := range s.base.programs {
		node := s.nodes[p.ID]
		for _, t := range node.tallies() {
			if t.absent > 0 {
				r.AbsentReads[p.ID] += t.absent
			}
			r.addFailures(p.ID, t.failed)
		}
		if n := node.undispatched(); n > 0 {
			r.AbsentReads[p.ID] += n
		}
	}
	s.net.forgetNotes()
}

// forgetNotes begins to count anew.
func (n *network) forgetNotes() {
	for _, t := range n.noted {
		*t = tally{}
	}
	n.noted = n.noted[:0]
	n.reports++
}

// tallies are those of the nodes that the production uses, each once.
func (p *prodNode) tallies() []*tally {
	var list []*tally
	add := func(t *tally) {
		if t != nil && t.noted && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	for _, a := range p.built.alphas {
		add(a.tally)
	}
	for _, n := range p.built.parts {
		add(n.tally)
	}
	for _, e := range p.ends {
		add(e.tally)
	}
	return list
}

// undispatched counts the facts without the field by which memories of the
// production are found: each memory would have read it.
func (p *prodNode) undispatched() int {
	n := 0
	for i, a := range p.built.alphas {
		if a.dispatch != nil && !slices.Contains(p.built.alphas[:i], a) {
			n += a.dispatch.absent.absent - a.absentBefore()
		}
	}
	return n
}

// absentBefore is what the dispatch had counted when the memory came, if that was
// since the last report.
func (m *alphaMemory) absentBefore() int {
	if m.reports == m.net.reports {
		return m.absents
	}
	return 0
}

// addFailures adds the failures of one node in an order that does not depend on
// the network's.
func (r *Report) addFailures(id string, failed []TestError) {
	failed = slices.Clone(failed)
	slices.SortFunc(failed, func(a, b TestError) int {
		return cmp.Or(cmp.Compare(a.Test, b.Test), cmp.Compare(a.Err.Error(), b.Err.Error()))
	})
	for i := range failed {
		failed[i].Production = id
		r.TestErrors = append(r.TestErrors, &failed[i])
	}
}
