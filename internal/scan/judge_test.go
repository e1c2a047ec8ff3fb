package scan

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/tracker"
)

// given is a source that gives what a test says, and can observe.
type given struct {
	name  string
	types []string
	facts []source.Fact
	until time.Time
	err   error
	seen  source.Observation // the answer to every claim
}

func (g *given) Name() string    { return g.name }
func (g *given) Facts() []string { return g.types }

func (g *given) Gather(context.Context, time.Time) (*source.Batch, error) {
	if g.err != nil {
		return nil, g.err
	}
	return &source.Batch{Facts: g.facts, Until: g.until, Rows: int64(len(g.facts))}, nil
}

// costs is a given source that can observe.
type costs struct {
	given
	asked []source.Claim // by the last question
}

func (c *costs) Observe(_ context.Context, claims []source.Claim) ([]source.Observation, error) {
	c.asked = claims
	answers := make([]source.Observation, len(claims))
	for i := range answers {
		answers[i] = c.seen
	}
	return answers, nil
}

const idlePack = `
apiVersion: trimtab/v1
pack: p
facts:
  VM: {key: [id], fields: {id: string, state: string, account: string?, region: string?, tags: 'map(string, string)?'}}
  Cost: {key: [resource], fields: {resource: string, monthly: money}}
  Metric: {key: [resource], fields: {resource: string, max: double}}
  Exemption: {key: [resource], fields: {resource: string}}
rules:
  - id: idle
    subject: vm
    requires: [{match: Metric, as: known, where: 'known.resource == vm.id'}]
    when:
      - {match: VM, as: vm, where: 'vm.state == "running"'}
      - {match: Metric, as: m, where: 'm.resource == vm.id && m.max < 5.0'}
      - {match: Cost, as: c, where: 'c.resource == vm.id'}
      - not: [{match: Exemption, as: x, where: 'x.resource == vm.id'}]
    then: [{recommend: {action: stop, resource: vm.id, savings: c.monthly, monthly_cost: c.monthly}}]
    tests: [{name: none, given: [], expect: []}]
  - id: large
    subject: vm
    when:
      - {match: VM, as: vm, where: 'vm.state == "running"'}
      - {match: Cost, as: c, where: 'c.resource == vm.id && c.monthly > money("50.00 USD")'}
    then: [{recommend: {action: resize, resource: vm.id, savings: c.monthly * 0.5, monthly_cost: c.monthly}}]
    tests: [{name: none, given: [], expect: []}]
`

// lab is a scan over three sources that a test breaks and changes.
type lab struct {
	*house
	vms, metrics, exempt *given
	costs                *costs
}

func fact(typ string, fields map[string]any) source.Fact {
	return source.Fact{Type: typ, Fields: fields}
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{house: newHouse(t)}
	rules, err := rule.Load(rule.Options{Files: []rule.File{{Name: "p.yaml", Data: []byte(idlePack)}}})
	if err != nil {
		t.Fatal(err)
	}
	l.vms = &given{name: "vms", types: []string{"VM"}, facts: []source.Fact{
		fact("VM", map[string]any{"id": "a", "state": "running", "account": "shop", "tags": map[string]string{"owner": "ann"}}),
	}}
	l.metrics = &given{name: "metrics", types: []string{"Metric"}, until: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), facts: []source.Fact{
		fact("Metric", map[string]any{"resource": "a", "max": 1.0}),
	}}
	l.exempt = &given{name: "exempt", types: []string{"Exemption"}}
	l.costs = &costs{given: given{name: "costs", types: []string{"Cost"}, facts: []source.Fact{fact("Cost", map[string]any{"resource": "a", "monthly": "60.00 USD"})}}}
	l.scan.Rules, l.scan.Log = rules, slog.New(slog.DiscardHandler)
	l.scan.Sources = []source.Source{l.vms, l.metrics, l.exempt, l.costs}
	l.scan.Assign = Assign{Routes: []Route{{Board: "fin"}}}
	l.ours.Set(time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC))
	return l
}

