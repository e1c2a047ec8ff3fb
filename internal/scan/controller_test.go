package scan

import (
	"fmt"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/source"
)

// members fills the lab with machines of a group, and one that stands alone.
func (l *lab) members(n int) {
	l.vms.facts, l.metrics.facts, l.costs.facts = nil, nil, nil
	add := func(id string, tags map[string]string) {
		l.vms.facts = append(l.vms.facts, fact("VM", map[string]any{"id": id, "state": "running", "account": "shop", "region": "eu", "tags": tags}))
		l.metrics.facts = append(l.metrics.facts, fact("Metric", map[string]any{"resource": id, "max": 1.0}))
		l.costs.facts = append(l.costs.facts, fact("Cost", map[string]any{"resource": id, "monthly": "40.00 USD"}))
	}
	for i := range n {
		add(fmt.Sprintf("i-%d", i), map[string]string{"aws:autoscaling:groupName": "web", "owner": "ann"})
	}
	add("alone", nil)
}

// TestControllers: what is concluded of the members of a group is one recommendation about
// the group, which stays the same while its members come and go.
func TestControllers(t *testing.T) {
	l := newLab(t)
	l.members(3)
	_, report, err := l.look()
	got := l.byResource()
	if err != nil || len(got) != 2 || got["stop auto-scaling-group/shop/eu/web"] == "" || got["stop alone"] == "" {
		t.Fatalf("%v, %v", got, err)
	}
	rec := report.Recommendations[1]
	if rec.Subject.Name != "web" || rec.Savings.String() != "120.00 USD" || rec.MonthlyCost.String() != "120.00 USD" || len(rec.Reasons[0].Evidence) < 6 {
		t.Errorf("%+v", rec)
	}
	l.members(5)
	for i := range l.vms.facts[:5] { // all of them were replaced
		id := fmt.Sprintf("i-9%d", i)
		l.vms.facts[i].Fields["id"], l.metrics.facts[i].Fields["resource"], l.costs.facts[i].Fields["resource"] = id, id, id
	}
	if _, report, err = l.look(); err != nil || len(l.byResource()) != 2 || report.Detail.Repeats != 2 || report.Recommendations[1].Savings.String() != "200.00 USD" {
		t.Errorf("%v, %v, %+v", l.byResource(), err, report.Detail)
	}
	// Nothing is known of the members' use any more: nothing is known of the group.
	l.metrics.facts = nil
	if _, _, err = l.look(); err != nil || l.byResource()["stop auto-scaling-group/shop/eu/web"] != "unknown" {
		t.Errorf("%v, %v", l.byResource(), err)
	}
}

// byResource gives the condition of each action on each resource.
func (l *lab) byResource() map[string]string {
	l.t.Helper()
	states := map[string]string{}
	l.check(l.store.Read(l.t.Context(), func(tx *store.Tx) error {
		views, err := tx.RecommendationViews(true)
		for _, v := range views {
			states[v.Action+" "+v.Resource] = string(v.Condition)
		}
		return err
	}))
	return states
}

func TestControllerOf(t *testing.T) {
	for _, c := range []struct {
		fields map[string]any
		want   string
	}{
		{map[string]any{"id": "i", "account": "a", "region": "r", "tags": map[string]string{"eks:nodegroup-name": "n", "aws:autoscaling:groupName": "g"}}, "node-group/a/r/n"},
		{map[string]any{"id": "i", "tags": map[string]any{"aks-managed-poolName": "p"}}, "node-pool///p"},
		{map[string]any{"id": "i", "controller": "/Subscriptions/S/vmss/x"}, "/subscriptions/s/vmss/x"},
		{map[string]any{"id": "i", "tags": map[string]string{"team": "x"}}, ""},
		{map[string]any{"id": "i", "tags": 7}, ""},
	} {
		if got := controllerOf(source.Fact{Type: "Resource", Fields: c.fields}); got.id != c.want {
			t.Errorf("%v: %q, want %q", c.fields, got.id, c.want)
		}
	}
	if sum := added(trimtab.Money{Currency: "USD"}, trimtab.Money{Currency: "EUR"}); sum.Currency != "USD" {
		t.Errorf("currencies were mixed: %v", sum)
	}
}
