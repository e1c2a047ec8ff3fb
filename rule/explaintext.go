package rule

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// branch is a line of a tree with what hangs below it.
type branch struct {
	text string
	kids []branch
}

// line adds a line below.
func (b *branch) line(format string, args ...any) *branch {
	b.kids = append(b.kids, branch{text: fmt.Sprintf(format, args...)})
	return &b.kids[len(b.kids)-1]
}

// write draws the tree.
func (b *branch) write(out *strings.Builder, first, rest string) {
	fmt.Fprintln(out, strings.TrimRight(first+b.text, " "))
	for i := range b.kids {
		if i == len(b.kids)-1 {
			b.kids[i].write(out, rest+"└─ ", rest+"   ")
		} else {
			b.kids[i].write(out, rest+"├─ ", rest+"│  ")
		}
	}
}

// String is the tree as text.
func (b *branch) String() string {
	var out strings.Builder
	b.write(&out, "", "")
	return out.String()
}

// Text is the explanation as a tree for people. The file is named in full where the
// rule is; its conditions stand in it, too.
func (e Explanation) Text() string {
	root := e.tree()
	return root.String()
}

// tree is the explanation as a tree.
func (e Explanation) tree() branch {
	root := branch{text: fmt.Sprintf("%s: %s for %s", e.Rule.ID, e.Verdict.words(), e.Resource)}
	root.line("%s", e.Rule.about())
	if e.Failure == nil || e.Says != e.Failure.Says {
		root.line("%s", e.Says)
	}
	if e.Doubt != "" {
		root.line("%s", e.Doubt)
	}
	if e.Nearest != "" {
		root.line("did you mean %q?", e.Nearest)
	}
	for _, w := range e.Matches {
		if len(e.Matches) == 1 {
			w.Waits = "" // the answer says it already
		}
		w.hang(&root)
	}
	if e.Failure != nil {
		e.Failure.hang(&root)
	}
	return root
}

// about is a rule with what identifies it.
func (r RuleRef) about() string {
	text := fmt.Sprintf("%s, priority %d, version %s", r.Place, r.Priority, r.Version)
	if r.Owner != "" {
		text += ", answered for by " + r.Owner
	}
	if r.Title != "" {
		text = r.Title + " (" + text + ")"
	}
	return text
}

// hang adds a match: what holds, and what follows.
func (w Way) hang(root *branch) {
	for _, h := range w.Conditions {
		h.hang(root)
	}
	if len(w.HoldsBack) > 0 {
		root.line("fired first where only one may; behind it wait %s", strings.Join(w.HoldsBack, ", "))
	}
	if w.Waits != "" {
		root.line("has not fired: %s", w.Waits)
	}
	for _, c := range w.Concluded {
		c.hang(root)
	}
}

// hang adds a condition that holds.
func (h Held) hang(on *branch) {
	text := h.Condition
	if len(h.Tests) > 0 && h.Kind != "accumulate" {
		text, _, _ = strings.Cut(text, " where ")
	}
	if h.Kind == "test" {
		text = "test"
	}
	if h.Kind == "exists" || h.Kind == "requires" || h.Kind == "any" {
		text = h.Kind
	}
	if h.Says != "" {
		text += ": " + h.Says
	}
	b := on.line("%s  [%s]", text, path.Base(h.Place))
	if h.Fact != nil {
		h.Fact.hang(b)
	}
	if len(h.Values) > 0 {
		b.line("%s", listed(h.Values))
	}
	for _, t := range h.Tests {
		b.line("%s", t.line())
	}
	for _, i := range h.Inner {
		i.hang(b)
	}
}

// line is a test with its values.
func (t TestSeen) line() string {
	switch {
	case t.Error != "":
		return t.Test + "   " + t.Error
	case t.With != "" && t.With != t.Test:
		return t.Test + "   " + t.With
	case len(t.Values) > 0:
		return t.Test + "   " + listed(t.Values)
	}
	return t.Test
}

// hang adds a fact with its reasons.
func (f ShownFact) hang(on *branch) {
	text := f.Type + " " + f.fieldsText()
	if f.As != "" {
		text = f.As + " is " + text
	}
	switch {
	case f.Again:
		text += ", derived: its reasons stand elsewhere in this tree"
	case f.Derived:
		text += ", derived"
	}
	b := on.line("%s", text)
	for _, r := range f.Because {
		by := b.line("because of %s, version %s", r.Rule, r.Version)
		for _, under := range r.Facts {
			under.hang(by)
		}
	}
}

