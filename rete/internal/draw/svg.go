package draw

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// SVG writes the graph as a picture that stands alone, light or dark as its
// reader prefers. The error is that of w, or names the ids that are there twice or
// not at all.
func SVG(w io.Writer, g Graph) error {
	p, err := prepare(g)
	if err != nil {
		return err
	}
	s := &svg{graph: p, layout: arrange(p)}
	s.picture()
	_, err = w.Write(s.Bytes())
	return err
}

type svg struct {
	bytes.Buffer
	*graph
	*layout
}

// picture writes everything; the graph's origin is below the title and legend.
func (s *svg) picture() {
	head := margin
	if s.title != "" {
		head += 2 * lineHeight
	}
	legend, legendWidth := s.legend(head)
	if len(s.kinds) > 0 {
		head += 2 * lineHeight
	}
	width, height := s.size()
	width = max(width, legendWidth, textWidth(s.title)*15/fontSize) + 2*margin
	size := fmt.Sprintf(`width="%s" height="%s"`, number(width), number(height+head+margin))
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" class="graph" %s viewBox="0 0 %s %s" role="img">`,
		size, number(width), number(height+head+margin))
	fmt.Fprintf(s, "\n<title>%s</title>\n<style>\n%s</style>\n", escape(s.title), s.styles())
	s.WriteString(`<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">` +
		`<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>` + "\n")
	fmt.Fprintf(s, `<rect class="ground" width="100%%" height="100%%"/>`+"\n")
	if s.title != "" {
		fmt.Fprintf(s, `<text class="name" x="%s" y="%s">%s</text>`+"\n", number(margin), number(margin+lineHeight), escape(s.title))
	}
	s.WriteString(legend)
	fmt.Fprintf(s, `<g transform="translate(%s %s)">`+"\n", number(margin), number(head))
	s.body()
	s.WriteString("</g>\n</svg>\n")
}

// body writes edges, their labels and nodes, so that each lies over the former.
func (s *svg) body() {
	for i, e := range s.edges {
		s.edge(e, s.chains[i])
	}
	for i, e := range s.edges {
		s.edgeLabel(e, s.chains[i])
	}
	for i, n := range s.nodes {
		s.node(n, s.vertices[i])
	}
}

// size is that of the graph, loops and labels at its right side included.
func (s *svg) size() (width, height float64) {
	for i := range s.vertices {
		v := &s.vertices[i]
		width = max(width, v.x+v.width/2)
		height = max(height, v.y+v.height/2)
	}
	for i, e := range s.edges {
		x, _ := s.labelAt(e, s.chains[i])
		width = max(width, x+textWidth(e.Label)/2)
		if e.from == e.to {
			width = max(width, s.vertices[e.from].x+s.vertices[e.from].width/2+loopWidth)
		}
	}
	return width, height
}

// legend is a row of the kinds, as wide as the second result says.
func (s *svg) legend(y float64) (string, float64) {
	var b strings.Builder
	x := margin
	for _, kind := range s.kinds {
		c, _ := s.colourOf(kind)
		fmt.Fprintf(&b, `<g class="k%d"><rect x="%s" y="%s" width="12" height="12" rx="3"/><text x="%s" y="%s">%s</text></g>`+"\n",
			c, number(x), number(y), number(x+18), number(y+10), escape(kind))
		x += 18 + textWidth(kind) + nodeGap
	}
	return b.String(), x - margin
}

func (s *svg) node(n Node, v vertex) {
	class := "node"
	if c, found := s.colourOf(n.Kind); found {
		class += " k" + strconv.Itoa(c)
	}
	fmt.Fprintf(s, `<g class="%s">`, class)
	lines, cut := clip(n.Label)
	note := n.Note
	if cut {
		note = strings.TrimSuffix(n.Label+"\n"+note, "\n")
	}
	if note != "" {
		fmt.Fprintf(s, "<title>%s</title>", escape(note))
	}
	left, top := v.x-v.width/2, v.y-v.height/2
	fmt.Fprintf(s, `<rect x="%s" y="%s" width="%s" height="%s" rx="5"/>`, number(left), number(top), number(v.width), number(v.height))
	for i, line := range lines {
		y := top + padding/2 + (float64(i)+0.75)*lineHeight
		fmt.Fprintf(s, `<text x="%s" y="%s">%s</text>`, number(left+padding), number(y), escape(line))
	}
	s.WriteString("</g>\n")
}

func (s *svg) edge(e edge, c chain) {
	class := "edge"
	if e.Dashed {
		class += " dashed"
	}
	fmt.Fprintf(s, `<path class="%s" marker-end="url(#arrow)" d="%s"/>`+"\n", class, s.path(e, c))
}

