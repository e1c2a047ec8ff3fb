package rule

import (
	"encoding/json"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/schema"
	"github.com/trimtab/trimtab/rete"
)

// Catalogue is everything that can be said in rules, and what is said: for editors
// and forms. It is made of the tables by which packs are loaded and of the
// environment in which expressions are checked. Its names in JSON stay.
type Catalogue struct {
	APIVersion  string          `json:"api_version"`
	Packs       []PackInfo      `json:"packs"`
	FactTypes   []TypeInfo      `json:"fact_types"`
	Parameters  []ParamInfo     `json:"parameters"`
	Rules       []RuleInfo      `json:"rules"`
	ValueTypes  []string        `json:"value_types"` // of fields and parameters; list(T), map(string, T) and T? besides
	Elements    []ConstructInfo `json:"elements"`    // of when
	Aggregates  []AggregateInfo `json:"aggregates"`  // of accumulate
	Actions     []ConstructInfo `json:"actions"`     // of then
	PackKeys    []KeyInfo       `json:"pack_keys"`
	RuleOptions []KeyInfo       `json:"rule_options"`
	TableKeys   []KeyInfo       `json:"table_keys"`
	HitPolicies []string        `json:"hit_policies"` // of decision tables
	Strategies  []string        `json:"strategies"`   // of the agenda
	Variables   []VariableInfo  `json:"variables"`
	Operators   []Operation     `json:"operators"`
	Functions   []Operation     `json:"functions"`
	Macros      []Operation     `json:"macros"`
	Findings    []string        `json:"findings"` // of lint
}

// PackInfo is a pack.
type PackInfo struct {
	Name        string   `json:"name"`
	Owner       string   `json:"owner"`
	Description string   `json:"description"`
	Mode        string   `json:"mode"`
	Groups      []string `json:"groups"`
	Rules       int      `json:"rules"`
	File        string   `json:"file"`
}

// TypeInfo is a fact type. Provider declares it: a source, a pack, the built-in
// packs, or Trimtab itself; Sources are those of the deployment that give its facts.
type TypeInfo struct {
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Key         []string    `json:"key"`
	Provider    string      `json:"provider"`
	Own         bool        `json:"own"` // Trimtab's own, which no pack declares
	Sources     []string    `json:"sources"`
	Fields      []FieldInfo `json:"fields"`
}

// FieldInfo is a field of a fact type; its type is written without the ?.
type FieldInfo struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Optional    bool   `json:"optional"`
	Description string `json:"description"`
}

