package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// OpKind says what a write to a tracker does.
type OpKind string

// The kinds of writes.
const (
	OpCreate  OpKind = "create"
	OpReopen  OpKind = "reopen"
	OpClose   OpKind = "close"
	OpComment OpKind = "comment"
	OpRefresh OpKind = "refresh"
	OpRecall  OpKind = "recall"  // closes the ticket as not to be done
	OpDismiss OpKind = "dismiss" // likewise, since a person dismissed it in Trimtab
	OpLink    OpKind = "link"    // ties the ticket to another, or back to the page of its recommendation
	// OpWithdraw closes a second ticket of one marker, which a process that had lost the
	// right to write let through all the same.
	OpWithdraw OpKind = "withdraw"
	OpStamp    OpKind = "stamp"   // puts on the ticket what searches find it by
	OpRelease  OpKind = "release" // takes it off again
	OpForce    OpKind = "force"   // writes what a person has decided for, whatever stands there
)

// OpState says how far a write has come.
type OpState string

// The states of a write. A write is sent only after "sent" is committed, so
// whatever a dead process may have done outside is marked so.
const (
	OpPlanned OpState = "planned" // to be sent
	OpSent    OpState = "sent"    // a call is under way, or its process died
	OpUnknown OpState = "unknown" // the outcome is not known: look before sending again
	OpDone    OpState = "done"
	OpBlocked OpState = "blocked" // it cannot succeed as it is; Error says why
)

// Op is one write of the outbox.
type Op struct {
	ID        int64
	Link      int64
	Board     string // of the link
	Kind      OpKind
	Payload   OpPayload
	State     OpState
	Released  bool  // by the brake; what is not is not sent
	Run       int64 // that decided it; 0 where none did
	Attempts  int   // calls that ended; a killed process counts none
	CreatedAt time.Time
	NotBefore time.Time
	SentAt    time.Time
	SettledAt time.Time // end of the failed call, or its takeover: settling counts from here
	Error     string
}

// OpPayload is what a write carries; which fields depends on the kind.
type OpPayload struct {
	Project     string   `json:"project,omitempty"`
	Type        string   `json:"type,omitempty"`
	Summary     string   `json:"summary,omitempty"`
	Description string   `json:"description,omitempty"`
	Labels      []string `json:"labels,omitempty"`
	Assignee    string   `json:"assignee,omitempty"`
	Priority    string   `json:"priority,omitempty"`
	Components  []string `json:"components,omitempty"`
	Parent      string   `json:"parent,omitempty"`
	Due         string   `json:"due,omitempty"` // a day

	Fields  map[string]any `json:"fields,omitempty"`
	Comment string         `json:"comment,omitempty"`
	Remote  string         `json:"remote,omitempty"` // the ticket, where it is not the link's
	Only    []string       `json:"only,omitempty"`   // fields that a force writes
}

const opColumns = `o.id, o.link_id, l.board, o.kind, o.payload, o.state, o.released, o.run_id, o.attempts, o.created_at, o.not_before,
	o.sent_at, o.settled_at, o.error`

const opTables = `ops o JOIN links l ON l.id = o.link_id`

// readOp reads a write with its times, each zero until it has come to that.
func readOp(r scanner) (*Op, error) {
	o := &Op{}
	var payload string
	var created, notBefore, sent, settled, released int64
	err := r.Scan(&o.ID, &o.Link, &o.Board, &o.Kind, &payload, &o.State, &released, &o.Run, &o.Attempts, &created, &notBefore, &sent, &settled, &o.Error)
	if err != nil {
		return nil, err
	}
	o.Released = released != 0
	o.CreatedAt, o.NotBefore, o.SentAt, o.SettledAt = fromMillis(created), fromMillis(notBefore), fromMillis(sent), fromMillis(settled)
	if err := json.Unmarshal([]byte(payload), &o.Payload); err != nil {
		return nil, fmt.Errorf("op %d: %w", o.ID, err)
	}
	return o, nil
}

// Plan puts a write into the outbox, where it waits for the brake.
func (t *Tx) Plan(link int64, kind OpKind, payload OpPayload, at time.Time) error {
	return t.PlanOp(&Op{Link: link, Kind: kind, Payload: payload, CreatedAt: at})
}

