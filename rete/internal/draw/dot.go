package draw

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// DOT writes the graph in the language of Graphviz. The error is that of w, or
// names the ids that are there twice or not at all.
func DOT(w io.Writer, g Graph) error {
	p, err := prepare(g)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "digraph %s {\n", quoteID(p.title))
	if p.title != "" {
		fmt.Fprintf(&b, "  label=%s;\n  labelloc=t;\n", quote(p.title))
	}
	b.WriteString("  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=monospace, fontsize=10];\n")
	b.WriteString("  edge [fontname=monospace, fontsize=9];\n")
	for _, n := range p.nodes {
		fmt.Fprintf(&b, "  %s [%s];\n", quoteID(n.ID), p.nodeAttributes(n))
	}
	for _, e := range p.edges {
		fmt.Fprintf(&b, "  %s -> %s%s;\n", quoteID(e.From), quoteID(e.To), edgeAttributes(e))
	}
	b.WriteString("}\n")
	_, err = w.Write(b.Bytes())
	return err
}

func (g *graph) nodeAttributes(n Node) string {
	list := []string{"label=" + quote(n.Label)}
	if c, found := g.colourOf(n.Kind); found {
		light := lightColours[c]
		list = append(list, "class="+quote(n.Kind), "fillcolor="+quote(light.fill), "color="+quote(light.line))
	}
	if n.Note != "" {
		list = append(list, "tooltip="+quote(n.Note))
	}
	return strings.Join(list, ", ")
}

func edgeAttributes(e edge) string {
	var list []string
	if e.Label != "" {
		list = append(list, "label="+quote(e.Label))
	}
	if e.Dashed {
		list = append(list, "style=dashed")
	}
	if len(list) == 0 {
		return ""
	}
	return " [" + strings.Join(list, ", ") + "]"
}

// quote is a string for people. Graphviz reads escapes such as \N and entities
// such as &lt; in it, so both are taken literally.
func quote(s string) string { return quoteID(strings.ReplaceAll(s, "&", "&amp;")) }

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", "", "\x00", "\uFFFD")

// quoteID is a name; what is escaped stays so within, alike wherever it is used.
func quoteID(s string) string {
	return `"` + dotEscapes.Replace(strings.ToValidUTF8(s, "\uFFFD")) + `"`
}
