package main

// driftFloor is workload d in flat slices: for each owner the number of bad
// resources and the sum of costs.
type driftFloor struct {
	drift
	random    parkMiller
	resources []resource
	bad, sum  [driftOwners]int
	fired     [tallyTotal + 1]int
}

// byHand plays it without an engine.
func (d drift) byHand() player {
	f := &driftFloor{drift: d}
	return &local{lay: f.lay, round: f.round}
}

func (f *driftFloor) lay() error {
	*f = driftFloor{drift: f.drift, random: start}
	f.resources = driftResourcesAt(&f.random)
	for _, r := range f.resources {
		f.sum[r.owner] += r.cost
		if r.status == 0 {
			f.bad[r.owner]++
		}
	}
	return nil
}

func (f *driftFloor) round(changes int) ([]int, error) {
	err := drifts(&f.random, f.resources, changes, func(_ int, was, is resource) error {
		if was.status != is.status {
			f.status(was, is)
		} else {
			f.cost(was, is)
		}
		return nil
	})
	if f.sums {
		return f.fired[:], err
	}
	return f.fired[:tallyTotal], err
}

// status fires for a resource that turned bad, and for an owner who has none
// any more.
func (f *driftFloor) status(was, is resource) {
	switch {
	case is.status == 0:
		f.bad[is.owner]++
		f.fired[tallyBad]++
	case was.status == 0:
		if f.bad[is.owner]--; f.bad[is.owner] == 0 {
			f.fired[tallyNone]++
		}
	}
}

// cost fires for a dear resource and for a sum too high, at each change.
func (f *driftFloor) cost(was, is resource) {
	if is.cost > driftLimit {
		f.fired[tallyBig]++
	}
	if f.sum[is.owner] += is.cost - was.cost; f.sums && f.sum[is.owner] > driftTotal {
		f.fired[tallyTotal]++
	}
}
