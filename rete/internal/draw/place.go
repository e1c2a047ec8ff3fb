package draw

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Sizes in pixels. The font has a fixed pitch, so that the width of a text is
// known without drawing it.
const (
	pitch      = 7.3 // of a letter at fontSize
	fontSize   = 12
	lineHeight = 16.0
	padding    = 9.0
	nodeGap    = 22.0
	bendGap    = 12.0
	layerGap   = 46.0 // at least, and more below layers with wide edges
	widestGap  = 130.0
	margin     = 20.0
	portGap    = 14.0 // at most between arrows at one box
	clipAt     = 64   // letters of a line
	rounds     = 10   // of moving nodes to their neighbours
)

// arrange places everything.
func arrange(g *graph) *layout {
	l := &layout{vertices: make([]vertex, len(g.nodes))}
	for i, n := range g.nodes {
		v := &l.vertices[i]
		lines, _ := clip(n.Label)
		for _, line := range lines {
			v.width = max(v.width, textWidth(line)+2*padding)
		}
		v.width = max(v.width, 4*padding)
		v.height = float64(len(lines))*lineHeight + padding
	}
	l.assignLayers(g.edges)
	l.bend()
	l.order()
	l.straighten()
	l.closeGaps()
	l.stack()
	l.assignPorts()
	return l
}

// clip is a label's lines, and whether any had to be cut.
func clip(label string) (lines []string, cut bool) {
	for line := range strings.SplitSeq(label, "\n") {
		if letters := []rune(line); len(letters) > clipAt {
			line, cut = string(letters[:clipAt-1])+"…", true
		}
		lines = append(lines, line)
	}
	return lines, cut
}

func textWidth(s string) float64 {
	wide := 0 // East Asian letters and pictures take two places
	for _, r := range s {
		if r >= 0x1100 && (r < 0x2000 || r >= 0x2e80) {
			wide++
		}
	}
	return pitch * float64(utf8.RuneCountInString(s)+wide)
}

// distance is the least between the centres of neighbours in a layer.
func (l *layout) distance(left, right int) float64 {
	a, b := l.vertices[left].width, l.vertices[right].width
	if a == 0 || b == 0 {
		return (a+b)/2 + bendGap
	}
	return (a+b)/2 + nodeGap
}

// straighten moves vertices as near to their neighbours as order and distance
// allow: first from one side at a time, then from both, and at last below their
// predecessors, so that chains are straight.
func (l *layout) straighten() {
	for round := range rounds {
		last := round == rounds-1
		for i := range l.layers {
			l.settle(l.layers[i], true, last)
		}
		for i := range l.layers {
			l.settle(l.layers[len(l.layers)-1-i], last, true)
		}
	}
	for i := range l.layers {
		l.settle(l.layers[i], true, false)
	}
}

// block is a run of vertices that touch.
type block struct {
	sum, weight float64
	n           int
}

func (b block) mean() float64 { return b.sum / b.weight }

// settle puts a layer's vertices where the sum of the squared distances from the
// neighbours' means is least. Less the room to its left each vertex has a wish,
// and the wishes must not decrease: isotonic regression by pooling adjacent
// violators (Ayer et al., 1955).
func (l *layout) settle(layer []int, up, down bool) {
	room := make([]float64, len(layer))
	var blocks []block
	for i, v := range layer {
		if i > 0 {
			room[i] = room[i-1] + l.distance(layer[i-1], v)
		}
		b := block{weight: 1, n: 1}
		wish := l.mean(v, up, down)
		switch here := l.vertices[v]; {
		case here.width == 0:
			b.weight = 3 // straight long edges are easier to follow
		case len(here.up)+len(here.down) == 0:
			b.weight, wish = 0.01, 0 // fills room in the middle
		}
		b.sum = b.weight * (wish - room[i])
		for len(blocks) > 0 && blocks[len(blocks)-1].mean() > b.mean() {
			before := blocks[len(blocks)-1]
			b = block{b.sum + before.sum, b.weight + before.weight, b.n + before.n}
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	i := 0
	for _, b := range blocks {
		for range b.n {
			l.vertices[layer[i]].x = b.mean() + room[i]
			i++
		}
	}
}

// closeGaps takes out upright strips without a vertex.
func (l *layout) closeGaps() {
	byLeft := make([]int, len(l.vertices))
	for i := range byLeft {
		byLeft[i] = i
	}
	left := func(v int) float64 { return l.vertices[v].x - l.vertices[v].width/2 }
	slices.SortFunc(byLeft, func(v, w int) int { return cmp.Or(cmp.Compare(left(v), left(w)), cmp.Compare(v, w)) })
	shift, right := 0.0, math.Inf(-1) // of those passed, before they were shifted
	for i, v := range byLeft {
		if i > 0 {
			shift += max(0, left(v)-right-2*nodeGap)
		}
		right = max(right, left(v)+l.vertices[v].width)
		l.vertices[v].x -= shift
	}
}

// stack sets the layers below each other and shifts all to the right of 0.
func (l *layout) stack() {
	left, y := 0.0, 0.0
	for i := range l.vertices {
		left = min(left, l.vertices[i].x-l.vertices[i].width/2)
	}
	for i := range l.vertices {
		l.vertices[i].x -= left
	}
	for _, layer := range l.layers {
		height, reach := 0.0, 0.0
		for _, v := range layer {
			height = max(height, l.vertices[v].height)
			for _, w := range l.vertices[v].down {
				reach = max(reach, math.Abs(l.vertices[w].x-l.vertices[v].x))
			}
		}
		for _, v := range layer {
			l.vertices[v].y = y + height/2
		}
		l.tops, l.heights = append(l.tops, y), append(l.heights, height)
		y += height + min(layerGap+reach/10, widestGap)
	}
}

// assignPorts spreads the edges over a box's lower and upper side, in the order
// in which they go on.
func (l *layout) assignPorts() {
	starts, ends := make([][]int, len(l.vertices)), make([][]int, len(l.vertices))
	for i, c := range l.chains {
		if n := len(c.vertices); n > 0 {
			starts[c.vertices[0]] = append(starts[c.vertices[0]], i)
			ends[c.vertices[n-1]] = append(ends[c.vertices[n-1]], i)
		}
	}
	for v := range l.vertices {
		l.ports(v, starts[v], func(c *chain) (int, *float64) { return c.vertices[1], &c.start })
		l.ports(v, ends[v], func(c *chain) (int, *float64) { return c.vertices[len(c.vertices)-2], &c.end })
	}
}

// ports sets one side's; at tells which vertex a chain goes on to, and where its
// port is kept.
func (l *layout) ports(v int, chains []int, at func(*chain) (int, *float64)) {
	slices.SortStableFunc(chains, func(a, b int) int {
		next, _ := at(&l.chains[a])
		other, _ := at(&l.chains[b])
		return cmp.Compare(l.vertices[next].x, l.vertices[other].x)
	})
	gap := min(portGap, l.vertices[v].width/float64(len(chains)+1))
	for i, c := range chains {
		_, port := at(&l.chains[c])
		*port = l.vertices[v].x + gap*(float64(i)-float64(len(chains)-1)/2)
	}
}
