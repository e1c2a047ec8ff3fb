package demo

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
)

// changes are the thresholds that the story tries: one stricter, one looser.
var changes = []string{"aws.compute.max_cpu=2.0", "governance.untagged_cost=100.00 USD"}

// changeThreshold asks what other thresholds would do, and shows that the
// asking wrote nothing.
func (t *teller) changeThreshold(ctx context.Context) error {
	t.head("What if a VM were idle only below 2 %% CPU, and 100 USD a month enough to ask for a tag?")
	t.say("trimtab rules diff --set %s --set '%s'", changes[0], changes[1])
	before, err := t.fingerprint(ctx)
	if err != nil {
		return err
	}
	d, err := t.diff(ctx)
	if err != nil {
		return err
	}
	t.sayConclusions("would come", d.Appear)
	t.sayConclusions("would go", d.Vanish)
	after, err := t.fingerprint(ctx)
	if err != nil {
		return err
	}
	if before != after {
		return trimtab.Errorf(trimtab.Internal, "rules diff changed the state")
	}
	t.say("%s would come, %d go, %d change. Nothing was written: the state is the same to the last row.",
		plural(len(d.Appear), "ticket"), len(d.Vanish), len(d.Change))
	return nil
}

// diff asks the rules as they are and as they would be about the same facts.
func (t *teller) diff(ctx context.Context) (rule.Difference, error) {
	old, err := app.LoadRules(t.path("trimtab.yaml"))
	if err != nil {
		return rule.Difference{}, err
	}
	next, err := app.LoadRulesWith(t.path("trimtab.yaml"), changes)
	if err != nil {
		return rule.Difference{}, err
	}
	s, err := app.OpenState(ctx, t.path("trimtab.yaml"))
	if err != nil {
		return rule.Difference{}, err
	}
	defer func() { _ = s.Close() }() // it was only read
	return app.Diff(ctx, s, old, next, clock.AsOf(t.now()))
}

// sayConclusions names two of many.
func (t *teller) sayConclusions(what string, all []rule.Conclusion) {
	for i, c := range all {
		if i == 2 && len(all) > 3 {
			t.say("%s: … and %d more", what, len(all)-2)
			return
		}
		t.say("%s: %s %s (saves %s of %s a month)", what, c.Action, c.Resource, c.Savings.Display(), c.Subject.MonthlyCost.Display())
	}
}

// fingerprint is a hash over every row of the tables that a recommendation can
// change.
func (t *teller) fingerprint(ctx context.Context) (sum string, err error) {
	h := sha256.New()
	err = t.read(ctx, func(tx *store.Tx) error {
		for _, name := range []string{
			"recommendations", "recommendations_generated", "tickets", "recommendation_ticket_map", "episodes", "links", "ops", "savings_ledger", "timeline",
		} {
			rows, err := tx.Query("SELECT * FROM " + name)
			if err != nil {
				return err
			}
			fmt.Fprintln(h, name, rows)
		}
		return nil
	})
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
