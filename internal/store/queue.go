package store

import (
	"strings"
	"time"
)

// The outbox as a queue. It may be long: what is read of it is bounded, or bare of payloads.

// Unreleased lists the planned writes that wait for the brake, oldest first, without what
// they carry, and without the creations that a [Queue] leaves out.
func (t *Tx) Unreleased() ([]*Op, error) {
	return list(t, readOp, `SELECT `+strings.Replace(opColumns, "o.payload", "'{}'", 1)+` FROM `+opTables+` JOIN episodes e ON e.id = l.episode_id
		WHERE o.state = 'planned' AND o.released = 0 AND `+wantedNow+` ORDER BY o.id`)
}

// wantedNow leaves out creations whose recommendation was dismissed, put off or resolved
// in the meantime: they are made when the recommendation comes back.
const wantedNow = `(o.kind <> 'create' OR e.workflow IN ('ticketed', 'in_progress') OR EXISTS (SELECT 1 FROM links m
	JOIN episodes x ON x.id = m.episode_id WHERE m.lead_id = l.id AND m.lead_id <> 0 AND x.workflow IN ('ticketed', 'in_progress')))`

// Queue is what may be written to a tracker until a time: what is planned and released, on
// boards that take it. A creation whose recommendation was dismissed, put off or resolved in
// the meantime waits: it is made when the recommendation comes back.
type Queue struct {
	Tracker string
	Until   time.Time
	Stopped []string // boards that take nothing
}

// where is the condition of a queue on some kinds of writes, with its arguments.
func (q Queue) where(kinds string) (string, []any) {
	args := []any{q.Tracker, millis(q.Until)}
	stopped := ""
	for _, board := range q.Stopped {
		stopped += " AND l.board <> ?"
		args = append(args, board)
	}
	return `WHERE o.state = 'planned' AND ` + kinds + ` AND o.released = 1 AND l.tracker = ? AND o.not_before <= ?` + stopped + ` AND ` + wantedNow, args
}

const (
	creations   = `o.kind = 'create'`
	otherWrites = `o.kind <> 'create'`
	queueTables = opTables + ` JOIN episodes e ON e.id = l.episode_id `
)

// DueCreations reads the first creations of a queue.
func (t *Tx) DueCreations(q Queue, limit int) ([]*Op, error) {
	where, args := q.where(creations)
	return list(t, readOp, `SELECT `+opColumns+` FROM `+queueTables+where+` ORDER BY o.id LIMIT ?`, append(args, limit)...)
}

// CountCreations counts those of a queue.
func (t *Tx) CountCreations(q Queue) (n int, err error) {
	where, args := q.where(creations)
	query := `SELECT COUNT(*) FROM ` + queueTables + where
	err = t.row(query, args...).Scan(&n)
	return n, wrapSQL(query, err)
}

// LinksToCreate are the links of a queue's creations.
func (t *Tx) LinksToCreate(q Queue) (map[int64]bool, error) {
	where, args := q.where(creations)
	ids, err := list(t, readID, `SELECT o.link_id FROM `+queueTables+where, args...)
	links := make(map[int64]bool, len(ids))
	for _, id := range ids {
		links[id] = true
	}
	return links, err
}

func readID(r scanner) (id int64, err error) { return id, r.Scan(&id) }

// DueWrites reads a queue's writes that are no creations, oldest first.
func (t *Tx) DueWrites(q Queue) ([]*Op, error) {
	where, args := q.where(otherWrites)
	return list(t, readOp, `SELECT `+opColumns+` FROM `+queueTables+where+` ORDER BY o.id`, args...)
}
