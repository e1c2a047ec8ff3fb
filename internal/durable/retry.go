package durable

import (
	"errors"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/trimtab/trimtab"
)

// Retry says how often a step is tried, and how long is waited in between.
type Retry struct {
	Attempts int           // in all; default 1
	First    time.Duration // the pause after the first failure; default 1 s
	Factor   float64       // by which each pause is longer than the one before; default 2
	Max      time.Duration // the longest pause; default 5 minutes
	Jitter   float64       // the part of a pause that is left to chance; default 0.3
	// Final are codes of errors that no further attempt can mend, besides
	// [trimtab.Invalid], [trimtab.NotFound] and [trimtab.Internal], and what
	// [Permanent] marks.
	Final []trimtab.Code
}

// final reports whether a failure is the last word.
func (p Retry) final(f *Failure) bool {
	switch f.Code {
	case trimtab.Invalid, trimtab.NotFound, trimtab.Internal:
		return true
	}
	return f.Final || slices.Contains(p.Final, f.Code)
}

// next says whether and when to try again after so many failures. The chance in it is
// drawn from the names, so that the same history gives the same times.
func (p Retry) next(f *Failure, attempts int, asked time.Duration, now time.Time, run int64, step string) (at time.Time, again bool) {
	if attempts >= max(p.Attempts, 1) || p.final(f) {
		return time.Time{}, false
	}
	pause := float64(or(p.First, time.Second)) * math.Pow(or(p.Factor, 2), float64(attempts-1))
	pause = min(pause, float64(or(p.Max, 5*time.Minute)))
	// Around the pause, so that jitter does not make it longer on average.
	pause *= 1 + or(p.Jitter, 0.3)*(chance(run, step, attempts)-0.5)
	return now.Add(max(time.Duration(pause), asked)), true
}

// or is a value, or the default for zero.
func or[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}

// chance is a number from 0 to 1 made of names.
func chance(run int64, step string, attempt int) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strconv.FormatInt(run, 10) + "/" + step + "/" + strconv.Itoa(attempt))) // never fails
	return float64(h.Sum64()>>11) / (1 << 53)
}

// askedPause is how long an error asks to wait.
func askedPause(err error) time.Duration {
	var asks interface{ Pause() time.Duration }
	if errors.As(err, &asks) {
		return asks.Pause()
	}
	return 0
}