// look scans a day later and gives each action's condition/workflow.
func (l *lab) look() (map[string]string, *Report, error) {
	l.t.Helper()
	l.ours.Advance(24 * time.Hour)
	report, err := l.scan.Run(context.Background())
	states := map[string]string{}
	l.check(l.store.Read(context.Background(), func(tx *store.Tx) error {
		views, err := tx.RecommendationViews(true)
		for _, v := range views {
			states[v.Action] = string(v.Condition) + "/" + string(v.Workflow)
		}
		return err
	}))
	return states, report, err
}

func TestAlternatives(t *testing.T) {
	l := newLab(t)
	states, report, err := l.look()
	l.check(err)
	if states["stop"] != "present/new" || states["resize"] != "present/superseded" {
		t.Errorf("%v: the larger saving stands, the other waits behind it", states)
	}
	if report.Gross["USD"].String() != "90.00 USD" || report.Net["USD"].String() != "60.00 USD" {
		t.Errorf("gross %v, net %v", report.Gross, report.Net)
	}
	l.metrics.facts[0].Fields["max"] = 90.0 // busy: it cannot be stopped any more
	states, _, err = l.look()
	l.check(err)
	if states["stop"] != "absent/new" || states["resize"] != "present/new" {
		t.Errorf("%v: the next best comes back", states)
	}
}

// TestUntold: whatever keeps a rule from an answer leaves what it concluded
// open, and what only the missing data would allow is not concluded.
func TestUntold(t *testing.T) {
	down := errors.New("down")
	for name, c := range map[string]struct {
		lose    func(*lab)
		partial bool
	}{
		"no evidence":          {func(l *lab) { l.metrics.facts = nil }, false},
		"a source failed":      {func(l *lab) { l.vms.err = down; l.vms.facts = nil }, true},
		"a negated one, too":   {func(l *lab) { l.exempt.err = down }, true},
		"facts do not fit":     {func(l *lab) { l.metrics.facts[0].Fields["max"] = "lots" }, true},
		"an unknown field":     {func(l *lab) { l.costs.facts[0].Fields["price"] = 1.0 }, true},
		"the rule itself errs": {func(l *lab) { l.costs.facts[0].Fields["monthly"] = "60.00 EUR" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			_, _, err := l.look()
			l.check(err)
			c.lose(l)
			for range 3 {
				states, report, err := l.look()
				if c.partial != (trimtab.CodeOf(err) == trimtab.Partial) || report.Complete == c.partial {
					t.Errorf("complete %v, %v", report.Complete, err)
				}
				action := "stop"
				if name == "the rule itself errs" {
					action = "resize"
				}
				if !strings.HasPrefix(states[action], "unknown/") {
					t.Errorf("%v", states)
				}
			}
		})
	}
}

// A better proposal that cannot be told any more keeps its rival waiting: the
// owner of one resource does not get two tickets because a metric is missing.
func TestUnknownKeepsItsRank(t *testing.T) {
	l := newLab(t)
	_, _, err := l.look()
	l.check(err)
	l.metrics.facts = nil
	states, _, err := l.look()
	l.check(err)
	if states["stop"] != "unknown/new" || states["resize"] != "present/superseded" {
		t.Errorf("%v", states)
	}
}

func TestDisabledRuleIsNoMystery(t *testing.T) {
	l := newLab(t)
	_, _, err := l.look()
	l.check(err)
	rules, err := rule.Load(rule.Options{Files: []rule.File{{Name: "p.yaml", Data: []byte(strings.Replace(idlePack, "id: idle\n", "id: idle\n    enabled: false\n", 1))}}})
	l.check(err)
	l.scan.Rules = rules
	for range 2 {
		_, _, err = l.look()
		l.check(err)
	}
	e := l.episode("stop")
	if e.State.Workflow != trimtab.AutoResolved || e.State.Reason != "rule_disabled" {
		t.Errorf("%s because %s", e.State.Workflow, e.State.Reason)
	}
}

