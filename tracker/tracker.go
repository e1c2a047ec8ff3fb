// Package tracker says what a tracker is: the place where people see, discuss
// and close the tickets that Trimtab files.
//
// An adapter (jira, board …) translates between its product and the words
// here: drafts go out, issues come back, statuses are canonical. It decides
// whether a failure may be tried again and says so in an [Error]; whether and
// when that happens is the pipeline's decision. Every ticket carries a marker,
// by which it is found again when the answer to its creation was lost.
// trackertest holds what every adapter must pass.
package tracker

import (
	"cmp"
	"context"
	"time"

	"github.com/trimtab/trimtab"
)

// Tracker is one instance of a tracker, as seen by the jobs.
type Tracker interface {
	// Check looks at what drafts like these need before anything is filed:
	// credentials, projects, issue types, permissions, fields and their values. An
	// error means that it could not look.
	Check(ctx context.Context, samples []Draft) ([]Problem, error)
	// Create files drafts, at most [MaxBatch], and gives one result per draft in
	// their order. The error is for the call as a whole; when its kind is
	// Ambiguous, any of the drafts may exist.
	Create(ctx context.Context, drafts []Draft) ([]Result, error)
	// Find looks live issues up by marker; a marker without an issue is missing
	// from the answer, one with two appears twice, oldest first. An error of kind
	// Forbidden says that what was not found may be hidden.
	Find(ctx context.Context, sought []Sought) ([]Issue, error)
	// Newest gives the installation's ticket that was created last; nil without one.
	Newest(ctx context.Context, installation string) (*Issue, error)
	// Fetch reads issues by id or key, with their newest edits and comments; those that
	// are deleted or hidden are missing.
	Fetch(ctx context.Context, ids []string) ([]Issue, error)
	// Changed gives the installation's issues updated at or after since, oldest first, all
	// pages, with their newest edits and comments. since is on the tracker's clock.
	Changed(ctx context.Context, installation string, since time.Time) (Changes, error)
	// Update reads an issue, asks decide what to change of it, writes that and reads the
	// issue back. Writing what is already so is no write. decide is asked once, with the
	// newest edits and comments.
	Update(ctx context.Context, id string, decide func(now Issue) Change) (Issue, error)
	// Mentioning gives those of a project's issues that are not closed and say one of some
	// words in their summary or description, whoever made them.
	Mentioning(ctx context.Context, project string, words []string) ([]Issue, error)
}

// MaxBatch is the largest number of drafts of one Create (Jira's limit).
const MaxBatch = 50

// Status is a ticket's status in words that all trackers share.
type Status string

// The canonical statuses.
const (
	Open       Status = "open"
	InProgress Status = "in_progress"
	Done       Status = "done"    // closed as fixed, or closed where the tracker cannot tell
	WontDo     Status = "wont_do" // closed as not to be done
	Unclear    Status = "unclear" // a status that no table maps; changes nothing
	NoStatus   Status = ""        // in a Change: leave it
)

// Closed reports whether the status is one of an ended ticket.
func (s Status) Closed() bool { return s == Done || s == WontDo }

// Target is where tickets of a board go: a project and a type of issue.
type Target struct{ Project, Type string }

// Problem is something that Check found; Fatal problems make filing impossible.
type Problem struct {
	Target  Target
	Fatal   bool
	Message string
	Next    string
}

// Draft is a ticket to be filed.
type Draft struct {
	Target
	Marker       trimtab.Marker
	Installation string // label that every ticket of this installation carries
	Op           string // id of the write, kept in the issue's history where possible
	Summary      string // one line; the adapter cuts it to its limit on runes
	Description  string // Markdown; what [Managed] wraps is replaced by later changes
	Labels       []string
	Assignee     string // e-mail or name of the owner; "" leaves it open
	Priority     string
	Components   []string
	Due          time.Time      // a day; zero leaves it open
	Parent       string         // key of the epic or task above it
	Fields       map[string]any // further fields by the names that people see; texts, numbers, lists of texts
}

// Sought is a ticket that is looked for. After is the key of the newest ticket
// that is known in its project, "" without one: where searches lag behind, what
// was created later is read from there on.
type Sought struct {
	Marker  trimtab.Marker
	Project string
	After   string
}

// Result is the outcome of one draft. Err is nil when the issue exists.
type Result struct {
	Issue Issue
	Err   *Error
	// Notes say what could not be set, as an owner whom the tracker does not know.
	Notes []string
}

// Issue is a ticket as the tracker shows it.
type Issue struct {
	ID, Key, URL string
	Project      string
	Marker       trimtab.Marker // "" if it is gone
	Op           string         // of the draft that made it; "" where that is not known
	Status       Status
	StatusName   string // the tracker's own word
	Summary      string
	Description  string // Markdown
	Block        string // what of the description is ours ([Managed]), as Markdown; "" without a block
	Assignee     string // the owner's e-mail where the tracker shows it, else its id
	Priority     string
	Labels       []string  // without marker and installation label
	Stamped      bool      // it carries all by which searches find it
	Due          time.Time // a day; zero without one
	Created      time.Time
	Updated      time.Time
	// Edits and Comments are the newest ones, oldest first, as many as the tracker shows
	// with an issue; nil where it was not asked for them.
	Edits    []Edit
	Comments []Comment
}

// Edit is one change of one field, as the tracker's history tells it.
type Edit struct {
	ID       string // of the entry in the history; grows with time, several fields share it
	At       time.Time
	Author   string // as [Issue.Assignee]
	Op       string // of our write that made it; "" for everybody else's
	Field    string // status, assignee, priority, summary, description, labels, due, or the tracker's own word
	From, To string // in the tracker's words; of statuses their names
}

// CompareIDs orders ids of edits or of comments: as numbers, which have no leading zeros.
func CompareIDs(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// Comment is what somebody said in a ticket.
type Comment struct {
	ID     string // grows with time
	At     time.Time
	Author string
	Op     string // of our write that made it, or some text where the tracker does not keep which; "" for everybody else's
	Text   string // Markdown
}

// Changes is what an installation's issues have become since a time. At is a time on the
// tracker's clock before the search began.
type Changes struct {
	Issues []Issue
	At     time.Time
}

// Change is what Update writes; nil and empty fields stay as they are.
type Change struct {
	Op           string // id of the write
	Status       Status
	Summary      *string
	Block        *string // replaces our part of the description, and nothing around it; added at the end where there is none
	Assignee     *string
	Priority     *string
	AddLabels    []string
	RemoveLabels []string
	Comment      string
	Link         Link     // zero: none
	Backlink     Backlink // zero: none
	Stamp        *Stamp   // makes the ticket one of ours, or lets it go
}

// Set is a decision that does not depend on how the issue is.
func Set(c Change) func(Issue) Change { return func(Issue) Change { return c } }

// Stamp is all by which a ticket is known as one of ours. The zero Stamp takes it off, with
// its label of the installation, whichever it is.
type Stamp struct {
	Marker       trimtab.Marker
	Installation string
}

// Relation says how a ticket is linked to another.
type Relation string

// The relations. A tracker that lacks one uses Relates.
const (
	Relates    Relation = "relates"
	Duplicates Relation = "duplicates" // the changed issue is the second one of To
)

// Link ties the changed issue to another one of its tracker; linking twice is
// linking once.
type Link struct {
	Relation Relation
	To       string // id
}

// Backlink leads from a ticket to the page of its recommendation. A ticket has
// one of an ID.
type Backlink struct{ ID, URL, Title string }
