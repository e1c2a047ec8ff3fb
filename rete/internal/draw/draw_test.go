package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the pictures anew; look at them before you commit")

// network is a small matching network, with all that can be drawn.
func network() Graph {
	return Graph{
		Title: "aws.compute",
		Nodes: []Node{
			{ID: "t:Resource", Label: "Resource\n1,204 facts", Kind: "type"},
			{ID: "t:Metric", Label: "Metric\n9,632 facts", Kind: "type"},
			{ID: "t:Exemption", Label: "Exemption\n3 facts", Kind: "type"},
			{ID: "a1", Label: "kind == \"vm\" &&\nstate == \"running\"", Kind: "alpha", Note: "312 of 1,204 pass"},
			{ID: "a2", Label: `name == "cpu_14d"`, Kind: "alpha"},
			{ID: "a3", Label: `name == "cpu_14d" && max < 5.0`, Kind: "alpha"},
			{ID: "j1", Label: "resource == vm.id", Kind: "join", Note: "index on resource"},
			{ID: "j2", Label: "resource == vm.id", Kind: "join"},
			{ID: "n1", Label: "not resource == vm.id", Kind: "not"},
			{ID: "p1", Label: "idle-vm\n17 matches", Kind: "rule", Note: "Stop VMs that nothing uses"},
			{ID: "p2", Label: "measured-vm\n300 matches", Kind: "rule"},
		},
		Edges: []Edge{
			{From: "t:Resource", To: "a1"},
			{From: "t:Metric", To: "a2"},
			{From: "t:Metric", To: "a3"},
			{From: "a1", To: "j1", Label: "left"},
			{From: "a3", To: "j1", Label: "right"},
			{From: "a1", To: "j2", Label: "left"},
			{From: "a2", To: "j2", Label: "right"},
			{From: "j1", To: "n1"},
			{From: "t:Exemption", To: "n1"},
			{From: "n1", To: "p1"},
			{From: "j2", To: "p2"},
			{From: "p1", To: "t:Exemption", Dashed: true, Label: "derives"},
			{From: "p2", To: "p2", Dashed: true},
		},
	}
}

func draw(t *testing.T, f func(io.Writer, Graph) error, g Graph) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, f := range map[string]func(io.Writer, Graph) error{"network.dot": DOT, "network.svg": SVG} {
		file, got := filepath.Join("testdata", name), draw(t, f, network())
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) {
			t.Errorf("%s is another picture (%v); -update writes it", file, err)
		}
	}
}

// TestOrderOfInput: what is drawn is the graph, not the order in which it was
// told.
func TestOrderOfInput(t *testing.T) {
	dot, picture := draw(t, DOT, network()), draw(t, SVG, network())
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		g := network()
		random.Shuffle(len(g.Nodes), func(i, j int) { g.Nodes[i], g.Nodes[j] = g.Nodes[j], g.Nodes[i] })
		random.Shuffle(len(g.Edges), func(i, j int) { g.Edges[i], g.Edges[j] = g.Edges[j], g.Edges[i] })
		before := slices.Clone(g.Nodes)
		if draw(t, DOT, g) != dot || draw(t, SVG, g) != picture {
			t.Fatal("another order gives another picture")
		}
		if !slices.Equal(g.Nodes, before) {
			t.Fatal("the caller's nodes were moved")
		}
	}
}

