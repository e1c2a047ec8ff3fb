package rule

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// Set is the rules of several packs, compiled: immutable, and shared by any
// number of sessions.
//
// It keeps its options, to be loaded again with more files: checking only what is
// new would miss what the two say of each other.
type Set struct {
	options   Options
	env       *environment
	types     map[string]*factType
	packs     map[string]*pack
	rules     []*Rule
	byID      map[string]*Rule
	params    []Param
	warnings  strictyaml.Diagnostics
	allowed   []*allowance
	files     []*strictyaml.File
	beside    []Beside
	base      *rete.Base
	reteTypes []rete.Type
	clock     bool     // some rule matches Clock
	groups    []string // agenda groups in the order of their turns
	split     *split
}

// Rule is one rule of a set.
type Rule struct {
	ID       string // pack-qualified
	Title    string
	Pack     string
	Owner    string // of the pack
	Priority int
	// Hash is that of the rule's text, without its tests, and of the parameters
	// it reads.
	Hash    string
	Doc     string
	Runbook string
	Tags    []string
	Enabled bool
	Subject string   // the name of what the rule judges, "" if it does not say
	Actions []string // what it recommends, sorted
	Tests   int      // how many tests it has
	File    string
	Line    int

	reads, negates   map[string]bool // fact types, direct; closed over derivations by relate
	derives, asserts map[string]bool
	clock            bool
	node             strictyaml.Node
	when, evidence   []*condition
	needs            []Need
	settable         []string // parameters that it reads, by the names a deployment sets them by
	subjectAt        int      // conditions of when up to and including the subject's
	productions      []rete.Production
	turn             options // when and how often it fires
	resources        []*expr // of what it recommends
	tests            []*testCase
}

// Reads are the fact types that the rule matches, or that facts it matches are
// derived from, sorted. When a source of one of them fails, the rule's answer is
// unknown.
func (r *Rule) Reads() []string { return sortedKeys(r.reads) }

// Matches are the fact types that the rule itself must find facts of, sorted; those
// that stand in a branch of any are not.
func (r *Rule) Matches() []string {
	types := map[string]bool{}
	for _, list := range [][]*condition{r.when, r.evidence} {
		for _, c := range list {
			if c.kind == "match" {
				types[c.typ.name] = true
			}
		}
	}
	return sortedKeys(types)
}

// Own reports whether a fact type is one of Trimtab's own, which no source gives.
func Own(typ string) bool { return insteadOf[typ] != "" }

// Negates are the fact types whose absence the rule concludes from, directly or
// through derived facts, sorted. They matter as those of Reads do, and more: a
// failed source makes such a rule say too much rather than too little.
func (r *Rule) Negates() []string { return sortedKeys(r.negates) }

// Derives are the fact types that the rule concludes, sorted.
func (r *Rule) Derives() []string {
	out := append(sortedKeys(r.derives), sortedKeys(r.asserts)...)
	slices.Sort(out)
	return slices.Compact(out)
}

// Rules are the rules in the order of their ids.
func (s *Set) Rules() []*Rule { return slices.Clone(s.rules) }

// Rule finds a rule by its pack-qualified id.
func (s *Set) Rule(id string) (*Rule, bool) {
	r, ok := s.byID[strings.TrimSuffix(id, requiresSuffix)]
	return r, ok
}

// Types are the fact types in the order of their names, the built-in ones among
// them.
func (s *Set) Types() []TypeDecl {
	var out []TypeDecl
	for _, name := range sortedKeys(s.types) {
		out = append(out, s.types[name].decl())
	}
	return out
}

// Params are the parameters with the values they have, by pack.
func (s *Set) Params() []Param { return slices.Clone(s.params) }

// Beside is a file that a pack names, such as the rows of a decision table.
type Beside struct{ Pack, Name string }

// Beside are the files that were read besides the packs, in the order of reading.
func (s *Set) Beside() []Beside { return slices.Clone(s.beside) }

// Warnings are what is odd about the packs without being wrong.
func (s *Set) Warnings() strictyaml.Diagnostics { return slices.Clone(s.warnings) }

// WithFiles is the set with more packs: everything is checked anew, together.
func (s *Set) WithFiles(files ...File) (*Set, error) {
	options := s.options
	options.Files = append(slices.Clone(options.Files), files...)
	return Load(options)
}
