package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker/board"
)

// BoardRows keeps the tickets of the embedded board in the state.
type BoardRows struct{ store *Store }

var _ board.Rows = BoardRows{}

// BoardRows gives the embedded board its place in the state.
func (s *Store) BoardRows() BoardRows { return BoardRows{s} }

const boardColumns = `id, project, marker, installation, status, summary, description, assignee, priority, labels, comments, extra, created_at, updated_at`

// readBoardRow reads a ticket; lists are JSON, since they are never searched.
func readBoardRow(r scanner) (row board.Row, err error) {
	var labels, comments, extra string
	var created, updated int64
	err = r.Scan(&row.ID, &row.Project, &row.Marker, &row.Installation, &row.Status, &row.Summary, &row.Description,
		&row.Assignee, &row.Priority, &labels, &comments, &extra, &created, &updated)
	if err != nil {
		return row, err
	}
	row.Created, row.Updated = fromMillis(created), fromMillis(updated)
	return row, errors.Join(json.Unmarshal([]byte(labels), &row.Labels), json.Unmarshal([]byte(comments), &row.Comments), json.Unmarshal([]byte(extra), &row.Extra))
}

func (t *Tx) boardRows(where string, args ...any) ([]board.Row, error) {
	return list(t, readBoardRow, `SELECT `+boardColumns+` FROM board_issues WHERE `+where, args...)
}

// saveBoardRow inserts a row without an id, or updates it.
func (t *Tx) saveBoardRow(row *board.Row) error {
	labels, err := json.Marshal(row.Labels)
	if err != nil {
		return err
	}
	comments, err := json.Marshal(row.Comments)
	if err != nil {
		return err
	}
	extra, err := json.Marshal(row.Extra)
	if err != nil {
		return err
	}
	args := []any{
		row.Project, string(row.Marker), row.Installation, string(row.Status), row.Summary, row.Description, row.Assignee,
		row.Priority, string(labels), string(comments), string(extra), millis(row.Created), millis(row.Updated),
	}
	if row.ID == 0 {
		row.ID, err = t.insert(`INSERT INTO board_issues (project, marker, installation, status, summary, description, assignee,
			priority, labels, comments, extra, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, args...)
		return err
	}
	return t.exec(`UPDATE board_issues SET project = ?, marker = ?, installation = ?, status = ?, summary = ?, description = ?,
		assignee = ?, priority = ?, labels = ?, comments = ?, extra = ?, created_at = ?, updated_at = ? WHERE id = ?`, append(args, row.ID)...)
}

// Insert implements [board.Rows].
func (b BoardRows) Insert(ctx context.Context, row board.Row) (board.Row, error) {
	err := b.store.Write(ctx, func(tx *Tx) error {
		// Looked up and inserted in one transaction of the only writer, so that the same
		// draft sent twice is one ticket.
		old, err := tx.boardRows(`marker = ?`, string(row.Marker))
		if err != nil {
			return err
		}
		if len(old) > 0 && row.Marker != "" {
			row = old[0]
			return nil
		}
		return tx.saveBoardRow(&row)
	})
	return row, err
}

// ByMarker implements [board.Rows].
func (b BoardRows) ByMarker(ctx context.Context, markers []trimtab.Marker) ([]board.Row, error) {
	return eachOf(ctx, b.store, markers, func(m trimtab.Marker) (string, any) { return `marker = ? ORDER BY id`, string(m) })
}

// ByID implements [board.Rows].
func (b BoardRows) ByID(ctx context.Context, ids []int64) ([]board.Row, error) {
	return eachOf(ctx, b.store, ids, func(id int64) (string, any) { return `id = ?`, id })
}

// eachOf reads the rows of each name in one transaction.
func eachOf[T any](ctx context.Context, s *Store, names []T, where func(T) (string, any)) (rows []board.Row, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		for _, name := range names {
			clause, arg := where(name)
			some, err := tx.boardRows(clause, arg)
			if err != nil {
				return err
			}
			rows = append(rows, some...)
		}
		return nil
	})
	return rows, err
}

// Changed implements [board.Rows].
func (b BoardRows) Changed(ctx context.Context, installation string, since time.Time) (rows []board.Row, err error) {
	err = b.store.Read(ctx, func(tx *Tx) error {
		rows, err = tx.boardRows(`installation = ? AND updated_at >= ? ORDER BY updated_at, id`, installation, millis(since))
		return err
	})
	return rows, err
}

// Open implements [board.Rows].
func (b BoardRows) Open(ctx context.Context, project string) (rows []board.Row, err error) {
	err = b.store.Read(ctx, func(tx *Tx) error {
		rows, err = tx.boardRows(`project = ? AND status NOT IN ('done', 'wont_do') ORDER BY id`, project)
		return err
	})
	return rows, err
}

// Newest implements [board.Rows].
func (b BoardRows) Newest(ctx context.Context, installation string) (row board.Row, err error) {
	err = b.store.Read(ctx, func(tx *Tx) error {
		rows, err := tx.boardRows(`installation = ? ORDER BY id DESC LIMIT 1`, installation)
		if len(rows) > 0 {
			row = rows[0]
		}
		return err
	})
	return row, err
}

// Update implements [board.Rows].
func (b BoardRows) Update(ctx context.Context, id int64, change func(*board.Row) bool) (row board.Row, err error) {
	err = b.store.Write(ctx, func(tx *Tx) error {
		rows, err := tx.boardRows(`id = ?`, id)
		if err != nil || len(rows) == 0 {
			return err
		}
		row = rows[0]
		if !change(&row) {
			return nil
		}
		return tx.saveBoardRow(&row)
	})
	return row, err
}

// Delete removes a ticket for good, as a person with the right to may.
func (b BoardRows) Delete(ctx context.Context, id int64) error {
	return b.store.Write(ctx, func(tx *Tx) error { return tx.exec(`DELETE FROM board_issues WHERE id = ?`, id) })
}
