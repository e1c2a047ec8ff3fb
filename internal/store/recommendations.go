package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trimtab/trimtab"
)

// Scan is a row of recommendations_generated.
type Scan struct {
	ID        int64
	StartedAt time.Time
	EndedAt   time.Time // zero while it runs, or when it was killed
	Complete  bool
	LastGood  time.Time // end of the newest complete scan so far
	Rules     string    // hash of the rule set
	Detail    ScanDetail
}

// ScanDetail says what a scan saw.
type ScanDetail struct {
	Sources         []SourceReport    `json:"sources,omitempty"`
	Recommendations int               `json:"recommendations"`
	Repeats         int               `json:"repeats"`
	Unknown         int               `json:"unknown"`
	RuleErrors      []string          `json:"rule_errors,omitempty"`
	AbsentReads     map[string]int    `json:"absent_reads,omitempty"`
	Firings         map[string]int    `json:"firings,omitempty"`
	NotEvaluable    map[string]string `json:"not_evaluable,omitempty"` // rule → why
}

// SourceReport says how one source did.
type SourceReport struct {
	Source   string    `json:"source"`
	Rows     int64     `json:"rows"`
	Facts    int       `json:"facts"`
	Until    time.Time `json:"until,omitzero"`
	Error    string    `json:"error,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
}

// BeginScan notes that a scan has started.
func (t *Tx) BeginScan(at time.Time, rules string) (int64, error) {
	return t.insert(`INSERT INTO recommendations_generated (started_at, rules) VALUES (?, ?) RETURNING id`, millis(at), rules)
}

// JudgedBy notes by which rules a scan is judged: they may have been loaded anew since it
// began.
func (t *Tx) JudgedBy(scan int64, rules string) error {
	return t.exec(`UPDATE recommendations_generated SET rules = ? WHERE id = ?`, rules, scan)
}

// EndScan notes how a scan ended. Only a complete one advances
// last_successful_recommendation_generated.
func (t *Tx) EndScan(id int64, at time.Time, complete bool, detail ScanDetail) error {
	// An incomplete scan repeats the newest good time, NULL if there was none yet: the
	// column of the newest row is then always the answer.
	last := sql.NullInt64{Int64: millis(at), Valid: true}
	if !complete {
		err := t.row(`SELECT MAX(last_successful_recommendation_generated) FROM recommendations_generated`).Scan(&last)
		if err != nil {
			return wrapSQL("SELECT MAX(last_successful_recommendation_generated)", err)
		}
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE recommendations_generated
		SET last_successful_recommendation_generated = ?, ended_at = ?, complete = ?, detail = ? WHERE id = ?`,
		last, millis(at), boolInt(complete), string(text), id)
}

// Scans lists the newest scans, newest first.
func (t *Tx) Scans(limit int) ([]Scan, error) {
	return list(t, readScan, `SELECT id, started_at, COALESCE(ended_at, 0), complete,
		COALESCE(last_successful_recommendation_generated, 0), rules, detail
		FROM recommendations_generated ORDER BY id DESC LIMIT ?`, limit)
}

// readScan gives a running or killed scan, whose end is NULL, a zero EndedAt.
func readScan(r scanner) (s Scan, err error) {
	var started, ended, last int64
	var complete int
	var detail string
	if err := r.Scan(&s.ID, &started, &ended, &complete, &last, &s.Rules, &detail); err != nil {
		return s, err
	}
	s.StartedAt, s.EndedAt, s.LastGood, s.Complete = fromMillis(started), fromMillis(ended), fromMillis(last), complete == 1
	return s, json.Unmarshal([]byte(detail), &s.Detail)
}

// AddRecommendation writes a scan's recommendation of an episode and its map
// row, and gives its id.
func (t *Tx) AddRecommendation(rec *trimtab.Recommendation, scan int64, e *Episode) (int64, error) {
	detail, err := json.Marshal(rec)
	if err != nil {
		return 0, fmt.Errorf("recommendation %s %s: %w", rec.Action, rec.Subject.Resource, err)
	}
	id, err := t.insert(`INSERT INTO recommendations
		(created_at, recommendation, resource, variant, scan_id, episode_id, title, rule, account, owner, board, savings, monthly_cost, currency, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		millis(rec.CreatedAt), rec.Action, rec.Subject.Resource, rec.Variant, scan, e.ID, rec.Title, rec.Rule(), rec.Subject.Account,
		rec.Owner.Name, rec.Board, rec.Savings.Amount.String(), rec.MonthlyCost.Amount.String(), rec.Savings.Currency, string(detail))
	if err != nil {
		return 0, err
	}
	// The first of an episode is its own first; every repeat points back to it.
	if e.First == 0 {
		e.First = id
	}
	e.Last = id
	return id, t.exec(`INSERT INTO recommendation_ticket_map (recommendation_id, first_recommendation_id, ticket_id) VALUES (?, ?, ?)`,
		id, e.First, nullID(e.Ticket))
}

// RecommendationsOf reads what a scan recommended, in the order in which it was kept.
func (t *Tx) RecommendationsOf(scan int64) ([]*trimtab.Recommendation, error) {
	return list(t, readRecommendation, `SELECT id, created_at, detail FROM recommendations WHERE scan_id = ? ORDER BY id`, scan)
}

// Recommendation reads one recommendation whole.
func (t *Tx) Recommendation(id int64) (*trimtab.Recommendation, error) {
	rec, err := readRecommendation(t.row(`SELECT id, created_at, detail FROM recommendations WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, trimtab.Errorf(trimtab.NotFound, "there is no recommendation %d", id).
			WithNext("`trimtab recommendations list` shows the ids")
	}
	return rec, err
}

func readRecommendation(r scanner) (*trimtab.Recommendation, error) {
	var id, created int64
	var detail string
	if err := r.Scan(&id, &created, &detail); err != nil {
		return nil, err
	}
	rec := &trimtab.Recommendation{}
	if err := json.Unmarshal([]byte(detail), rec); err != nil {
		return nil, fmt.Errorf("recommendation %d: %w", id, err)
	}
	rec.ID, rec.CreatedAt = id, fromMillis(created)
	return rec, nil
}

// boolInt: SQLite has no type for truth, and PostgreSQL's does not take a number.
func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// nullID keeps 0, "none", out of the columns that are joined on.
func nullID(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }
