package twoway

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
)

// boardPlace is the embedded board. Each call to it has its doors, as a call to Jira has.
type boardPlace struct {
	rows  *board.Memory
	board *board.Board
	clock *clock.Manual
	door  func(string) error

	mu      sync.Mutex
	now     counts
	foreign int
}

func newBoard(now *clock.Manual, door func(string) error) *boardPlace {
	p := &boardPlace{rows: &board.Memory{}, clock: now, door: door}
	p.board = board.New(board.Config{Projects: projects, Now: now.Now}, p.rows)
	return p
}

func (p *boardPlace) connect() (tracker.Tracker, error) {
	return &counted{Board: p.board, place: p}, nil
}

// counted is the board as a process uses it.
type counted struct {
	*board.Board
	place *boardPlace
}

// call counts a call, and lets the process die before or after it.
func call[T any](p *boardPlace, fn func() (T, error)) (none T, err error) {
	if err := p.door("before a call"); err != nil {
		return none, err
	}
	p.mu.Lock()
	p.now.calls++
	p.mu.Unlock()
	p.clock.Advance(latency)
	out, err := fn()
	return out, errors.Join(err, p.door("after a call"))
}

// Changed implements [tracker.Tracker].
func (c *counted) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	changes, err := call(c.place, func() (tracker.Changes, error) { return c.Board.Changed(ctx, installation, since) })
	for _, issue := range changes.Issues {
		if strings.Contains(issue.Summary, foreign) {
			c.place.foreign++
		}
	}
	return changes, err
}

// Fetch implements [tracker.Tracker].
func (c *counted) Fetch(ctx context.Context, ids []string) ([]tracker.Issue, error) {
	return call(c.place, func() ([]tracker.Issue, error) { return c.Board.Fetch(ctx, ids) })
}

// Create implements [tracker.Tracker].
func (c *counted) Create(ctx context.Context, drafts []tracker.Draft) ([]tracker.Result, error) {
	return call(c.place, func() ([]tracker.Result, error) { return c.Board.Create(ctx, drafts) })
}

// Update implements [tracker.Tracker].
func (c *counted) Update(ctx context.Context, id string, decide func(tracker.Issue) tracker.Change) (tracker.Issue, error) {
	return call(c.place, func() (tracker.Issue, error) {
		var was tracker.Issue
		is, err := c.Board.Update(ctx, id, func(now tracker.Issue) tracker.Change {
			was = now
			return decide(now)
		})
		c.place.mu.Lock()
		defer c.place.mu.Unlock()
		if len(is.Comments) > len(was.Comments) {
			c.place.now.said++
		}
		// One call writes all fields.
		if len(is.Edits) > 0 && (len(was.Edits) == 0 || is.Edits[len(is.Edits)-1] != was.Edits[len(was.Edits)-1]) {
			c.place.now.writes++
		}
		return is, err
	})
}

func (p *boardPlace) do(who, id string, d deed) error {
	var c tracker.Change
	switch d.what {
	case merge.Status:
		c.Status = tracker.Status(d.value)
	case merge.Assignee:
		c.Assignee = &d.value
	case merge.Summary:
		c.Summary = &d.value
	case merge.Priority:
		c.Priority = &d.value
	case add:
		c.AddLabels = []string{d.value}
	case remove:
		c.RemoveLabels = []string{d.value}
	case comment:
		c.Comment = d.value
	default:
		return p.rewrite(who, id, d)
	}
	_, err := p.board.By(who).Update(context.Background(), id, tracker.Set(c))
	return err
}

// errNoPlace: what a person would have changed is not there any more.
var errNoPlace = errors.New("there is no such place in the text")

// rewrite changes the text as a page of the board would.
func (p *boardPlace) rewrite(who, id string, d deed) error {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return err
	}
	changed := false
	_, err = p.rows.Update(context.Background(), number, func(row *board.Row) bool {
		text := written(row.Description, d)
		if changed = d.what == strip || text != row.Description; !changed {
			return false
		}
		if d.what == strip {
			row.Installation = ""
			return true
		}
		row.Extra.Entries++
		row.Extra.Edits = append(row.Extra.Edits, tracker.Edit{
			ID: strconv.Itoa(row.Extra.Entries), At: p.clock.Now(), Author: who, Field: merge.Description, From: row.Description, To: text,
		})
		row.Description, row.Updated = text, p.clock.Now()
		return true
	})
	if err == nil && !changed {
		return errNoPlace
	}
	return err
}

func (p *boardPlace) file(project, summary string) (string, error) {
	results, err := p.board.Create(context.Background(), []tracker.Draft{{Target: tracker.Target{Project: project}, Summary: summary}})
	if err != nil {
		return "", err
	}
	return results[0].Issue.ID, nil
}

func (p *boardPlace) read(ids []string) (map[string]*ticket, error) {
	shown, err := fetch(p.board, ids)
	all := map[string]*ticket{}
	for _, issue := range shown {
		one := &ticket{Issue: issue, updated: issue.Updated}
		for _, e := range issue.Edits {
			one.history = append(one.history, entry{op: e.Op, author: e.Author, field: e.Field, from: e.From, to: e.To, at: e.At})
		}
		for _, c := range issue.Comments {
			one.said = append(one.said, remark{ours: c.Op != "", text: c.Text, at: c.At})
		}
		all[issue.ID] = one
	}
	return all, err
}

func (p *boardPlace) made() map[string]int {
	all := map[string]int{}
	for id := int64(1); ; id++ {
		rows, _ := p.rows.ByID(context.Background(), []int64{id}) // memory does not fail
		if len(rows) == 0 {
			return all
		}
		if rows[0].Marker != "" {
			all[fmt.Sprint(rows[0].Marker)]++
		}
	}
}

func (p *boardPlace) quicker(func(string)) {} // reading and writing are one step

func (p *boardPlace) calm() {}

func (p *boardPlace) counts() counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *boardPlace) strangers() int { return p.foreign }