func TestErrors(t *testing.T) {
	g := Graph{
		Nodes: []Node{{ID: "a"}, {ID: "b"}, {ID: "a"}, {ID: "a"}},
		Edges: []Edge{{From: "a", To: "z"}, {From: "y\n", To: "b"}, {From: "z", To: "a"}},
	}
	want := "draw: nodes share an id: \"a\"\ndraw: edges name nodes that are not there: \"y\\n\", \"z\""
	for _, f := range []func(io.Writer, Graph) error{DOT, SVG} {
		var b bytes.Buffer
		if err := f(&b, g); err == nil || err.Error() != want || b.Len() > 0 {
			t.Errorf("error %v after %d bytes", err, b.Len())
		}
		if err := f(full{}, network()); !errors.Is(err, errFull) {
			t.Errorf("error of the writer: %v", err)
		}
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// nasty are texts that could break out of their place.
var nasty = []string{
	"a < b && c > \"d\"", "</text><script>alert(1)</script>", "']]>--><!--", "two\nlines", `\`, `\"`, `back\nslash \N`,
	"&lt;&amp;", "tab\tand\x00\x01", "\xff\xfe", "", "日本語 ☃", "\r\n",
}

// TestTextIsSafe: a parser finds each text as it was, in its own place.
func TestTextIsSafe(t *testing.T) {
	for _, text := range nasty {
		g := Graph{
			Title: text,
			Nodes: []Node{{ID: text, Label: text, Kind: text, Note: text}, {ID: "other" + text}},
			Edges: []Edge{{From: text, To: "other" + text, Label: text}},
		}
		texts, elements := parse(t, draw(t, SVG, g))
		for _, line := range strings.Split(text, "\n") {
			if line = readable(line); line != "" && !slices.Contains(texts["text"], line) {
				t.Errorf("label %q is not among %q", line, texts["text"])
			}
		}
		if note := readable(text); note != "" && !slices.Contains(texts["title"], note) {
			t.Errorf("note %q is not among %q", note, texts["title"])
		}
		if elements["script"] > 0 {
			t.Errorf("%q became an element", text)
		}
	}
}

// readable is text as XML can hold it.
func readable(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD\uFFFD")
	return strings.NewReplacer("\xff", "\uFFFD", "\x00", "\uFFFD", "\x01", "\uFFFD").Replace(s)
}

// parse is the text in each kind of element, and how many there are.
func parse(t *testing.T, picture string) (texts map[string][]string, elements map[string]int) {
	t.Helper()
	texts, elements = map[string][]string{}, map[string]int{}
	decoder := xml.NewDecoder(strings.NewReader(picture))
	var open []string
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return texts, elements
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, picture)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
			elements[token.Name.Local]++
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				texts[open[len(open)-1]] = append(texts[open[len(open)-1]], string(token))
			}
		}
	}
}

// TestLongLines: what does not fit is cut, and whole in the tooltip.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("äx", clipAt)
	texts, _ := parse(t, draw(t, SVG, Graph{Nodes: []Node{{ID: "a", Label: "one\n" + long, Note: "note"}}}))
	cut := texts["text"][len(texts["text"])-1]
	if len([]rune(cut)) != clipAt || !strings.HasSuffix(cut, "x…") && !strings.HasSuffix(cut, "ä…") {
		t.Errorf("cut to %q", cut)
	}
	if !slices.Contains(texts["title"], "one\n"+long+"\nnote") {
		t.Errorf("tooltips %q", texts["title"])
	}
}

// TestDOTIsSafe: outside of quotes nothing of a text remains.
func TestDOTIsSafe(t *testing.T) {
	for _, text := range nasty {
		g := Graph{
			Title: text,
			Nodes: []Node{{ID: text, Label: text, Kind: text, Note: text}},
			Edges: []Edge{{From: text, To: text, Label: text}},
		}
		bare := unquote(t, draw(t, DOT, g))
		plain := unquote(t, draw(t, DOT, Graph{
			Title: blank(text), Nodes: []Node{{ID: "x", Label: "x", Kind: blank(text), Note: blank(text)}},
			Edges: []Edge{{From: "x", To: "x", Label: blank(text)}},
		}))
		if bare != plain {
			t.Errorf("%q broke out:\n%s", text, bare)
		}
	}
}

// TestDOTIsLiteral: Graphviz would read entities and escapes.
func TestDOTIsLiteral(t *testing.T) {
	dot := draw(t, DOT, Graph{Nodes: []Node{{ID: "x", Label: `a &lt; \N`}}})
	if want := `label="a &amp;lt; \\N"`; !strings.Contains(dot, want) {
		t.Errorf("%s is not in\n%s", want, dot)
	}
}

func blank(s string) string { return strings.Repeat("x", min(1, len(s))) }

// unquote takes away what stands in quotes.
func unquote(t *testing.T, dot string) string {
	t.Helper()
	var b strings.Builder
	quoted := false
	for i := 0; i < len(dot); i++ {
		switch {
		case dot[i] == '"':
			quoted = !quoted
			b.WriteByte('"')
		case quoted && dot[i] == '\\':
			i++
		case quoted && dot[i] == '\n':
			t.Errorf("a bare newline within quotes:\n%s", dot)
		case !quoted:
			b.WriteByte(dot[i])
		}
	}
	if quoted {
		t.Errorf("a quote is open at the end:\n%s", dot)
	}
	return b.String()
}

