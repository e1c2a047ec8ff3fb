package rete

import (
	"cmp"
	"maps"
	"slices"
)

// Report says what a run did, including what batches since the last report did
// to derived facts and what their matching met.
type Report struct {
	Firings     int
	Agenda      int            // matches that still wait
	Halted      bool           // a firing called Halt
	Fired       map[string]int // firings by production
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

// newReport makes a report of nothing.
func newReport() *Report {
	return &Report{Fired: map[string]int{}, AbsentReads: map[string]int{}}
}

// takeReport finishes the report and begins the next.
func (s *Session) takeReport() *Report {
	r := s.report
	s.report = newReport()
	r.Agenda = len(s.agenda.heap)
	s.attribute(r)
	return r
}

// attribute counts what the network noted for each production that uses the node
// where it happened.
func (s *Session) attribute(r *Report) {
	if len(s.net.noted) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(s.nodes)) {
		for _, t := range s.nodes[id].tallies() {
			if t.absent > 0 {
				r.AbsentReads[id] += t.absent
			}
			r.addFailures(id, t.failed)
		}
	}
	for _, t := range s.net.noted {
		*t = tally{}
	}
	s.net.noted = nil
}

// tallies are those of the nodes that the production uses, each once.
func (p *prodNode) tallies() []*tally {
	var list []*tally
	seen := map[*tally]bool{}
	add := func(t *tally) {
		if t.noted && !seen[t] {
			seen[t] = true
			list = append(list, t)
		}
	}
	for _, a := range p.built.alphas {
		add(&a.tally)
	}
	for _, n := range p.built.parts {
		add(n.faults())
	}
	return list
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