func (l *lab) episode(action string) (found *store.Episode) {
	l.t.Helper()
	l.check(l.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		found, err = tx.LatestEpisode(trimtab.KeyOf(l.store.Installation(), action, "a", ""))
		return err
	}))
	return found
}

// TestVerification: a claim is judged only by data that lie after it, and only
// once there are enough of them.
func TestVerification(t *testing.T) {
	usd := func(n int64) trimtab.Money {
		return trimtab.Money{Amount: decimal.NewFromInt(n), Currency: "USD"}
	}
	for name, c := range map[string]struct {
		gone     bool
		days     float64
		rate     trimtab.Money
		workflow trimtab.Workflow
		realised string
	}{
		"too few days, gone":        {true, 13, usd(0), trimtab.DoneClaimed, ""},
		"enough days, gone":         {true, 14, usd(0), trimtab.Verified, "60.00 USD"},
		"gone, with a rest":         {true, 20, usd(9), trimtab.Verified, "51.00 USD"},
		"too few days, still there": {false, 13, usd(60), trimtab.DoneClaimed, ""},
		"enough days, still there":  {false, 14, usd(60), trimtab.InProgress, ""},
		"other currency":            {true, 14, trimtab.Money{Amount: decimal.NewFromInt(1), Currency: "EUR"}, trimtab.Verified, "60.00 USD"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			_, _, err := l.look()
			l.check(err)
			l.check(l.store.Write(t.Context(), func(tx *store.Tx) error {
				e, err := tx.LatestEpisode(trimtab.KeyOf(l.store.Installation(), "stop", "a", ""))
				if err != nil {
					return err
				}
				e.State.Workflow, e.State.Filed, e.State.ClaimedAt = trimtab.DoneClaimed, true, l.ours.Now()
				e.State.Baseline = e.State.Cost
				return tx.SaveEpisode(e)
			}))
			if c.gone {
				l.vms.facts[0].Fields["state"] = "stopped"
			}
			l.costs.seen = source.Observation{Days: c.days, RunRate: c.rate}
			_, _, err = l.look()
			l.check(err)
			if e := l.episode("stop"); e.State.Workflow != c.workflow {
				t.Errorf("workflow %s", e.State.Workflow)
			}
			rows := l.rows(`SELECT realised || ' ' || currency FROM savings_ledger`)
			if c.realised == "" && len(rows) > 0 || c.realised != "" && (len(rows) != 1 || moneyOf(t, rows[0][0]) != c.realised) {
				t.Errorf("ledger %v, want %q", rows, c.realised)
			}
		})
	}
}

// What goes while somebody works on it is measured from then on, so that the data's answer is
// at hand when the ticket is closed.
func TestVerifiedAtOnce(t *testing.T) {
	l := newLab(t)
	_, _, err := l.look()
	l.check(err)
	tell := func(e lifecycle.Event) {
		l.check(l.store.Write(t.Context(), func(tx *store.Tx) error {
			stop, err := tx.LatestEpisode(trimtab.KeyOf(l.store.Installation(), "stop", "a", ""))
			if err != nil {
				return err
			}
			_, err = tx.Advance(stop, e, store.Step{Actor: "test", At: l.ours.Now(), Policy: l.scan.Policy})
			return err
		}))
	}
	tell(lifecycle.Granted{At: l.ours.Now()})
	tell(lifecycle.Told{At: l.ours.Now(), Status: tracker.InProgress})
	l.vms.facts[0].Fields["state"] = "stopped"
	_, _, err = l.look()
	l.check(err)
	went := l.ours.Now()
	l.costs.seen = source.Observation{Days: 14, RunRate: trimtab.Money{Amount: decimal.NewFromInt(9), Currency: "USD"}}
	_, _, err = l.look()
	l.check(err)
	if len(l.costs.asked) != 1 || !l.costs.asked[0].Since.Equal(went) {
		t.Errorf("asked for %+v: since %s is wanted", l.costs.asked, went)
	}
	if w := l.episode("stop").State.Workflow; w != trimtab.InProgress {
		t.Errorf("%s before anybody said so", w)
	}
	tell(lifecycle.Told{At: l.ours.Now(), Status: tracker.Done})
	rows := l.rows(`SELECT realised || ' ' || currency FROM savings_ledger`)
	if w := l.episode("stop").State.Workflow; w != trimtab.Verified || len(rows) != 1 || moneyOf(t, rows[0][0]) != "51.00 USD" {
		t.Errorf("%s, ledger %v", w, rows)
	}
}