// hang adds a conclusion.
func (c Concluded) hang(on *branch) {
	var b *branch
	if c.Fact.Type == recommendationType {
		b = on.line("recommends %v %v%s", c.Fact.Fields["action"], c.Fact.Fields["resource"], saves(c.Fact.Fields["savings"]))
		for _, name := range []string{"title", "fix"} {
			if v, ok := c.Fact.Fields[name]; ok {
				b.line("%s: %v", name, v)
			}
		}
	} else {
		b = on.line("concludes %s %s", c.Fact.Type, c.Fact.fieldsText())
	}
	if c.WordedBy != "" {
		b.line("in the words of %s, which has the higher priority", c.WordedBy)
	}
	if others := slices.DeleteFunc(slices.Clone(c.Also), func(id string) bool { return id == c.WordedBy }); len(others) > 0 {
		b.line("also concluded by %s", strings.Join(others, ", "))
	}
	hangAssigned(b, c.Assigned)
}

// saves is what a recommendation saves, if it says so.
func saves(v any) string {
	if v == nil || v == "" {
		return ""
	}
	return fmt.Sprintf(", saves %v a month", v)
}

// hangAssigned adds where a recommendation goes.
func hangAssigned(on *branch, list []Assigned) {
	for _, a := range list {
		on.line("%s %s, says %s", a.Field, plainText(a.Value), a.Rule)
	}
}

// hang adds a failure.
func (f *Failure) hang(on *branch) {
	b := on.line("%s  [%s]", f.Condition, path.Base(f.Place))
	f.details(b)
}

// details adds what is known of a failure below its condition.
func (f *Failure) details(b *branch) {
	b.line("%s", f.Says)
	for _, g := range f.Given {
		g.hang(b)
	}
	if f.Reached > 1 {
		b.line("%d combinations of facts come to here; the first is shown", f.Reached)
	}
	if len(f.Steps) > 1 {
		var parts []string
		for _, s := range f.Steps {
			parts = append(parts, fmt.Sprintf("%d after %s", s.Left, s.Test))
		}
		b.line("facts left: %s", strings.Join(parts, ", "))
	}
	for _, v := range f.Values {
		b.line("%s = %s", v.Name, v.text())
	}
	if len(f.Near) > 0 {
		near := b.line("nearest")
		for _, n := range f.Near {
			n.hang(near)
		}
	}
	if len(f.Makers) > 0 {
		makers := b.line("such facts are derived by")
		for _, a := range f.Makers {
			a.hang(makers)
		}
	}
	f.below(b)
}

// hang adds an answer in one line.
func (a Answer) hang(on *branch) {
	on.line("%s: %s: %s  [%s]", a.Rule, a.Verdict.words(), a.Says, path.Base(a.Place))
}

// words are the verdict as people read it.
func (v Verdict) words() string { return strings.ReplaceAll(string(v), "_", " ") }

// below adds what stands in the way, and what fails inside.
func (f *Failure) below(b *branch) {
	if len(f.Blocking) > 0 {
		way := b.line("in the way")
		for _, facts := range f.Blocking {
			for _, fact := range facts {
				fact.hang(way)
			}
		}
	}
	if f.Inner != nil {
		text := "inside"
		if f.Branch > 0 {
			text = fmt.Sprintf("branch %d", f.Branch)
		}
		f.Inner.hang(b.line("%s", text))
	}
}

// hang adds a fact that comes near.
func (n Near) hang(on *branch) {
	b := on.line("row %d", n.Row)
	if n.Fact != nil {
		b.text = n.Fact.Type + " " + n.Fact.fieldsText()
	}
	for _, t := range n.Failed {
		b.line("not %s", t.line())
	}
}

// Text is the explanation of a resource as a tree for people.
func (r ResourceExplanation) Text() string {
	root := branch{text: r.Resource}
	if !r.Known {
		root.line("no fact is this resource")
	}
	if r.Nearest != "" {
		root.line("did you mean %q?", r.Nearest)
	}
	if len(r.Facts) > 0 {
		facts := root.line("what is known")
		for _, f := range r.Facts {
			f.hang(facts)
		}
	}
	for _, p := range r.Recommendations {
		b := root.line("recommended: %s %s%s", p.Action, p.Variant, saves(p.Savings))
		b.text = strings.ReplaceAll(b.text, " ,", ",")
		b.line("concluded by %s", strings.Join(p.Rules, ", then "))
		hangAssigned(b, p.Assigned)
	}
	for _, e := range r.Rules {
		root.kids = append(root.kids, e.tree())
	}
	r.others(&root)
	return root.String()
}

// others adds the rules that conclude nothing, a line each.
func (r ResourceExplanation) others(root *branch) {
	if len(r.Others) > 0 {
		b := root.line("concluded nothing")
		for _, a := range r.Others {
			a.hang(b)
		}
	}
	if r.Elsewhere > 0 {
		root.line("%d other rules judge other facts", r.Elsewhere)
	}
}
