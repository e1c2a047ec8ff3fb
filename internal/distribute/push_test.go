package distribute

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
)

// filed is a world with one ticket, FIN-1, about vm-00.
func filed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.see(1)
	w.run()
	return w
}

// run distributes once.
func (w *world) run() *Report {
	w.t.Helper()
	report, err := w.job.Run(w.t.Context(), true)
	w.check(err)
	return report
}

// kim changes FIN-1, as a person.
func (w *world) kim(c tracker.Change) {
	w.t.Helper()
	_, err := w.door.Tracker.(*board.Board).By("kim").Update(context.Background(), "1", tracker.Set(c))
	w.check(err)
}

// again lets a scan say something else of vm-00: another saving, which makes another summary
// and text, and another owner.
func (w *world) again(savings int64, owner string) {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	w.check(w.store.Write(context.Background(), func(tx *store.Tx) error {
		e, err := tx.Episode(1)
		if err != nil {
			return err
		}
		rec, err := tx.Recommendation(e.Last)
		if err != nil {
			return err
		}
		rec.Savings, rec.Owner.Name, rec.CreatedAt = trimtab.Money{Amount: decimal.NewFromInt(savings), Currency: "USD"}, owner, w.clock.Now()
		seen := lifecycle.Seen{At: w.clock.Now(), Savings: rec.Savings, Cost: rec.Savings}
		if _, err := tx.Advance(e, seen, store.Step{Actor: "scan", At: w.clock.Now(), Policy: lifecycle.DefaultPolicy()}); err != nil {
			return err
		}
		if _, err := tx.AddRecommendation(rec, 2, e); err != nil {
			return err
		}
		return tx.SaveEpisode(e)
	}))
}

// conflicts are those of FIN-1, a line each.
func (w *world) conflicts() (lines []string) {
	w.t.Helper()
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		all, err := tx.Conflicts(true)
		for _, c := range all {
			lines = append(lines, fmt.Sprintf("%s by %s: %s", c.Field, c.Author, c.Winner))
		}
		return err
	}))
	return lines
}

func (w *world) link() (l *store.Link) {
	w.t.Helper()
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		l, err = tx.LinkOf(1)
		return err
	}))
	return l
}

// all are the tickets of the board, ours or not.
func (w *world) all() []board.Row {
	rows, err := w.rows.ByID(context.Background(), []int64{1, 2, 3})
	w.check(err)
	return rows
}

func text(s string) *string { return &s }

// TestPush: a write brings what is new, and goes over nothing that a person has changed
// since both sides last agreed.
func TestPush(t *testing.T) {
	const old, fresh = "Stop vm-00 (saves 100.00 USD a month)", "Stop vm-00 (saves 300.00 USD a month)"
	cases := []struct {
		name      string
		kim       tracker.Change
		rules     map[string]merge.Rule
		summary   string
		assignee  string
		block     string // a word of it
		conflicts []string
	}{
		{"nobody else", tracker.Change{}, nil, fresh, "ben@example.com", "300.00", nil},
		{"a person words it anew", tracker.Change{Summary: text("Idle box")}, nil, "Idle box", "ben@example.com", "300.00", []string{"summary by kim: tracker"}},
		{
			"a person words it anew, and we insist",
			tracker.Change{Summary: text("Idle box")},
			map[string]merge.Rule{merge.Summary: {Direction: merge.Both, Conflict: merge.TrimtabWins}},
			fresh, "ben@example.com", "300.00",
			[]string{"summary by kim: trimtab"},
		},
		{
			"a person words it anew, and somebody is asked",
			tracker.Change{Summary: text("Idle box")},
			map[string]merge.Rule{merge.Summary: {Direction: merge.Both, Conflict: merge.Ask}},
			"Idle box", "ben@example.com", "300.00",
			[]string{"summary by kim: "},
		},
		{
			"a person words it anew, later than we",
			tracker.Change{Summary: text("Idle box")},
			map[string]merge.Rule{merge.Summary: {Direction: merge.Both, Conflict: merge.Newest}},
			"Idle box", "ben@example.com", "300.00",
			[]string{"summary by kim: tracker"},
		},
		{"a person gives it to somebody", tracker.Change{Assignee: text("eve@example.com")}, nil, fresh, "eve@example.com", "300.00", []string{"assignee by kim: tracker"}},
		{"a person edits our part", tracker.Change{Block: text("mine")}, nil, fresh, "ben@example.com", "mine", []string{"description by kim: "}},
		{
			"a person edits our part, and we insist",
			tracker.Change{Block: text("mine")},
			map[string]merge.Rule{merge.Description: {Direction: merge.Out, Conflict: merge.TrimtabWins}},
			fresh, "ben@example.com", "300.00",
			[]string{"description by kim: trimtab"},
		},
		{"summaries are only taken in", tracker.Change{}, map[string]merge.Rule{merge.Summary: {Direction: merge.In}}, old, "ben@example.com", "300.00", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := filed(t)
			w.job.Fields = c.rules
			w.again(300, "ben@example.com")
			w.clock.Advance(time.Minute)
			w.kim(c.kim)
			w.run()
			row := w.board()[0]
			if row.Summary != c.summary || row.Assignee != c.assignee || !strings.Contains(row.Description, c.block) {
				t.Errorf("%q of %s: %s", row.Summary, row.Assignee, row.Description)
			}
			if got := w.conflicts(); !slices.Equal(got, c.conflicts) {
				t.Errorf("conflicts %q, want %q", got, c.conflicts)
			}
			updated := row.Updated
			w.clock.Advance(time.Hour)
			if r := w.run(); r.Written != 0 || !w.board()[0].Updated.Equal(updated) {
				t.Errorf("written again: %+v", r)
			}
		})
	}
}

