package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Lag draws how long the search index takes to learn of a change. Atlassian's
// own words on it: a few seconds to minutes, the majority within seconds
// (developer.atlassian.com/cloud/jira/platform/search-and-reconcile).
type Lag func(*rand.Rand) time.Duration

// TypicalLag is a guess at the real distribution: four of five changes are
// found within 3 s, all but one in a hundred within 60 s, the rest within 300 s.
func TypicalLag(r *rand.Rand) time.Duration {
	most, least := 3*time.Second, time.Duration(0)
	switch n := r.IntN(100); {
	case n >= 99:
		least, most = time.Minute, 5*time.Minute
	case n >= 80:
		least, most = 3*time.Second, time.Minute
	}
	return least + time.Duration(r.Int64N(int64(most-least)))
}

// ConstantLag is the same for every change.
func ConstantLag(d time.Duration) Lag { return func(*rand.Rand) time.Duration { return d } }

// LagNamed finds a lag by its name: none, typical, or a duration as 30s.
func LagNamed(name string) (Lag, error) {
	switch name {
	case "", "none":
		return nil, nil
	case "typical":
		return TypicalLag, nil
	}
	d, err := time.ParseDuration(name)
	if err != nil || d < 0 {
		return nil, fmt.Errorf("a lag is none, typical or a duration, not %q", name)
	}
	return ConstantLag(d), nil
}

// version is a state of an issue and the moment from which searches know it.
type version struct {
	issue *Issue
	from  time.Time
}

// index is what searches see. Without a lag it is empty: they see the issues
// themselves then.
type index struct {
	versions map[int64][]version // in the order of the changes
	drawn    map[int64]uint64    // how many lags each issue has had
}

// draws is a source of random numbers that depends on nothing but the seed and
// what the draw is for: whatever else happens, the same draw comes out the same.
func (j *Jira) draws(purpose string, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(j.cfg.Seed^hash(purpose), n))
}

// learn puts a change of an issue on its way into the index.
func (j *Jira) learn(i *Issue, lag time.Duration) {
	all := j.index.versions[i.ID]
	now := j.clock()
	// Versions that a later one has overtaken are never seen again.
	if at := latest(all, now); at > 0 {
		all = slices.Delete(all, 0, at)
	}
	j.index.versions[i.ID] = append(all, version{i, now.Add(lag)})
}

// latest is the place of the newest version that is known at a time; -1 if none
// is.
func latest(all []version, now time.Time) int {
	for at := len(all) - 1; at >= 0; at-- {
		if !all[at].from.After(now) {
			return at
		}
	}
	return -1
}

// lag draws the lag of the next change of an issue.
func (j *Jira) lag(id int64) time.Duration {
	if j.cfg.Lag == nil {
		return 0
	}
	j.index.drawn[id]++
	return j.cfg.Lag(j.draws(fmt.Sprint("lag ", id), j.index.drawn[id]))
}

// indexed lists what a search can find: of each issue the version that the
// index knows, but of those in fresh the true one.
func (j *Jira) indexed(fresh []int64) []*Issue {
	var found []*Issue
	now := j.clock()
	for _, id := range j.order {
		i := j.issues[id]
		if all := j.index.versions[id]; len(all) > 0 && !slices.Contains(fresh, id) {
			at := latest(all, now)
			if at < 0 {
				continue // it is not known that there is one
			}
			i = all[at].issue
		}
		// The index may still know one that is gone; the site does not show it.
		if !i.Deleted && !j.issues[id].Deleted {
			found = append(found, i)
		}
	}
	return found
}