// random is a graph of n nodes in some layers, with cycles, loops and doubles.
func random(n int, seed uint64) Graph {
	r := rand.New(rand.NewPCG(seed, 1))
	g := Graph{Title: fmt.Sprint("random ", n)}
	for i := range n {
		g.Nodes = append(g.Nodes, Node{ID: fmt.Sprintf("n%05d", i), Label: strings.Repeat("x", r.IntN(20)), Kind: fmt.Sprint(r.IntN(12))})
		for range r.IntN(3) {
			near := max(0, i-1-r.IntN(40))
			g.Edges = append(g.Edges, Edge{From: g.Nodes[near].ID, To: g.Nodes[i].ID})
		}
		if r.IntN(20) == 0 {
			g.Edges = append(g.Edges, Edge{From: g.Nodes[i].ID, To: g.Nodes[r.IntN(i+1)].ID, Dashed: true})
		}
	}
	return g
}

// TestLayout: boxes lie apart, each within its layer, and every edge but those
// that close a cycle points down.
func TestLayout(t *testing.T) {
	for seed := range uint64(50) {
		g, err := prepare(random(int(seed*3), seed))
		if err != nil {
			t.Fatal(err)
		}
		l := arrange(g)
		rightmost := func() (x float64) {
			for i := range l.vertices {
				x = max(x, l.vertices[i].x)
			}
			return x
		}
		if before := rightmost(); len(g.nodes) > 0 {
			if l.closeGaps(); before-rightmost() > 1e-6 {
				t.Errorf("seed %d: empty strips, %g wide", seed, before-rightmost())
			}
		}
		for _, layer := range l.layers {
			for i, v := range layer[1:] {
				if gap := l.vertices[v].x - l.vertices[layer[i]].x - l.distance(layer[i], v); gap < -1e-6 {
					t.Errorf("seed %d: %d and %d overlap by %g", seed, layer[i], v, -gap)
				}
			}
		}
		for i, c := range l.chains {
			if e := g.edges[i]; (e.from == e.to) != (len(c.vertices) == 0) {
				t.Errorf("seed %d: %d to %d runs %v", seed, e.from, e.to, c.vertices)
			}
			for j, v := range c.vertices[min(1, len(c.vertices)):] {
				if l.vertices[v].layer != l.vertices[c.vertices[j]].layer+1 {
					t.Errorf("seed %d: a leap from %d to %d", seed, c.vertices[j], v)
				}
			}
		}
	}
}

// TestEnds: each edge begins at the box it comes from and ends at the one it goes
// to, those that were turned round too.
func TestEnds(t *testing.T) {
	g, _ := prepare(random(120, 5))
	s := &svg{graph: g, layout: arrange(g)}
	at := func(p point, v vertex) bool {
		return max(p.x-v.x, v.x-p.x) <= v.width/2 && max(p.y-v.y, v.y-p.y) == v.height/2
	}
	for i, e := range g.edges {
		if e.from == e.to {
			continue
		}
		points := s.points(s.chains[i])
		if !at(points[0], s.vertices[e.from]) || !at(points[len(points)-1], s.vertices[e.to]) {
			t.Errorf("from %s to %s: %v", e.From, e.To, points)
		}
	}
}

