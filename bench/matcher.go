package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// contest is one workload of the matcher at one size: Trimtab, the same joins
// by hand, and CLIPS play it in turn.
type contest struct {
	name, size string
	changes    int                     // of one round
	whole      bool                    // time is that of the round in seconds, not of a change
	lasting    bool                    // a round leaves the field as it was, so that it can be played again
	facts      int                     // whose memory is measured; 0 measures what prepare built
	want       func(changes int) []int // nil where the table has no number
	ours       func() player
	floor      func() player // nil where there is none
	clips      func() clipsProgram
	noClips    string // why CLIPS does not play
	clipsPlays int    // its changes where it is too slow for all
	rounds     int    // at most; 0 means as many as asked for
}

// player plays rounds of a workload.
type player interface {
	// prepare lays the field; it is not measured with the round.
	prepare() error
	// play makes changes and runs the rules after each.
	play(changes int) (score, error)
	close() error
}

// score is what a round came to.
type score struct {
	firings []int
	spent   time.Duration
	allocs  uint64
	heap    int64 // what lives behind the round more than before it
}

// local is a player in this process.
type local struct {
	lay   func() error
	round func(changes int) ([]int, error)
}

// prepare implements [player].
func (l *local) prepare() error { return l.lay() }

// play implements [player].
func (l *local) play(changes int) (s score, err error) {
	before := memory()
	start, err := spent()
	if err != nil {
		return s, err
	}
	if s.firings, err = l.round(changes); err != nil {
		return s, err
	}
	end, err := spent()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	s.spent, s.allocs = end-start, after.Mallocs-before.Mallocs
	s.heap = int64(memory().HeapAlloc) - int64(before.HeapAlloc)
	return s, err
}

// close implements [player].
func (l *local) close() error { return nil }

// memory is that of the process without garbage.
func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// result is what the rounds of a contest came to.
type result struct {
	contest              *contest
	ours, floor, clips   []score
	changes, clipsPlayed int
	building             time.Duration // of the first preparation
	built                int64         // the memory that it took
	missing              string        // why CLIPS did not play
}

// contend plays rounds in turn, so that a machine that slows down slows all.
func (c *contest) contend(rounds int, clips, missing string) (r *result, err error) {
	r = &result{contest: c, missing: missing}
	if c.rounds > 0 {
		rounds = min(rounds, c.rounds)
	}
	seats, err := c.seats(r, clips)
	defer func() {
		for _, s := range seats {
			err = errors.Join(err, s.player.close())
		}
	}()
	if err != nil {
		return nil, err
	}
	for round := range rounds {
		for _, s := range seats {
			if err := s.play(c, round); err != nil {
				return nil, err
			}
		}
	}
	return r, r.check()
}

// seat is a player at the table, and where its scores go.
type seat struct {
	name    string
	player  player
	changes int
	scores  *[]score
}

// play plays a round on a field that is fresh or as good as.
func (s *seat) play(c *contest, round int) error {
	if round > 0 && !c.lasting {
		if err := s.player.prepare(); err != nil {
			return err
		}
	}
	result, err := s.player.play(s.changes)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	*s.scores = append(*s.scores, result)
	return nil
}

