package scan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/tracker"
)

// errUndone ends a walk: nothing of it is kept.
var errUndone = errors.New("undone")

// TestOneOpenEpisode: whatever scans see and people say, of what is long over too, no key has
// two open episodes, and nothing stops for fear of it.
func TestOneOpenEpisode(t *testing.T) {
	h := newHouse(t)
	begin := time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC)
	rapid.Check(t, func(r *rapid.T) {
		h.ours.Set(begin)
		err := h.store.Write(t.Context(), func(tx *store.Tx) error {
			for range rapid.IntRange(10, 30).Draw(r, "steps") {
				h.ours.Advance(time.Duration(rapid.SampledFrom([]int{1, 1, 1, 40}).Draw(r, "days")) * 24 * time.Hour)
				if err := h.happen(tx, r); err != nil {
					return err
				}
				rows, err := tx.Query(`SELECT key FROM episodes WHERE workflow NOT IN ('verified', 'auto_resolved') GROUP BY key HAVING COUNT(*) > 1`)
				if err != nil || len(rows) > 0 {
					r.Fatalf("two open episodes of %v, %v", rows, err)
				}
			}
			return errUndone
		})
		if !errors.Is(err, errUndone) {
			r.Fatal(err)
		}
	})
}

// happen is a scan that sees some of two things, or a word about the newest episode of one.
func (h *house) happen(tx *store.Tx, r *rapid.T) error {
	now := h.ours.Now()
	vms := []string{"VM1", "VM2"}
	if rapid.IntRange(0, 2).Draw(r, "a word") > 0 {
		var all []found
		for _, vm := range vms {
			if rapid.Bool().Draw(r, vm) {
				all = append(all, found{now.UnixMilli(), "stop", vm, 90})
			}
		}
		v := h.verdict(all...)
		report := &Report{Complete: true, Recommendations: v.Recommendations}
		var err error
		if report.ID, err = tx.BeginScan(now, ""); err != nil {
			return err
		}
		return h.scan.keep(tx, &sight{report: report, verdict: v})
	}
	e, err := tx.LatestEpisode(trimtab.KeyOf(h.store.Installation(), "stop", rapid.SampledFrom(vms).Draw(r, "about"), ""))
	if err != nil || e == nil {
		return err
	}
	said := rapid.SampledFrom([]lifecycle.Event{
		lifecycle.Granted{At: now},
		lifecycle.Told{At: now, Status: tracker.Open},
		lifecycle.Told{At: now, Status: tracker.InProgress},
		lifecycle.Told{At: now, Status: tracker.Done},
		lifecycle.Told{At: now, Status: tracker.WontDo},
		lifecycle.Recalled{At: now},
		lifecycle.Dismissed{At: now},
		lifecycle.Unlinked{At: now},
		lifecycle.Refile{At: now},
		lifecycle.Linked{At: now, Status: tracker.Open},
	}).Draw(r, "said")
	_, err = tx.Advance(e, said, store.Step{Actor: "test", At: now, Policy: h.scan.Policy})
	return err
}

// cancelWaiting gives up the runs that wait for approval.
func (h *house) cancelWaiting() {
	h.t.Helper()
	operator := durable.Operator{Log: h.store.Runs()}
	braked, err := operator.List(h.t.Context(), durable.Filter{Statuses: []durable.Status{durable.Waiting}})
	h.check(err)
	for _, run := range braked {
		h.check(operator.Cancel(h.t.Context(), run.ID))
	}
}

// TestThreshold: a changed threshold neither closes nor edits a thousand tickets before
// somebody approves that, and the old threshold, in force again, files none of them anew.
func TestThreshold(t *testing.T) {
	const many = 1000
	l := newLab(t)
	l.scan.Rules = disksRules(t, disksPack)
	disks := &given{name: "disks", types: []string{"Disk", "Price", "Exemption"}, facts: []source.Fact{fact("Price", map[string]any{"type": "gp2", "price": "30.00 USD"})}}
	for n := range many {
		disks.facts = append(disks.facts, fact("Disk", map[string]any{"id": fmt.Sprintf("d-%d", n), "type": "gp2", "size": 100.0, "account": "shop"}))
	}
	l.scan.Sources = []source.Source{disks}
	_, _, err := l.look()
	l.check(err)
	_, err = l.distribute.Run(t.Context(), false)
	l.check(err)
	l.distribute.Policy.Brake = distribute.Brake{Tickets: 25, Share: decimal.RequireFromString("0.05")}
	l.distribute.Policy.CloseTickets = true
	// Tickets that are open, and writes to them that were sent.
	open := func() (n, sent int64) {
		rows := l.rows(`SELECT (SELECT COUNT(*) FROM board_issues WHERE status = 'open'), (SELECT COUNT(*) FROM ops WHERE kind <> 'create' AND state <> 'planned')`)
		n, _ = rows[0][0].(int64)
		sent, _ = rows[0][1].(int64)
		return n, sent
	}
	if n, _ := open(); n != many {
		t.Fatalf("%d tickets", n)
	}
	l.scan.Rules = disksRules(t, strings.Replace(disksPack, "default: 10.0", "default: 500.0", 1))
	for range 2 {
		_, _, err = l.look()
		l.check(err)
		_, err = l.distribute.Run(t.Context(), false)
		if n, sent := open(); n != many || sent != 0 {
			t.Fatalf("%d open, %d writes sent before anybody approved it (%v)", n, sent, err)
		}
	}
	if !errors.Is(err, durable.ErrWaits) {
		t.Errorf("it does not wait: %v", err)
	}
	waiting := l.rows(`SELECT COUNT(*) FROM ops WHERE state = 'planned' AND released = 0 AND kind = 'close'`)
	if waiting[0][0] != int64(many) {
		t.Errorf("%v closings wait for approval, %d are wanted", waiting[0][0], many)
	}
	l.scan.Rules = disksRules(t, disksPack)
	_, _, err = l.look()
	l.check(err)
	l.cancelWaiting()
	_, err = l.distribute.Run(t.Context(), true)
	l.check(err)
	issues := l.rows(`SELECT COUNT(*), COUNT(DISTINCT marker) FROM board_issues`)
	workflows := l.rows(`SELECT workflow, COUNT(*) FROM episodes GROUP BY workflow`)
	if n, _ := open(); n != many || issues[0][0] != int64(many) || len(workflows) != 1 || workflows[0][0] != string(trimtab.Ticketed) {
		t.Errorf("%d open of %v, episodes %v: the tickets of before are wanted", n, issues, workflows)
	}
}
