package store

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/trimtab/trimtab"
)

// RecommendationView is an episode as people list it: the newest recommendation
// and what became of it.
type RecommendationView struct {
	ID        int64             `json:"id"` // of the episode's first recommendation
	Action    string            `json:"recommendation"`
	Resource  string            `json:"resource"`
	Title     string            `json:"title"`
	Savings   trimtab.Money     `json:"savings"`
	Cost      trimtab.Money     `json:"monthly_cost"`
	Rule      string            `json:"rule"`
	Account   string            `json:"account"`
	Owner     string            `json:"owner"`
	OwnerFrom string            `json:"owner_from"`
	Board     string            `json:"board"`
	Condition trimtab.Condition `json:"condition"`
	Workflow  trimtab.Workflow  `json:"workflow"`
	Reason    string            `json:"reason,omitempty"`
	Ticket    string            `json:"ticket"`
	URL       string            `json:"url,omitempty"`
	FirstSeen time.Time         `json:"first_seen"`
	LastSeen  time.Time         `json:"last_seen"`
	Seen      int               `json:"seen"`
}

// RecommendationViews lists the episodes in the order of their beginning; closed
// ones only if all is set.
func (t *Tx) RecommendationViews(all bool) ([]RecommendationView, error) {
	// Two fixed texts, never a caller's.
	where := `e.open = 1`
	if all {
		where = `1 = 1`
	}
	return list(t, readRecommendationView, `SELECT e.first_recommendation_id, e.condition, e.workflow, e.state, r.detail,
		COALESCE(k.remote_key, ''), COALESCE(k.url, '')
		FROM episodes e JOIN recommendations r ON r.id = e.last_recommendation_id
		LEFT JOIN tickets k ON k.id = e.ticket_id WHERE `+where+` ORDER BY e.id`)
}

// readRecommendationView puts a row together from the machine's state and the
// newest recommendation: amounts and dates are the former's, words the latter's.
func readRecommendationView(r scanner) (v RecommendationView, err error) {
	var state, detail string
	if err := r.Scan(&v.ID, &v.Condition, &v.Workflow, &state, &detail, &v.Ticket, &v.URL); err != nil {
		return v, err
	}
	var e Episode
	var rec trimtab.Recommendation
	if err := json.Unmarshal([]byte(state), &e.State); err != nil {
		return v, err
	}
	if err := json.Unmarshal([]byte(detail), &rec); err != nil {
		return v, err
	}
	v.Action, v.Resource, v.Title, v.Rule = rec.Action, rec.Subject.Resource, rec.Title, rec.Rule()
	v.Account, v.Owner, v.OwnerFrom, v.Board = rec.Subject.Account, rec.Owner.Name, rec.Owner.Source, rec.Board
	v.Savings, v.Cost, v.Reason = e.State.Savings, e.State.Cost, e.State.Why()
	v.FirstSeen, v.LastSeen, v.Seen = e.State.FirstSeen, e.State.LastSeen, e.State.Seen
	return v, nil
}

// TicketView is a ticket as people list it.
type TicketView struct {
	ID        int64                `json:"id"`
	Key       string               `json:"key"`
	Status    trimtab.TicketStatus `json:"status"`
	Workflow  trimtab.Workflow     `json:"workflow"`
	Condition trimtab.Condition    `json:"condition"`
	Action    string               `json:"recommendation"`
	Resource  string               `json:"resource"`
	Savings   trimtab.Money        `json:"savings"`
	Tracker   string               `json:"tracker"`
	Board     string               `json:"board"`
	Owner     string               `json:"owner"`
	Assignee  string               `json:"assignee"`
	URL       string               `json:"url"`
	CreatedAt time.Time            `json:"created_at"`
	UpdatedAt time.Time            `json:"updated_at"`
}

// TicketViews lists the tickets, oldest first.
func (t *Tx) TicketViews() ([]TicketView, error) {
	return list(t, func(r scanner) (v TicketView, err error) {
		var created, updated int64
		var amount, currency string
		err = r.Scan(&v.ID, &v.Key, &v.Status, &v.Workflow, &v.Condition, &v.Action, &v.Resource, &amount, &currency,
			&v.Tracker, &v.Board, &v.Owner, &v.Assignee, &v.URL, &created, &updated)
		if err != nil {
			return v, err
		}
		v.CreatedAt, v.UpdatedAt = fromMillis(created), fromMillis(updated)
		return v, readMoney(amount, currency, &v.Savings)
	}, `SELECT k.id, k.remote_key, k.status, e.workflow, e.condition, e.action, e.resource, e.savings, e.currency,
		k.tracker, k.board, e.owner, k.assignee, k.url, k.created_at, k.updated_at
		FROM tickets k JOIN episodes e ON e.ticket_id = k.id ORDER BY k.id`)
}

// WorkflowCounts counts the episodes by workflow, closed ones too.
func (t *Tx) WorkflowCounts() (map[string]int, error) {
	return t.counts(`SELECT workflow, COUNT(*) FROM episodes GROUP BY workflow`)
}

// RunCounts counts the durable runs by status.
func (t *Tx) RunCounts() (map[string]int, error) {
	return t.counts(`SELECT status, COUNT(*) FROM runs GROUP BY status`)
}

// Query runs SQL that only reads, for people and their reports: one slice of
// values a row.
func (t *Tx) Query(query string) ([][]any, error) {
	rows, err := t.tx.QueryContext(t.ctx, query)
	if err != nil {
		return nil, wrapSQL(query, err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, wrapSQL(query, err)
	}
	var all [][]any
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, wrapSQL(query, err)
		}
		all = append(all, row)
	}
	return all, wrapSQL(query, rows.Err())
}

// WriteView is a write of the outbox as people see it.
type WriteView struct {
	Kind    OpKind        `json:"does"`
	Board   string        `json:"board"`
	Ticket  string        `json:"ticket,omitempty"` // its key; "" while there is none
	Owner   string        `json:"owner,omitempty"`
	Savings trimtab.Money `json:"savings"`
	Summary string        `json:"summary"`
}

// WaitingWrites lists the planned writes that wait for the brake, oldest first.
func (t *Tx) WaitingWrites() ([]WriteView, error) {
	return list(t, func(r scanner) (w WriteView, err error) {
		var amount, currency, action, resource, payload string
		if err := r.Scan(&w.Kind, &w.Board, &w.Ticket, &w.Owner, &amount, &currency, &action, &resource, &payload); err != nil {
			return w, err
		}
		var p OpPayload
		err = errors.Join(json.Unmarshal([]byte(payload), &p), readMoney(amount, currency, &w.Savings))
		if w.Summary = p.Summary; w.Summary == "" {
			w.Summary = action + " " + resource
		}
		return w, err
	}, `SELECT o.kind, l.board, COALESCE(k.remote_key, ''), e.owner, e.savings, e.currency, e.action, e.resource, o.payload
		FROM `+opTables+` JOIN episodes e ON e.id = l.episode_id LEFT JOIN tickets k ON k.id = l.ticket_id
		WHERE o.state = 'planned' AND o.released = 0 AND `+wantedNow+` ORDER BY o.id`)
}
