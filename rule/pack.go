package rule

import (
	"regexp"
	"sort"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// apiVersion is the version of the rule language.
const apiVersion = "trimtab/v1"

// pack is one file of rules.
type pack struct {
	name        string
	owner       string
	description string
	fields      strictyaml.Fields
	params      map[string]*param
	order       []string // of params
	record      *record  // the params as CEL sees them; nil without
}

// param is a threshold that a deployment can set.
type param struct {
	Param
	typ  valueType
	val  any // in the matcher's kinds
	node strictyaml.Node
	used bool
}

// Param is a parameter of a pack with the value it has.
type Param struct {
	Pack        string
	Name        string
	Type        string
	Default     any
	Value       any
	Description string
}

var packKeys = []string{
	"apiVersion", "pack", "owner", "description", "facts", "params", "rules",
	"groups", "mode", "per", "queries", "states",
}

var packName = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// notYet refuses keys that the language has and this version has not: leaving
// them out silently would change what a rule means.
func notYet(fs strictyaml.Fields, keys ...string) {
	for _, k := range keys {
		if fs.Has(k) {
			fs.Key(k).Errorf("%q is not available yet in this version of Trimtab", k)
		}
	}
}

// readPack reads the head, the facts and the params of a pack; its rules follow
// when the types of all packs are known.
func (c *compiler) readPack(root strictyaml.Node) {
	fs := root.Fields(packKeys...)
	if root.Kind() != strictyaml.Mapping {
		return
	}
	notYet(fs, "groups", "mode", "per", "queries", "states")
	if v := fs.Need("apiVersion"); !v.IsZero() && v.Text() != apiVersion {
		v.Errorf("apiVersion %q is not known", v.Text()).WithHint("write %s", apiVersion)
	}
	p := &pack{
		name: fs.Need("pack").Text(), owner: fs.Get("owner").Text(), fields: fs,
		description: fs.Get("description").Text(), params: map[string]*param{},
	}
	if n := fs.Get("pack"); n.Kind() == strictyaml.Scalar && !packName.MatchString(p.name) {
		n.Errorf("%q cannot name a pack: small letters, digits, - and _ can, with dots between", p.name)
	}
	if before, twice := c.packs[p.name]; twice && p.name != "" {
		line, _ := before.fields.Get("pack").Pos()
		fs.Get("pack").Errorf("pack %s is already there: %s:%d", p.name, before.fields.File().Name(), line)
		p.name += "'" // its rules are checked all the same
	}
	c.packs[p.name] = p
	c.packOrder = append(c.packOrder, p)
	c.readFacts(p, fs.Get("facts"))
	p.readParams(fs.Get("params"))
}

// readParams reads declarations with their defaults.
func (p *pack) readParams(n strictyaml.Node) {
	for _, e := range n.Entries() {
		fs := e.Value.Fields("type", "default", "description")
		q := &param{typ: readType(fs.Need("type")), node: e.Key}
		q.Param = Param{Pack: p.name, Name: e.Key.Text(), Type: q.typ.String(), Description: fs.Get("description").Text()}
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
		p.params[q.Name] = q
		p.order = append(p.order, q.Name)
	}
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
		p.finishParams(c)
	}
}

// overrideOne holds a deployment's value against the declared type.
func (c *compiler) overrideOne(p *pack, name string, v any) {
	q, ok := p.params[name]
	if !ok {
		c.complain("params: pack %s has no parameter %q", p.name, name).Suggest(name, p.order)
		return
	}
	converted, err := q.typ.convert(v)
	if err != nil {
		c.complain("params: %s.%s is a %s: %v", p.name, name, q.typ, err)
		return
	}
	q.val, q.Value = converted, export(converted)
}

// finishParams shows the values to CEL.
func (p *pack) finishParams(c *compiler) {
	if len(p.order) == 0 {
		return
	}
	shape := newRecordType("params of " + p.name)
	for _, name := range p.order {
		q := p.params[name]
		// Only now, because the deployment may have given what the pack left open.
		if q.val == rete.Absent && !q.typ.optional && q.Default == nil {
			q.node.Errorf("parameter %s has no default and the deployment gives no value", name)
		}
		shape.add(name, q.typ.cel())
	}
	c.env.provider.records[shape.cel.TypeName()] = shape
	p.record = p.paramRecord(shape.cel, c.env)
}

// paramRecord shows CEL the values, not the defaults: it asks when it is read.
func (p *pack) paramRecord(t *types.Type, env *environment) *record {
	return &record{typ: t, adapt: env.provider, name: "params", get: func(field string) (any, bool) {
		q, ok := p.params[field]
		if !ok || q.val == rete.Absent {
			return nil, false
		}
		return q.val, true
	}}
}

// paramValues writes the parameters that a rule reads, for its hash.
func (p *pack) paramValues(names []string) string {
	sort.Strings(names)
	var b strings.Builder
	for _, name := range dedup(names) {
		if q, ok := p.params[name]; ok {
			b.WriteString(name + "=" + show(q.val) + "\n")
		}
	}
	return b.String()
}

// sortedKeys is how maps are walked here: whatever is said or made in the order of a
// map would differ from run to run.
func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