func moneyOf(t *testing.T, v any) string {
	t.Helper()
	text, _ := v.(string)
	m, err := trimtab.ParseMoney(text)
	if err != nil {
		t.Fatal(err)
	}
	return m.String()
}

// TestStateRules are judged by the calendar: they read no periods of data.
func TestStateRules(t *testing.T) {
	l := newLab(t)
	l.metrics.until = time.Time{}
	e := &store.Episode{Rules: []string{"p/idle"}, State: lifecycle.State{Workflow: trimtab.DoneClaimed, ClaimedAt: l.ours.Now().AddDate(0, 0, -2)}}
	batches := gather(t.Context(), l.scan.Sources, l.ours.Now(), l.scan.Log)
	if m := l.scan.stateMeasurement(e, batches); m.Days != 2 || m.Window != 3 {
		t.Errorf("%+v", m)
	}
	l.metrics.until = l.ours.Now()
	batches = gather(t.Context(), l.scan.Sources, l.ours.Now(), l.scan.Log)
	if m := l.scan.stateMeasurement(e, batches); m.Days != 0 || m.Window != 14 {
		t.Errorf("%+v: a rule that reads periods waits for the data", m)
	}
}

func TestOwners(t *testing.T) {
	chain := Assign{
		Owners: []OwnerRule{{Tag: "owner"}, {Fact: "Owner", By: "account"}, {Fallback: "finops"}},
		Routes: []Route{{When: func(r *trimtab.Recommendation) (bool, error) { return r.Subject.Account == "shop", nil }, Board: "shop"}, {Board: "rest"}},
	}
	batches := []batch{{Batch: &source.Batch{Facts: []source.Fact{
		fact("Owner", map[string]any{"account": "shop", "team": "the shop", "email": "cleo"}), fact("Owner", map[string]any{"team": "nobody's"}),
	}}}, {Batch: &source.Batch{Facts: []source.Fact{fact("Owner", map[string]any{"account": "lab", "email": "dan"})}}, err: errors.New("failed")}}
	for name, c := range map[string]struct {
		subject trimtab.Subject
		byRule  []Assignment
		want    trimtab.Owner
		board   string
	}{
		"tag":      {trimtab.Subject{Account: "shop", Tags: map[string]string{"owner": "ann"}}, nil, trimtab.Owner{Name: "ann", Source: "tag owner"}, "shop"},
		"fact":     {trimtab.Subject{Account: "shop"}, nil, trimtab.Owner{Name: "cleo", Source: "fact Owner by account"}, "shop"},
		"fallback": {trimtab.Subject{Account: "lab"}, nil, trimtab.Owner{Name: "finops", Source: "fallback"}, "rest"},
		"rule":     {trimtab.Subject{Resource: "r", Account: "shop"}, []Assignment{{Action: "stop", Resource: "r", Owner: "eve", Board: "own", Rule: "p/route"}}, trimtab.Owner{Name: "eve", Source: "rule p/route"}, "own"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &trimtab.Recommendation{Action: "stop", Subject: c.subject}
			chain.apply([]*trimtab.Recommendation{rec}, c.byRule, batches)
			if rec.Owner != c.want || rec.Board != c.board {
				t.Errorf("%+v on %q", rec.Owner, rec.Board)
			}
		})
	}
	alone := &trimtab.Recommendation{}
	Assign{}.apply([]*trimtab.Recommendation{alone}, nil, nil)
	if alone.Owner.Source != "missing" || alone.Board != "" {
		t.Errorf("nobody is an answer too: %+v", alone.Owner)
	}
}