type point struct{ x, y float64 }

const loopWidth = 30.0

// path curves between layers and runs straight through them.
func (s *svg) path(e edge, c chain) string {
	if e.from == e.to {
		v := s.vertices[e.from]
		x, y := v.x+v.width/2, v.y
		return fmt.Sprintf("M%s %sC%s %s %s %s %s %s", number(x), number(y-5), number(x+loopWidth), number(y-16),
			number(x+loopWidth), number(y+16), number(x), number(y+5))
	}
	points := s.points(c)
	var b strings.Builder
	fmt.Fprintf(&b, "M%s %s", number(points[0].x), number(points[0].y))
	for i, to := range points[1:] {
		from := points[i]
		if from.x == to.x {
			fmt.Fprintf(&b, "V%s", number(to.y))
			continue
		}
		middle := number((from.y + to.y) / 2)
		fmt.Fprintf(&b, "C%s %s %s %s %s %s", number(from.x), middle, number(to.x), middle, number(to.x), number(to.y))
	}
	return b.String()
}

// points are those of a chain, in the direction of its edge.
func (s *svg) points(c chain) []point {
	last := len(c.vertices) - 1
	upper, lower := s.vertices[c.vertices[0]], s.vertices[c.vertices[last]]
	points := []point{{c.start, upper.y + upper.height/2}}
	if bottom := s.tops[upper.layer] + s.heights[upper.layer]; bottom > points[0].y {
		points = append(points, point{c.start, bottom})
	}
	for _, v := range c.vertices[1:last] {
		x, top := s.vertices[v].x, s.tops[s.vertices[v].layer]
		points = append(points, point{x, top}, point{x, top + s.heights[s.vertices[v].layer]})
	}
	if top := s.tops[lower.layer]; top < lower.y-lower.height/2 {
		points = append(points, point{c.end, top})
	}
	points = append(points, point{c.end, lower.y - lower.height/2})
	if c.reversed {
		slices.Reverse(points)
	}
	return points
}

// labelAt is the middle of an edge's first curve.
func (s *svg) labelAt(e edge, c chain) (x, y float64) {
	if e.from == e.to {
		v := s.vertices[e.from]
		return v.x + v.width/2 + loopWidth, v.y - 14
	}
	points := s.points(c)
	for i, to := range points[1:] {
		if from := points[i]; math.Abs(to.y-from.y) >= layerGap {
			return (from.x + to.x) / 2, (from.y+to.y)/2 + 4
		}
	}
	return points[0].x, points[0].y
}

func (s *svg) edgeLabel(e edge, c chain) {
	if e.Label == "" {
		return
	}
	x, y := s.labelAt(e, c)
	line := strings.ReplaceAll(e.Label, "\n", " ")
	fmt.Fprintf(s, `<text class="label" x="%s" y="%s">%s</text>`+"\n", number(x), number(y), escape(line))
}

// styles are the classes, each colour for light and for dark.
func (s *svg) styles() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".graph text{font:%dpx ui-monospace,Menlo,Consolas,monospace;white-space:pre}\n", fontSize)
	b.WriteString(".graph .name{font-size:15px;font-weight:600}\n" +
		".graph .label{font-size:10px;text-anchor:middle;paint-order:stroke;stroke-width:4px;stroke-linejoin:round}\n" +
		".graph .edge{fill:none;stroke-width:1.2}\n.graph .dashed{stroke-dasharray:5 4}\n")
	b.WriteString(scheme("#ffffff", "#1f2937", "#6b7280", lightColours[:s.used()]))
	fmt.Fprintf(&b, "@media (prefers-color-scheme:dark){\n%s}\n", scheme("#111827", "#e5e7eb", "#9ca3af", darkColours[:s.used()]))
	return b.String()
}

func (s *svg) used() int { return min(len(s.kinds), len(lightColours)) }

func scheme(ground, text, line string, colours []colour) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".graph .ground{fill:%s}\n.graph text{fill:%s}\n.graph .label{stroke:%s}\n", ground, text, ground)
	fmt.Fprintf(&b, ".graph .edge{stroke:%s}\n.graph .head{fill:%s}\n.graph .node rect{fill:%s;stroke:%s}\n", line, line, ground, line)
	for i, c := range colours {
		fmt.Fprintf(&b, ".graph .k%d rect{fill:%s;stroke:%s}\n", i, c.fill, c.line)
	}
	return b.String()
}

// escape makes text safe in XML; what XML cannot hold becomes U+FFFD.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// number is rounded to a tenth of a pixel.
func number(x float64) string {
	return strconv.FormatFloat(math.Round(x*10)/10+0, 'f', -1, 64)
}
