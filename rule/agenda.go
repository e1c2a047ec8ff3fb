package rule

import (
	"cmp"
	"slices"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// agendaGroup is a group's name among those of all packs: each pack has its own.
func (p *pack) agendaGroup(name string) string { return p.name + "/" + name }

// readMode reads the agenda groups of a pack, and whether it stops at the first
// rule that fires for a subject.
func (p *pack) readMode() {
	for _, n := range p.fields.Get("groups").Items() {
		if g := p.agendaGroup(n.Text()); slices.Contains(p.groups, g) {
			n.Errorf("group %s stands twice", n.Text())
		} else {
			p.groups = append(p.groups, g)
		}
	}
	mode := p.fields.Get("mode")
	if !mode.IsZero() && mode.Text() != "first" && mode.Text() != "all" {
		mode.Errorf("mode %q is not known", mode.Text()).WithHint("first stops at the first rule that fires for a subject, all is the default")
	}
	p.first, p.per = mode.Text() == "first", p.fields.Get("per")
	switch {
	case p.first && p.per.IsZero():
		p.fields.Key("mode").Errorf("mode: first needs per: the subject that one rule is to fire for").WithHint("per: vm.id")
	case !p.first && !p.per.IsZero():
		p.fields.Key("per").Errorf("per belongs to mode: first")
	case p.per.Kind() != strictyaml.Scalar && !p.per.IsZero():
		p.per.Errorf("an expression is needed here, not a %s", p.per.Kind())
		p.per = strictyaml.Node{}
	}
}

// focus compiles the action that gives an agenda group its turn.
func (b *builder) focus(n strictyaml.Node) *step {
	text := n.Text()
	if text == "" {
		return nil
	}
	group := b.pack.agendaGroup(text)
	b.pack.focused[group] = true
	b.focuses = append(b.focuses, n)
	return &step{apply: func(f *rete.Firing, _ rete.Fields) error { f.Focus(group); return nil }}
}

// warnGroups tells of groups that no turn ever comes to, and of turns that no rule
// takes.
func (c *compiler) warnGroups() {
	for _, p := range c.packOrder {
		used := map[string]bool{}
		for _, n := range p.grouped {
			group := p.agendaGroup(n.Text())
			used[group] = true
			if !slices.Contains(p.groups, group) && !p.focused[group] {
				n.Warnf("group %s never has its turn: groups does not name it and no action gives it the focus", n.Text()).WithID("no-turn").
					WithHint("groups: [%s]", n.Text())
			}
		}
		for _, n := range p.fields.Get("groups").Items() {
			if !used[p.agendaGroup(n.Text())] {
				n.Warnf("no rule is of group %s", n.Text()).WithID("no-turn")
			}
		}
	}
}

// agendaGroups are the groups that take their turns: those without one first, then
// pack by pack.
func (c *compiler) agendaGroups() []string {
	out := []string{""}
	for _, p := range slices.SortedFunc(slices.Values(c.packOrder), func(a, b *pack) int { return cmp.Compare(a.name, b.name) }) {
		out = append(out, p.groups...)
	}
	return out
}
