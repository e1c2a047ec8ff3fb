package rete

import (
	"fmt"
	"io"
	"strings"

	"github.com/trimtab/trimtab/rete/internal/draw"
)

// WriteDOT draws the network of some productions, or of all, in the language of
// Graphviz: nodes with what they hold now. An unknown production is a [QueryError].
func (s *Session) WriteDOT(w io.Writer, productions ...string) error {
	g, err := s.graph(productions)
	if err != nil {
		return err
	}
	return draw.DOT(w, g)
}

// WriteSVG draws the network of some productions, or of all, as a picture.
func (s *Session) WriteSVG(w io.Writer, productions ...string) error {
	g, err := s.graph(productions)
	if err != nil {
		return err
	}
	return draw.SVG(w, g)
}

// grapher collects the nodes of some productions, each once.
type grapher struct {
	graph  draw.Graph
	seen   map[any]string     // by alpha memory or part
	makers map[*memory]string // what fills a memory
}

// graph is the network of productions.
func (s *Session) graph(productions []string) (draw.Graph, error) {
	if s.closed != nil {
		return draw.Graph{}, s.closed
	}
	if len(productions) == 0 {
		productions = s.base.Productions()
	}
	g := &grapher{seen: map[any]string{}, makers: map[*memory]string{}}
	g.graph.Title = fmt.Sprintf("%s, %s, %s", many(s.store.size, "fact", "s"), many(s.net.size(), "token", "s"), many(s.matches, "match", "es"))
	for _, id := range productions {
		p := s.nodes[id]
		if p == nil {
			return draw.Graph{}, &QueryError{id, "there is no such production"}
		}
		for _, x := range p.built.parts {
			g.part(x)
		}
		name := "production " + id
		g.node(name, id+"\n"+many(p.size, "match", "es"), "production", fmt.Sprintf("%d firings", p.total))
		for _, e := range p.ends {
			g.from(e.mem, name, "")
		}
	}
	return g.graph, nil
}

// node adds a node.
func (g *grapher) node(id, label, kind, note string) {
	g.graph.Nodes = append(g.graph.Nodes, draw.Node{ID: id, Label: label, Kind: kind, Note: note})
}

// from adds an edge from whatever fills a memory; the top fills itself.
func (g *grapher) from(m *memory, to, label string) {
	if by := g.makers[m]; by != "" {
		g.graph.Edges = append(g.graph.Edges, draw.Edge{From: by, To: to, Label: label})
	}
}

// part adds a node of the network with its alpha memory.
func (g *grapher) part(p *part) {
	if g.seen[p] != "" {
		return
	}
	id := fmt.Sprintf("node %d", len(g.seen)+1)
	g.seen[p] = id
	note := fmt.Sprintf("%d tests, %d tokens made, used by %d", p.work.Tests, p.work.Tokens, p.users)
	label, kind := "", ""
	switch n := p.node.(type) {
	case *joinNode:
		label, kind = n.hinge.words("join", &n.out), "join"
		g.makers[&n.out] = id
		g.alpha(n.hinge.right, id)
	case *negativeNode:
		label, kind = n.hinge.words(strings.TrimSpace(gateName(n.gate.exists)), n.gate.out), "not"
		g.makers[n.gate.out] = id
		g.alpha(n.hinge.right, id)
	case *nccNode:
		label, kind = fmt.Sprintf("%s (…)\n%d pass", strings.TrimSpace(gateName(n.gate.exists)), n.gate.out.size), "not"
		g.makers[n.gate.out], g.makers[n.gate.own] = id, id
	case *accNode:
		out := n.mids[len(n.mids)-1]
		label, kind = fmt.Sprintf("accumulate\n%d results", out.size), "accumulate"
		g.makers[out], g.makers[n.own] = id, id
	case *whereNode:
		label, kind = fmt.Sprintf("where %s\n%d pass", n.call.fn.Label, n.out.size), "filter"
		g.makers[n.out] = id
	case *havingNode:
		label, kind = fmt.Sprintf("having %s\n%d pass", n.spec.words(), n.out.size), "filter"
		g.makers[n.out] = id
	case *letNode:
		label, kind = fmt.Sprintf("let %s\n%d values", n.call.fn.Label, n.out.size), "filter"
		g.makers[n.out] = id
	}
	g.node(id, label, kind, note)
	g.from(p.in, id, "")
}

// alpha adds an alpha memory that a node reads.
func (g *grapher) alpha(m *alphaMemory, to string) {
	id := g.seen[m]
	if id == "" {
		id = fmt.Sprintf("memory %d", len(g.seen)+1)
		g.seen[m] = id
		tests := make([]string, len(m.tests))
		for i := range m.tests {
			tests[i] = m.tests[i].text(m.spec.typ)
		}
		text := m.spec.typ.Name
		if len(tests) > 0 {
			text += "\n" + strings.Join(tests, "\n")
		}
		g.node(id, text+"\n"+many(m.size, "fact", "s"), "alpha", fmt.Sprintf("used by %d", m.users))
	}
	g.graph.Edges = append(g.graph.Edges, draw.Edge{From: id, To: to, Dashed: true})
}

// many counts things in words.
func many[N int | int32 | uint32 | int64 | uint64](n N, one, plural string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s%s", n, one, plural)
}

// words say what a join compares, whether it is unlinked, and what it holds.
func (h *hinge) words(what string, out *memory) string {
	lines := []string{what}
	for _, q := range h.spec.equal {
		lines = append(lines, q.test.text())
	}
	for _, c := range h.spec.compare {
		lines = append(lines, c.label)
	}
	for i := range h.spec.checks {
		lines = append(lines, label(*h.spec.checks[i].fn))
	}
	switch {
	case h.keyed:
		lines = append(lines, "keyed")
	case h.place < 0:
		lines = append(lines, "right unlinked")
	case !h.patient && h.part.place < 0:
		lines = append(lines, "left unlinked")
	}
	return strings.Join(append(lines, fmt.Sprintf("%d pass", out.size)), "\n")
}

// words say the tests of a having.
func (s *havingSpec) words() string {
	texts := make([]string, len(s.tests))
	for i := range s.tests {
		texts[i] = s.tests[i].label
	}
	return strings.Join(texts, " && ")
}
