package board

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// edit is a change on its way into a row.
type edit struct {
	row    *Row
	change tracker.Change
	author string
	now    time.Time
	made   []tracker.Edit
	told   bool // something changed that is no field
}

// apply edits the row, with a line of its history for each field, and reports whether
// anything is different now.
func (e *edit) apply() bool {
	row, c := e.row, e.change
	if c.Status != tracker.NoStatus {
		status := string(c.Status)
		was := string(row.Status)
		e.set("status", &was, &status)
		row.Status = tracker.Status(was)
	}
	e.set("summary", &row.Summary, c.Summary)
	if c.Block != nil {
		text := tracker.SetBlock(row.Description, tracker.Managed(*c.Block))
		e.set("description", &row.Description, &text)
	}
	e.set("assignee", &row.Assignee, c.Assignee)
	e.set("priority", &row.Priority, c.Priority)
	e.setLabels()
	e.stamp()
	e.say()
	e.link()
	if len(e.made) == 0 && !e.told {
		return false
	}
	e.keep()
	row.Updated = e.now
	return true
}

// set writes a field that is to change and does; nil leaves it as it is.
func (e *edit) set(name string, field, value *string) {
	if value == nil || *field == *value {
		return
	}
	e.made = append(e.made, tracker.Edit{Field: name, From: *field, To: *value})
	*field = *value
}

func (e *edit) setLabels() {
	was := strings.Join(e.row.Labels, " ")
	labels := slices.DeleteFunc(slices.Clone(e.row.Labels), func(l string) bool { return slices.Contains(e.change.RemoveLabels, l) })
	for _, label := range e.change.AddLabels {
		if !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	now := strings.Join(labels, " ")
	e.set("labels", &was, &now)
	e.row.Labels = labels
}

func (e *edit) stamp() {
	s := e.change.Stamp
	if s == nil || e.row.Marker == s.Marker && e.row.Installation == s.Installation {
		return
	}
	e.row.Marker, e.row.Installation, e.told = s.Marker, s.Installation, true
	e.row.Extra.Op = e.change.Op
}

// say adds a comment. A write is told again when its answer was lost: its op says that it
// was heard.
func (e *edit) say() {
	c := e.change
	said := slices.ContainsFunc(e.row.Comments, func(k Comment) bool { return k.Op != "" && k.Op == c.Op })
	if c.Comment == "" || said {
		return
	}
	e.row.Comments, e.told = append(e.row.Comments, Comment{At: e.now, Author: e.author, Op: c.Op, Text: c.Comment}), true
}

func (e *edit) link() {
	extra := &e.row.Extra
	if to := e.change.Link; to.To != "" && !slices.Contains(extra.Links, to) {
		extra.Links, e.told = append(extra.Links, to), true
	}
	// A link takes the place of the one of its ID.
	back := e.change.Backlink
	if back.ID == "" || slices.Contains(extra.Backlinks, back) {
		return
	}
	others := slices.DeleteFunc(extra.Backlinks, func(old tracker.Backlink) bool { return old.ID == back.ID })
	extra.Backlinks, e.told = append(others, back), true
}

// keep adds what was made to the history, as one entry.
func (e *edit) keep() {
	extra := &e.row.Extra
	extra.Entries++
	for _, one := range e.made {
		one.ID, one.At, one.Author, one.Op = strconv.Itoa(extra.Entries), e.now, e.author, e.change.Op
		extra.Edits = append(extra.Edits, one)
	}
	if over := len(extra.Edits) - maxEdits; over > 0 {
		extra.Edits = slices.Delete(extra.Edits, 0, over)
	}
}
