package soaktest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// row is a link with all that belongs to it.
type row struct {
	link    *store.Link
	episode *store.Episode
	key     string // of the ticket, as the state knows it
	ops     []*store.Op
	told    map[string]bool // fields of which a conflict is known
}

// rows reads the state.
func (w *world) rows() (all []row) {
	w.t.Helper()
	w.store.Jam(nil)
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		for i := range w.things {
			e, err := tx.LatestEpisode(trimtab.KeyOf("i", "stop", resourceOf(i), ""))
			if err != nil {
				return err
			}
			r := row{episode: e}
			if r.link, err = tx.LinkOf(e.ID); err != nil {
				return err
			}
			if r.link != nil {
				if r.ops, err = tx.OpsOf(r.link.ID); err != nil {
					return err
				}
				conflicts, err := tx.ConflictsOf(r.link.ID)
				if err != nil {
					return err
				}
				r.told = map[string]bool{}
				for _, c := range conflicts {
					r.told[c.Field] = true
				}
			}
			if r.link != nil && r.link.Ticket != 0 {
				ticket, err := tx.Ticket(r.link.Ticket)
				if err != nil {
					return err
				}
				r.key = ticket.Key
			}
			all = append(all, r)
		}
		return nil
	}))
	return all
}

// verdict is what became of a world.
type verdict struct {
	Tickets, Gone, Second, Lost, Blocked, Waiting, Calls, Kills int
	Wrong                                                       []string
	errors                                                      []string // of what is blocked or waits
}

func (v *verdict) wrong(format string, args ...any) {
	v.Wrong = append(v.Wrong, fmt.Sprintf(format, args...))
}

// judge holds the site and the state against each other.
func (w *world) judge() *verdict {
	v := &verdict{Calls: w.wire.calls, Kills: w.kills}
	for _, r := range w.rows() {
		if r.link == nil {
			v.wrong("%s has no link: %s", r.episode.Resource, r.episode.State.Workflow)
			continue
		}
		w.judgeTickets(v, r)
		judgeOps(v, r)
		if issue, ok := w.site.Get(r.link.RemoteID); ok && r.link.State == store.LinkFiled {
			w.judgeFields(v, r, issue)
			w.judgePeople(v, r, issue)
		}
	}
	w.judgeSecrets(v)
	// A run asks for the newest ticket, the time and what has changed; each ticket has a few
	// writes of a few calls each, and Data Center reads tickets one by one.
	if most := 20*w.runs + 40*w.things; v.Calls > most {
		v.wrong("%d calls, more than %d", v.Calls, most)
	}
	return v
}

// judgeSecrets looks for what must stand nowhere: in what was logged, and in every cell of
// the state.
func (w *world) judgeSecrets(v *verdict) {
	var text strings.Builder
	text.WriteString(w.logs.String())
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		tables, err := tx.Query(`SELECT name FROM sqlite_master WHERE type = 'table'`)
		if err != nil {
			return err
		}
		for _, table := range tables {
			rows, err := tx.Query(fmt.Sprintf(`SELECT * FROM %q`, table[0]))
			if err != nil {
				return err
			}
			fmt.Fprintln(&text, rows)
		}
		return nil
	}))
	for n, secret := range w.secrets() {
		if at := strings.Index(text.String(), secret); at >= 0 {
			v.wrong("secret %d stands in %.200q", n, text.String()[max(0, at-150):])
		}
	}
}

// judgeTickets: one live ticket of each marker. Second ones are counted; they must be
// closed, or on their way to be.
func (w *world) judgeTickets(v *verdict, r row) {
	ids := w.made.of[string(r.link.Marker)]
	live := 0
	for _, id := range ids {
		if _, ok := w.site.Get(id); ok {
			live++
		}
	}
	v.Tickets += min(live, 1)
	v.Second += max(0, len(ids)-1)
	switch {
	case r.link.State != store.LinkFiled && len(ids) > 0:
		v.wrong("%s was filed as %v and the state does not know it: %s", r.episode.Resource, ids, told(r.ops))
	case r.link.State == store.LinkFiled && !slices.Contains(ids, r.link.RemoteID):
		v.wrong("%s is linked to %s, which was not made for it", r.episode.Resource, r.link.RemoteID)
	case r.link.State == store.LinkFiled && live == 0:
		v.Gone++
	case live > 1:
		w.judgeSecond(v, r, ids)
	}
}

func (w *world) judgeSecond(v *verdict, r row, ids []string) {
	for _, id := range ids {
		issue, ok := w.site.Get(id)
		if id == r.link.RemoteID || !ok || closed(issue.Status) {
			continue
		}
		// Nobody can find one whose labels a person took off before it was known.
		if !slices.Contains(issue.Labels, string(r.link.Marker)) || issue.Archived {
			v.Lost++
			continue
		}
		planned := slices.ContainsFunc(r.ops, func(o *store.Op) bool { return o.Kind == store.OpWithdraw && o.Payload.Remote == id })
		if !planned {
			v.wrong("%s has a second ticket, %s, that nobody closes", r.episode.Resource, issue.Key)
		}
	}
}

