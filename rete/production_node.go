package rete

// step is one compiled element. It builds or shares its node below a memory and
// gives the memory that the node fills: a new kind of element is a new step.
type step interface {
	attach(b *builder, in *memory) *memory
	signature() string
}

// signatures names parts in order, to name what they make up.
func signatures[S interface{ signature() string }](list []S) []string {
	sigs := make([]string, len(list))
	for i, s := range list {
		sigs[i] = s.signature()
	}
	return sigs
}

// builder collects what a production uses of the network while it is attached.
type builder struct {
	parts  []node
	alphas []*alphaMemory
}

// took notes a node that reads an alpha memory, and widens what the memory sees.
func (b *builder) took(n node, right *alphaMemory, reads fieldSet, out *memory) *memory {
	right.mask.addAll(reads)
	b.parts = append(b.parts, n)
	b.alphas = append(b.alphas, right)
	return out
}

// prodNode is the end of a production's chain: its tokens are the matches.
type prodNode struct {
	part
	prog    *program
	built   builder
	tokens  *memory
	matches map[string]*match // by the handles of their facts
}

// attach builds the production's chain, sharing what is there.
func (n *network) attach(p *program) *prodNode {
	end := &prodNode{prog: p, tokens: n.newMemory(), matches: map[string]*match{}}
	mem := n.top
	for _, s := range p.steps {
		mem = s.attach(&end.built, mem)
	}
	mem.join("production "+p.ID, func(part part) node {
		end.part = part
		end.tokens.forget = end.forget
		return end
	})
	end.built.parts = append(end.built.parts, end)
	return end
}

// leftAdd implements [node]. The match is a placeholder until the session finds
// out whether it is an old one that came back (see Session.appear).
func (p *prodNode) leftAdd(t *token) {
	end := p.tokens.add(t, nil, nil)
	p.in.net.appeared = append(p.in.net.appeared, end)
	end.match = &match{node: p}
}

// forget tells the session of a match that is gone; one that came and went within
// a wave was never there.
func (p *prodNode) forget(t *token) {
	if t.match.token == t {
		p.in.net.vanished = append(p.in.net.vanished, t.match)
	}
}

// detach lets go of the matches; the session withdraws what they concluded.
func (p *prodNode) detach() {
	p.tokens.clear()
	p.in.leave(p, p.sig)
}

// detach takes a production out and every node that nothing else uses, the
// lowest first.
func (n *network) detach(p *prodNode) {
	parts := p.built.parts
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].use(-1) == 0 {
			parts[i].detach()
		}
	}
	n.release()
}
