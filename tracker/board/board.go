// Package board is the embedded tracker: a plain board whose tickets are rows
// beside the rest of the state, for a team that has no tracker and for tests.
// It answers at once, never rate-limits and has exact times, so it is also the
// first to pass trackertest.
package board

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// Row is one ticket as it is stored.
type Row struct {
	ID           int64
	Project      string
	Marker       trimtab.Marker
	Installation string
	Status       tracker.Status
	Summary      string
	Description  string
	Assignee     string
	Priority     string
	Labels       []string
	Comments     []Comment
	Extra        Extra
	Created      time.Time
	Updated      time.Time
}

// Extra is what a ticket has besides: Op made it.
type Extra struct {
	Op         string             `json:"op,omitempty"`
	Components []string           `json:"components,omitempty"`
	Due        time.Time          `json:"due,omitzero"`
	Parent     string             `json:"parent,omitempty"`
	Fields     map[string]any     `json:"fields,omitempty"`
	Links      []tracker.Link     `json:"links,omitempty"`
	Backlinks  []tracker.Backlink `json:"backlinks,omitempty"`
	Edits      []tracker.Edit     `json:"edits,omitempty"`   // the newest
	Entries    int                `json:"entries,omitempty"` // of the history in all
}

// Comment is one comment of a ticket; Op is the write that made it, "" for a
// person's.
type Comment struct {
	At     time.Time `json:"at"`
	Author string    `json:"author,omitempty"`
	Op     string    `json:"op,omitempty"`
	Text   string    `json:"text"`
}

// maxEdits is how many edits a ticket keeps; Jira shows as many with an issue.
const maxEdits = 40

// Rows is where the tickets are kept. Every call is atomic.
type Rows interface {
	// Insert adds a row, unless its marker exists: then it gives that row.
	Insert(ctx context.Context, row Row) (Row, error)
	ByMarker(ctx context.Context, markers []trimtab.Marker) ([]Row, error)
	ByID(ctx context.Context, ids []int64) ([]Row, error)
	Changed(ctx context.Context, installation string, since time.Time) ([]Row, error)
	// Open gives the rows of a project that are not closed.
	Open(ctx context.Context, project string) ([]Row, error)
	// Newest gives the row of an installation that was inserted last; one without an
	// id if there is none.
	Newest(ctx context.Context, installation string) (Row, error)
	// Update reads a row, lets change edit it and stores it if change says so.
	Update(ctx context.Context, id int64, change func(*Row) bool) (Row, error)
}

// Config describes an embedded board.
type Config struct {
	Projects []string         // the projects that there are; drafts for others are refused
	URL      string           // base of the addresses of tickets; "" for none
	Now      func() time.Time // the clock
}

// Board is the embedded tracker.
type Board struct {
	cfg    Config
	rows   Rows
	author string // of what is written; "" is Trimtab
}

var _ tracker.Tracker = (*Board)(nil)

// New makes a board over stored rows.
func New(cfg Config, rows Rows) *Board { return &Board{cfg: cfg, rows: rows} }

// By is the board as a person uses it.
func (b *Board) By(author string) *Board { return &Board{cfg: b.cfg, rows: b.rows, author: author} }

// Check implements [tracker.Tracker]: a board needs nothing but a known project.
func (b *Board) Check(_ context.Context, samples []tracker.Draft) ([]tracker.Problem, error) {
	var problems []tracker.Problem
	for _, d := range samples {
		if !slices.Contains(b.cfg.Projects, d.Project) {
			problems = append(problems, tracker.Problem{
				Target: d.Target, Fatal: true, Message: fmt.Sprintf("there is no project %q", d.Project),
				Next: fmt.Sprintf("the projects are %v", b.cfg.Projects),
			})
		}
	}
	return problems, nil
}

// Create implements [tracker.Tracker]. Filing a marker twice gives the same ticket.
func (b *Board) Create(ctx context.Context, drafts []tracker.Draft) ([]tracker.Result, error) {
	results := make([]tracker.Result, len(drafts))
	for i, d := range drafts {
		if !slices.Contains(b.cfg.Projects, d.Project) {
			results[i].Err = &tracker.Error{Kind: tracker.Rejected, Request: "board create", Message: fmt.Sprintf("there is no project %q", d.Project)}
			continue
		}
		// What was filed before stays filed; the marker finds it.
		if err := ctx.Err(); err != nil {
			return nil, b.failed("create", err)
		}
		now := b.cfg.Now()
		row, err := b.rows.Insert(ctx, Row{
			Project: d.Project, Marker: d.Marker, Installation: d.Installation, Status: tracker.Open, Summary: d.Summary,
			Description: d.Description, Assignee: d.Assignee, Priority: d.Priority, Labels: d.Labels, Created: now, Updated: now,
			Extra: Extra{Op: d.Op, Components: d.Components, Due: d.Due, Parent: d.Parent, Fields: d.Fields},
		})
		if err != nil {
			return nil, b.failed("create", err)
		}
		results[i].Issue = b.issue(row)
	}
	return results, nil
}

