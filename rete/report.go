package rete

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
