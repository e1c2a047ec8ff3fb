// Package draw draws a directed graph in layers, edges pointing down: as DOT for
// Graphviz, and as SVG for a browser without it.
//
// The SVG is laid out after Sugiyama, Tagawa and Toda, "Methods for visual
// understanding of hierarchical system structures" (1981): cycles are broken,
// each node goes to the layer below its last predecessor, barycentres order the
// layers so that few edges cross, and nodes are moved as near to their neighbours
// as their order allows. Equal graphs give equal bytes: nodes are taken in the
// order of their ids and edges in that of their ends, whatever the order in the
// input.
package draw

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Graph is what to draw. The title stands above it and may be empty.
type Graph struct {
	Title string
	Nodes []Node
	Edges []Edge
}

// Node is a box. The label may have several lines, separated by \n; the kind gives
// the colour; the note is the tooltip.
type Node struct {
	ID, Label string
	Kind      string
	Note      string
}

// Edge is an arrow between two nodes, named by their ids.
type Edge struct {
	From, To string
	Label    string
	Dashed   bool
}

// graph is a Graph in order, with the edges' ends found.
type graph struct {
	title string
	nodes []Node
	edges []edge
	kinds []string // all but the empty one, in order
}

// edge has indexes of nodes.
type edge struct {
	Edge
	from, to int
}

// prepare sorts and checks a graph. The error names all ids that are there twice
// and all that edges name but no node has.
func prepare(g Graph) (*graph, error) {
	p := &graph{title: g.Title, nodes: slices.Clone(g.Nodes)}
	slices.SortStableFunc(p.nodes, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	index, twice := map[string]int{}, []string{}
	for i, n := range p.nodes {
		if _, found := index[n.ID]; found {
			twice = append(twice, n.ID)
		}
		index[n.ID] = i
		if n.Kind != "" {
			p.kinds = append(p.kinds, n.Kind)
		}
	}
	slices.Sort(p.kinds)
	p.kinds = slices.Compact(p.kinds)
	var unknown []string
	for _, e := range g.Edges {
		from, known := index[e.From]
		if !known {
			unknown = append(unknown, e.From)
		}
		to, known := index[e.To]
		if !known {
			unknown = append(unknown, e.To)
		}
		p.edges = append(p.edges, edge{e, from, to})
	}
	slices.SortFunc(p.edges, compareEdges)
	return p, errors.Join(complain("nodes share an id", twice), complain("edges name nodes that are not there", unknown))
}

func compareEdges(a, b edge) int {
	dashed := func(e edge) int {
		if e.Dashed {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to),
		strings.Compare(a.Label, b.Label), cmp.Compare(dashed(a), dashed(b)),
	)
}

func complain(what string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	var quoted []string
	for _, id := range slices.Compact(ids) {
		quoted = append(quoted, fmt.Sprintf("%q", id))
	}
	return fmt.Errorf("draw: %s: %s", what, strings.Join(quoted, ", "))
}

// colour is a kind's fill and line.
type colour struct{ fill, line string }

// Kinds take the colours in turn; nodes without a kind are white.
var (
	lightColours = []colour{
		{"#dbeafe", "#2563eb"},
		{"#dcfce7", "#16a34a"},
		{"#fef3c7", "#d97706"},
		{"#fce7f3", "#db2777"},
		{"#ede9fe", "#7c3aed"},
		{"#cffafe", "#0891b2"},
		{"#fee2e2", "#dc2626"},
		{"#e7e5e4", "#57534e"},
	}
	darkColours = []colour{
		{"#1e3a5f", "#60a5fa"},
		{"#14432a", "#4ade80"},
		{"#4a3410", "#fbbf24"},
		{"#500f2f", "#f472b6"},
		{"#341a66", "#a78bfa"},
		{"#0c3f4c", "#22d3ee"},
		{"#561818", "#f87171"},
		{"#3a3633", "#d6d3d1"},
	}
)

// colourOf is a kind's place among the colours; it is false without a kind.
func (g *graph) colourOf(kind string) (int, bool) {
	at, found := slices.BinarySearch(g.kinds, kind)
	return at % len(lightColours), found
}
