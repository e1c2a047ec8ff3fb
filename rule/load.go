package rule

import (
	"fmt"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// File is a pack as it was read from a disk or an archive.
type File struct {
	Name string // for diagnostics
	Data []byte
}

// Options are what [Load] loads.
type Options struct {
	Files []File
	// Params are the values that a deployment gives, by pack and parameter.
	Params map[string]map[string]any
	// ParamsFile names the file that Params came from, for diagnostics.
	ParamsFile string
	// Types are declared outside the packs, by the sources that give them. Packs
	// may use them without declaring them.
	Types []TypeDecl
	// Open reads a file that a pack names beside itself, such as the rows of a
	// decision table: pack is the name of the pack's File. Without it there are none.
	Open func(pack, name string) ([]byte, error)
}

// compiler turns the files of one Load into a Set.
//
// Types come first, of all packs, then parameters, then rules: a rule may use a type
// that a later pack declares, and the order of packs does not matter.
type compiler struct {
	env       *environment
	options   Options
	types     map[string]*factType
	packs     map[string]*pack
	packOrder []*pack
	rules     []*Rule
	byID      map[string]*Rule
	files     []*strictyaml.File
	roots     []strictyaml.Node
	said      strictyaml.Diagnostics // without a place in a pack
	allowed   []*allowance
	beside    []Beside
}

// Load checks and compiles packs. The error is a strictyaml.Diagnostics with
// everything that is wrong with all of them; warnings are the set's.
func Load(options Options) (*Set, error) {
	env, err := newEnvironment()
	if err != nil {
		return nil, err
	}
	c := &compiler{
		env: env, options: options, types: map[string]*factType{},
		packs: map[string]*pack{}, byID: map[string]*Rule{},
	}
	// First, for packs are compared with what is there, and not the other way round.
	c.declare()
	for _, f := range options.Files {
		file, root := strictyaml.Open(f.Name, f.Data)
		c.files, c.roots = append(c.files, file), append(c.roots, root)
	}
	c.env.parseAhead(c.roots)
	defer c.env.endAhead()
	for _, root := range c.roots {
		c.readPack(root)
	}
	// Only now are they whole. The order of a map does no harm: each goes to its own
	// place.
	for _, t := range c.types {
		c.env.provider.records[t.name] = t.record()
	}
	c.override(options.Params)
	for _, p := range c.packOrder {
		c.readRules(p)
	}
	// When all rules are known, since a rule may name one of another pack.
	c.relate()
	// Once, at the end: an author sees all mistakes of all files together.
	if err := c.diagnostics().Err(); err != nil {
		return nil, err
	}
	return c.assemble()
}

// complain notes an error that has no place in a pack.
func (c *compiler) complain(format string, args ...any) *strictyaml.Diagnostic {
	file := c.options.ParamsFile
	if file == "" {
		file = "deployment"
	}
	c.said = append(c.said, strictyaml.Diagnostic{File: file, Severity: strictyaml.Error, Message: fmt.Sprintf(format, args...)})
	return &c.said[len(c.said)-1]
}

// diagnostics is everything said so far, about all files.
func (c *compiler) diagnostics() strictyaml.Diagnostics {
	out := append(strictyaml.Diagnostics(nil), c.said...)
	for _, f := range c.files {
		out = append(out, f.Diagnostics()...)
	}
	out.Sort()
	return out
}

// declare makes the built-in types and those that sources give.
func (c *compiler) declare() {
	for _, d := range builtinTypes() {
		t, err := checkDecl(d, "Trimtab")
		if err != nil {
			c.complain("%v", err)
			continue
		}
		c.types[t.name] = t
	}
	for _, d := range c.options.Types {
		c.provide(d)
	}
}

// provide takes a type that sources give. Two sources may give the same.
//
// Packs may leave types that sources give undeclared, and may declare them alike,
// for reading and for tests.
func (c *compiler) provide(d TypeDecl) {
	t, err := checkDecl(d, "the sources")
	if err != nil {
		c.complain("type %v", err)
		return
	}
	before, known := c.types[t.name]
	switch {
	case insteadOf[t.name] != "":
		c.complain("type %s is Trimtab's own", t.name)
	case known && before.differs(t) != "":
		c.complain("type %s is declared twice by the sources: %s", t.name, before.differs(t))
	default:
		c.types[t.name] = t
	}
}

// assemble makes the set of what has been checked.
func (c *compiler) assemble() (*Set, error) {
	s := &Set{
		options: c.options, env: c.env, types: c.types, packs: c.packs, rules: c.rules, byID: c.byID,
		warnings: silenced(c.diagnostics().Of(strictyaml.Warning), c.allowed), allowed: c.allowed, files: c.files, beside: c.beside,
		split: &split{parts: map[*condition][]conjunct{}},
	}
	for _, p := range c.packOrder {
		s.params = append(s.params, p.exported()...)
	}
	s.groups = c.agendaGroups()
	var types []rete.Type
	for _, name := range sortedKeys(c.types) {
		types = append(types, c.types[name].rete())
	}
	var productions []rete.Production
	for _, r := range c.rules {
		s.clock = s.clock || r.clock
		// A rule that is off is still checked and listed, but costs the matcher nothing.
		if r.Enabled {
			productions = append(productions, r.productions...)
		}
	}
	base, err := rete.Compile(types, productions)
	if err != nil {
		return nil, fmt.Errorf("compile the rules: %w", err)
	}
	s.base, s.reteTypes = base, types
	return s, nil
}
