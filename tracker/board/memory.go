package board

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/trimtab/trimtab"
)

// Memory keeps rows in memory: for tests and dry tries.
type Memory struct {
	// Blind takes every draft for a new ticket, as most trackers do: so that a
	// test sees what is filed twice.
	Blind bool

	mu   sync.Mutex
	rows []Row
	last int64 // id
}

var _ Rows = (*Memory)(nil)

// Insert implements [Rows].
func (m *Memory) Insert(_ context.Context, row Row) (Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, old := range m.rows {
		if old.Marker == row.Marker && row.Marker != "" && !m.Blind {
			return clone(old), nil
		}
	}
	m.last++
	row.ID = m.last
	m.rows = append(m.rows, clone(row))
	return clone(row), nil
}

// ByMarker implements [Rows].
func (m *Memory) ByMarker(_ context.Context, markers []trimtab.Marker) ([]Row, error) {
	return m.where(func(r Row) bool { return slices.Contains(markers, r.Marker) }), nil
}

// ByID implements [Rows].
func (m *Memory) ByID(_ context.Context, ids []int64) ([]Row, error) {
	return m.where(func(r Row) bool { return slices.Contains(ids, r.ID) }), nil
}

// Changed implements [Rows].
func (m *Memory) Changed(_ context.Context, installation string, since time.Time) ([]Row, error) {
	rows := m.where(func(r Row) bool { return r.Installation == installation && !r.Updated.Before(since) })
	slices.SortStableFunc(rows, func(a, b Row) int { return a.Updated.Compare(b.Updated) })
	return rows, nil
}

// Open implements [Rows].
func (m *Memory) Open(_ context.Context, project string) ([]Row, error) {
	return m.where(func(r Row) bool { return r.Project == project && !r.Status.Closed() }), nil
}

// Newest implements [Rows].
func (m *Memory) Newest(_ context.Context, installation string) (Row, error) {
	rows := m.where(func(r Row) bool { return r.Installation == installation })
	if len(rows) == 0 {
		return Row{}, nil
	}
	return rows[len(rows)-1], nil
}

// Update implements [Rows].
func (m *Memory) Update(_ context.Context, id int64, change func(*Row) bool) (Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.rows {
		if m.rows[i].ID != id {
			continue
		}
		row := clone(m.rows[i])
		if change(&row) {
			m.rows[i] = clone(row)
		}
		return row, nil
	}
	return Row{}, nil
}

// Delete removes a ticket for good, as a person with the right to may.
func (m *Memory) Delete(_ context.Context, id int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = slices.DeleteFunc(m.rows, func(r Row) bool { return r.ID == id })
	return nil
}

func (m *Memory) where(keep func(Row) bool) []Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows []Row
	for _, r := range m.rows {
		if keep(r) {
			rows = append(rows, clone(r))
		}
	}
	return rows
}

// clone keeps callers from sharing slices with what is stored.
func clone(r Row) Row {
	r.Labels, r.Comments = slices.Clone(r.Labels), slices.Clone(r.Comments)
	r.Extra.Edits = slices.Clone(r.Extra.Edits)
	r.Extra.Links, r.Extra.Backlinks = slices.Clone(r.Extra.Links), slices.Clone(r.Extra.Backlinks)
	return r
}
