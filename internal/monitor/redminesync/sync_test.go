package redminesync

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine/redminetest"
)

var seed = flag.Uint64("redmine.seed", 1, "which story is told")

func TestMain(m *testing.M) {
	code := m.Run()
	redminetest.Stop()
	os.Exit(code)
}

// TestBothWays: people and Trimtab edit the same tickets for some rounds, while requests
// fail and processes die. Then it becomes quiet: both sides say the same, no edit of a
// person was lost without a word, no ticket is there twice, and nothing echoes.
func TestBothWays(t *testing.T) {
	things, rounds, hands := 50, 12, 40
	if testing.Short() {
		things, rounds, hands = 10, 2, 10
	}
	w, began := newWorld(t, *seed), time.Now()
	w.site.Ruby(t, `add_foreign(1000); 1`, nil)
	w.see(things)
	w.wire.wild, w.deadly = true, 150
	for tries := 0; len(w.tickets()) < things && tries < 20; tries++ {
		w.unblock()
		w.walk()
	}
	t.Logf("%d tickets filed after %s, %d calls", len(w.tickets()), time.Since(began).Round(time.Second), total(w.wire.calls))
	for round := 1; round <= rounds; round++ {
		w.people(hands)
		w.scan(round)
		w.walk()
		w.people(hands / 4)
		w.walk()
		w.advance(time.Hour) // what quarrels in an hour is told as a quarrel
	}
	w.wire.wild, w.deadly = false, 0
	w.unblock()
	w.walk()
	w.walk()
	calls, writes := total(w.wire.calls), w.wire.writes()
	v := w.judge()
	stand := w.stand()
	for range 2 {
		before := total(w.wire.calls)
		w.walk()
		t.Logf("a quiet walk: %d calls", total(w.wire.calls)-before)
	}
	if w.stand() != stand || w.wire.writes() != writes {
		t.Errorf("an echo: %d writes when all was quiet", w.wire.writes()-writes)
	}
	t.Logf("%d tickets in %s: %d calls (%d writes), %.2f writes for each of our %d changes, %d edits by hand on them and %d on others, %d conflicts (%d open), %d drifts, %d overwritten by chance, %d kills in %d runs, faults %v",
		len(v.links), time.Since(began).Round(time.Second), calls, writes, float64(v.written)/float64(w.ours), w.ours, w.edits, w.foes, v.conflicts, v.open, v.drifts, v.chance, w.kills, w.runs, w.wire.faults)
}

func total(counts map[string]int) (n int) {
	for _, one := range counts {
		n += one
	}
	return n
}

// verdict is what became of a world.
type verdict struct {
	links                                    []*store.Link
	conflicts, open, drifts, chance, written int
	told                                     map[string][]*store.Conflict // by remote id
}

// judge holds the site and the state against each other.
func (w *world) judge() *verdict {
	w.t.Helper()
	v := &verdict{told: map[string][]*store.Conflict{}}
	w.store.Jam(nil)
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error { return w.known(tx, v) }))
	w.store.Jam(func(store.Door) error { return w.mortal.cross() })
	plain := w.client(http.DefaultTransport)
	var ids []string
	for _, l := range v.links {
		ids = append(ids, l.RemoteID)
	}
	issues, err := plain.Fetch(w.t.Context(), ids)
	w.check(err)
	if len(issues) != w.things || len(v.links) != w.things {
		w.t.Errorf("%d links, %d tickets of %d", len(v.links), len(issues), w.things)
	}
	byID := map[string]tracker.Issue{}
	for _, i := range issues {
		byID[i.ID] = i
	}
	for _, l := range v.links {
		w.equal(v, l, byID[l.RemoteID])
	}
	w.single()
	w.kept(v)
	return v
}

// known reads what the state has.
func (w *world) known(tx *store.Tx, v *verdict) error {
	for i := range w.things {
		e, err := tx.LatestEpisode(keyOf(i))
		if err != nil {
			return err
		}
		link, err := tx.LinkOf(e.ID)
		if err != nil || link == nil {
			w.t.Errorf("%s has no link, %v", resourceOf(i), err)
			continue
		}
		told, err := tx.ConflictsOf(link.ID)
		if err != nil {
			return err
		}
		v.links, v.told[link.RemoteID] = append(v.links, link), told
		v.conflicts += len(told)
		for _, c := range told {
			if c.Winner == "" {
				v.open++
			}
			if c.DecidedBy == "chance" {
				v.chance++
			}
		}
		ops, err := tx.OpsOf(link.ID)
		if err != nil {
			return err
		}
		for _, op := range ops {
			if op.State != store.OpDone {
				w.t.Errorf("%s: %s is %s: %s", resourceOf(i), op.Kind, op.State, op.Error)
			}
		}
	}
	return nil
}

