package draw

import (
	"cmp"
	"slices"
)

// sweeps of ordering, down and up in turn, and how many without gain end it.
const maxSweeps, patience = 24, 6

// order puts the vertices into layers so that few edges cross: of two walks to
// begin with, down only and up as well, each is better for some graphs.
func (l *layout) order() {
	l.fill(false)
	first := l.reduceCrossings()
	saved := l.layers
	l.fill(true)
	if l.reduceCrossings() >= first {
		l.layers = saved
	}
	for i := range l.layers {
		l.spread(i)
	}
}

// fill puts the vertices into layers in the order in which a walk along the edges
// meets them, which keeps related ones together.
func (l *layout) fill(upwards bool) {
	depth := 0
	for i := range l.vertices {
		depth = max(depth, l.vertices[i].layer+1)
	}
	l.layers = make([][]int, depth)
	visited := make([]bool, len(l.vertices))
	var visit func(v int)
	visit = func(v int) {
		if visited[v] {
			return
		}
		visited[v] = true
		l.layers[l.vertices[v].layer] = append(l.layers[l.vertices[v].layer], v)
		for _, w := range l.vertices[v].down {
			visit(w)
		}
		for _, w := range l.vertices[v].up {
			if upwards {
				visit(w)
			}
		}
	}
	for v := range l.vertices {
		if len(l.vertices[v].up) == 0 { // the others are below one of these
			visit(v)
		}
	}
}

// reduceCrossings orders each layer by the mean place of the neighbours in the
// one before, down and up in turn, betters the best order seen by exchanges, and
// counts the crossings that remain.
func (l *layout) reduceCrossings() int {
	for i := range l.layers {
		l.spread(i)
	}
	best, fewest := l.saved(), l.crossings()
	for sweep, idle := 0, 0; sweep < maxSweeps && idle < patience && fewest > 0; sweep++ {
		l.sweep(sweep%2 == 0)
		idle++
		if n := l.crossings(); n < fewest {
			best, fewest, idle = l.saved(), n, 0
		}
	}
	l.layers = best
	for range maxSweeps {
		if !l.exchange() {
			break
		}
	}
	return l.crossings()
}

func (l *layout) saved() [][]int {
	var saved [][]int
	for _, layer := range l.layers {
		saved = append(saved, slices.Clone(layer))
	}
	return saved
}

func (l *layout) sweep(down bool) {
	wish := make([]float64, len(l.vertices))
	for i := range l.layers {
		if !down {
			i = len(l.layers) - 1 - i
		}
		layer := l.layers[i]
		for _, v := range layer {
			wish[v] = l.mean(v, down, !down)
		}
		slices.SortStableFunc(layer, func(v, w int) int { return cmp.Compare(wish[v], wish[w]) })
		l.spread(i)
	}
}

// mean is the mean x of the neighbours above, below or both, or v's own without
// any.
func (l *layout) mean(v int, up, down bool) float64 {
	sum, n := 0.0, 0
	add := func(neighbours []int) {
		for _, w := range neighbours {
			sum += l.vertices[w].x
		}
		n += len(neighbours)
	}
	if up {
		add(l.vertices[v].up)
	}
	if down {
		add(l.vertices[v].down)
	}
	if n == 0 {
		return l.vertices[v].x
	}
	return sum / float64(n)
}

// spread puts a layer's vertices side by side, the middle at 0.
func (l *layout) spread(layer int) {
	x := 0.0
	vertices := l.layers[layer]
	for i, v := range vertices {
		if i > 0 {
			x += l.distance(vertices[i-1], v)
		}
		l.vertices[v].x = x
	}
	for _, v := range vertices {
		l.vertices[v].x -= x / 2
	}
}

// exchange swaps neighbours in a layer where that saves crossings, where means
// are no guide, and reports whether it did.
func (l *layout) exchange() bool {
	place, exchanged := l.places(), false
	var left, right []int
	saving := func(v, w int, up bool) int {
		left, right = l.ends(left[:0], v, up, place), l.ends(right[:0], w, up, place)
		standing, swapped := tangles(left, right)
		return standing - swapped
	}
	for _, layer := range l.layers {
		for i := 1; i < len(layer); i++ {
			if v, w := layer[i-1], layer[i]; saving(v, w, true)+saving(v, w, false) > 0 {
				layer[i-1], layer[i] = w, v
				place[v], place[w] = i, i-1
				exchanged = true
			}
		}
	}
	return exchanged
}

// tangles counts how often the edges of two neighbours cross on one side, as they
// stand and swapped, given the places of their ends in order.
func tangles(left, right []int) (standing, swapped int) {
	below, upTo := 0, 0
	for _, end := range left {
		for below < len(right) && right[below] < end {
			below++
		}
		for upTo < len(right) && right[upTo] <= end {
			upTo++
		}
		standing += below
		swapped += len(right) - upTo
	}
	return standing, swapped
}

// places are the vertices' within their layers.
func (l *layout) places() []int {
	place := make([]int, len(l.vertices))
	for _, layer := range l.layers {
		for i, v := range layer {
			place[v] = i
		}
	}
	return place
}

// ends appends the places of the neighbours in the layer above or below, in order.
// Straight edges that leap over layers do not count.
func (l *layout) ends(ends []int, v int, up bool, place []int) []int {
	neighbours, layer := l.vertices[v].down, l.vertices[v].layer+1
	if up {
		neighbours, layer = l.vertices[v].up, layer-2
	}
	begin := len(ends)
	for _, w := range neighbours {
		if l.vertices[w].layer == layer {
			ends = append(ends, place[w])
		}
	}
	slices.Sort(ends[begin:])
	return ends
}

// crossings counts the pairs of edges that cross between neighbouring layers.
func (l *layout) crossings() int {
	place, n := l.places(), 0
	for i, layer := range l.layers[:max(0, len(l.layers)-1)] {
		var ends []int // of the edges, from left to right by their upper ends
		for _, v := range layer {
			ends = l.ends(ends, v, false, place)
		}
		n += inversions(ends, len(l.layers[i+1]))
	}
	return n
}

// inversions counts the pairs in the wrong order with a Fenwick tree; values are
// below limit.
func inversions(values []int, limit int) int {
	tree := make([]int, limit)
	n := 0
	for seen, v := range values {
		n += seen // less those that are not larger
		for i := v; i >= 0; i = i&(i+1) - 1 {
			n -= tree[i]
		}
		for i := v; i < limit; i |= i + 1 {
			tree[i]++
		}
	}
	return n
}
