package store

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
)

// Story is everything that is known of a ticket.
type Story struct {
	Key       string               `json:"key"`
	URL       string               `json:"url,omitempty"`
	Tracker   string               `json:"tracker"`
	Board     string               `json:"board"`
	Status    trimtab.TicketStatus `json:"status"`
	State     LinkState            `json:"state"`            // filed, or gone
	Reason    string               `json:"reason,omitempty"` // why it is gone
	Hidden    bool                 `json:"hidden,omitempty"`
	Missing   int                  `json:"missing,omitempty"` // looks in a row that did not find it
	About     []Part               `json:"about"`
	Fields    []FieldState         `json:"fields"`
	Waiting   []WaitingWrite       `json:"waiting"`
	Conflicts []*Conflict          `json:"conflicts"`
	Timeline  []Line               `json:"timeline"`
}

// Part is a recommendation that a ticket is about.
type Part struct {
	Recommendation int64             `json:"id"`
	Action         string            `json:"recommendation"`
	Resource       string            `json:"resource"`
	Workflow       trimtab.Workflow  `json:"workflow"`
	Condition      trimtab.Condition `json:"condition"`
}

// FieldState is what both sides say of a field.
type FieldState struct {
	Field   string `json:"field"`
	Ours    string `json:"ours"`
	Theirs  string `json:"tracker"`
	Taken   bool   `json:"taken,omitempty"`   // the value is a person's
	Drifts  bool   `json:"drifts,omitempty"`  // the tracker's is left alone
	Waiting bool   `json:"waiting,omitempty"` // a person is asked about it
}

// WaitingWrite is a write that was not made yet.
type WaitingWrite struct {
	Does  OpKind  `json:"does"`
	State OpState `json:"state"`
	Error string  `json:"error,omitempty"`
}

// Story reads everything about a ticket by its key; of several with one key the newest.
func (t *Tx) Story(key string) (*Story, error) {
	link, err := maybe(readLink(t.row(`SELECT `+linkColumns+` FROM links WHERE lead_id = 0 AND ticket_id IN
		(SELECT id FROM tickets WHERE remote_key = ?) ORDER BY id DESC LIMIT 1`, key)))
	if err != nil {
		return nil, err
	}
	if link == nil {
		return nil, trimtab.Errorf(trimtab.NotFound, "there is no ticket %s", key).WithNext("`trimtab tickets list` shows the keys")
	}
	ticket, err := t.Ticket(link.Ticket)
	if err != nil {
		return nil, err
	}
	s := &Story{
		Key: ticket.Key, URL: ticket.URL, Tracker: ticket.Tracker, Board: ticket.Board, Status: ticket.Status, State: link.State, Reason: link.Reason,
		Hidden: link.Sync.Hidden, Missing: link.Sync.Missing,
	}
	if s.Conflicts, err = t.ConflictsOf(link.ID); err != nil {
		return nil, err
	}
	s.Fields = fieldsOf(link, s.Conflicts)
	return s, errors.Join(t.storyWrites(s, link), t.storyParts(s, link))
}

// fieldsOf are the fields of a ticket, with what is left as it is.
func fieldsOf(link *Link, conflicts []*Conflict) []FieldState {
	var all []FieldState
	for _, name := range merge.Fields {
		base, ok := link.Base[name]
		if !ok {
			continue
		}
		f := FieldState{Field: name, Ours: base.Ours, Theirs: base.Theirs, Taken: base.Taken}
		if theirs, drifts := link.Sync.Drift[name]; drifts {
			f.Theirs, f.Drifts = theirs, true
		}
		f.Waiting = slices.ContainsFunc(conflicts, func(c *Conflict) bool { return c.Field == name && c.Open() })
		all = append(all, f)
	}
	return all
}

func (t *Tx) storyWrites(s *Story, link *Link) error {
	ops, err := t.OpsOf(link.ID)
	for _, o := range ops {
		if o.State != OpDone {
			s.Waiting = append(s.Waiting, WaitingWrite{Does: o.Kind, State: o.State, Error: o.Error})
		}
	}
	return err
}