// judgeOps: every write has come to an end, or says what keeps it and which request said so.
func judgeOps(v *verdict, r row) {
	explained := false
	for _, op := range r.ops {
		if op.Attempts > 5 {
			v.wrong("%s: %s was tried %d times", r.episode.Resource, op.Kind, op.Attempts)
		}
		if op.State == store.OpDone {
			continue
		}
		names := strings.Contains(op.Error, " /rest/api/") || strings.HasPrefix(op.Error, "its ticket is ")
		unwanted := op.Kind == store.OpCreate && !slices.Contains([]trimtab.Workflow{trimtab.Ticketed, trimtab.InProgress}, r.episode.State.Workflow)
		explained = explained || names || unwanted
		if !explained || op.State == store.OpSent {
			v.wrong("%s: %s is %s and nothing says why: %q", r.episode.Resource, op.Kind, op.State, op.Error)
		}
		if op.State == store.OpBlocked {
			v.Blocked++
		} else {
			v.Waiting++
		}
		v.errors = append(v.errors, op.Error)
	}
}

func told(ops []*store.Op) string {
	var all []string
	for _, o := range ops {
		all = append(all, fmt.Sprintf("%s %s after %d: %s", o.Kind, o.State, o.Attempts, o.Error))
	}
	return strings.Join(all, "; ")
}

func closed(status string) bool { return strings.HasPrefix(status, "Done") }

// judgeFields: what the state knows of a ticket is what the site has.
func (w *world) judgeFields(v *verdict, r row, issue sandbox.Issue) {
	base := r.link.Base
	is := map[string]string{"summary": issue.Summary, "priority": issue.Priority, "assignee": mailOf(issue.Assignee), "status": string(statusOf(issue))}
	for field, value := range is {
		if known := base[field].Theirs; known != value {
			v.wrong("%s %s: the state knows %s %q, Jira has %q", r.episode.Resource, issue.Key, field, known, value)
		}
	}
	if r.key != issue.Key {
		v.wrong("%s: the state knows it as %s, it is %s", r.episode.Resource, r.key, issue.Key)
	}
	finished := !slices.ContainsFunc(r.ops, func(o *store.Op) bool { return o.State != store.OpDone })
	if ours := merge.StatusOf(r.episode.State.Workflow); finished && ours.Closed() != statusOf(issue).Closed() {
		v.wrong("%s %s: %s here, %s there: %s", r.episode.Resource, issue.Key, r.episode.State.Workflow, issue.Status, told(r.ops))
	}
}

func mailOf(id string) string {
	if id == "" || id == self {
		return ""
	}
	return strings.TrimPrefix(id, "acc-") + "@example.com"
}

func statusOf(issue sandbox.Issue) tracker.Status {
	switch {
	case closed(issue.Status) && issue.Resolution == "Won't Do":
		return tracker.WontDo
	case closed(issue.Status):
		return tracker.Done
	case strings.HasPrefix(issue.Status, "In Progress"):
		return tracker.InProgress
	}
	return tracker.Open
}

// judgePeople: what a person has written stays, or is told as a conflict.
func (w *world) judgePeople(v *verdict, r row, issue sandbox.Issue) {
	theirs := map[string]bool{}
	for _, c := range issue.Changes {
		for _, f := range c.Items {
			if c.Author != self {
				theirs[f.Field] = true
			}
			kept := slices.Contains([]string{"summary", "assignee", "priority"}, f.Field) || f.Field == "labels" && !addsOnly(f.From, f.To)
			if c.Author == self && theirs[f.Field] && kept && !r.told[f.Field] {
				v.wrong("%s: we changed %s from %q to %q after a person had", issue.Key, f.Field, f.From, f.To)
			}
		}
	}
	comments := map[string]int{}
	for _, c := range issue.Comments {
		if c.Author == self {
			comments[string(c.Properties["trimtab"])]++
		}
	}
	for op, n := range comments {
		if n > 1 {
			v.wrong("%s: said %d times: %s", issue.Key, n, op)
		}
	}
}

// addsOnly reports whether labels were only added.
func addsOnly(from, to string) bool {
	labels := strings.Fields(to)
	return !slices.ContainsFunc(strings.Fields(from), func(l string) bool { return !slices.Contains(labels, l) })
}

// markerOf reads the marker off an issue that was just made.
func markerOf(issue sandbox.Issue) string {
	var p struct{ Marker string }
	_ = json.Unmarshal(issue.Properties["trimtab"], &p) // none is none
	return p.Marker
}
