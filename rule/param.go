package rule

import (
	"sort"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// Param is a parameter of a pack, or of one rule in it, with the value it has.
type Param struct {
	Pack        string
	Rule        string // the id within the pack; "" for a parameter of the whole pack
	Name        string
	Type        string
	Default     any
	Value       any
	Description string
}

// param is a threshold that a deployment can set.
type param struct {
	Param
	typ  valueType
	val  any // in the matcher's kinds
	node strictyaml.Node
	used bool
}

// paramSet is the parameters of a pack, or those of a rule before the pack's.
type paramSet struct {
	title  string // for CEL: "params of aws.compute"
	params map[string]*param
	order  []string
	outer  *paramSet // the pack's, for those of a rule; nil otherwise
	record *record   // the params as CEL sees them; nil without any
}

var paramKeys = paramMapping.Names()

// readParams reads declarations with their defaults.
func readParams(title string, n strictyaml.Node) *paramSet {
	s := &paramSet{title: "params of " + title, params: map[string]*param{}}
	for _, e := range n.Entries() {
		fs := e.Value.Fields(paramKeys...)
		q := &param{typ: readType(fs.Need("type")), node: e.Key}
		q.Param = Param{Name: e.Key.Text(), Type: q.typ.String(), Description: fs.Get("description").Text()}
		if !isIdent(q.Name) {
			e.Key.Errorf("%q cannot name a parameter: letters, digits and _ can, and no word of CEL's", q.Name)
			continue
		}
		// Not nil: a parameter without a value must be seen as absent, not as null.
		q.val = rete.Absent
		if d := fs.Get("default"); !d.IsZero() {
			v, err := q.typ.literal(d)
			if err != nil {
				d.Errorf("default of %s: %v", q.Name, err)
			}
			q.val, q.Default = v, export(v)
		}
		q.Value = q.Default
		s.params[q.Name] = q
		s.order = append(s.order, q.Name)
	}
	return s
}

// readParamsOfRules reads what rules declare for themselves. It comes before the
// rules, since a deployment's values must be known when expressions are compiled.
func (p *pack) readParamsOfRules() {
	p.ofRules = map[string]*paramSet{}
	rules := p.fields.Get("rules")
	if rules.Kind() != strictyaml.List {
		return
	}
	for _, n := range rules.Items() {
		params, id := childOf(n, "params"), childOf(n, "id")
		if params.IsZero() || id.Kind() != strictyaml.Scalar {
			continue
		}
		s := readParams(p.name+"/"+id.Text(), params)
		s.outer = p.params
		p.ofRules[id.Text()] = s
	}
}

// paramsOf are the parameters that a rule sees.
func (p *pack) paramsOf(id string) *paramSet {
	if s, ok := p.ofRules[id]; ok {
		return s
	}
	return p.params
}

// find finds a parameter: a rule's own hides the pack's of the same name.
func (s *paramSet) find(name string) (*param, bool) {
	for ; s != nil; s = s.outer {
		if q, ok := s.params[name]; ok {
			return q, true
		}
	}
	return nil, false
}

// settable are parameters by the names by which a deployment sets them, sorted.
func (s *paramSet) settable(names []string) []string {
	var out []string
	for _, name := range names {
		if _, own := s.params[name]; own && s.outer != nil {
			_, id, _ := strings.Cut(s.title, "/")
			name = id + "." + name
		}
		out = append(out, name)
	}
	sort.Strings(out)
	return dedup(out)
}

// names are all parameters that can be read, the set's own first.
func (s *paramSet) names() []string {
	out := append([]string(nil), s.order...)
	if s.outer == nil {
		return out
	}
	for _, name := range s.outer.order {
		if _, hidden := s.params[name]; !hidden {
			out = append(out, name)
		}
	}
	return out
}

// sets are the pack's parameters and those of its rules, in order.
func (p *pack) sets() []*paramSet {
	out := []*paramSet{p.params}
	for _, id := range sortedKeys(p.ofRules) {
		out = append(out, p.ofRules[id])
	}
	return out
}

// exported are the parameters for callers.
func (p *pack) exported() []Param {
	var out []Param
	add := func(s *paramSet, rule string) {
		for _, name := range s.order {
			q := s.params[name].Param
			q.Pack, q.Rule = p.name, rule
			out = append(out, q)
		}
	}
	add(p.params, "")
	for _, id := range sortedKeys(p.ofRules) {
		add(p.ofRules[id], id)
	}
	return out
}

// override sets the parameters that the deployment gives.
//
// Overrides come before rules are compiled, for a parameter is a constant in them:
// one that the matcher can index.
func (c *compiler) override(given map[string]map[string]any) {
	for _, packName := range sortedKeys(given) {
		p, ok := c.packs[packName]
		if !ok {
			c.complain("params: no pack %q is loaded", packName).Suggest(packName, sortedKeys(c.packs))
			continue
		}
		for _, name := range sortedKeys(given[packName]) {
			c.overrideOne(p, name, given[packName][name])
		}
	}
	for _, p := range c.packOrder {
		for _, s := range p.sets() {
			s.finish(c)
		}
	}
}

// overrideOne holds a deployment's value against the declared type. A parameter of
// one rule is written RULE.PARAM.
func (c *compiler) overrideOne(p *pack, name string, v any) {
	q, ok := p.params.params[name]
	if dot := strings.LastIndex(name, "."); !ok && dot > 0 {
		if s := p.ofRules[name[:dot]]; s != nil {
			q, ok = s.params[name[dot+1:]]
		}
	}
	if !ok {
		c.complain("params: pack %s has no parameter %q", p.name, name).Suggest(name, p.paramNames())
		return
	}
	converted, err := q.typ.convert(v)
	if err != nil {
		c.complain("params: %s.%s is a %s: %v", p.name, name, q.typ, err)
		return
	}
	q.val, q.Value = converted, export(converted)
}

// paramNames are the names by which a deployment sets parameters.
func (p *pack) paramNames() []string {
	out := append([]string(nil), p.params.order...)
	for _, id := range sortedKeys(p.ofRules) {
		for _, name := range p.ofRules[id].order {
			out = append(out, id+"."+name)
		}
	}
	return out
}

// finish shows the values to CEL.
func (s *paramSet) finish(c *compiler) {
	names := s.names()
	if len(names) == 0 {
		return
	}
	shape := newRecordType(s.title)
	for _, name := range names {
		q, _ := s.find(name)
		// Only now, because the deployment may have given what the pack left open.
		if q.val == rete.Absent && !q.typ.optional && q.Default == nil && s.params[name] == q {
			q.node.Errorf("parameter %s has no default and the deployment gives no value", name)
		}
		shape.add(name, q.typ.cel())
	}
	c.env.provider.records[shape.cel.TypeName()] = shape
	s.record = s.show(shape.cel, c.env)
}

// show shows CEL the values, not the defaults: it asks when it is read.
func (s *paramSet) show(t *types.Type, env *environment) *record {
	return &record{typ: t, adapt: env.provider, name: "params", get: func(field string) (any, bool) {
		q, ok := s.find(field)
		if !ok || q.val == rete.Absent {
			return nil, false
		}
		return q.val, true
	}}
}

// values writes the parameters that a rule reads, for its hash.
func (s *paramSet) values(names []string) string {
	sort.Strings(names)
	var b strings.Builder
	for _, name := range dedup(names) {
		if q, ok := s.find(name); ok {
			b.WriteString(name + "=" + show(q.val) + "\n")
		}
	}
	return b.String()
}
