package merge

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// The fields of a ticket that are merged.
const (
	Status      = "status"
	Assignee    = "assignee"
	Priority    = "priority"
	Summary     = "summary"
	Description = "description" // our part of it, as a [Digest]
	Labels      = "labels"
	Due         = "due"
	Comments    = "comments" // they are only added, and so need no merging
)

// Fields are the fields that are merged, in the order in which people are told of them.
var Fields = []string{Status, Assignee, Priority, Summary, Description, Labels, Due}

// kind is how values of a field behave.
type kind int

const (
	word  kind = iota
	state      // ours follows from theirs, and goes on from there
	set        // elements that come and go each by itself
)

var kinds = map[string]kind{Status: state, Labels: set}

// IsSet reports whether a field's values are sets.
func IsSet(field string) bool { return kinds[field] == set }

// Defaults are the rules of a deployment that says nothing.
func Defaults() map[string]Rule {
	return map[string]Rule{
		Status: {Both, TrackerWins}, Assignee: {Both, TrackerWins}, Priority: {In, TrackerWins}, Summary: {Both, TrackerWins},
		Description: {Out, Ask}, Labels: {Both, Union}, Due: {In, TrackerWins}, Comments: {Both, Union},
	}
}

// RuleOf is the rule of a field: the deployment's, or the default one.
func RuleOf(rules map[string]Rule, field string) Rule {
	if r, ok := rules[field]; ok {
		return r
	}
	return Defaults()[field]
}

// Theirs is what a ticket says of each field.
func Theirs(issue tracker.Issue) map[string]string {
	theirs := map[string]string{
		Status: string(issue.Status), Assignee: issue.Assignee, Priority: issue.Priority, Summary: issue.Summary,
		Description: Digest(issue.Block), Labels: SetOf(issue.Labels), Due: "",
	}
	if !issue.Due.IsZero() {
		theirs[Due] = issue.Due.Format(time.DateOnly)
	}
	return theirs
}

// AgreedOn is the base of a ticket that both sides take as it is.
func AgreedOn(issue tracker.Issue) map[string]Agreed {
	base := map[string]Agreed{}
	for field, value := range Theirs(issue) {
		base[field] = Agreed{Ours: value, Theirs: value}
	}
	return base
}

// Digest stands for a text by its words: markup and spaces are a tracker's own affair. ""
// stands for no text.
func Digest(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(words, " ")))
	return hex.EncodeToString(sum[:8])
}

// ChangedAt is when somebody other than Trimtab last changed a field of a ticket: by its
// history, or else at the latest when the ticket last changed.
func ChangedAt(issue tracker.Issue, field string) time.Time {
	for i := len(issue.Edits) - 1; i >= 0; i-- {
		if e := issue.Edits[i]; e.Field == field && e.Op == "" {
			return e.At
		}
	}
	return issue.Updated
}

// ByPerson reports whether the history says that the last to change a field was somebody
// other than Trimtab.
func ByPerson(issue tracker.Issue, field string) bool {
	for i := len(issue.Edits) - 1; i >= 0; i-- {
		if e := issue.Edits[i]; e.Field == field {
			return e.Op == ""
		}
	}
	return false
}

// Reverted reports whether the history after an entry tells of a write of ours to a field
// that a person has changed since. Of a ticket whose edits were never heard it does not.
func Reverted(issue tracker.Issue, field, after string) bool {
	if after == "" {
		return false
	}
	ours := false
	for _, e := range issue.Edits {
		if e.Field == field && tracker.CompareIDs(e.ID, after) > 0 {
			ours = ours || e.Op != ""
		}
	}
	return ours && ByPerson(issue, field)
}

// AuthorOf is who last changed a field of a ticket, other than Trimtab; "" where the history
// does not say.
func AuthorOf(issue tracker.Issue, field string) string {
	for i := len(issue.Edits) - 1; i >= 0; i-- {
		if e := issue.Edits[i]; e.Field == field && e.Op == "" {
			return e.Author
		}
	}
	return ""
}

// Shown is a field of a ticket as people see it: a status by its own name, of the
// description our part.
func Shown(issue tracker.Issue, field string) string {
	switch field {
	case Status:
		return issue.StatusName
	case Description:
		return Cut(issue.Block)
	}
	return Theirs(issue)[field]
}

// maxShown is how many characters of a text are kept for people.
const maxShown = 2000

// Cut is the beginning of a text.
func Cut(text string) string {
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return text
}

// StatusOf is the ticket status that a workflow stands for.
func StatusOf(w trimtab.Workflow) tracker.Status {
	switch w {
	case trimtab.InProgress:
		return tracker.InProgress
	case trimtab.DoneClaimed, trimtab.Verified, trimtab.AutoResolved, trimtab.Superseded:
		return tracker.Done
	case trimtab.Dismissed:
		return tracker.WontDo
	}
	return tracker.Open
}