// failed: a transaction that failed has done nothing.
func (b *Board) failed(what string, err error) error {
	return &tracker.Error{Kind: tracker.Retry, Request: "board " + what, Err: err}
}

// Find implements [tracker.Tracker].
func (b *Board) Find(ctx context.Context, sought []tracker.Sought) ([]tracker.Issue, error) {
	markers := make([]trimtab.Marker, len(sought))
	for i, s := range sought {
		markers[i] = s.Marker
	}
	rows, err := b.rows.ByMarker(ctx, markers)
	return b.issues("find", rows, err)
}

// Newest implements [tracker.Tracker].
func (b *Board) Newest(ctx context.Context, installation string) (*tracker.Issue, error) {
	row, err := b.rows.Newest(ctx, installation)
	if err != nil {
		return nil, b.failed("newest", err)
	}
	if row.ID == 0 {
		return nil, nil
	}
	issue := b.issue(row)
	return &issue, nil
}

// Fetch implements [tracker.Tracker].
func (b *Board) Fetch(ctx context.Context, ids []string) ([]tracker.Issue, error) {
	var numbers []int64
	// What is no number is of no ticket, which is an answer: it is left out.
	for _, id := range ids {
		if n, err := strconv.ParseInt(id[strings.LastIndex(id, "-")+1:], 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	rows, err := b.rows.ByID(ctx, numbers)
	rows = slices.DeleteFunc(rows, func(r Row) bool {
		return !slices.Contains(ids, strconv.FormatInt(r.ID, 10)) && !slices.Contains(ids, keyOf(r))
	})
	return b.issues("fetch", rows, err)
}

// Changed implements [tracker.Tracker].
func (b *Board) Changed(ctx context.Context, installation string, since time.Time) (tracker.Changes, error) {
	now := b.cfg.Now()
	rows, err := b.rows.Changed(ctx, installation, since)
	issues, err := b.issues("changed", rows, err)
	return tracker.Changes{Issues: issues, At: now}, err
}

// Mentioning implements [tracker.Tracker].
func (b *Board) Mentioning(ctx context.Context, project string, words []string) ([]tracker.Issue, error) {
	rows, err := b.rows.Open(ctx, project)
	rows = slices.DeleteFunc(rows, func(r Row) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(r.Summary+"\n"+r.Description, w) })
	})
	return b.issues("mentioning", rows, err)
}

// Update implements [tracker.Tracker].
func (b *Board) Update(ctx context.Context, id string, decide func(tracker.Issue) tracker.Change) (tracker.Issue, error) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return tracker.Issue{}, &tracker.Error{Kind: tracker.Missing, Request: "board update " + id, Message: "no such ticket"}
	}
	row, err := b.rows.Update(ctx, number, func(row *Row) bool {
		e := &edit{row: row, change: decide(b.issue(*row)), author: b.author, now: b.cfg.Now()}
		return e.apply()
	})
	if err != nil {
		return tracker.Issue{}, b.failed("update "+id, err)
	}
	if row.ID == 0 {
		return tracker.Issue{}, &tracker.Error{Kind: tracker.Missing, Request: "board update " + id, Message: "no such ticket"}
	}
	return b.issue(row), nil
}

// issues shows rows in their order.
func (b *Board) issues(what string, rows []Row, err error) ([]tracker.Issue, error) {
	if err != nil {
		return nil, b.failed(what, err)
	}
	issues := make([]tracker.Issue, len(rows))
	for i, row := range rows {
		issues[i] = b.issue(row)
	}
	return issues, nil
}

// keyOf is the key of a row. Ids are the rows', so a key never names another ticket later.
func keyOf(r Row) string { return fmt.Sprintf("%s-%d", r.Project, r.ID) }

// issue shows a row.
func (b *Board) issue(row Row) tracker.Issue {
	block, _ := tracker.Block(row.Description)
	issue := tracker.Issue{
		ID: strconv.FormatInt(row.ID, 10), Key: keyOf(row), Project: row.Project, Marker: row.Marker, Op: row.Extra.Op, Status: row.Status,
		StatusName: string(row.Status), Summary: row.Summary, Description: row.Description, Block: block, Assignee: row.Assignee,
		Priority: row.Priority, Labels: slices.Clone(row.Labels), Stamped: row.Marker != "" && row.Installation != "", Due: row.Extra.Due,
		Created: row.Created, Updated: row.Updated, Edits: slices.Clone(row.Extra.Edits),
	}
	for i, c := range row.Comments {
		issue.Comments = append(issue.Comments, tracker.Comment{ID: strconv.Itoa(i + 1), At: c.At, Author: c.Author, Op: c.Op, Text: c.Text})
	}
	if b.cfg.URL != "" {
		issue.URL = b.cfg.URL + "/" + issue.Key
	}
	return issue
}
