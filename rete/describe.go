package rete

import (
	"fmt"
	"strings"
)

// describe says an element in words, for explanations and drawings.
func describe(e Element) string {
	switch e := e.(type) {
	case pattern:
		return e.String()
	case negation:
		if e.exists {
			return "exists(" + describeAll(e.elems) + ")"
		}
		return "not(" + describeAll(e.elems) + ")"
	case disjunction:
		ways := make([]string, len(e.branches))
		for i, b := range e.branches {
			ways[i] = describeAll(b)
		}
		return "any(" + strings.Join(ways, " | ") + ")"
	case binding:
		return "let " + e.name + " = " + label(e.fn)
	case condition:
		return "where " + label(e.fn)
	case having:
		return "having " + describeTests(e.name, e.tests)
	case Accumulation:
		return e.String()
	}
	return "nothing"
}

// describeAll says several elements.
func describeAll(elems []Element) string {
	texts := make([]string, len(elems))
	for i, e := range elems {
		texts[i] = describe(e)
	}
	return strings.Join(texts, "; ")
}

// String says the pattern in words.
func (p pattern) String() string {
	text := p.typ
	if p.as != "" {
		text = p.as + ": " + p.typ
	}
	if len(p.tests) == 0 {
		return text
	}
	return text + " where " + describeTests("", p.tests)
}

// describeTests says tests on one name.
func describeTests(name string, tests []Test) string {
	texts := make([]string, len(tests))
	for i, t := range tests {
		switch {
		case t.op == opFunc:
			texts[i] = label(*t.fn)
			continue
		case t.op.joins():
			texts[i] = t.text()
		default:
			texts[i] = fmt.Sprintf("%s %s %v", t.field, opNames[t.op], t.value)
		}
		switch {
		case name != "" && t.field == "":
			texts[i] = name + texts[i]
		case name != "":
			texts[i] = name + "." + texts[i]
		}
	}
	return strings.Join(texts, " && ")
}

// label is a function's source text.
func label(f Func) string {
	if f.Label == "" {
		return "a function"
	}
	return f.Label
}

// String says the accumulation in words.
func (a Accumulation) String() string {
	var parts []string
	for _, g := range a.Let {
		text := g.Name + " = " + g.Op.String()
		if g.Of.Value != nil {
			text += " " + label(g.Of)
		}
		if g.If.Test != nil {
			text += " if " + label(g.If)
		}
		parts = append(parts, text)
	}
	for _, g := range a.By {
		parts = append(parts, "by "+g.Name+" = "+label(g.Of))
	}
	return "accumulate(" + describeAll(a.From) + ": " + strings.Join(parts, ", ") + ")"
}