// TestPlaces: chains are straight, a source stands just above what it feeds, and
// no strip is left empty.
func TestPlaces(t *testing.T) {
	g := Graph{
		Nodes: []Node{{ID: "a", Label: strings.Repeat("wide ", 10)}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"}, {ID: "f"}, {ID: "late"}},
		Edges: []Edge{{From: "a", To: "b"}, {From: "b", To: "c"}, {From: "d", To: "e"}, {From: "e", To: "f"}, {From: "late", To: "f"}},
	}
	p, _ := prepare(g)
	v := arrange(p).vertices
	if v[0].x != v[1].x || v[1].x != v[2].x {
		t.Errorf("a chain at %v, %v, %v", v[0].x, v[1].x, v[2].x)
	}
	if v[6].layer != v[4].layer {
		t.Errorf("a late source in layer %d", v[6].layer)
	}
	l := &layout{vertices: []vertex{{x: 900, width: 10}, {x: 0, width: 100}, {x: 20, width: 10}, {x: 910, width: 20}}}
	l.closeGaps()
	if want := 50 + 2*nodeGap; l.vertices[0].x != want+5 || l.vertices[3].x != want+15 || l.vertices[2].x != 20 {
		t.Errorf("gaps remain: %v", l.vertices)
	}
}

// TestReversed: without a cycle no edge is turned round, with one just one is.
func TestReversed(t *testing.T) {
	count := func(names ...string) (reversed int) {
		g := Graph{Nodes: []Node{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}}}
		for _, n := range names {
			g.Edges = append(g.Edges, Edge{From: n[:1], To: n[1:]})
		}
		p, _ := prepare(g)
		for _, c := range arrange(p).chains {
			if c.reversed {
				reversed++
			}
		}
		return reversed
	}
	if n := count("dc", "cb", "ba", "da", "ca"); n != 0 {
		t.Errorf("%d edges turned round without a cycle", n)
	}
	if n := count("da", "ab", "bc", "ca"); n != 1 {
		t.Errorf("%d edges turned round for one cycle", n)
	}
}

// TestCrossings: what can be untangled is.
func TestCrossings(t *testing.T) {
	g := Graph{}
	for i := range 12 {
		top, bottom := fmt.Sprintf("a%02d", i), fmt.Sprintf("b%02d", (i*7+3)%12)
		g.Nodes = append(g.Nodes, Node{ID: top}, Node{ID: bottom}, Node{ID: "c" + bottom})
		g.Edges = append(g.Edges, Edge{From: top, To: bottom}, Edge{From: bottom, To: "c" + bottom})
	}
	g.Edges = append(g.Edges, Edge{From: "a00", To: "b00"}, Edge{From: "a11", To: "b01"})
	p, _ := prepare(g)
	if n := arrange(p).crossings(); n > 0 {
		t.Errorf("%d crossings", n)
	}
}

// TestGrid: a grid whose names are shuffled is found again, nearly.
func TestGrid(t *testing.T) {
	const side = 10
	g, names := Graph{}, rand.New(rand.NewPCG(1, 1)).Perm(side*side)
	name := func(i, j int) string { return fmt.Sprintf("%03d", names[i*side+j]) }
	for i := range side {
		for j := range side {
			g.Nodes = append(g.Nodes, Node{ID: name(i, j)})
			for k := j; k <= j+1 && k < side && i+1 < side; k++ {
				g.Edges = append(g.Edges, Edge{From: name(i, j), To: name(i+1, k)})
			}
		}
	}
	p, _ := prepare(g)
	if n := arrange(p).crossings(); n > 0 {
		t.Errorf("%d crossings", n)
	}
}

func TestInversions(t *testing.T) {
	for _, c := range []struct {
		values []int
		want   int
	}{{nil, 0}, {[]int{0, 1, 1, 2}, 0}, {[]int{2, 1, 0}, 3}, {[]int{1, 1, 0, 2, 0}, 5}} {
		if n := inversions(c.values, 3); n != c.want {
			t.Errorf("%d inversions in %v, want %d", n, c.values, c.want)
		}
	}
}

// TestLarge: a few thousand nodes, or very many long edges, take no time.
func TestLarge(t *testing.T) {
	ladder := Graph{}
	for i := range 3000 {
		ladder.Nodes = append(ladder.Nodes, Node{ID: fmt.Sprintf("n%05d", i)})
		if i > 0 {
			ladder.Edges = append(ladder.Edges, Edge{From: ladder.Nodes[i-1].ID, To: ladder.Nodes[i].ID}, Edge{From: "n00000", To: ladder.Nodes[i].ID})
		}
	}
	for name, g := range map[string]Graph{"random": random(3000, 1), "ladder": ladder} {
		begin := time.Now()
		draw(t, SVG, g)
		if took := time.Since(begin); took > 10*time.Second { // a tenth of it is usual even with the race detector
			t.Errorf("%s took %v", name, took)
		}
	}
}

func BenchmarkSVG(b *testing.B) {
	for _, n := range []int{100, 3000} {
		g := random(n, 1)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				if err := SVG(io.Discard, g); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