// PlanOp is [Tx.Plan] with what the op says of its run and of the brake; it gets its id.
func (t *Tx) PlanOp(o *Op) error {
	text, err := json.Marshal(o.Payload)
	if err != nil {
		return err
	}
	o.State = OpPlanned
	o.ID, err = t.insert(`INSERT INTO ops (link_id, kind, payload, state, created_at, released, run_id) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		o.Link, string(o.Kind), string(text), string(o.State), millis(o.CreatedAt), boolInt(o.Released), o.Run)
	return err
}

// Release lets a write be sent.
func (t *Tx) Release(id int64) error {
	return t.exec(`UPDATE ops SET released = 1 WHERE id = ?`, id)
}

// Rewrite gives a write that was not sent yet another payload.
func (t *Tx) Rewrite(o *Op) error {
	text, err := json.Marshal(o.Payload)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE ops SET payload = ? WHERE id = ? AND state = 'planned'`, string(text), o.ID)
}

// OpsOf lists the writes of a link, oldest first.
func (t *Tx) OpsOf(link int64) ([]*Op, error) {
	return list(t, readOp, `SELECT `+opColumns+` FROM `+opTables+` WHERE o.link_id = ? ORDER BY o.id`, link)
}

// Op reads one write; nil if there is none.
func (t *Tx) Op(id int64) (*Op, error) {
	return maybe(readOp(t.row(`SELECT `+opColumns+` FROM `+opTables+` WHERE o.id = ?`, id)))
}

// SaveOp writes how far an op has come.
func (t *Tx) SaveOp(o *Op) error {
	return t.exec(`UPDATE ops SET state = ?, attempts = ?, not_before = ?, sent_at = ?, settled_at = ?, error = ? WHERE id = ?`,
		string(o.State), o.Attempts, millis(o.NotBefore), millis(o.SentAt), millis(o.SettledAt), o.Error, o.ID)
}

// Ops reads a tracker's writes in a state that are due, oldest first.
func (t *Tx) Ops(tracker string, state OpState, due time.Time) ([]*Op, error) {
	return list(t, readOp, `SELECT `+opColumns+` FROM `+opTables+`
		WHERE l.tracker = ? AND o.state = ? AND o.not_before <= ? ORDER BY o.id`, tracker, string(state), millis(due))
}

// Withdraw plans to close a second ticket of a link, once.
func (t *Tx) Withdraw(link *Link, remote, comment string, at time.Time) (planned bool, err error) {
	known, err := t.OpsOf(link.ID)
	if err != nil || slices.ContainsFunc(known, func(o *Op) bool { return o.Kind == OpWithdraw && o.Payload.Remote == remote }) {
		return false, err
	}
	return true, t.PlanOp(&Op{Link: link.ID, Kind: OpWithdraw, Payload: OpPayload{Remote: remote, Comment: comment}, CreatedAt: at, Released: true})
}

// Duplicates counts the second tickets that were ever found.
func (t *Tx) Duplicates() (n int, err error) {
	const query = `SELECT COUNT(*) FROM ops WHERE kind = 'withdraw'`
	err = t.row(query).Scan(&n)
	return n, wrapSQL(query, err)
}

// OpCounts counts the writes of the outbox by state.
func (t *Tx) OpCounts() (map[string]int, error) {
	return t.counts(`SELECT state, COUNT(*) FROM ops GROUP BY state`)
}

// Unfinished lists the writes that wait or are blocked, for people.
func (t *Tx) Unfinished() ([]*Op, error) {
	return list(t, readOp, `SELECT `+opColumns+` FROM `+opTables+` WHERE o.state IN ('planned', 'sent', 'unknown', 'blocked') ORDER BY o.id`)
}

// Waiting is what of a ticket is about to be written.
type Waiting struct {
	Status bool
	Text   bool      // what the newest recommendations say, field by field
	Forced []string  // fields that a person has decided about
	Since  time.Time // when the oldest of it was decided
}

// WaitingFor reads what of a link's ticket is still to be written, what is blocked too.
func (t *Tx) WaitingFor(link int64) (Waiting, error) {
	var w Waiting
	ops, err := list(t, readOp, `SELECT `+opColumns+` FROM `+opTables+` WHERE o.link_id = ? AND o.state <> 'done' ORDER BY o.id`, link)
	for _, o := range ops {
		switch o.Kind {
		case OpReopen, OpClose, OpRecall, OpDismiss:
			w.Status = true
		case OpRefresh:
			w.Text = true
		case OpForce:
			w.Forced = append(w.Forced, o.Payload.Only...)
		default:
			continue
		}
		if w.Since.IsZero() {
			w.Since = o.CreatedAt
		}
	}
	return w, err
}
