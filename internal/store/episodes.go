package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
)

// Episode is one life of a recommendation, from the first sighting to its end.
type Episode struct {
	ID       int64
	Key      trimtab.Key
	Number   int
	Action   string
	Resource string
	Variant  string
	First    int64 // its first recommendation
	Last     int64 // its newest
	Ticket   int64 // 0 without one
	Owner    string
	Board    string
	Rules    []string // ids of its reasons in the newest scan that saw it
	State    lifecycle.State
}

const episodeColumns = `id, key, number, action, resource, variant, first_recommendation_id, last_recommendation_id,
	COALESCE(ticket_id, 0), owner, board, rules, state`

// OpenEpisodes reads every episode that takes its key's place, in the order of
// their beginning.
func (t *Tx) OpenEpisodes() ([]*Episode, error) {
	return list(t, readEpisode, `SELECT `+episodeColumns+` FROM episodes WHERE open = 1 ORDER BY id`)
}

// LatestEpisode reads the newest episode of a key, open or not; nil without one.
func (t *Tx) LatestEpisode(key trimtab.Key) (*Episode, error) {
	return maybe(readEpisode(t.row(`SELECT `+episodeColumns+` FROM episodes WHERE key = ? ORDER BY number DESC LIMIT 1`, string(key))))
}

// EpisodeBefore reads the episode of the same key that came before; nil without one.
func (t *Tx) EpisodeBefore(e *Episode) (*Episode, error) {
	return maybe(readEpisode(t.row(`SELECT `+episodeColumns+` FROM episodes WHERE key = ? AND number = ?`, string(e.Key), e.Number-1)))
}

// Episode reads one episode.
func (t *Tx) Episode(id int64) (*Episode, error) {
	e, err := readEpisode(t.row(`SELECT `+episodeColumns+` FROM episodes WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, trimtab.Errorf(trimtab.NotFound, "there is no episode %d", id)
	}
	return e, err
}

// EpisodeOf reads the episode that a recommendation, the first or a repeat,
// belongs to.
func (t *Tx) EpisodeOf(recommendation int64) (*Episode, error) {
	e, err := readEpisode(t.row(`SELECT `+episodeColumns+` FROM episodes WHERE id =
		(SELECT episode_id FROM recommendations WHERE id = ?)`, recommendation))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, trimtab.Errorf(trimtab.NotFound, "there is no recommendation %d", recommendation).
			WithNext("`trimtab recommendations list` shows the ids")
	}
	return e, err
}

// readEpisode takes the machine's state from its JSON; the columns beside it
// (condition, workflow, savings) are copies for those who read with SQL.
func readEpisode(r scanner) (*Episode, error) {
	e := &Episode{}
	var rules, state string
	err := r.Scan(&e.ID, &e.Key, &e.Number, &e.Action, &e.Resource, &e.Variant, &e.First, &e.Last,
		&e.Ticket, &e.Owner, &e.Board, &rules, &state)
	if err != nil {
		return nil, err
	}
	e.Rules = strings.Fields(rules)
	if err := json.Unmarshal([]byte(state), &e.State); err != nil {
		return nil, fmt.Errorf("episode %d: %w", e.ID, err)
	}
	return e, nil
}

// SaveEpisode inserts an episode without an id and gives it one, or updates it;
// the status of its ticket follows its workflow. The database refuses a second
// open episode of a key.
func (t *Tx) SaveEpisode(e *Episode) error {
	state, err := json.Marshal(e.State)
	if err != nil {
		return fmt.Errorf("episode %d: %w", e.ID, err)
	}
	// In the order of both statements below; what never changes of an episode (key,
	// number, subject) is only inserted.
	changing := []any{
		boolInt(e.State.Workflow.Open()), string(e.State.Condition), string(e.State.Workflow), e.First, e.Last,
		nullID(e.Ticket), e.Owner, e.Board, e.State.Savings.Amount.String(), e.State.Savings.Currency,
		strings.Join(e.Rules, " "), string(state),
	}
	if e.ID == 0 {
		e.ID, err = t.insert(`INSERT INTO episodes (open, condition, workflow, first_recommendation_id, last_recommendation_id,
			ticket_id, owner, board, savings, currency, rules, state, key, number, action, resource, variant)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			append(changing, string(e.Key), e.Number, e.Action, e.Resource, e.Variant)...)
		return err
	}
	err = t.exec(`UPDATE episodes SET open = ?, condition = ?, workflow = ?, first_recommendation_id = ?, last_recommendation_id = ?,
		ticket_id = ?, owner = ?, board = ?, savings = ?, currency = ?, rules = ?, state = ? WHERE id = ?`, append(changing, e.ID)...)
	if err != nil || e.Ticket == 0 {
		return err
	}
	// A ticket may be about several episodes: it is as open as the most open of them.
	return t.exec(`UPDATE tickets SET status = CASE
		WHEN EXISTS (SELECT 1 FROM episodes e WHERE e.ticket_id = tickets.id AND e.workflow = 'in_progress') THEN 'in_progress'
		WHEN EXISTS (SELECT 1 FROM episodes e WHERE e.ticket_id = tickets.id AND e.workflow IN ('new', 'held', 'ticketed', 'snoozed')) THEN 'created'
		ELSE 'closed' END WHERE id = ?`, e.Ticket)
}

