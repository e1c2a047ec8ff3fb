package main

import (
	"fmt"
	"slices"
	"strings"
)

// clipsPreamble is what every program for CLIPS begins with: the generator of
// the workloads, and the loop that does what it is told.
//
// Each program defines prepare, which lays the field, play, which does the
// changes and runs, and bare, which is play without facts and rules: what the
// interpreter spends on the loop and the draws is not the matcher's.
const clipsPreamble = `(defglobal ?*x* = 42)
(deffunction draw (?n) (bind ?*x* (mod (* ?*x* 48271) 2147483647)) (mod ?*x* ?n))
`

const clipsServe = `(deffunction serve ()
  (while TRUE do
    (bind ?line (readline))
    (if (eq ?line EOF) then (exit))
    (bind ?words (explode$ ?line))
    (bind ?*x* 42)
    (switch (nth$ 1 ?words)
      (case prepare then (prepare))
      (case play then (play (nth$ 2 ?words)))
      (case bare then (bare (nth$ 2 ?words))))
    (printout t "done" (counts) crlf)))
(serve)
`

// clipsProgram is a workload in the language of CLIPS.
type clipsProgram struct {
	types  []schema
	rules  []rule
	driver string // prepare, play and bare
	apart  bool   // the rules are a file of their own, for the driver to load
}

// source is the whole program.
func (p clipsProgram) source() string {
	var b strings.Builder
	b.WriteString(clipsPreamble)
	tallies := 1
	for _, r := range p.rules {
		tallies = max(tallies, r.tally+1)
	}
	for i := range tallies {
		fmt.Fprintf(&b, "(defglobal ?*n%d* = 0)\n", i)
	}
	for _, t := range p.types {
		fmt.Fprintf(&b, "(deftemplate %s (slot %s))\n", t.name, strings.Join(t.fields, ") (slot "))
	}
	b.WriteString(clipsFunctions(p.rules))
	if !p.apart {
		b.WriteString(p.ruleset())
	}
	b.WriteString(clipsCounts(tallies))
	b.WriteString(p.driver)
	b.WriteString(clipsServe)
	return b.String()
}

// ruleset is the rules.
func (p clipsProgram) ruleset() string {
	var b strings.Builder
	for _, r := range p.rules {
		writeClips(&b, r)
	}
	return b.String()
}

// clipsCounts defines counts, which prints the tallies, and zero.
func clipsCounts(tallies int) string {
	var list, zero strings.Builder
	for i := range tallies {
		fmt.Fprintf(&list, ` " " ?*n%d*`, i)
		fmt.Fprintf(&zero, " (bind ?*n%d* 0)", i)
	}
	return fmt.Sprintf("(deffunction counts () (str-cat%s))\n(deffunction zero ()%s)\n", list.String(), zero.String())
}

// clipsFunctions are the definitions that deeds call, each once.
func clipsFunctions(rules []rule) string {
	text, seen := "", map[string]bool{}
	for _, r := range rules {
		for _, d := range r.then {
			if d.call != nil && !seen[d.call.name] {
				seen[d.call.name] = true
				text += d.call.clips
			}
		}
	}
	return text
}

// writeClips writes a rule.
func writeClips(b *strings.Builder, r rule) {
	fmt.Fprintf(b, "(defrule %s", r.name)
	if r.priority != 0 {
		fmt.Fprintf(b, " (declare (salience %d))", r.priority)
	}
	needed, held := r.variables()
	for _, c := range r.when {
		b.WriteString(" ")
		if held[c.as] {
			fmt.Fprintf(b, "?%s <- ", c.as)
		}
		b.WriteString(clipsClause(c, needed))
	}
	fmt.Fprintf(b, " => (bind ?*n%d* (+ ?*n%d* 1))", r.tally, r.tally)
	for _, d := range r.then {
		b.WriteString(" " + clipsDeed(d))
	}
	b.WriteString(")\n")
}

// variables are the fields that a rule looks at across clauses, and the clauses
// whose facts it changes: CLIPS binds only those.
func (r rule) variables() (needed map[at]bool, held map[string]bool) {
	needed, held = map[at]bool{}, map[string]bool{}
	for _, a := range r.reads {
		needed[a] = true
	}
	for _, c := range r.when {
		for _, t := range c.tests {
			if a, is := t.to[0].(at); is {
				needed[a] = true
			}
			if t.relation == greater || t.relation == less {
				needed[at(c.as+"."+t.field)] = true
			}
		}
	}
	for _, d := range r.then {
		for _, a := range d.refs() {
			needed[a] = true
		}
		held[d.on] = d.verb == update || d.verb == retract
	}
	return needed, held
}

// clipsClause writes a pattern: its fields in the order in which they are first
// tested, those that are only read behind.
func clipsClause(c clause, needed map[at]bool) string {
	fields, tests := []string{}, map[string][]string{}
	add := func(field, text string) {
		if tests[field] == nil {
			fields = append(fields, field)
			if a := at(c.as + "." + field); needed[a] {
				tests[field] = []string{clipsValue(a)}
			}
		}
		if text != "" {
			tests[field] = append(tests[field], text)
		}
	}
	for _, t := range c.tests {
		add(t.field, clipsTest(c.as, t))
	}
	for _, field := range sortedFields(c.as, needed) {
		add(field, "")
	}
	text := "(" + c.typ
	for _, f := range fields {
		text += " (" + f + " " + strings.Join(tests[f], "&") + ")"
	}
	if text += ")"; c.absent {
		text = "(not " + text + ")"
	}
	return text
}

func clipsTest(as string, t test) string {
	switch t.relation {
	case differs:
		return "~" + clipsValue(t.to[0])
	case greater, less:
		sign := map[relation]string{greater: ">", less: "<"}[t.relation]
		return fmt.Sprintf(":(%s %s %s)", sign, clipsValue(at(as+"."+t.field)), clipsValue(t.to[0]))
	case among:
		all := make([]string, len(t.to))
		for i, v := range t.to {
			all[i] = clipsValue(v)
		}
		return strings.Join(all, "|")
	}
	return clipsValue(t.to[0])
}

func clipsDeed(d deed) string {
	values := ""
	for _, s := range d.values {
		if d.verb == calculate {
			values += " " + clipsValue(s.value)
		} else {
			values += " (" + s.field + " " + clipsValue(s.value) + ")"
		}
	}
	switch d.verb {
	case assert:
		return "(assert (" + d.on + values + "))"
	case update:
		return "(modify ?" + d.on + values + ")"
	case retract:
		return "(retract ?" + d.on + ")"
	case calculate:
		return "(" + d.call.name + values + ")"
	}
	return "(halt)"
}

// clipsValue writes a constant, a variable or a sum.
func clipsValue(v any) string {
	switch v := v.(type) {
	case at:
		return "?" + strings.ReplaceAll(string(v), ".", "-")
	case plus:
		return fmt.Sprintf("(+ %s %d)", clipsValue(v.to), v.by)
	}
	return fmt.Sprint(v)
}

// sortedFields are the fields of a clause that others look at.
func sortedFields(as string, needed map[at]bool) []string {
	var fields []string
	for a := range needed {
		if name, field := a.parts(); name == as {
			fields = append(fields, field)
		}
	}
	slices.Sort(fields)
	return fields
}