// seats prepares all that play, ours first: what it builds is measured while
// nothing else is there.
func (c *contest) seats(r *result, clips string) (seats []*seat, err error) {
	ours := &seat{"trimtab", c.ours(), c.changes, &r.ours}
	seats = append(seats, ours)
	before := memory()
	start, err := spent()
	if err != nil {
		return seats, err
	}
	if err = ours.player.prepare(); err != nil {
		return seats, err
	}
	end, err := spent()
	r.building, r.built = end-start, int64(memory().HeapAlloc)-int64(before.HeapAlloc)
	if err != nil {
		return seats, err
	}
	if err = r.pace(ours); err != nil {
		return seats, err
	}
	if c.floor != nil {
		seats = append(seats, &seat{"floor", c.floor(), c.changes, &r.floor})
	}
	if s, err := c.clipsSeat(r, clips); err != nil {
		return seats, err
	} else if s != nil {
		seats = append(seats, s)
	}
	for _, s := range seats[1:] {
		if err := s.player.prepare(); err != nil {
			return seats, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return seats, nil
}

// clipsSeat starts CLIPS if it plays.
func (c *contest) clipsSeat(r *result, clips string) (*seat, error) {
	switch {
	case r.missing != "":
		return nil, nil
	case c.clips == nil:
		r.missing = c.noClips
		return nil, nil
	}
	p, err := newClipsPlayer(clips, c.clips())
	if err != nil {
		return nil, err
	}
	r.clipsPlayed = r.changes
	if c.clipsPlays > 0 {
		r.clipsPlayed = min(c.clipsPlays, r.changes)
	}
	return &seat{"CLIPS", p, r.clipsPlayed, &r.clips}, nil
}

// pace lowers the changes of a lasting workload until a round takes a second: a
// matcher that slows down with its rules must not take hours to say so.
func (r *result) pace(ours *seat) error {
	r.changes = ours.changes
	if !r.contest.lasting || r.changes == 0 {
		return nil
	}
	for n := 10; n < r.changes; n *= 10 {
		s, err := ours.player.play(n)
		if err != nil {
			return err
		}
		if s.spent > 300*time.Millisecond {
			r.changes, ours.changes = n, n
			return nil
		}
	}
	return nil
}

// check compares all firings with the table's, and those of the players with
// each other.
func (r *result) check() error {
	if err := r.agree("trimtab", r.ours, r.changes); err != nil {
		return err
	}
	if err := r.agree("floor", r.floor, r.contest.changes); err != nil {
		return err
	}
	if err := r.agree("CLIPS", r.clips, r.clipsPlayed); err != nil {
		return err
	}
	if len(r.floor) > 0 && r.contest.changes == r.changes && !slices.Equal(r.ours[0].firings, r.floor[0].firings) {
		return fmt.Errorf("%v firings, by hand %v", r.ours[0].firings, r.floor[0].firings)
	}
	if len(r.clips) > 0 && r.clipsPlayed == r.changes && !slices.Equal(r.ours[0].firings, r.clips[0].firings) {
		return fmt.Errorf("%v firings, CLIPS %v", r.ours[0].firings, r.clips[0].firings)
	}
	return nil
}

// agree compares a player's rounds with the table, or with its first.
func (r *result) agree(name string, scores []score, changes int) error {
	for _, s := range scores {
		want := scores[0].firings
		if r.contest.want != nil {
			want = r.contest.want(changes)
		}
		if !slices.Equal(s.firings, want) {
			return fmt.Errorf("%s: %v firings, want %v", name, s.firings, want)
		}
	}
	return nil
}

// matcherTable plays contests and writes a row for each as it ends.
func matcherTable(ctx context.Context, out io.Writer, all []*contest, rounds int) error {
	clips, missing := findClips()
	fmt.Fprintln(out, "| workload | size | changes | firings | best | median | allocs | memory, building | CLIPS best | median | floor best | median | CLIPS / ours | ours / floor |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, c := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := c.contend(rounds, clips, missing)
		if err != nil {
			return fmt.Errorf("%s %s: %w", c.name, c.size, err)
		}
		fmt.Fprintln(out, r.row())
		runtime.GC()
	}
	return nil
}

// row is a line of the table.
func (r *result) row() string {
	ours, floor, clips := r.times(r.ours, r.changes), r.times(r.floor, r.contest.changes), r.times(r.clips, r.clipsPlayed)
	cells := []string{r.contest.name, r.contest.size, r.changesCell(), "ok " + numbers(r.ours[0].firings)}
	cells = append(cells, r.pair(ours)...)
	cells = append(cells, r.allocs(), r.memory())
	if clips == nil {
		cells = append(cells, r.missing, "")
	} else {
		cells = append(cells, r.pair(clips)...)
	}
	cells = append(cells, r.pair(floor)...)
	cells = append(cells, ratio(clips, ours), ratio(ours, floor))
	return "| " + strings.Join(cells, " | ") + " |"
}

func (r *result) changesCell() string {
	if r.contest.whole {
		return ""
	}
	return fmt.Sprint(r.changes)
}

// times are those of a change in microseconds, or of the round in seconds.
func (r *result) times(scores []score, changes int) []float64 {
	var all []float64
	for _, s := range scores {
		if r.contest.whole {
			all = append(all, s.spent.Seconds())
		} else {
			all = append(all, float64(s.spent.Nanoseconds())/1000/float64(changes))
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
	return []string{fmt.Sprintf("%.3g", slices.Min(times)) + unit, fmt.Sprintf("%.3g", median(times)) + unit}
}

// ratio is that of the best times.
func ratio(of, to []float64) string {
	if of == nil || to == nil || slices.Min(to) <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2g", slices.Min(of)/slices.Min(to))
}

// allocs are those of a change in the last round, which is the steadiest.
func (r *result) allocs() string {
	n := float64(r.ours[len(r.ours)-1].allocs)
	if r.contest.whole {
		return fmt.Sprintf("%.3g", n)
	}
	return fmt.Sprintf("%.3g", n/float64(r.changes))
}

// memory is that of a fact, or of what was built.
func (r *result) memory() string {
	if n := r.contest.facts; n > 0 {
		cell := fmt.Sprintf("%d B a fact", r.ours[0].heap/int64(n))
		if r.floor != nil {
			cell += fmt.Sprintf(", floor %d", r.floor[0].heap/int64(n))
		}
		return cell
	}
	return fmt.Sprintf("%d MiB in %.2g s", r.built>>20, r.building.Seconds())
}

func numbers(all []int) string {
	text := make([]string, len(all))
	for i, n := range all {
		text[i] = fmt.Sprint(n)
	}
	return strings.Join(text, ", ")
}
