package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// matcherColumns head the table. Times are processor time; those of CLIPS are
// without what its interpreter spends on the loop.
var matcherColumns = []string{
	"workload", "size", "changes a round", "firings", "best", "median", "allocations", "memory",
	"CLIPS best", "median", "floor best", "median", "ours / CLIPS", "ours / floor",
}

// matcherTable plays contests and writes a row for each as it ends.
func matcherTable(ctx context.Context, out io.Writer, all []*contest, rounds int) error {
	installClips(ctx)
	clips, missing := findClips()
	fmt.Fprintf(out, "%s, %d processors; %s; %d rounds\n\n", runtime.Version(), runtime.NumCPU(), clipsVersion(clips, missing), rounds)
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(matcherColumns, " | "), strings.Repeat(" --- |", len(matcherColumns)))
	for _, c := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := c.contend(rounds, clips, missing)
		if err == nil {
			err = r.check()
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", c.name, c.size, err)
		}
		fmt.Fprintln(out, r.row())
	}
	return nil
}

// clipsVersion is what CLIPS says of itself when it starts.
func clipsVersion(clips, missing string) string {
	if missing != "" {
		return missing
	}
	command := exec.Command(clips)
	command.Stdin = strings.NewReader("(exit)\n")
	said, err := command.Output()
	if err != nil {
		return "CLIPS: " + err.Error()
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	return first
}

// row is a line of the table.
func (r *result) row() string {
	ours, floor, clips := r.times(r.ours), r.times(r.floor), r.times(r.clips)
	cells := []string{r.contest.name, r.contest.size, r.perRound(), "ok " + numbers(r.ours.scores[0].firings)}
	cells = append(cells, r.pair(ours)...)
	cells = append(cells, r.allocs(), r.memory())
	if clips == nil {
		cells = append(cells, r.missing, "")
	} else {
		cells = append(cells, r.pair(clips)...)
	}
	cells = append(cells, r.pair(floor)...)
	return "| " + strings.Join(append(cells, ratio(ours, clips), ratio(ours, floor)), " | ") + " |"
}

// perRound are our changes, and those of CLIPS where it made fewer.
func (r *result) perRound() string {
	switch {
	case r.contest.whole:
		return ""
	case r.clips != nil && r.clips.changes != r.ours.changes:
		return fmt.Sprintf("%d, CLIPS %d", r.ours.changes, r.clips.changes)
	}
	return fmt.Sprint(r.ours.changes)
}

// times are those of a change in microseconds, or of the round in seconds.
func (r *result) times(s *side) []float64 {
	if s == nil {
		return nil
	}
	var all []float64
	for _, score := range s.scores {
		if r.contest.whole {
			all = append(all, score.spent.Seconds())
		} else {
			all = append(all, float64(score.spent.Nanoseconds())/1000/float64(s.changes))
		}
	}
	return all
}

// pair is best and median with their unit.
func (r *result) pair(times []float64) []string {
	if times == nil {
		return []string{"", ""}
	}
	unit := " µs"
	if r.contest.whole {
		unit = " s"
	}
	return []string{short(slices.Min(times)) + unit, short(median(times)) + unit}
}

// ratio is that of the best times.
func ratio(of, to []float64) string {
	if of == nil || to == nil || slices.Min(to) <= 0 {
		return ""
	}
	return short(slices.Min(of) / slices.Min(to))
}

// allocs are those of a change, or of the round, in the last round: the
// steadiest.
func (r *result) allocs() string {
	n := float64(r.ours.scores[len(r.ours.scores)-1].allocs)
	if r.contest.whole {
		return short(n)
	}
	return short(n / float64(r.ours.changes))
}

// memory is that of a fact, or of what was built and how long that took.
func (r *result) memory() string {
	n := int64(r.contest.facts)
	if n == 0 {
		return fmt.Sprintf("%d MiB, built in %s s", r.built>>20, short(r.building.Seconds()))
	}
	cell := fmt.Sprintf("%d B a fact", r.ours.scores[0].heap/n)
	if r.floor != nil {
		cell += fmt.Sprintf(", floor %d", r.floor.scores[0].heap/n)
	}
	return cell
}

// short writes a number with two or three digits that count.
func short(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case x >= 1:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.2g", x)
}

func numbers(all []int) string {
	text := make([]string, len(all))
	for i, n := range all {
		text[i] = fmt.Sprint(n)
	}
	return strings.Join(text, ", ")
}
