package sandbox

import (
	"math/rand/v2"
	"net/http"
	"slices"
)

// chaos draws a fault for some requests, the same ones for the same seed.
type chaos struct {
	seed      uint64
	intensity float64
	count     uint64
	drawn     []Drawn
}

// Drawn is a fault that chaos chose for a request.
type Drawn struct {
	Request uint64 `json:"request"` // counted from 1 since chaos began
	Fault   string `json:"fault"`
	Method  string `json:"method"`
	Path    string `json:"path"`
}

// Chaos lets each request go wrong with the probability intensity (0 to 1), in
// a way that is drawn from the faults that pass. The draw of the n-th request
// depends on the seed and n alone. It ends with ClearFaults, or with an intensity
// of 0.
func (j *Jira) Chaos(seed uint64, intensity float64) {
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	j.faults.chaos = nil
	if intensity > 0 {
		j.faults.chaos = &chaos{seed: seed, intensity: intensity}
	}
}

// Drawn lists the faults that chaos has chosen so far.
func (j *Jira) Drawn() []Drawn {
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	if j.faults.chaos == nil {
		return nil
	}
	return slices.Clone(j.faults.chaos.drawn)
}

// drawn takes the next draw of chaos, if there is chaos; nil lets the request
// through.
func (f *faults) drawn(r *http.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.chaos
	if c == nil {
		return nil
	}
	c.count++
	info := c.pick(c.count)
	// What fits no request of this kind is a draw too: the next one must not depend
	// on what was asked.
	if info == nil || !info.kind.fits(r) {
		return nil
	}
	c.drawn = append(c.drawn, Drawn{c.count, info.Name, r.Method, r.URL.Path})
	fault := info.kind
	return &fault
}

// pick draws for the n-th request; nil is no fault.
func (c *chaos) pick(n uint64) *FaultInfo {
	draws := rand.New(rand.NewPCG(c.seed, n))
	if draws.Float64() >= c.intensity {
		return nil
	}
	total := 0
	for _, info := range faultTable {
		total += info.odds
	}
	at := draws.IntN(total)
	for i := range faultTable {
		if at -= faultTable[i].odds; at < 0 {
			return &faultTable[i]
		}
	}
	return nil
}
