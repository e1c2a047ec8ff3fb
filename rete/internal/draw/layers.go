package draw

// vertex is a node, or a bend where an edge passes through a layer.
type vertex struct {
	width, height float64
	x, y          float64 // of the centre
	layer         int
	up, down      []int // vertices in the layers above and below
}

// layout is the graph as placed. Its first vertices are the nodes.
type layout struct {
	vertices []vertex
	layers   [][]int
	tops     []float64 // of the layers
	heights  []float64
	chains   []chain
}

// chain is how an edge runs: vertices from the upper to the lower end. An edge to
// a node itself has none.
type chain struct {
	vertices []int
	reversed bool // the edge points up
	// Where it leaves the upper and meets the lower node.
	start, end float64
}

// maxBends limits the work for graphs with very many long edges: those beyond run
// straight, through boxes if need be.
const maxBends = 20_000

// assignLayers gives each node its layer and each edge its chain.
func (l *layout) assignLayers(edges []edge) {
	out := make([][]int, len(l.vertices))
	in := make([]int, len(l.vertices))
	for _, e := range edges {
		if e.from != e.to {
			out[e.from] = append(out[e.from], e.to)
			in[e.to]++
		}
	}
	order, rank := depthFirst(out, in)
	below := make([][]int, len(l.vertices)) // the edges, pointing down
	l.chains = make([]chain, len(edges))
	for i, e := range edges {
		if e.from == e.to {
			continue
		}
		upper, lower, reversed := e.from, e.to, rank[e.from] > rank[e.to]
		if reversed {
			upper, lower = lower, upper
		}
		below[upper] = append(below[upper], lower)
		l.chains[i] = chain{vertices: []int{upper, lower}, reversed: reversed}
	}
	l.longestPaths(order, below)
	l.pullDown(order, below)
}

// depthFirst is an order in which every edge points forward but those that close
// a cycle, with each node's place in it. Nodes that nothing points to come first.
func depthFirst(out [][]int, in []int) (order, rank []int) {
	visited := make([]bool, len(out))
	var visit func(v int)
	visit = func(v int) {
		visited[v] = true
		for i := len(out[v]) - 1; i >= 0; i-- {
			if !visited[out[v][i]] {
				visit(out[v][i])
			}
		}
		order = append(order, v)
	}
	// Backwards, as the order is turned round at last.
	for _, roots := range []bool{false, true} {
		for v := len(out) - 1; v >= 0; v-- {
			if roots == (in[v] > 0) || visited[v] {
				continue
			}
			visit(v)
		}
	}
	rank = make([]int, len(out))
	for i, j := 0, len(order)-1; i < j; i, j = i+1, j-1 {
		order[i], order[j] = order[j], order[i]
	}
	for i, v := range order {
		rank[v] = i
	}
	return order, rank
}

// longestPaths puts each node one layer below its lowest predecessor.
func (l *layout) longestPaths(order []int, below [][]int) {
	for _, v := range order {
		for _, w := range below[v] {
			l.vertices[w].layer = max(l.vertices[w].layer, l.vertices[v].layer+1)
		}
	}
}

// pullDown moves a node with more edges below than above towards its successors,
// which shortens its edges altogether.
func (l *layout) pullDown(order []int, below [][]int) {
	above := make([]int, len(l.vertices))
	for _, targets := range below {
		for _, w := range targets {
			above[w]++
		}
	}
	for i := len(order) - 1; i >= 0; i-- {
		v := order[i]
		if len(below[v]) <= above[v] {
			continue
		}
		nearest := l.vertices[below[v][0]].layer
		for _, w := range below[v] {
			nearest = min(nearest, l.vertices[w].layer)
		}
		l.vertices[v].layer = nearest - 1
	}
}

// bend lets long edges pass through the layers between their ends.
func (l *layout) bend() {
	bends := 0
	for i := range l.chains {
		c := &l.chains[i]
		if len(c.vertices) == 0 {
			continue
		}
		upper, lower := c.vertices[0], c.vertices[1]
		from, to := l.vertices[upper].layer, l.vertices[lower].layer
		if bends += to - from - 1; bends <= maxBends {
			c.vertices = c.vertices[:1:1]
			for layer := from + 1; layer < to; layer++ {
				c.vertices = append(c.vertices, len(l.vertices))
				l.vertices = append(l.vertices, vertex{layer: layer})
			}
			c.vertices = append(c.vertices, lower)
		} else {
			bends -= to - from - 1
		}
		l.connect(c.vertices)
	}
}

// connect makes neighbours of a chain's vertices.
func (l *layout) connect(chain []int) {
	for i, w := range chain[1:] {
		v := chain[i]
		l.vertices[v].down = append(l.vertices[v].down, w)
		l.vertices[w].up = append(l.vertices[w].up, v)
	}
}
