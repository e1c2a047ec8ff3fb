package twoway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// write changes the state as another part of Trimtab would.
func (w *world) write(fn func(*store.Tx) error) {
	w.t.Helper()
	w.check(w.store.Write(context.Background(), fn))
}

func keyOf(i int) trimtab.Key { return trimtab.KeyOf("i", "stop", resourceOf(i), "") }

func resourceOf(i int) string { return fmt.Sprintf("vm-%05d", i) }

func dollars(n int) trimtab.Money {
	return trimtab.Money{Amount: decimal.NewFromInt(int64(n)), Currency: "USD"}
}

// seen is what a scan concludes of one resource.
type seen struct {
	savings  int
	owner    string
	priority string
	label    string
	after    lifecycle.Measurement
}

// conclude lets a scan see a recommendation, for the first time or again.
func (w *world) conclude(tx *store.Tx, i int, s seen) error {
	now := w.clock.Now()
	e, err := tx.LatestEpisode(keyOf(i))
	if err != nil {
		return err
	}
	rec := &trimtab.Recommendation{
		CreatedAt: now, Action: "stop", Subject: trimtab.Subject{Resource: resourceOf(i)}, Title: "Stop " + resourceOf(i), Savings: dollars(s.savings),
		MonthlyCost: dollars(s.savings), Board: []string{"fin", "ops", "dev", "net"}[i%4], Owner: trimtab.Owner{Name: s.owner, Source: "tag owner"},
		Priority: s.priority, Labels: []string{s.label}, Reasons: []trimtab.Reason{{Rule: "p/r"}},
	}
	if e == nil {
		e = &store.Episode{Key: keyOf(i), Number: 1, Action: "stop", Resource: resourceOf(i), Owner: s.owner, Board: rec.Board, Rules: []string{"p/r"}}
	}
	event := lifecycle.Seen{At: now, Savings: rec.Savings, Cost: rec.MonthlyCost, After: s.after}
	if _, err := tx.Advance(e, event, w.step("scan")); err != nil {
		return err
	}
	if _, err := tx.AddRecommendation(rec, 1, e); err != nil {
		return err
	}
	return tx.SaveEpisode(e)
}

func (w *world) step(actor string) store.Step {
	return store.Step{Actor: actor, At: w.clock.Now(), Policy: lifecycle.DefaultPolicy()}
}

// see lets a scan find n resources, and files them.
func (w *world) see(n int) {
	w.t.Helper()
	w.write(func(tx *store.Tx) (err error) {
		for i := range n {
			err = errors.Join(err, w.conclude(tx, i, seen{savings: 100, owner: people[0], priority: "Medium", label: "idle"}))
		}
		return err
	})
	w.things = n
	for range 40 {
		w.walk()
		_, _ = w.dist.Unblock(context.Background()) // it fails where a process has died
		if w.tickets = w.linked(); len(w.tickets) == n {
			return
		}
	}
	w.t.Fatalf("%s: only %d of %d are filed: %s", w.story, len(w.tickets), n, w.tail())
}

// tail is the end of what was logged.
func (w *world) tail() string {
	text := w.logs.String()
	return text[max(0, len(text)-2000):]
}

