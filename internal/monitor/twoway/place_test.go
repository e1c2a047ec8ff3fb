package twoway

import (
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// place is a tracker as people use it.
type place interface {
	// connect is the tracker as a process sees it that has just begun.
	connect() (tracker.Tracker, error)
	// do lets a person do something to a ticket; what the place does not allow is an error.
	do(who, id string, d deed) error
	// file makes an issue that is none of ours, and gives its id.
	file(project, summary string) (string, error)
	// read gives tickets with the whole of their history, past us.
	read(ids []string) (map[string]*ticket, error)
	// made counts the issues of each marker, as far as nobody has taken that off.
	made() map[string]int
	// quicker calls a hook before each write to a ticket, after it was read for it.
	quicker(hook func(id string))
	calm()
	counts() counts
	strangers() int // answers that showed what is none of ours
}

// deed is what a person does: an edit of one of merge's fields, or one of these.
type deed struct {
	what  string
	value string
}

const (
	comment = "comment"
	before  = "text before" // of our part of the description
	inside  = "text inside"
	after   = "text after"
	add     = "add label"
	remove  = "remove label"
	strip   = "strip labels"
)

// foreign stands in the summary of what is none of ours.
const foreign = "not-one-of-ours"

// ticket is a ticket with the tracker's own history of it.
type ticket struct {
	tracker.Issue
	history []entry
	said    []remark
	updated time.Time
}

// entry is a change of one field. op names our write that made it; "" is a person.
type entry struct {
	op, author, field, from, to string
	at                          time.Time
}

// remark is a comment.
type remark struct {
	ours bool
	text string
	at   time.Time
}

var people = []string{"ann@example.com", "ben@example.com", "kim@example.com"}

// projects are the boards, in no two of which work goes the same way.
var projects = []string{"FIN", "OPS", "DEV", "NET"}
