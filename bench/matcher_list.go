package main

import (
	"slices"
	"strings"
)

// matcherContests are the workloads of the matcher, or those named.
func matcherContests(quick bool, only string) []*contest {
	all := everyContest(quick)
	if only == "" {
		return all
	}
	names := strings.Split(only, ",")
	return slices.DeleteFunc(all, func(c *contest) bool { return !slices.Contains(names, c.name) })
}

func everyContest(quick bool) []*contest {
	var all []*contest
	sizes := []int{100, 1000, 10_000, 100_000}
	if quick {
		sizes = sizes[:2]
	}
	for _, c := range churns {
		for _, c.rules = range sizes {
			all = append(all, c.contest(100_000))
		}
	}
	loads := []int{1000, 10_000, 100_000, 1_000_000}
	if quick {
		loads = loads[:2]
	}
	for _, n := range loads {
		all = append(all, load{n}.contest())
	}
	for _, sums := range []bool{false, true} {
		all = append(all, drift{sums: sums}.contest(100_000))
	}
	guests := []int{8, 16, 32, 64, 128}
	if quick {
		guests = guests[:2]
	}
	for _, n := range guests {
		all = append(all, manners{n}.contest())
	}
	regions := []int{12, 25, 37, 50}
	if quick {
		regions = regions[:1]
	}
	for _, n := range regions {
		all = append(all, waltz{n}.contest())
	}
	return all
}
