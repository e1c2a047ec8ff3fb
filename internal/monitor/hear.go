package monitor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// restampEvery is how often labels are put back that somebody takes off.
const restampEvery = 7 * 24 * time.Hour

// hear takes in what people did since the ticket was last looked at: lines of its timeline,
// words that are meant for us, and whether one of our writes has gone over one of theirs.
func (m *merger) hear() error {
	edits := slices.DeleteFunc(slices.Clone(m.issue.Edits), func(e tracker.Edit) bool { return m.heard(m.link.Sync.Edit, e.ID, e.At) })
	comments := slices.DeleteFunc(slices.Clone(m.issue.Comments), func(c tracker.Comment) bool { return m.heard(m.link.Sync.Comment, c.ID, c.At) })
	for _, e := range edits {
		m.link.Sync.Edit = e.ID
		if e.Op != "" {
			continue
		}
		if err := m.tell(e.At, e.Author, e.Field+" changed", m.detail(e)); err != nil {
			return err
		}
	}
	for _, c := range comments {
		m.link.Sync.Comment = c.ID
		if c.Op != "" || m.rule(merge.Comments).Direction == merge.Out {
			continue
		}
		m.asked = append(m.asked, c)
		if err := m.tell(c.At, c.Author, "commented", merge.Cut(c.Text)); err != nil {
			return err
		}
	}
	return m.audit(edits)
}

// heard reports whether an entry was told before. Of a ticket that was not looked at yet,
// what is older than what was last read or written is.
func (m *merger) heard(newest, id string, at time.Time) bool {
	if newest == "" {
		return at.Before(m.link.Updated)
	}
	return tracker.CompareIDs(id, newest) <= 0
}

// detail says what an edit did, and which rule decided about it.
func (m *merger) detail(e tracker.Edit) string {
	text := fmt.Sprintf("%q → %q", merge.Cut(e.From), merge.Cut(e.To))
	if e.Field == merge.Description {
		text = "the text was edited"
	}
	if rule := m.rule(e.Field); rule.Direction != "" {
		text += " (" + rule.String() + ")"
	}
	return text
}

func (m *merger) tell(at time.Time, author, what, detail string) error {
	return m.tx.Note(m.about[0].ID, at, m.actor(author), what, detail)
}

// actor is who did something on the tracker.
func (m *merger) actor(author string) string { return cmp.Or(author, "tracker") }

// audit looks for an edit of somebody's that one of our writes has gone over: it was made
// between our reading and our writing. Nothing can be done about it any more but to tell.
func (m *merger) audit(edits []tracker.Edit) error {
	theirs := map[string][]tracker.Edit{}
	for _, e := range edits {
		if e.Op == "" {
			theirs[e.Field] = append(theirs[e.Field], e)
			continue
		}
		lost := theirs[e.Field]
		delete(theirs, e.Field)
		if len(lost) == 0 || merge.IsSet(e.Field) || !slices.Contains(merge.Fields, e.Field) || !overwritten(lost, e) {
			continue
		}
		if err := m.lost(lost[len(lost)-1], e); err != nil {
			return err
		}
	}
	return nil
}

// overwritten reports whether what people made of a field is not there after our write.
func overwritten(lost []tracker.Edit, ours tracker.Edit) bool {
	first, last := lost[0], lost[len(lost)-1]
	if last.To == first.From || last.To == ours.To { // they took it back, or said the same
		return false
	}
	if ours.Field != merge.Description {
		return true
	}
	return outside(last.To) != outside(ours.To) || inside(first.From) != inside(last.To)
}

// inside and outside are our part of a description, and the rest.
func inside(text string) string {
	block, _ := tracker.Block(text)
	return merge.Digest(block)
}

func outside(text string) string {
	if _, ok := tracker.Block(text); !ok {
		return merge.Digest(text)
	}
	return merge.Digest(tracker.SetBlock(text, ""))
}

// lost tells of an edit that is not there any more, unless it was told when it was decided.
func (m *merger) lost(theirs, ours tracker.Edit) error {
	known, err := m.tx.ConflictsOf(m.link.ID)
	if err != nil || slices.ContainsFunc(known, func(c *store.Conflict) bool { return c.Field == theirs.Field && !c.At.Before(theirs.At) }) {
		return err
	}
	m.report.Conflicts++
	now := m.job.Clock.Now()
	c := &store.Conflict{
		Link: m.link.ID, Field: theirs.Field, At: now, Base: merge.Cut(theirs.From), Ours: merge.Cut(ours.To), Theirs: merge.Cut(theirs.To),
		Author: theirs.Author, Why: "it was changed while we wrote, and our write went over it",
	}
	c.Decide(string(merge.TrimtabWins), "chance", now)
	if err := m.tx.SaveConflict(c); err != nil {
		return err
	}
	return m.note("an edit was overwritten", fmt.Sprintf("%s: %q by %s, written over with %q", c.Field, c.Theirs, m.actor(c.Author), c.Ours))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