// Note writes a line of an episode's timeline.
func (t *Tx) Note(episode int64, at time.Time, actor, what, detail string) error {
	return t.exec(`INSERT INTO timeline (at, episode_id, actor, what, detail) VALUES (?, ?, ?, ?, ?)`,
		millis(at), episode, actor, what, detail)
}

// Line is one line of a timeline.
type Line struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	What   string    `json:"what"`
	Detail string    `json:"detail,omitempty"`
}

// Timeline reads an episode's timeline, oldest first.
func (t *Tx) Timeline(episode int64) ([]Line, error) {
	return list(t, func(r scanner) (l Line, err error) {
		var at int64
		err = r.Scan(&at, &l.Actor, &l.What, &l.Detail)
		l.At = fromMillis(at)
		return l, err
	}, `SELECT at, actor, what, detail FROM timeline WHERE episode_id = ? ORDER BY id`, episode)
}

// AddLedger writes a row of the savings ledger.
func (t *Tx) AddLedger(episode int64, e lifecycle.Entry) error {
	return t.exec(`INSERT INTO savings_ledger (at, episode_id, kind, baseline, observed, realised, currency, basis) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		millis(e.At), episode, e.Kind, e.Baseline.Amount.String(), e.Observed.Amount.String(), e.Realised.Amount.String(),
		e.Currency(), e.Basis)
}

// Saving is a row of the ledger with what it is about.
type Saving struct {
	Episode  int64  `json:"episode"`
	Action   string `json:"recommendation"`
	Resource string `json:"resource"`
	lifecycle.Entry
}

// Ledger reads the savings ledger, oldest first.
func (t *Tx) Ledger() ([]Saving, error) {
	return list(t, readSaving, `SELECT l.episode_id, e.action, e.resource, l.kind, l.at, l.baseline, l.observed, l.realised, l.currency, l.basis
		FROM savings_ledger l JOIN episodes e ON e.id = l.episode_id ORDER BY l.id`)
}

// readSaving reads three amounts in the one currency of their row.
func readSaving(r scanner) (s Saving, err error) {
	var at int64
	var baseline, observed, realised, currency string
	err = r.Scan(&s.Episode, &s.Action, &s.Resource, &s.Kind, &at, &baseline, &observed, &realised, &currency, &s.Basis)
	if err != nil {
		return s, err
	}
	s.At = fromMillis(at)
	return s, errors.Join(
		readMoney(baseline, currency, &s.Baseline), readMoney(observed, currency, &s.Observed), readMoney(realised, currency, &s.Realised))
}

// readMoney reads an amount from its own column: as a number the database would
// make a float of it.
func readMoney(amount, currency string, into *trimtab.Money) error {
	if currency == "" {
		return nil // nothing but zeros is stored without a currency
	}
	m, err := trimtab.NewMoney(amount, currency)
	*into = m
	return err
}