// linked are the tickets that the state knows.
func (w *world) linked() (ids []string) {
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT remote_id FROM links WHERE state = 'filed' ORDER BY id`)
		for _, row := range rows {
			ids = append(ids, fmt.Sprint(row[0]))
		}
		return err
	}))
	return ids
}

// scan looks at everything again: savings and owners change, some is gone and comes back,
// and some of what was said to be fixed is still there.
func (w *world) scan() {
	w.clock.Advance(time.Minute)
	w.write(func(tx *store.Tx) (err error) {
		for i := range w.things {
			err = errors.Join(err, w.look(tx, i))
		}
		return err
	})
}

func (w *world) look(tx *store.Tx, i int) error {
	e, err := tx.LatestEpisode(keyOf(i))
	if err != nil {
		return err
	}
	if _, err := tx.Advance(e, lifecycle.Tick{At: w.clock.Now()}, w.step("scan")); err != nil {
		return err
	}
	after := lifecycle.Measurement{Window: 14, RunRate: dollars(50), HasCost: true}
	if w.draws.IntN(3) == 0 {
		after.Days = 15
	}
	if w.draws.IntN(6) == 0 || e.State.Condition == trimtab.Absent && w.draws.IntN(2) == 0 {
		_, err := tx.Advance(e, lifecycle.Missed{At: w.clock.Now(), Reason: "condition_cleared", After: after}, w.step("scan"))
		return err
	}
	s := seen{savings: 100, owner: people[0], priority: "Medium", label: "idle", after: after}
	if w.draws.IntN(3) == 0 {
		s.savings, s.owner, s.label = 60+10*w.draws.IntN(20), people[w.draws.IntN(3)], []string{"idle", "big"}[w.draws.IntN(2)]
		s.priority = []string{"High", "Medium", "Low"}[w.draws.IntN(3)]
	}
	return w.conclude(tx, i, s)
}

// others file issues of their own in the same projects.
func (w *world) others(n int) {
	for i := range n {
		id, err := w.place.file(projects[i%len(projects)], fmt.Sprintf("%s %d", foreign, i))
		w.check(err)
		w.foreign = append(w.foreign, id)
	}
}

// busy lets the others do what they do all day.
func (w *world) busy(n int) {
	for i := range n {
		text := fmt.Sprintf("%s, edited %d", foreign, w.strange)
		d := deed{merge.Summary, text}
		switch i % 4 {
		case 1:
			d = deed{merge.Assignee, people[w.draws.IntN(3)]}
		case 2:
			d = deed{merge.Priority, []string{"High", "Low"}[w.draws.IntN(2)]}
		}
		w.check(w.place.do(people[w.draws.IntN(3)], w.foreign[w.draws.IntN(len(w.foreign))], d))
		w.strange++
	}
}

// work lets people do n things to our tickets. Of one in three a webhook tells.
func (w *world) work(n int) {
	for range n {
		id := w.tickets[w.draws.IntN(len(w.tickets))]
		w.act(id, w.deed())
		if w.draws.IntN(3) == 0 {
			w.write(func(tx *store.Tx) error { return tx.Hint("t", id, w.clock.Now()) })
		}
		if w.draws.IntN(4) == 0 {
			w.clock.Advance(time.Duration(w.draws.IntN(20)) * time.Second)
		}
	}
}

// act is one thing that a person does. What the place does not let them do they leave.
func (w *world) act(id string, d deed) {
	who := people[w.draws.IntN(len(people))]
	if d.what == remove && d.value == "" {
		d.value = w.label(id)
	}
	if d.what == merge.Status {
		d.value = w.way(id, tracker.Status(d.value))
	}
	if err := w.place.do(who, id, d); err != nil {
		return
	}
	w.theirs++
	w.words[id] = append(w.words[id], d)
	if d.what == comment && d.value[0] == '/' {
		w.asks[id]++
	}
}

// label is one that a person has put on a ticket, or ours.
func (w *world) label(id string) string {
	labels := []string{"saving"}
	for _, d := range w.words[id] {
		if d.what == add {
			labels = append(labels, d.value)
		}
	}
	return labels[w.draws.IntN(len(labels))]
}

// way is a status of the ticket's project.
func (w *world) way(id string, to tracker.Status) string {
	site, ok := w.place.(*jiraPlace)
	if !ok {
		return string(to)
	}
	issue, _ := site.site.Get(id)
	all := ways[issue.Project][to]
	return all[w.draws.IntN(len(all))]
}

// deed draws what a person does.
func (w *world) deed() deed {
	word := fmt.Sprintf("w%06d", w.theirs)
	switch w.draws.IntN(24) {
	case 0, 1, 2:
		return deed{merge.Summary, "By hand " + word}
	case 3, 4, 5:
		return deed{merge.Assignee, slices.Concat(people, []string{""})[w.draws.IntN(4)]}
	case 6, 7:
		return deed{merge.Priority, []string{"Highest", "High", "Medium", "Low", "Lowest"}[w.draws.IntN(5)]}
	case 8, 9:
		return deed{add, "p-" + word}
	case 10:
		return deed{remove, ""}
	case 11:
		return deed{before, "Before it " + word}
	case 12:
		return deed{after, "After it " + word}
	case 13:
		return deed{inside, word}
	case 14, 15:
		return deed{comment, "Somebody says " + word}
	case 16:
		return deed{comment, []string{"/snooze 30d", "/snooze 1d", "/dismiss 90d it is needed"}[w.draws.IntN(3)]}
	case 17:
		if w.draws.IntN(8) == 0 {
			return deed{strip, ""}
		}
	}
	return deed{merge.Status, string([]tracker.Status{tracker.Open, tracker.InProgress, tracker.InProgress, tracker.Done, tracker.WontDo}[w.draws.IntN(5)])}
}
