package main

import (
	"fmt"
	"strings"
)

// matcherContests are the workloads of the matcher, or those whose names, or
// the first words of them, are in a list.
func matcherContests(quick bool, only string) ([]*contest, error) {
	all := everyContest(quick)
	if only == "" {
		return all, nil
	}
	var named []*contest
	for name := range strings.SplitSeq(only, ",") {
		n := len(named)
		for _, c := range all {
			if c.name == name || strings.HasPrefix(c.name, name+" ") {
				named = append(named, c)
			}
		}
		if len(named) == n {
			return nil, fmt.Errorf("no workload %q", name)
		}
	}
	return named, nil
}

// everyContest is the table; quick leaves out what takes long.
func everyContest(quick bool) []*contest {
	var all []*contest
	for _, c := range churns {
		for _, c.rules = range upTo(quick, 2, 100, 1000, 10_000, 100_000) {
			all = append(all, c.contest(100_000))
		}
	}
	for _, n := range upTo(quick, 2, 1000, 10_000, 100_000, 1_000_000) {
		all = append(all, load{n}.contest())
	}
	all = append(all, drift{sums: false}.contest(100_000), drift{sums: true}.contest(100_000))
	for _, n := range upTo(quick, 1, 10_000, 1_000_000) {
		all = append(all, warm{n, "load"}.contest(), warm{n, "change"}.contest(), warm{n, "edit"}.contest())
	}
	for _, n := range upTo(quick, 3, 8, 16, 32, 64, 128) {
		all = append(all, manners{n}.contest())
	}
	for _, n := range upTo(quick, 1, 12, 25, 37, 50) {
		all = append(all, waltz{n}.contest())
	}
	for _, n := range upTo(quick, 1, 10_000, 100_000) {
		all = append(all, building{n, false}.contest(), building{n, true}.contest())
	}
	return append(all, upTo(quick, 0, millions()...)...)
}

// millions are b1 and b2 with a million rules.
func millions() []*contest {
	var all []*contest
	for _, c := range churns {
		c.rules = 1_000_000
		w := c.contest(100_000)
		w.name = "million " + w.name
		all = append(all, w)
	}
	return all
}

// upTo are the sizes, or only the first few.
func upTo[T any](quick bool, few int, sizes ...T) []T {
	if quick {
		return sizes[:few]
	}
	return sizes
}
