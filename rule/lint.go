package rule

import (
	"context"
	"slices"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// check is one thing that lint looks for.
type check struct {
	id   string
	find func(l *linter)
}

// checks are what [Set.Lint] looks for beyond what loading tells already. Each has a
// section in docs/lint.md.
var checks = []check{
	{"unsatisfiable", (*linter).unsatisfiable},
	{"shadowed", (*linter).shadowed},
	{"contradiction", (*linter).contradictions},
	{"table-gap", (*linter).tableGaps},
	{"table-overlap", (*linter).tableOverlaps},
	{"table-unreached", (*linter).tableUnreached},
	{"costly", (*linter).costly},
	{"coverage-in-where", (*linter).coverageInWhere},
}

// loadChecks are the findings that loading gives.
var loadChecks = []string{
	"cross-product", "no-test", "no-turn", "unstratified", "unused-let", "unused-param", "unused-type",
}

// allowanceChecks are findings about what silences others.
var allowanceChecks = []string{"unused-allowance"}

// FindingIDs are all kinds of findings, sorted.
func FindingIDs() []string {
	out := slices.Concat(loadChecks, allowanceChecks)
	for _, c := range checks {
		out = append(out, c.id)
	}
	slices.Sort(out)
	return out
}

// linter looks at one set.
type linter struct {
	ctx  context.Context
	set  *Set
	id   string // of the check that is at work
	said strictyaml.Diagnostics
}

// say notes a finding at a place.
func (l *linter) say(n strictyaml.Node, severity strictyaml.Severity, format string, args ...any) *strictyaml.Diagnostic {
	l.said = append(l.said, n.Finding(severity, l.id, format, args...))
	return &l.said[len(l.said)-1]
}

// warn notes a warning.
func (l *linter) warn(n strictyaml.Node, format string, args ...any) *strictyaml.Diagnostic {
	return l.say(n, strictyaml.Warning, format, args...)
}

// Lint is everything that can be known of the rules without their data: what loading
// warns of, and what reasoning about conditions finds. Findings that a rule or a
// pack allows, with a reason, are left out; an allowance that silences nothing is a
// finding itself. The error is that of ctx.
func (s *Set) Lint(ctx context.Context) (strictyaml.Diagnostics, error) {
	l := &linter{ctx: ctx, set: s}
	for _, c := range checks {
		l.id = c.id
		c.find(l)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	found := append(slices.Clone(s.warnings), silenced(l.said, s.allowed)...)
	l.id, l.said = "unused-allowance", nil
	for _, a := range s.allowed {
		if !a.used {
			l.warn(a.node, "nothing here is found by %s: the allowance can go", a.id)
		}
	}
	found = append(found, l.said...)
	found.Sort()
	return found, nil
}

// allowance silences a kind of finding on some lines of a file, for a reason.
type allowance struct {
	id, reason string
	file       string
	from, to   int
	node       strictyaml.Node
	used       bool
}

var lintKeys = lintMapping.Names()

// readAllowances reads lint: {allow: [{id: …, reason: …}]} of a pack or a rule.
func (c *compiler) readAllowances(fs strictyaml.Fields, from, to int) {
	lint := fs.Get("lint")
	if lint.IsZero() {
		return
	}
	for _, n := range lint.Fields(lintKeys...).Need("allow").Items() {
		in := n.Fields(allowanceMapping().Names()...)
		if n.Kind() != strictyaml.Mapping {
			continue
		}
		id := in.Need("id")
		in.Need("reason")
		if ids := FindingIDs(); id.Text() != "" && !slices.Contains(ids, id.Text()) {
			id.Errorf("lint finds nothing called %q", id.Text()).Suggest(id.Text(), ids)
		}
		if in.Has("reason") && in.Get("reason").Text() == "" {
			in.Get("reason").Errorf("say why this is allowed: whoever reads it next will ask")
		}
		c.allowed = append(c.allowed, &allowance{
			id: id.Text(), reason: in.Get("reason").Text(), file: fs.File().Name(), from: from, to: to, node: n,
		})
	}
}

// silenced are the findings that nothing allows.
func silenced(found strictyaml.Diagnostics, allowed []*allowance) strictyaml.Diagnostics {
	return slices.DeleteFunc(slices.Clone(found), func(d strictyaml.Diagnostic) bool {
		hidden := false
		for _, a := range allowed {
			if d.ID != "" && d.ID == a.id && d.File == a.file && d.Line >= a.from && d.Line <= a.to {
				a.used, hidden = true, true
			}
		}
		return hidden
	})
}

// tableGaps finds combinations of inputs without a row.
func (l *linter) tableGaps() {
	l.eachTable(func(r *Rule, c *condition) {
		if gaps, _, _ := c.table.gaps(); len(gaps) > 0 {
			l.warn(c.node, "the table of %s has no row for %s%s", r.ID, gaps[0].inputs, more(len(gaps)-1)).
				WithHint("add a row, or one of - for all others")
		}
	})
}

// tableOverlaps finds combinations with two rows, where one is to match.
func (l *linter) tableOverlaps() {
	l.eachTable(func(r *Rule, c *condition) {
		if _, overlaps, _ := c.table.gaps(); len(overlaps) > 0 {
			l.warn(c.node, "rows %v of the table of %s both match %s%s, and its hit policy is unique",
				overlaps[0].rows, r.ID, overlaps[0].inputs, more(len(overlaps)-1))
		}
	})
}

// tableUnreached finds rows that others always come before.
func (l *linter) tableUnreached() {
	l.eachTable(func(r *Rule, c *condition) {
		for _, i := range c.table.unreached() {
			l.warn(c.table.rows[i-1].node, "row %d of the table of %s is never reached", i, r.ID)
		}
	})
}

// eachTable calls do for every decision table.
func (l *linter) eachTable(do func(*Rule, *condition)) {
	for _, r := range l.set.rules {
		for _, c := range r.when {
			if c.table != nil {
				do(r, c)
			}
		}
	}
}
