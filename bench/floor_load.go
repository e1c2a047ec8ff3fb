package main

// loadFloor holds workload c in flat slices indexed by symbol.
type loadFloor struct {
	symbols   map[string]int32
	resources []floorResource // by the symbol of their id
	uses      map[floorUse]struct{}
	fired     int
}

// floorResource is a resource; there is none while kind is 0, and kinds begin
// at 1.
type floorResource struct{ kind, owner int32 }

// floorUse is a use, whole: equal ones are one fact.
type floorUse struct {
	resource  int32
	kind, qty int16
}

func newLoadFloor() *loadFloor {
	return &loadFloor{symbols: map[string]int32{}, uses: map[floorUse]struct{}{}}
}

func (f *loadFloor) intern(name string) int32 {
	n, known := f.symbols[name]
	if !known {
		n = int32(len(f.symbols))
		f.symbols[name] = n
	}
	return n
}

func (f *loadFloor) addResource(id string, kind int, owner string) error {
	symbol := f.intern(id)
	f.resources = grown(f.resources, symbol)
	f.resources[symbol] = floorResource{int32(kind) + 1, f.intern(owner)}
	return nil
}

// addUse joins the use with its resource; they come after the resources.
func (f *loadFloor) addUse(resource string, kind, qty int) error {
	use := floorUse{f.intern(resource), int16(kind), int16(qty)}
	before := len(f.uses)
	f.uses[use] = struct{}{}
	if len(f.uses) > before && int(use.resource) < len(f.resources) && f.resources[use.resource].kind == int32(kind)+1 {
		f.fired++
	}
	return nil
}
