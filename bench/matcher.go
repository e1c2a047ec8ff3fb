package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
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

// side is a player with its scores.
type side struct {
	name    string
	player  player
	changes int // of a round
	scores  []score
}

// result is what the rounds of a contest came to.
type result struct {
	contest            *contest
	ours, floor, clips *side         // floor and clips may be nil
	building           time.Duration // of our first preparation
	built              int64         // the memory that it took
	missing            string        // why CLIPS did not play
}

// sides are those that play.
func (r *result) sides() []*side {
	return slices.DeleteFunc([]*side{r.ours, r.floor, r.clips}, func(s *side) bool { return s == nil })
}

// contend plays rounds in turn, so that a machine that slows down slows all.
func (c *contest) contend(rounds int, clips, missing string) (r *result, err error) {
	r = &result{contest: c, missing: missing}
	defer func() {
		for _, s := range r.sides() {
			err = errors.Join(err, s.player.close())
		}
	}()
	if err := r.seat(clips); err != nil {
		return nil, err
	}
	for round := range rounds {
		for _, s := range r.sides() {
			if err := s.play(c, round); err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return r, nil
}

// seat prepares all that play, ours first: what it builds is measured while
// nothing else is there.
func (r *result) seat(clips string) error {
	c := r.contest
	r.ours = &side{name: "trimtab", player: c.ours(), changes: c.changes}
	if err := r.build(); err != nil {
		return err
	}
	if c.floor != nil {
		r.floor = &side{name: "floor", player: c.floor(), changes: c.changes}
	}
	if err := r.seatClips(clips); err != nil {
		return err
	}
	for _, s := range r.sides()[1:] {
		if err := s.player.prepare(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for _, s := range r.sides() {
		if err := s.pace(c.lasting); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// build measures our first preparation.
func (r *result) build() error {
	before := memory()
	start, err := spent()
	if err == nil {
		err = r.ours.player.prepare()
	}
	if err != nil {
		return err
	}
	end, err := spent()
	r.building, r.built = end-start, int64(memory().HeapAlloc)-int64(before.HeapAlloc)
	return err
}

// seatClips starts CLIPS if it plays.
func (r *result) seatClips(clips string) error {
	if r.contest.clips == nil {
		r.missing = r.contest.noClips
	}
	if r.missing != "" {
		return nil
	}
	p, err := newClipsPlayer(clips, r.contest.clips())
	if err == nil {
		r.clips = &side{name: "CLIPS", player: p, changes: r.contest.changes}
	}
	return err
}

// pace lowers the changes of a lasting workload until a round takes a second at
// most: what slows down with the rules must not take hours to say so. Of each
// number the second round counts, for the first may do what was put off.
func (s *side) pace(lasting bool) error {
	for n := 10; lasting && n < s.changes; n *= 10 {
		if _, err := s.player.play(n); err != nil {
			return err
		}
		again, err := s.player.play(n)
		if err != nil {
			return err
		}
		if again.spent > 150*time.Millisecond {
			s.changes = n
		}
	}
	return nil
}

// play plays a round on a field that is fresh or as good as, and checks it.
func (s *side) play(c *contest, round int) error {
	if round > 0 && !c.lasting {
		if err := s.player.prepare(); err != nil {
			return err
		}
	}
	result, err := s.player.play(s.changes)
	if err != nil {
		return err
	}
	result.firings = slices.Clone(result.firings)
	s.scores = append(s.scores, result)
	return nil
}

// check compares the firings of all rounds with the table's or, where it has
// none, with those of the first.
func (r *result) check() error {
	for _, s := range r.sides() {
		want := r.ours.scores[0].firings
		if r.contest.want != nil {
			want = r.contest.want(s.changes)
		}
		for _, score := range s.scores {
			if !slices.Equal(score.firings, want) {
				return fmt.Errorf("%s: %v firings, want %v", s.name, score.firings, want)
			}
		}
	}
	return nil
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
	runtime.KeepAlive(l)
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
