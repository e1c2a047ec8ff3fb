package rete

// Strategy orders matches of equal priority on the agenda.
type Strategy uint8

// The strategies, as CLIPS defines them.
const (
	Depth   Strategy = iota // matches of later batches first
	Breadth                 // matches of earlier batches first
)

// ParseStrategy finds a strategy by its name: depth or breadth.
func ParseStrategy(name string) (Strategy, error) { return 0, nil }

type match struct{}
