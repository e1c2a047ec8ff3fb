package rule

import (
	"io"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
)

// GraphFormats are how [Session.WriteGraph] can draw: a picture for a browser, or
// the language of Graphviz.
var GraphFormats = []string{"svg", "dot"}

// WriteGraph draws the network that some rules, or all that are enabled, have
// become: its nodes with what they hold now. A rule with requires is drawn with the
// production that says "unknown" for it.
func (s *Session) WriteGraph(w io.Writer, format string, ids ...string) error {
	// What was stated since the last run belongs to what the nodes hold now.
	if err := s.commit(); err != nil {
		return err
	}
	productions, err := s.set.productionsOf(ids)
	if err != nil {
		return err
	}
	switch format {
	case "svg":
		return s.memory.WriteSVG(w, productions...)
	case "dot":
		return s.memory.WriteDOT(w, productions...)
	}
	return trimtab.Errorf(trimtab.Invalid, "there is no format %q", format).WithNext("there are %s", strings.Join(GraphFormats, ", "))
}

// productionsOf are what the matcher runs of some rules; none for no rules, which
// the matcher takes for all.
func (s *Set) productionsOf(ids []string) ([]string, error) {
	var out []string
	for _, id := range ids {
		r, ok := s.Rule(id)
		if !ok {
			return nil, s.unknownRule(id)
		}
		if !r.Enabled {
			return nil, trimtab.Errorf(trimtab.Invalid, "rule %s is not enabled: the network has nothing of it", r.ID).WithNext("set `enabled: true` in %s:%d", r.File, r.Line)
		}
		for _, p := range r.productions {
			out = append(out, p.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// unknownRule says that there is no such rule, and which was probably meant: one
// misspelt, or one named without its pack.
func (s *Set) unknownRule(id string) error {
	err := trimtab.Errorf(trimtab.NotFound, "there is no rule %q", id)
	near := strictyaml.Nearest(id, sortedKeys(s.byID))
	for _, r := range s.rules {
		if near == "" && strings.HasSuffix(r.ID, "/"+id) {
			near = r.ID
		}
	}
	if near == "" {
		return err.WithNext("`trimtab rules list` lists them")
	}
	return err.WithNext("did you mean %s?", near)
}
