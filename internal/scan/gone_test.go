package scan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
)

// disksPack proposes another type of disk, and says so in a word.
const disksPack = `
apiVersion: trimtab/v1
pack: p
facts:
  Disk: {key: [id], fields: {id: string, type: string, size: double, account: string, snapshots: 'double?'}}
  Price: {key: [type], fields: {type: string, price: money}}
  Exemption: {fields: {resource: string, until: 'timestamp?'}}
params: {least: {type: double, default: 10.0}}
rules:
  - id: gp3
    subject: disk
    when:
      - {match: Disk, as: disk, where: 'disk.type == "gp2" && disk.size >= params.least'}
      - {match: Price, as: price, where: 'price.type == disk.type'}
      - not: [{match: Exemption, as: x, where: 'x.resource == disk.id && (!has(x.until) || x.until > now)'}]
    then: [{recommend: {action: upgrade, resource: disk.id, savings: price.price, proposed: '"gp3"'}}]
    tests: [{name: none, given: [], expect: []}]
`

func disksRules(t *testing.T, pack string) *rule.Set {
	t.Helper()
	rules, err := rule.Load(rule.Options{Files: []rule.File{{Name: "p.yaml", Data: []byte(pack)}}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// TestReasons: why something has gone is told where a scan knows it, and not guessed where
// it does not.
func TestReasons(t *testing.T) {
	type world struct {
		*lab
		disks, exempt *given
	}
	changed := strings.Replace(disksPack, "default: 10.0", "default: 500.0", 1)
	for name, c := range map[string]struct {
		change func(w world)
		reason string
	}{
		"the resource is gone":   {func(w world) { w.disks.facts = w.disks.facts[1:] }, "resource_deleted"},
		"its account is gone":    {func(w world) { w.disks.facts = w.disks.facts[2:] }, "account_removed"},
		"everything is gone":     {func(w world) { w.disks.facts = nil }, "resource_deleted"},
		"another source failed":  {func(w world) { w.disks.facts = w.disks.facts[2:]; w.vms.err = errors.New("down") }, "resource_deleted"},
		"it is as proposed":      {func(w world) { w.disks.facts[0].Fields["type"] = "gp3" }, "applied"},
		"it is something else":   {func(w world) { w.disks.facts[0].Fields["type"] = "io2" }, "condition_cleared"},
		"the rule asks for more": {func(w world) { w.scan.Rules = disksRules(t, changed) }, "rule_changed"},
		"the rule and the disk":  {func(w world) { w.scan.Rules = disksRules(t, changed); w.disks.facts[0].Fields["size"] = 90.0 }, "condition_cleared"},
		"the disk is smaller":    {func(w world) { w.disks.facts[0].Fields["size"] = 5.0 }, "condition_cleared"},
		"the rule is switched off": {func(w world) {
			w.scan.Rules = disksRules(t, strings.Replace(disksPack, "id: gp3\n", "id: gp3\n    enabled: false\n", 1))
		}, "rule_disabled"},
		"the rule is taken out": {func(w world) {
			w.scan.Rules = disksRules(t, strings.NewReplacer("id: gp3\n", "id: other\n", "action: upgrade", "action: resize").Replace(disksPack))
		}, "rule_disabled"},
		"it is exempt": {func(w world) { w.exempt.facts = []source.Fact{fact("Exemption", map[string]any{"resource": "a"})} }, "exempted"},
		"it is exempt for a time": {func(w world) {
			w.exempt.facts = []source.Fact{fact("Exemption", map[string]any{"resource": "a", "until": w.ours.Now().AddDate(1, 0, 0)})}
		}, "exempted"},
		"an exemption that was, too": {func(w world) {
			w.exempt.facts = []source.Fact{fact("Exemption", map[string]any{"resource": "a", "until": w.ours.Now().AddDate(-1, 0, 0)})}
			w.disks.facts[0].Fields["size"] = 5.0
		}, "condition_cleared"},
		"its price is not known": {func(w world) { w.disks.facts = w.disks.facts[:3] }, "condition_cleared"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world{lab: newLab(t), exempt: &given{name: "exempt", types: []string{"Exemption"}}}
			disk := func(id, account string) source.Fact {
				return fact("Disk", map[string]any{"id": id, "type": "gp2", "size": 100.0, "account": account})
			}
			w.disks = &given{name: "disks", types: []string{"Disk", "Price"}, facts: []source.Fact{
				disk("a", "shop"), disk("b", "shop"), disk("c", "data"), fact("Price", map[string]any{"type": "gp2", "price": "30.00 USD"}),
			}}
			w.vms.facts = nil
			w.scan.Rules, w.scan.Sources = disksRules(t, disksPack), []source.Source{w.vms, w.disks, w.exempt}
			_, _, err := w.look()
			w.check(err)
			c.change(w)
			for range 2 {
				if _, _, err = w.look(); err != nil && trimtab.CodeOf(err) != trimtab.Partial {
					t.Fatal(err)
				}
			}
			if e := w.episode("upgrade"); e.State.Workflow != trimtab.AutoResolved || e.State.Reason != c.reason {
				t.Errorf("%s because %q, want %q", e.State.Workflow, e.State.Reason, c.reason)
			}
		})
	}
}

// What rules saw is compared as it was written down: a state that was read back has no other
// types than a source that has just been asked.
func TestUnchanged(t *testing.T) {
	at := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	money, err := trimtab.ParseMoney("60.10 USD")
	if err != nil {
		t.Fatal(err)
	}
	was := map[string]any{"cost": "60.1 USD", "n": 2.0, "at": "2026-09-01T00:00:00Z", "tags": map[string]any{"a": "b"}}
	is := map[string]any{"cost": money, "n": int64(2), "at": at, "tags": map[string]string{"a": "b"}, "more": "x"}
	if !unchanged(was, is) {
		t.Error("the same in other types")
	}
	is["n"] = 3
	if unchanged(was, is) {
		t.Error("another number")
	}
}
