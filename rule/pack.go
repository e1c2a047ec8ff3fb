package rule

import (
	"math"
	"regexp"
	"sort"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// apiVersion is the version of the rule language.
const apiVersion = "trimtab/v1"

// pack is one file of rules.
type pack struct {
	name        string
	owner       string
	description string
	fields      strictyaml.Fields
	params      *paramSet
	ofRules     map[string]*paramSet // the parameters of single rules, by the rule's id
	first       bool                 // mode: first
	per         strictyaml.Node      // what mode: first is counted by
	groups      []string             // agenda groups in their order
	grouped     []strictyaml.Node    // where rules name a group
	focused     map[string]bool      // the groups that some action gives the focus
}

var packKeys = packMapping.Names()

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
	notYet(fs, packMapping.Later()...)
	if v := fs.Need("apiVersion"); !v.IsZero() && v.Text() != apiVersion {
		v.Errorf("apiVersion %q is not known", v.Text()).WithHint("write %s", apiVersion)
	}
	p := &pack{
		name: fs.Need("pack").Text(), owner: fs.Get("owner").Text(), fields: fs,
		description: fs.Get("description").Text(), focused: map[string]bool{},
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
	p.readMode()
	c.readAllowances(fs, 1, math.MaxInt)
	p.params = readParams(p.name, fs.Get("params"))
	p.readParamsOfRules()
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
