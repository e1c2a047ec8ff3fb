package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
)

// LinkState says how far the ticket of a link has come.
type LinkState string

// The states of a link.
const (
	LinkWanted LinkState = "wanted" // its creation is in the outbox
	LinkFiled  LinkState = "filed"  // the ticket exists
	LinkGone   LinkState = "gone"   // the ticket was deleted or unlinked
)

// Link ties an episode to its ticket, from the intent on.
type Link struct {
	ID       int64
	Episode  int64
	Marker   trimtab.Marker
	Tracker  string
	Board    string
	State    LinkState
	Reason   string
	Ticket   int64
	RemoteID string
	Lead     int64                   // the link whose ticket it shares; 0 if it has its own
	Group    string                  // of a ticket with a checklist: what may join it
	Base     map[string]merge.Agreed // by field: what both sides agreed on
	Updated  time.Time               // the remote issue's, when Base was taken
	Sync     Sync
}

// Sync is what is remembered of following a ticket.
type Sync struct {
	// Edit and Comment are the newest ones that were heard; [Unheard] before any was, "" of
	// tickets from before they were noted.
	Edit    string `json:"edit,omitempty"`
	Comment string `json:"comment,omitempty"`
	// Wrote is when we changed a field lately, by field: who changes one too often is in a
	// quarrel with somebody.
	Wrote map[string][]time.Time `json:"wrote,omitempty"`
	// Drift is what the tracker says of fields that are left alone although it is not what
	// was agreed on.
	Drift map[string]string `json:"drift,omitempty"`
	// Missing counts the looks in a row that did not find the ticket, since MissingAt.
	Missing   int       `json:"missing,omitempty"`
	MissingAt time.Time `json:"missing_at,omitzero"`
	Hidden    bool      `json:"hidden,omitempty"`   // its project cannot be seen
	Restamped time.Time `json:"restamped,omitzero"` // when what people took off was put back
}

// Unheard is older than every edit and comment.
const Unheard = "0"

// SetDrift notes that a field is left as the tracker has it, or that it is not.
func (s *Sync) SetDrift(field string, drifts bool, theirs string) {
	if !drifts {
		delete(s.Drift, field)
		return
	}
	if s.Drift == nil {
		s.Drift = map[string]string{}
	}
	s.Drift[field] = theirs
}

const linkColumns = `id, episode_id, marker, tracker, board, state, reason, COALESCE(ticket_id, 0), remote_id, lead_id, group_key, base, remote_updated, sync`

// readLink reads a link; the base is JSON, as trackers differ in their fields.
func readLink(r scanner) (*Link, error) {
	l := &Link{}
	var base, sync string
	var updated int64
	err := r.Scan(&l.ID, &l.Episode, &l.Marker, &l.Tracker, &l.Board, &l.State, &l.Reason, &l.Ticket, &l.RemoteID, &l.Lead, &l.Group, &base, &updated, &sync)
	if err != nil {
		return nil, err
	}
	l.Updated = fromMillis(updated)
	if err := errors.Join(json.Unmarshal([]byte(base), &l.Base), json.Unmarshal([]byte(sync), &l.Sync)); err != nil {
		return nil, fmt.Errorf("link %d: %w", l.ID, err)
	}
	return l, nil
}