// ParamInfo is a parameter with the value that it has; Rule is "" for one of the
// whole pack. Values are written as rule files write them.
type ParamInfo struct {
	Pack        string `json:"pack"`
	Rule        string `json:"rule"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Default     any    `json:"default"`
	Value       any    `json:"value"`
	Description string `json:"description"`
}

// RuleInfo is a rule.
type RuleInfo struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	Pack     string     `json:"pack"`
	Priority int        `json:"priority"`
	Enabled  bool       `json:"enabled"`
	Subject  string     `json:"subject"`
	Actions  []string   `json:"actions"` // that it recommends
	Matches  []string   `json:"matches"` // fact types that it must find
	Reads    []string   `json:"reads"`
	Derives  []string   `json:"derives"`
	Needs    []NeedInfo `json:"needs"`
	Params   []string   `json:"params"` // that it reads; RULE.PARAM for its own
	Tags     []string   `json:"tags"`
	Doc      string     `json:"doc"`
	Runbook  string     `json:"runbook"`
	Tests    int        `json:"tests"`
	Hash     string     `json:"hash"`
	File     string     `json:"file"`
	Line     int        `json:"line"`
}

// NeedInfo is an optional field that a rule cannot do without.
type NeedInfo struct {
	Type  string `json:"type"`
	Field string `json:"field"`
}

// ConstructInfo is an element of when or an action of then: the key that says what
// it is, what stands under it, and the keys inside of it or beside it.
type ConstructInfo struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Value       string    `json:"value"`
	Keys        []KeyInfo `json:"keys"`
}

// KeyInfo is a key. Value is what stands under it (text, bool, int, expression,
// word, list, entries, mapping, either, null, any), Type the type of an expression's result, Words
// what can be chosen from.
type KeyInfo struct {
	Name        string   `json:"name"`
	Value       string   `json:"value"`
	Type        string   `json:"type"`
	Words       []string `json:"words"`
	Required    bool     `json:"required"`
	Default     any      `json:"default"`
	Inside      bool     `json:"inside"` // of the construct's mapping; else beside its name
	Description string   `json:"description"`
}

// AggregateInfo is an aggregate with the types that it takes and gives.
type AggregateInfo struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Results     map[string]string `json:"results"` // by the type of what is aggregated
}

// VariableInfo is a name that every expression knows.
type VariableInfo struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
}

// Catalogue is what the set has and what its language can say.
func (s *Set) Catalogue() Catalogue {
	c := Catalogue{
		APIVersion: apiVersion, ValueTypes: slices.Clone(kindNames[:kindList]), HitPolicies: slices.Clone(hitPolicies),
		Strategies: rete.Strategies(), Findings: FindingIDs(), Aggregates: aggregateInfos(),
		Elements: constructs(elementMapping), Actions: constructs(actionMapping),
		PackKeys: keyInfos(packMapping, false), RuleOptions: keyInfos(ruleMapping, false), TableKeys: keyInfos(tableMapping, false),
		Variables: []VariableInfo{
			{"now", "timestamp", "The run's time; only in comparisons that can expire, as x.until > now."},
			{"params", "mapping", "The parameters of the pack and of the rule, as params.max_cpu."},
		},
	}
	c.Operators, c.Functions, c.Macros = s.env.operations()
	c.Packs, c.Parameters = s.packInfos(), s.paramInfos()
	for _, name := range sortedKeys(s.types) {
		c.FactTypes = append(c.FactTypes, s.types[name].info())
	}
	c.Rules = []RuleInfo{}
	for _, r := range s.rules {
		c.Rules = append(c.Rules, r.info())
	}
	return c
}

// packInfos are the packs in the order of their names.
func (s *Set) packInfos() []PackInfo {
	out := []PackInfo{}
	for _, name := range sortedKeys(s.packs) {
		p := s.packs[name]
		info := PackInfo{Name: name, Owner: p.owner, Description: p.description, Mode: "all", Groups: []string{}, File: p.fields.File().Name()}
		if p.first {
			info.Mode = "first"
		}
		info.Groups = append(info.Groups, p.fields.Get("groups").Texts()...)
		for _, r := range s.rules {
			if r.Pack == name {
				info.Rules++
			}
		}
		out = append(out, info)
	}
	return out
}

func (s *Set) paramInfos() []ParamInfo {
	out := []ParamInfo{}
	for _, p := range s.params {
		out = append(out, ParamInfo{p.Pack, p.Rule, p.Name, p.Type, writtenValue(p.Default), writtenValue(p.Value), p.Description})
	}
	return out
}

// writtenValue is a parameter's value as a rule file writes it.
func writtenValue(v any) any {
	switch x := v.(type) {
	case trimtab.Money:
		return x.String()
	case trimtab.Decimal:
		return json.Number(x.String())
	}
	return jsonValue(v)
}

// info is the type with who gives it.
func (t *factType) info() TypeInfo {
	info := TypeInfo{Name: t.name, Description: t.doc, Key: append([]string{}, t.key...), Provider: t.giver, Own: Own(t.name), Sources: []string{}, Fields: []FieldInfo{}}
	if info.Provider == "" {
		info.Provider = t.from
	}
	for _, f := range t.fields {
		info.Fields = append(info.Fields, FieldInfo{f.name, f.typ.present().String(), f.typ.optional, f.doc})
	}
	return info
}

// info is the rule; lists are never null, so that a form can walk them.
func (r *Rule) info() RuleInfo {
	info := RuleInfo{
		ID: r.ID, Title: r.Title, Pack: r.Pack, Priority: r.Priority, Enabled: r.Enabled, Subject: r.Subject,
		Actions: list(r.Actions), Matches: list(r.Matches()), Reads: list(r.Reads()), Derives: list(r.Derives()), Needs: []NeedInfo{},
		Params: list(r.settable), Tags: list(r.Tags), Doc: r.Doc, Runbook: r.Runbook, Tests: r.Tests, Hash: r.Hash, File: r.File, Line: r.Line,
	}
	for _, n := range r.needs {
		info.Needs = append(info.Needs, NeedInfo(n))
	}
	return info
}

// list is a list that JSON writes as one though it is empty.
func list(of []string) []string { return append([]string{}, of...) }

// aggregateInfos tries every aggregate on every type.
func aggregateInfos() []AggregateInfo {
	var out []AggregateInfo
	for _, word := range sortedKeys(aggregateOps) {
		info := AggregateInfo{Name: word, Description: aggregateDocs[word], Results: map[string]string{}}
		for k, name := range kindNames[:kindList] {
			a := aggregate{op: aggregateOps[word], of: &expr{out: celKinds[kind(k)]}}
			if a.op == rete.Count && kind(k) != kindBool && kind(k) != kindDyn || a.op != rete.Count && !aggregates(a.op, a.of.out) {
				continue
			}
			info.Results[name] = typeName(a.result())
		}
		out = append(out, info)
	}
	return out
}

// constructs are what a mapping can be, each with its keys.
func constructs(m schema.Mapping) []ConstructInfo {
	var out []ConstructInfo
	for _, name := range m.OneOf {
		k, _ := m.Key(name)
		info := ConstructInfo{Name: name, Description: k.Doc, Value: string(k.Value.Kind), Keys: []KeyInfo{}}
		for _, beside := range m.Keys {
			if slices.Contains(beside.With, name) {
				info.Keys = append(info.Keys, keyInfo(beside, false))
			}
		}
		for _, inner := range language() {
			if k.Value.Kind == schema.KindMapping && inner.Name == k.Value.Ref {
				info.Keys = append(info.Keys, keyInfos(inner, true)...)
			}
		}
		out = append(out, info)
	}
	return out
}

// keyInfos are the keys of a mapping that this version reads.
func keyInfos(m schema.Mapping, inside bool) []KeyInfo {
	var out []KeyInfo
	for _, k := range m.Keys {
		if !k.Later {
			out = append(out, keyInfo(k, inside))
		}
	}
	return out
}

func keyInfo(k schema.Key, inside bool) KeyInfo {
	return KeyInfo{
		Name: k.Name, Value: string(k.Value.Kind), Type: k.Value.Type, Words: list(k.Value.Words), Required: k.Need,
		Default: k.Default, Inside: inside, Description: k.Doc,
	}
}