// TestPushKeepsWhatStandsAround: people's words around our part stay when it is written.
func TestPushKeepsWhatStandsAround(t *testing.T) {
	w := filed(t)
	_, err := w.rows.Update(t.Context(), 1, func(r *board.Row) bool {
		r.Description = "Ask ann first.\n\n" + r.Description + "\nSee also OPS-7.\n"
		return true
	})
	w.check(err)
	w.again(300, "ann@example.com")
	w.run()
	if got := w.board()[0].Description; !strings.HasPrefix(got, "Ask ann first.\n") || !strings.HasSuffix(got, "See also OPS-7.\n") || !strings.Contains(got, "300.00") {
		t.Errorf("%s", got)
	}
	if got := w.conflicts(); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

// TestQuarrel: who answers every write of ours is not answered for ever.
func TestQuarrel(t *testing.T) {
	w := filed(t)
	w.job.Fields = map[string]merge.Rule{merge.Summary: {Direction: merge.Both, Conflict: merge.TrimtabWins}}
	for i := range int64(2 * maxFlips) {
		w.again(300+300*i, "ann@example.com")
		w.run()
		w.kim(tracker.Change{Summary: text("Mine")})
	}
	writes := 0
	for _, e := range w.board()[0].Extra.Edits {
		if e.Field == merge.Summary && e.Op != "" {
			writes++
		}
	}
	all := w.conflicts()
	if writes != maxFlips || all[len(all)-1] != "summary by kim: " || w.link().Sync.Drift[merge.Summary] != "Mine" {
		t.Errorf("%d writes, conflicts %q, %+v", writes, all, w.link().Sync)
	}
}

// TestUnknownOwner: an owner whom the tracker does not know holds nothing else back.
func TestUnknownOwner(t *testing.T) {
	w := filed(t)
	w.job.Trackers["b"] = picky{w.door}
	w.again(300, "nobody@example.com")
	if r := w.run(); r.Written != 1 || r.Blocked != 0 {
		t.Errorf("%+v", r)
	}
	if row := w.board()[0]; row.Assignee != "ann@example.com" || !strings.Contains(row.Summary, "300.00") {
		t.Errorf("%q of %s", row.Summary, row.Assignee)
	}
	w.again(600, "nobody@example.com")
	if r := w.run(); r.Written != 1 || r.Blocked != 0 {
		t.Errorf("%+v", r)
	}
}

// picky is a tracker that does not know everybody.
type picky struct{ *door }

func (p picky) Update(ctx context.Context, id string, decide func(tracker.Issue) tracker.Change) (tracker.Issue, error) {
	refused := false
	issue, err := p.door.Update(ctx, id, func(now tracker.Issue) tracker.Change {
		c := decide(now)
		if refused = c.Assignee != nil && strings.HasPrefix(*c.Assignee, "nobody"); refused {
			return tracker.Change{}
		}
		return c
	})
	if err == nil && refused {
		err = &tracker.Error{Kind: tracker.Rejected, Message: "there is no such person"}
	}
	return issue, err
}

// TestResolve: a person's word ends a conflict, either way.
func TestResolve(t *testing.T) {
	for take, want := range map[merge.Winner]string{merge.TrackerWins: "Idle box", merge.TrimtabWins: "Stop vm-00 (saves 300.00 USD a month)"} {
		t.Run(string(take), func(t *testing.T) {
			w := filed(t)
			w.job.Fields = map[string]merge.Rule{merge.Summary: {Direction: merge.Both, Conflict: merge.Ask}}
			w.again(300, "ann@example.com")
			w.kim(tracker.Change{Summary: text("Idle box")})
			w.run()
			if _, err := w.job.Resolve(t.Context(), Resolution{Conflict: 1, Take: "both"}); trimtab.CodeOf(err) != trimtab.Invalid {
				t.Errorf("%v", err)
			}
			c, err := w.job.Resolve(t.Context(), Resolution{Conflict: 1, Take: take, Actor: "eve"})
			w.check(err)
			if c.Winner != string(take) || c.DecidedBy != "eve" {
				t.Errorf("%+v", c)
			}
			if _, err := w.job.Resolve(t.Context(), Resolution{Conflict: 1, Take: take}); trimtab.CodeOf(err) != trimtab.Invalid {
				t.Errorf("decided twice: %v", err)
			}
			w.run()
			w.again(900, "ann@example.com")
			if got := w.board()[0].Summary; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestBind ties a person's ticket to a recommendation: their words stay, our part is added,
// and it is found from then on.
func TestBind(t *testing.T) {
	w := newWorld(t)
	w.job.Policy.Sightings = 2
	w.see(2)
	w.run() // holds them
	row, err := w.rows.Insert(t.Context(), board.Row{Project: "FIN", Status: tracker.InProgress, Summary: "What about vm-00?", Description: "It idles.", Assignee: "kim"})
	w.check(err)
	found, err := w.job.Backfill(t.Context(), "", false, "eve")
	w.check(err)
	if len(found) != 1 || found[0].Ticket != "FIN-1" || found[0].Resource != "vm-00" || !found[0].Alone || found[0].Linked {
		t.Fatalf("%+v", found)
	}
	if found, err = w.job.Backfill(t.Context(), "fin", true, "eve"); err != nil || !found[0].Linked {
		t.Fatalf("%+v, %v", found, err)
	}
	w.run()
	row = w.board()[0]
	for _, want := range []string{"It idles.", "Estimated saving", tracker.BlockEnd} {
		if !strings.Contains(row.Description, want) {
			t.Errorf("lacks %q: %s", want, row.Description)
		}
	}
	link := w.link()
	if row.Summary != "What about vm-00?" || row.Assignee != "kim" || row.Marker != link.Marker || row.Installation != w.store.Installation() {
		t.Errorf("%+v", row)
	}
	if e := w.episode(1); e.State.Workflow != trimtab.InProgress || e.Ticket == 0 {
		t.Errorf("%s", e.State.Workflow)
	}
	again := map[string]Binding{
		"has ticket FIN-1":               {Recommendation: 1, Ticket: "FIN-1"},
		"FIN-1 is about recommendation":  {Recommendation: 2, Ticket: "FIN-1"},
		"there is no ticket FIN-99":      {Recommendation: 2, Ticket: "FIN-99"},
		"0 boards fit":                   {Recommendation: 2, Ticket: "WEB-1"},
		`there is no board "web"`:        {Recommendation: 2, Ticket: "WEB-1", Board: "web"},
		"there is no recommendation 777": {Recommendation: 777, Ticket: "FIN-1"},
	}
	for want, in := range again {
		if _, err := w.job.Bind(t.Context(), in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", in, err, want)
		}
	}
}

// TestUnbind lets a ticket go: nothing is deleted, nothing is filed anew by itself, and what
// may be filed again gets a ticket with another marker.
func TestUnbind(t *testing.T) {
	for then, want := range map[string]trimtab.Workflow{"leave": trimtab.Held, "recreate": trimtab.Ticketed, "dismiss": trimtab.Dismissed} {
		t.Run(then, func(t *testing.T) {
			w := filed(t)
			first := w.link().Marker
			bound, err := w.job.Unbind(t.Context(), Unbinding{Ticket: "FIN-1", Then: then, Actor: "eve", Why: "a mistake"})
			w.check(err)
			if len(bound) != 1 || bound[0].Recommendation != 1 {
				t.Errorf("%+v", bound)
			}
			w.run()
			rows := w.all()
			if rows[0].Marker != "" || rows[0].Installation != "" || rows[0].Status != tracker.Open {
				t.Errorf("%+v", rows[0])
			}
			if got := w.episode(1).State.Workflow; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if wanted := map[bool]int{true: 2, false: 1}[then == "recreate"]; len(rows) != wanted {
				t.Fatalf("%d tickets", len(rows))
			}
			if then == "recreate" && (rows[1].Marker == first || w.link().RemoteID != "2") {
				t.Errorf("%+v", w.link())
			}
			if then != "leave" {
				return
			}
			if _, err := w.job.Refile(t.Context(), 1, "eve"); err != nil {
				t.Fatal(err)
			}
			if w.run(); len(w.all()) != 2 {
				t.Error("it was not filed again")
			}
		})
	}
}

// TestUnbindAndBind: a ticket that was let go can be linked again.
func TestUnbindAndBind(t *testing.T) {
	w := filed(t)
	_, err := w.job.Unbind(t.Context(), Unbinding{Ticket: "FIN-1"})
	w.check(err)
	w.run()
	_, err = w.job.Bind(t.Context(), Binding{Recommendation: 1, Ticket: "FIN-1"})
	w.check(err)
	w.run()
	if row := w.all()[0]; len(w.all()) != 1 || row.Marker != w.link().Marker || w.episode(1).State.Workflow != trimtab.Ticketed {
		t.Errorf("%+v", row)
	}
	if _, err := w.job.Unbind(t.Context(), Unbinding{Ticket: "FIN-9"}); trimtab.CodeOf(err) != trimtab.NotFound {
		t.Errorf("%v", err)
	}
}

func TestSays(t *testing.T) {
	for text, want := range map[string]bool{"stop vm-1": true, "vm-10": false, "(vm-1)": true, "xvm-1": false, "vm-10 and vm-1.": true, "": false} {
		if says(text, "vm-1") != want {
			t.Errorf("%q", text)
		}
	}
}

func (w *world) episode(id int64) (e *store.Episode) {
	w.t.Helper()
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		e, err = tx.Episode(id)
		return err
	}))
	return e
}

// A write before the monitor's first look leaves it all that people said since the ticket
// was filed, and moves nothing once it has looked.
func TestLeaveUnheard(t *testing.T) {
	filed := time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)
	before, after := filed.Add(-time.Minute), filed.Add(time.Minute)
	p := &pushing{link: &store.Link{Updated: filed}}
	p.leaveUnheard(tracker.Issue{
		Edits:    []tracker.Edit{{ID: "7", At: before}, {ID: "8", At: after}, {ID: "9", At: after, Op: "op-1"}},
		Comments: []tracker.Comment{{ID: "8", At: after}},
	})
	if got := p.link.Sync; got.Edit != "7" || got.Comment != "0" {
		t.Errorf("it goes on after edit %q and comment %q", got.Edit, got.Comment)
	}
	p.link.Updated = after.Add(time.Minute)
	p.leaveUnheard(tracker.Issue{Edits: []tracker.Edit{{ID: "9", At: after}}})
	if got := p.link.Sync.Edit; got != "7" {
		t.Errorf("moved to %q", got)
	}
}

// TestFiledAs: what people made of a ticket before it was read for the first time is a
// change; that a tracker cuts a title is none.
func TestFiledAs(t *testing.T) {
	p := store.OpPayload{Summary: "Stop vm-00 now", Assignee: "ann@example.com"}
	issue := tracker.Issue{Status: tracker.InProgress, Summary: "Stop vm…", Assignee: "acc-ann"}
	base := filedAs(p, issue)
	for field, want := range map[string]merge.Agreed{
		merge.Status: {Ours: "open", Theirs: "open"}, merge.Summary: {Ours: "Stop vm-00 now", Theirs: "Stop vm…"}, merge.Assignee: {Ours: "ann@example.com", Theirs: "acc-ann"},
	} {
		if base[field] != want {
			t.Errorf("%s: %+v, want %+v", field, base[field], want)
		}
	}
	issue.Summary = "Idle box"
	if got := filedAs(p, issue)[merge.Summary]; got.Theirs != p.Summary {
		t.Errorf("%+v", got)
	}
}
