package trimtab

// Condition says whether what a recommendation is about is still there. Only
// the engine sets it.
type Condition string

// The conditions.
const (
	Present Condition = "present"
	Absent  Condition = "absent"
	// Unknown: a source failed or was stale, evidence is missing or a rule erred.
	// Unknown never closes anything.
	Unknown Condition = "unknown"
)

// Workflow says what people and Trimtab have done about a recommendation.
type Workflow string

// The workflow's states.
const (
	New          Workflow = "new"           // seen, not yet asked for a ticket
	Held         Workflow = "held"          // kept back by policy
	Ticketed     Workflow = "ticketed"      // a ticket is open or on its way
	InProgress   Workflow = "in_progress"   // somebody works on it
	DoneClaimed  Workflow = "done_claimed"  // somebody says it is fixed; the data decide
	Verified     Workflow = "verified"      // the saving stands in the ledger
	Dismissed    Workflow = "dismissed"     // won't do, until a date
	Snoozed      Workflow = "snoozed"       // not now, until a date
	AutoResolved Workflow = "auto_resolved" // it went away without anybody
	Superseded   Workflow = "superseded"    // a better proposal for the resource won
)

// Open reports whether an episode in this state still takes the key's place: a
// match with the same key is a repeat of it. A superseded proposal keeps its
// place, so that it comes back, unrepeated, when the better one goes.
func (w Workflow) Open() bool { return w != Verified && w != AutoResolved }

// TicketStatus is the status of a ticket that plain SQL sees.
type TicketStatus string

// The ticket statuses.
const (
	TicketCreated    TicketStatus = "created"
	TicketInProgress TicketStatus = "in_progress"
	TicketClosed     TicketStatus = "closed"
)

// TicketStatus derives the ticket's status from the workflow.
func (w Workflow) TicketStatus() TicketStatus {
	switch w {
	case New, Held, Ticketed, Snoozed:
		return TicketCreated
	case InProgress:
		return TicketInProgress
	}
	return TicketClosed
}
