package store

import (
	"database/sql"
	"errors"
	"time"

	"github.com/trimtab/trimtab"
)

// Conflict is a field that both sides had changed, or on which one lost what the other had
// said. It is decided by a rule at once, or by a person: until then the field stays as it is
// on both sides.
type Conflict struct {
	ID        int64     `json:"id"`
	Link      int64     `json:"-"`
	Ticket    string    `json:"ticket"` // its key
	Board     string    `json:"board"`
	Field     string    `json:"field"`
	At        time.Time `json:"at"`
	Base      string    `json:"base"`
	Ours      string    `json:"ours"`
	Theirs    string    `json:"theirs"`
	Author    string    `json:"author,omitempty"`
	Why       string    `json:"why"`
	Winner    string    `json:"winner,omitempty"` // "" while a person is asked
	DecidedBy string    `json:"decided_by,omitempty"`
	DecidedAt time.Time `json:"decided_at,omitzero"`
}

// Decide ends it.
func (c *Conflict) Decide(winner, by string, at time.Time) {
	c.Winner, c.DecidedBy, c.DecidedAt = winner, by, at
}

// BothChanged is why most conflicts are.
const BothChanged = "both sides changed it"

// Agreed ends a conflict whose sides say the same by now.
func (t *Tx) Agreed(c *Conflict, at time.Time) error {
	c.Decide("agreed", "both sides say the same", at)
	return t.SaveConflict(c)
}

// Open reports whether a person is asked about it.
func (c *Conflict) Open() bool { return c.Winner == "" }

const conflictQuery = `SELECT c.id, c.link_id, COALESCE(k.remote_key, ''), l.board, c.field, c.at, c.base, c.ours, c.theirs, c.author, c.why,
	c.winner, c.decided_by, c.decided_at FROM conflicts c JOIN links l ON l.id = c.link_id LEFT JOIN tickets k ON k.id = l.ticket_id `

func readConflict(r scanner) (*Conflict, error) {
	c := &Conflict{}
	var at, decided int64
	err := r.Scan(&c.ID, &c.Link, &c.Ticket, &c.Board, &c.Field, &at, &c.Base, &c.Ours, &c.Theirs, &c.Author, &c.Why, &c.Winner, &c.DecidedBy, &decided)
	c.At, c.DecidedAt = fromMillis(at), fromMillis(decided)
	return c, err
}

// SaveConflict adds a conflict without an id and gives it one, or updates it. Of one field of
// a ticket one at a time is open: what is told of it again brings that up to date.
func (t *Tx) SaveConflict(c *Conflict) error {
	if c.ID == 0 && c.Open() {
		asked, err := t.Asked(c.Link)
		if err != nil {
			return err
		}
		if open := asked[c.Field]; open != nil {
			c.ID, c.At = open.ID, open.At
		}
	}
	args := []any{c.Link, c.Field, millis(c.At), c.Base, c.Ours, c.Theirs, c.Author, c.Why, c.Winner, c.DecidedBy, millis(c.DecidedAt)}
	if c.ID == 0 {
		var err error
		c.ID, err = t.insert(`INSERT INTO conflicts (link_id, field, at, base, ours, theirs, author, why, winner, decided_by, decided_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, args...)
		return err
	}
	return t.exec(`UPDATE conflicts SET link_id = ?, field = ?, at = ?, base = ?, ours = ?, theirs = ?, author = ?, why = ?, winner = ?,
		decided_by = ?, decided_at = ? WHERE id = ?`, append(args, c.ID)...)
}

// OpenConflicts are those of a link that wait for a person.
func (t *Tx) OpenConflicts(link int64) ([]*Conflict, error) {
	return list(t, readConflict, conflictQuery+`WHERE c.link_id = ? AND c.winner = '' ORDER BY c.id`, link)
}

// Asked are the open conflicts of a link, by field: each field has one at a time.
func (t *Tx) Asked(link int64) (map[string]*Conflict, error) {
	open, err := t.OpenConflicts(link)
	asked := make(map[string]*Conflict, len(open))
	for _, c := range open {
		asked[c.Field] = c
	}
	return asked, err
}

// ConflictsOf are all of a link.
func (t *Tx) ConflictsOf(link int64) ([]*Conflict, error) {
	return list(t, readConflict, conflictQuery+`WHERE c.link_id = ? ORDER BY c.id`, link)
}

// Conflicts lists the conflicts of all tickets, oldest first; those that are decided only if
// all is set.
func (t *Tx) Conflicts(all bool) ([]*Conflict, error) {
	where := `WHERE c.winner = ''`
	if all {
		where = ""
	}
	return list(t, readConflict, conflictQuery+where+` ORDER BY c.id`)
}

// ConflictCounts counts the conflicts by who won; open are those that wait for a person.
func (t *Tx) ConflictCounts() (map[string]int, error) {
	return t.counts(`SELECT COALESCE(NULLIF(winner, ''), 'open'), COUNT(*) FROM conflicts GROUP BY winner`)
}

// Conflict reads one.
func (t *Tx) Conflict(id int64) (*Conflict, error) {
	c, err := readConflict(t.row(conflictQuery+`WHERE c.id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, trimtab.Errorf(trimtab.NotFound, "there is no conflict %d", id).WithNext("`trimtab conflicts list` shows the ids")
	}
	return c, err
}