// storyParts adds what the ticket is about, and the timelines of all of it.
func (t *Tx) storyParts(s *Story, link *Link) error {
	about, err := t.About(link)
	if err != nil {
		return err
	}
	for _, e := range about {
		s.About = append(s.About, Part{Recommendation: e.First, Action: e.Action, Resource: e.Resource, Workflow: e.State.Workflow, Condition: e.State.Condition})
		lines, err := t.Timeline(e.ID)
		if err != nil {
			return err
		}
		s.Timeline = append(s.Timeline, lines...)
	}
	slices.SortStableFunc(s.Timeline, func(a, b Line) int { return a.At.Compare(b.At) })
	return nil
}

// Drift is a field, or a whole ticket, on which both sides do not agree.
type Drift struct {
	Ticket  string    `json:"ticket"`
	Board   string    `json:"board"`
	Field   string    `json:"field,omitempty"` // "" for the whole ticket
	Ours    string    `json:"ours,omitempty"`
	Theirs  string    `json:"tracker,omitempty"`
	Why     string    `json:"why"`
	Since   time.Time `json:"since,omitzero"`
	Problem string    `json:"problem,omitempty"`
}

// Drifts lists everything on which both sides do not agree: fields that are left as the
// tracker has them, conflicts that wait for a person, tickets that cannot be seen, and
// writes that have not got through.
func (t *Tx) Drifts() ([]Drift, error) {
	open, errOpen := t.Conflicts(false)
	unfinished, errOps := t.Unfinished()
	links, err := list(t, readLink, `SELECT `+linkColumns+` FROM links WHERE state = 'filed' AND lead_id = 0
		AND (sync LIKE '%"drift":%' OR sync LIKE '%"missing":%') ORDER BY id`)
	if err := errors.Join(err, errOpen, errOps); err != nil {
		return nil, err
	}
	var all []Drift
	asked := map[int64]map[string]bool{}
	for _, c := range open {
		if asked[c.Link] == nil {
			asked[c.Link] = map[string]bool{}
		}
		asked[c.Link][c.Field] = true
		all = append(all, Drift{Ticket: c.Ticket, Board: c.Board, Field: c.Field, Ours: c.Ours, Theirs: c.Theirs, Why: "a person is asked", Since: c.At})
	}
	for _, link := range links {
		key, err := t.keyOf(link)
		if err != nil {
			return nil, err
		}
		all = append(all, driftsOf(link, key, asked[link.ID])...)
	}
	stuck, err := t.stuck(unfinished)
	all = append(all, stuck...)
	slices.SortStableFunc(all, func(a, b Drift) int { return cmp.Compare(a.Ticket, b.Ticket) })
	return all, err
}

func (t *Tx) keyOf(link *Link) (string, error) {
	if link.Ticket == 0 {
		return "", nil
	}
	ticket, err := t.Ticket(link.Ticket)
	if err != nil {
		return "", err
	}
	return ticket.Key, nil
}

// driftsOf are those of one ticket, but for fields that a person is asked about.
func driftsOf(link *Link, key string, asked map[string]bool) []Drift {
	var all []Drift
	if link.Sync.Missing > 0 {
		why := "it is not there"
		if link.Sync.Hidden {
			why = "it is hidden from us"
		}
		all = append(all, Drift{Ticket: key, Board: link.Board, Why: why, Since: link.Sync.MissingAt})
	}
	for _, field := range slices.Sorted(maps.Keys(link.Sync.Drift)) {
		if !asked[field] {
			all = append(all, Drift{Ticket: key, Board: link.Board, Field: field, Ours: link.Base[field].Ours, Theirs: link.Sync.Drift[field], Why: "people changed what is only written"})
		}
	}
	return all
}

// stuck are the writes to tickets that have not got through.
func (t *Tx) stuck(ops []*Op) ([]Drift, error) {
	var all []Drift
	for _, o := range ops {
		if o.State != OpBlocked && o.Attempts == 0 {
			continue
		}
		link, err := t.Link(o.Link)
		if err != nil {
			return nil, err
		}
		key, err := t.keyOf(link)
		if err != nil {
			return nil, err
		}
		all = append(all, Drift{Ticket: key, Board: o.Board, Why: string(o.Kind) + " is " + string(o.State), Problem: o.Error, Since: o.CreatedAt})
	}
	return all, nil
}