// SaveLink inserts a link without an id and gives it one, or updates it.
func (t *Tx) SaveLink(l *Link) error {
	base, err := json.Marshal(l.Base)
	if err != nil {
		return err
	}
	sync, err := json.Marshal(l.Sync)
	if err != nil {
		return err
	}
	args := []any{
		l.Episode, string(l.Marker), l.Tracker, l.Board, string(l.State), l.Reason, nullID(l.Ticket), l.RemoteID, l.Lead, l.Group,
		string(base), millis(l.Updated), string(sync),
	}
	if l.ID == 0 {
		l.ID, err = t.insert(`INSERT INTO links (episode_id, marker, tracker, board, state, reason, ticket_id, remote_id, lead_id, group_key, base, remote_updated, sync)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, args...)
		return err
	}
	return t.exec(`UPDATE links SET episode_id = ?, marker = ?, tracker = ?, board = ?, state = ?, reason = ?, ticket_id = ?,
		remote_id = ?, lead_id = ?, group_key = ?, base = ?, remote_updated = ?, sync = ? WHERE id = ?`, append(args, l.ID)...)
}

// LinkOf reads the link of an episode, unless its ticket is gone; nil without one.
func (t *Tx) LinkOf(episode int64) (*Link, error) {
	return maybe(readLink(t.row(`SELECT `+linkColumns+` FROM links WHERE episode_id = ? AND state <> 'gone'`, episode)))
}

// maxEpisodes keeps the markers of an episode's later tickets apart from those of later
// episodes.
const maxEpisodes = 1 << 20

// MarkerFor is the marker of an episode's next ticket: one whose ticket is gone has another
// one.
func (t *Tx) MarkerFor(e *Episode) (trimtab.Marker, error) {
	const query = `SELECT COUNT(*) FROM links WHERE episode_id = ? AND state = 'gone'`
	var gone int
	err := t.row(query, e.ID).Scan(&gone)
	return trimtab.MarkerOf(t.store.Installation(), e.Key, e.Number+gone*maxEpisodes), wrapSQL(query, err)
}

// LinkByRemote reads the link of a tracker's issue, unless it was let go; nil without one.
func (t *Tx) LinkByRemote(tracker, remoteID string) (*Link, error) {
	return maybe(readLink(t.row(`SELECT `+linkColumns+` FROM links WHERE tracker = ? AND remote_id = ? AND lead_id = 0 AND state <> 'gone'`, tracker, remoteID)))
}

// LinkByKey reads the link of a ticket by its key; nil without one.
func (t *Tx) LinkByKey(key string) (*Link, error) {
	return maybe(readLink(t.row(`SELECT `+linkColumns+` FROM links WHERE lead_id = 0 AND state <> 'gone' AND ticket_id IN
		(SELECT id FROM tickets WHERE remote_key = ?) ORDER BY id DESC LIMIT 1`, key)))
}

// LinkByMarker reads the link of a marker; nil without one.
func (t *Tx) LinkByMarker(marker trimtab.Marker) (*Link, error) {
	return maybe(readLink(t.row(`SELECT `+linkColumns+` FROM links WHERE marker = ?`, string(marker))))
}

// Link reads one link.
func (t *Tx) Link(id int64) (*Link, error) {
	return readLink(t.row(`SELECT `+linkColumns+` FROM links WHERE id = ?`, id))
}

// maybe makes "no row" a nil, where having none is an answer and no mistake.
func maybe[T any](one *T, err error) (*T, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return one, err
}

// Ticket is a row of tickets.
type Ticket struct {
	ID        int64
	CreatedAt time.Time
	Status    trimtab.TicketStatus
	Tracker   string
	Board     string
	RemoteID  string
	Key       string
	URL       string
	Assignee  string
	UpdatedAt time.Time
}

// AddTicket writes a ticket that the tracker has made, and points the link, the
// episode and every recommendation of the episode to it.
func (t *Tx) AddTicket(ticket *Ticket, link *Link) error {
	// One that was let go and is linked again has its row.
	id, err := t.insert(`INSERT INTO tickets (created_at, status, tracker, board, remote_id, remote_key, url, assignee, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tracker, remote_id) DO UPDATE SET status = excluded.status, board = excluded.board,
		remote_key = excluded.remote_key, url = excluded.url, assignee = excluded.assignee, updated_at = excluded.updated_at RETURNING id`,
		millis(ticket.CreatedAt), string(ticket.Status), ticket.Tracker, ticket.Board, ticket.RemoteID, ticket.Key, ticket.URL,
		ticket.Assignee, millis(ticket.UpdatedAt))
	if err != nil {
		return err
	}
	ticket.ID, link.Ticket, link.RemoteID, link.State, link.Reason = id, id, ticket.RemoteID, LinkFiled, ""
	if err := t.SaveLink(link); err != nil {
		return err
	}
	members, err := t.Members(link)
	for _, m := range members {
		err = errors.Join(err, t.share(m, id))
	}
	return err
}

// share points a link, its episode and the recommendations of that to a ticket.
func (t *Tx) share(link *Link, ticket int64) error {
	link.Ticket, link.State, link.Reason = ticket, LinkFiled, ""
	return errors.Join(
		t.SaveLink(link),
		t.exec(`UPDATE episodes SET ticket_id = ? WHERE id = ?`, ticket, link.Episode),
		t.exec(`UPDATE recommendation_ticket_map SET ticket_id = ? WHERE recommendation_id IN
			(SELECT id FROM recommendations WHERE episode_id = ?)`, ticket, link.Episode))
}

// LetGo ends the link between a ticket and what it is about: the ticket is deleted, or
// somebody has unlinked it.
func (t *Tx) LetGo(lead *Link, reason string) error {
	members, err := t.Members(lead)
	if err != nil {
		return err
	}
	for _, m := range members {
		m.State, m.Reason = LinkGone, reason
		err = errors.Join(err, t.SaveLink(m),
			t.exec(`UPDATE episodes SET ticket_id = NULL WHERE id = ?`, m.Episode),
			t.exec(`UPDATE recommendation_ticket_map SET ticket_id = NULL WHERE recommendation_id IN
				(SELECT id FROM recommendations WHERE episode_id = ?)`, m.Episode))
	}
	lead.State, lead.Reason = LinkGone, reason
	return errors.Join(err, t.exec(`UPDATE tickets SET status = 'closed' WHERE id = ?`, lead.Ticket),
		t.exec(`UPDATE ops SET state = 'done', error = ? WHERE link_id = ? AND state IN ('planned', 'blocked') AND kind <> 'release'`, "its ticket is gone", lead.ID))
}

// SaveTicket updates what the tracker may change: key, address, assignee, time.
func (t *Tx) SaveTicket(ticket *Ticket) error {
	return t.exec(`UPDATE tickets SET remote_key = ?, url = ?, assignee = ?, updated_at = ?, board = ? WHERE id = ?`,
		ticket.Key, ticket.URL, ticket.Assignee, millis(ticket.UpdatedAt), ticket.Board, ticket.ID)
}

// Ticket reads one ticket.
func (t *Tx) Ticket(id int64) (*Ticket, error) {
	return readTicket(t.row(`SELECT id, created_at, status, tracker, board, remote_id, remote_key, url, assignee, updated_at
		FROM tickets WHERE id = ?`, id))
}

func readTicket(r scanner) (*Ticket, error) {
	k := &Ticket{}
	var created, updated int64
	err := r.Scan(&k.ID, &created, &k.Status, &k.Tracker, &k.Board, &k.RemoteID, &k.Key, &k.URL, &k.Assignee, &updated)
	k.CreatedAt, k.UpdatedAt = fromMillis(created), fromMillis(updated)
	return k, err
}

// OpenPerOwner counts the open tickets of each owner, those on their way included.
func (t *Tx) OpenPerOwner() (map[string]int, error) {
	return t.counts(`SELECT e.owner, COUNT(DISTINCT COALESCE(NULLIF(l.lead_id, 0), l.id)) FROM episodes e JOIN links l ON l.episode_id = e.id
		WHERE e.workflow IN ('ticketed', 'in_progress', 'snoozed') GROUP BY e.owner`)
}

// OpenPerBoard counts the open tickets of each board, those on their way included.
func (t *Tx) OpenPerBoard() (map[string]int, error) {
	return t.counts(`SELECT l.board, COUNT(DISTINCT COALESCE(NULLIF(l.lead_id, 0), l.id)) FROM episodes e JOIN links l ON l.episode_id = e.id
		WHERE e.workflow IN ('ticketed', 'in_progress', 'snoozed') GROUP BY l.board`)
}

// OpenTickets counts the tickets that trackers have and that are not closed.
func (t *Tx) OpenTickets() (n int, err error) {
	const query = `SELECT COUNT(*) FROM tickets WHERE status <> 'closed'`
	err = t.row(query).Scan(&n)
	return n, wrapSQL(query, err)
}

// Followed lists the ids of a tracker's tickets, but of closed ones only those that have
// changed since a time.
func (t *Tx) Followed(tracker string, since time.Time) ([]string, error) {
	return list(t, readString, `SELECT k.remote_id FROM tickets k JOIN links l ON l.ticket_id = k.id
		WHERE k.tracker = ? AND l.state = 'filed' AND l.lead_id = 0 AND (k.status <> 'closed' OR k.updated_at >= ?) ORDER BY k.id`, tracker, millis(since))
}

// Suspects lists the ids of a tracker's tickets that were not there when they were last
// looked for.
func (t *Tx) Suspects(tracker string) ([]string, error) {
	return list(t, readString, `SELECT remote_id FROM links WHERE tracker = ? AND state = 'filed' AND lead_id = 0 AND sync LIKE '%"missing":%' ORDER BY id`, tracker)
}

// MissingTickets counts the tickets that were not there when they were last looked for.
func (t *Tx) MissingTickets() (n int, err error) {
	const query = `SELECT COUNT(*) FROM links WHERE state = 'filed' AND lead_id = 0 AND sync LIKE '%"missing":%'`
	err = t.row(query).Scan(&n)
	return n, wrapSQL(query, err)
}

// KeysBefore gives the keys of some tickets of a board whose creations were the last to be
// sent before a time.
func (t *Tx) KeysBefore(tracker, board string, sent time.Time) ([]string, error) {
	return list(t, readString, `SELECT k.remote_key FROM ops o JOIN links l ON l.id = o.link_id JOIN tickets k ON k.id = l.ticket_id
		WHERE o.kind = 'create' AND o.state = 'done' AND o.sent_at < ? AND l.tracker = ? AND l.board = ? ORDER BY o.sent_at DESC LIMIT 50`,
		millis(sent), tracker, board)
}

// FiledPerBoard counts the tickets that were asked for on each board since a time.
func (t *Tx) FiledPerBoard(since time.Time) (map[string]int, error) {
	return t.counts(`SELECT l.board, COUNT(*) FROM ops o JOIN links l ON l.id = o.link_id
		WHERE o.kind = 'create' AND o.created_at > ? GROUP BY l.board`, millis(since))
}

// counts reads a query of names and numbers.
func (t *Tx) counts(query string, args ...any) (map[string]int, error) {
	type pair struct {
		name string
		n    int
	}
	pairs, err := list(t, func(r scanner) (p pair, err error) { return p, r.Scan(&p.name, &p.n) }, query, args...)
	counts := make(map[string]int, len(pairs))
	for _, p := range pairs {
		counts[p.name] = p.n
	}
	return counts, err
}