// equal: what the state knows of a ticket is what Redmine says, but for what is left to a
// person to decide.
func (w *world) equal(v *verdict, link *store.Link, issue tracker.Issue) {
	is := merge.Theirs(issue)
	for _, field := range merge.Fields {
		open := slices.ContainsFunc(v.told[link.RemoteID], func(c *store.Conflict) bool { return c.Field == field && c.Winner == "" })
		known := link.Base[field].Theirs
		drift, drifts := link.Sync.Drift[field]
		if drifts { // what is only written, and left as people made it
			v.drifts++
			known = is[field]
		}
		if known != is[field] && !open || drifts && drift != merge.Shown(issue, field) {
			w.t.Errorf("%s %s: the state knows %q, Redmine has %q", issue.Key, field, known, is[field])
		}
	}
	if !issue.Stamped || issue.Marker != link.Marker {
		w.t.Errorf("%s is not stamped: %q", issue.Key, issue.Marker)
	}
}

// single: no marker is there twice.
func (w *world) single() {
	var markers []string
	w.site.Ruby(w.t, `CustomValue.where(custom_field_id: $marker.id).where.not(value: [nil, ""]).pluck(:value)`, &markers)
	slices.Sort(markers)
	if unique := slices.Compact(slices.Clone(markers)); len(unique) != len(markers) || len(unique) != w.things {
		w.t.Errorf("%d tickets of %d markers", len(markers), len(unique))
	}
}

// fieldOf is what all trackers call a field of Redmine's history.
var fieldOf = map[string]string{"subject": merge.Summary, "assigned_to_id": merge.Assignee, "status_id": merge.Status, "description": merge.Description, "labels": merge.Labels}

// kept: every edit of a person is there, or followed by another one's, or told as a conflict.
func (w *world) kept(v *verdict) {
	all := w.history()
	for n, e := range all {
		field, known := fieldOf[e.Field]
		if !known {
			continue
		}
		id := strconv.Itoa(e.Issue)
		if e.User == "robot" {
			v.written++
			continue
		}
		told := slices.ContainsFunc(v.told[id], func(c *store.Conflict) bool { return c.Field == field })
		if !told && w.lost(all[n:], field) {
			w.t.Errorf("#%s %s: %q by %s is gone: %s\n%s", id, field, clip(e.New), e.User, story(all, e), w.timeline(v, id))
		}
	}
}

// timeline is what the state tells of a ticket.
func (w *world) timeline(v *verdict, id string) (text string) {
	at := slices.IndexFunc(v.links, func(l *store.Link) bool { return l.RemoteID == id })
	if at < 0 {
		return "no link"
	}
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		lines, err := tx.Timeline(v.links[at].Episode)
		for _, l := range lines {
			text += fmt.Sprintf("%+v\n", l)
		}
		return err
	}))
	return text
}

// lost reports whether the first of some edits, a person's, is not there after the others
// and no person has changed it.
func (w *world) lost(edits []entry, field string) bool {
	mine := edits[0]
	is := mine.New
	for _, e := range edits[1:] {
		if e.Issue != mine.Issue || e.Field != mine.Field {
			continue
		}
		if e.User != "robot" && !adds(field) {
			return false
		}
		// A status of ours may follow one that we knew.
		if field == merge.Status && e.Old == is {
			return false
		}
		is = e.New
	}
	if adds(field) {
		return slices.ContainsFunc(added(mine), func(part string) bool { return !strings.Contains(is, part) })
	}
	return is != mine.New
}

// adds reports whether people only add to a field.
func adds(field string) bool { return field == merge.Description || field == merge.Labels }

// added is what an edit brought.
func added(e entry) (parts []string) {
	before := strings.FieldsFunc(e.Old, separates)
	for _, part := range strings.FieldsFunc(e.New, separates) {
		if strings.HasPrefix(part, "by") && !slices.Contains(before, part) {
			parts = append(parts, part)
		}
	}
	return parts
}

func separates(r rune) bool { return r == '\n' || r == '\r' }

// story is what became of a field of a ticket.
func story(all []entry, of entry) string {
	var text []string
	for _, e := range all {
		if e.Issue == of.Issue && e.Field == of.Field {
			text = append(text, e.User+": "+clip(e.Old)+" → "+clip(e.New))
		}
	}
	return strings.Join(text, "; ")
}

func clip(s string) string { return s[:min(len(s), 60)] }
