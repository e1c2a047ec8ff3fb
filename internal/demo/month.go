package demo

import (
	"context"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/store"
)

// schedule plants what happens after the first scan: what somebody stops, and
// when the silent machine falls silent. Data of an earlier day do not show it.
func (c *company) schedule() {
	day := func(n int) time.Time { return Day0.AddDate(0, 0, n) }
	c.byID(fixedVM).stopped = day(firstScan + 3)
	c.byID(silentVM).silent = day(firstScan + 10)
	for i, id := range laterFixes {
		c.byID(id).stopped = day(firstScan + 2 + month*(i+1) + 3)
	}
}

// laterFixes are stopped one a month from the second month on.
var laterFixes = []string{claimedVM, "vm-plat-dev-11", "vm-data-dev-11", "vm-shop-dev-11", "vm-web-dev-11", "vm-plat-prod-07", "vm-shop-prod-07"}

// nextMonth goes on where the story was left: somebody closes a ticket and
// really stops the machine, a month passes, and a scan says what became of it.
func (t *teller) nextMonth(ctx context.Context) error {
	t.head("Acme, month %d: %s", t.progress.Month+1, t.now().Format("2 January 2006"))
	t.moveClock(time.Hour) // after all that the month before ended with
	if t.progress.Month <= len(laterFixes) {
		id := laterFixes[t.progress.Month-1]
		issue, err := t.ticketOf(id)
		if err != nil {
			return err
		}
		if err := t.jira.Transition(issue.Key, "Done", "Done", "acc-finops"); err != nil {
			return err
		}
		t.say("Somebody closes %s (%s) and stops the machine.", issue.Key, id)
	}
	if err := t.with(ctx, func(a *app.App) error {
		_, err := a.RunMonitor(ctx)
		return err
	}); err != nil {
		return err
	}
	if err := t.monthLater(ctx); err != nil {
		return err
	}
	t.progress.Month++
	if err := t.sayTotals(ctx); err != nil {
		return err
	}
	return t.saveProgress()
}

func (t *teller) sayTotals(ctx context.Context) error {
	return t.read(ctx, func(tx *store.Tx) error {
		ledger, err := tx.Ledger()
		if err != nil {
			return err
		}
		total := trimtab.Money{Currency: "USD"}
		for _, s := range ledger {
			if s.Kind == "verified" {
				total.Amount = total.Amount.Add(s.Realised.Amount)
			}
		}
		t.say("Verified so far: %s a month.", total.Display())
		return nil
	})
}
