// Package governor decides when a request to a Jira site may go. It is a pure
// core: what was asked and what came back go in with the time, a decision comes
// out. It neither waits nor sends; the client does.
//
// The rules are those of Jira's own limits: a bucket of tokens per method, a
// lane per issue, a pause for what a refusal names (an issue, a method, the
// site), a project that forbids, and a site that does not answer.
package governor

import (
	"cmp"
	"slices"
	"time"
)

// Call is a request that wants to go.
type Call struct {
	Method  string // GET, POST, PUT, DELETE
	Issue   string // of a write: its id, "" where it has none
	Project string // of a write: its key, "" where it is not known
	Write   bool
	Create  bool // it creates tickets: goes first where little is left
}

// Decision says when: at once if Wait is 0, else ask again after it. A call that
// is Forbidden should not wait: its project has refused the account.
type Decision struct {
	Wait      time.Duration
	Why       string
	Forbidden bool
}

// Outcome is what came of a call.
type Outcome struct {
	Status   int           // of the answer; 0 without one
	Unsent   bool          // it never left, for reasons of the caller's own
	Reason   string        // the header RateLimit-Reason
	Pause    time.Duration // what the answer asks for; 0 if it does not say
	Near     bool          // less than a fifth of the limit is left
	Reset    time.Time     // when the limit begins anew; zero if not said
	Jitter   float64       // 0.7 to 1.3, drawn by the caller
	Rejected []string      // projects that forbade a part of it
}

// Hold keeps a scope from being asked until a time: "site", "method/POST",
// "issue/10001", "project/FIN".
type Hold struct {
	Scope string
	Until time.Time
	Why   string
}

// The figures, from Jira's page on rate limits where it has one.
const (
	MinPause     = time.Second      // a site that asks for 0 does not mean it
	MaxPause     = 24 * time.Hour   // a site that asks for a year does not either
	basePause    = 2 * time.Second  // doubled by each refusal that names no pause
	maxBackoff   = time.Minute      //
	forbidden    = time.Minute      // how long a project that said 403 is left alone
	nearFor      = time.Minute      // how long a warning counts without a time of reset
	laneWrites   = 5                // of one issue; Jira allows 20
	laneSpan     = 2 * time.Second  //
	tripAfter    = 5                // failures in a row after which a site counts as down
	firstBreak   = 15 * time.Second // doubled by each probe that fails
	maxBreak     = 5 * time.Minute
	probeWait    = time.Second // to ask again while another call probes
	siteScope    = "site"
	methodScope  = "method/"
	issueScope   = "issue/"
	projectScope = "project/"
)

// rates are the calls a second of each method, which are also the burst.
var rates = map[string]float64{"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}

// State is what is known of a site.
type State struct {
	buckets map[string]*bucket
	holds   map[string]Hold
	strikes map[string]int // refusals in a row, by scope
	lanes   map[string][]time.Time
	near    time.Time // little is left until then
	breaker breaker
}

// bucket holds tokens as of a time.
type bucket struct {
	tokens float64
	at     time.Time
}

// breaker tells a site that does not answer.
type breaker struct {
	failures int
	trips    int
	until    time.Time
	probing  bool
}

// New is the state of a site of which nothing is known.
func New() *State {
	return &State{buckets: map[string]*bucket{}, holds: map[string]Hold{}, strikes: map[string]int{}, lanes: map[string][]time.Time{}}
}

// Ask decides about a call. One that may go has taken its token with that, and
// must be followed by [State.Tell].
func (s *State) Ask(now time.Time, c Call) Decision {
	if d := s.held(now, c); d.Wait > 0 {
		return d
	}
	if d := s.broken(now); d.Wait > 0 {
		return d
	}
	if wait := s.lane(now, c); wait > 0 {
		return Decision{Wait: wait, Why: "this issue was written to a moment ago"}
	}
	b := s.bucket(now, c.Method)
	if need := 1 + s.reserve(now, c); b.tokens < need {
		return Decision{Wait: time.Duration((need-b.tokens)/s.rate(now, c.Method)*float64(time.Second)) + time.Millisecond, Why: "so many calls a second"}
	}
	b.tokens--
	s.take(now, c)
	return Decision{}
}

// take notes that a call goes.
func (s *State) take(now time.Time, c Call) {
	if s.breaker.failures >= tripAfter {
		s.breaker.probing = true
	}
	if c.Write && c.Issue != "" {
		s.lanes[c.Issue] = append(s.lanes[c.Issue], now)
	}
}

// held finds the longest hold on anything that a call touches.
func (s *State) held(now time.Time, c Call) Decision {
	longest := Decision{}
	for _, scope := range c.Scopes() {
		hold, ok := s.holds[scope]
		if !ok {
			continue
		}
		wait := hold.Until.Sub(now)
		if wait <= 0 {
			delete(s.holds, scope)
			continue
		}
		if wait > longest.Wait {
			longest = Decision{Wait: wait, Why: hold.Why, Forbidden: scope == projectScope+c.Project}
		}
	}
	return longest
}

// Scopes are what a call touches, the widest first.
func (c Call) Scopes() []string {
	scopes := []string{siteScope, methodScope + c.Method}
	if c.Write && c.Project != "" {
		scopes = append(scopes, projectScope+c.Project)
	}
	if c.Write && c.Issue != "" {
		scopes = append(scopes, issueScope+c.Issue)
	}
	return scopes
}

// broken keeps calls from a site that is down; once in a while one may try.
func (s *State) broken(now time.Time) Decision {
	b := &s.breaker
	switch {
	case b.failures < tripAfter:
		return Decision{}
	case now.Before(b.until):
		return Decision{Wait: b.until.Sub(now), Why: "the site has not answered several times"}
	case b.probing:
		return Decision{Wait: probeWait, Why: "one call tries whether the site answers again"}
	}
	return Decision{}
}

// lane is how long a write must wait for others to the same issue.
func (s *State) lane(now time.Time, c Call) time.Duration {
	if !c.Write || c.Issue == "" {
		return 0
	}
	times := slices.DeleteFunc(s.lanes[c.Issue], func(t time.Time) bool { return now.Sub(t) >= laneSpan })
	s.lanes[c.Issue] = times
	if len(times) == 0 {
		delete(s.lanes, c.Issue)
	}
	if len(times) < laneWrites {
		return 0
	}
	return times[0].Add(laneSpan).Sub(now)
}

// bucket gives a method's tokens as of now.
func (s *State) bucket(now time.Time, method string) *bucket {
	full := fullRate(method)
	b := s.buckets[method]
	if b == nil {
		b = &bucket{tokens: full, at: now}
		s.buckets[method] = b
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens, b.at = min(b.tokens+passed.Seconds()*s.rate(now, method), full), now
	}
	return b
}

func fullRate(method string) float64 { return cmp.Or(rates[method], 50) }

// rate falls to a fifth where Jira says that only a fifth is left.
func (s *State) rate(now time.Time, method string) float64 {
	if now.Before(s.near) {
		return fullRate(method) / 5
	}
	return fullRate(method)
}

// reserve is what a call must leave to others: where little is left, half of a
// bucket is for creations.
func (s *State) reserve(now time.Time, c Call) float64 {
	if c.Create || !now.Before(s.near) {
		return 0
	}
	return fullRate(c.Method)/2 - 1
}

// Forbids gives the hold on a project, if there is one: a part of a batch can then
// be left out.
func (s *State) Forbids(now time.Time, project string) (Hold, bool) {
	h, ok := s.holds[projectScope+project]
	return h, ok && now.Before(h.Until)
}

// Learn takes over a hold that another worker has met.
func (s *State) Learn(h Hold) {
	if h.Until.After(s.holds[h.Scope].Until) {
		s.holds[h.Scope] = h
	}
}

// Tell notes what came of a call and gives the holds that follow.
func (s *State) Tell(now time.Time, c Call, o Outcome) []Hold {
	if o.Unsent {
		s.breaker.probing = false
		return nil
	}
	if o.Near {
		s.near = now.Add(nearFor)
		if o.Reset.After(now) {
			s.near = o.Reset
		}
	}
	s.judge(now, o)
	holds := s.follow(now, c, o)
	for _, h := range holds {
		s.Learn(h)
	}
	return holds
}

// judge moves the breaker. A refusal is an answer: the site is up.
func (s *State) judge(now time.Time, o Outcome) {
	b := &s.breaker
	b.probing = false
	if o.Status != 0 && (o.Status < 500 || o.Pause > 0) {
		*b = breaker{}
		return
	}
	if b.failures++; b.failures >= tripAfter {
		b.until = now.Add(min(firstBreak<<min(b.trips, 10), maxBreak))
		b.trips++
	}
}

// follow is what an outcome asks to be left alone.
func (s *State) follow(now time.Time, c Call, o Outcome) []Hold {
	var holds []Hold
	for _, project := range o.Rejected {
		holds = append(holds, Hold{projectScope + project, now.Add(forbidden), "project " + project + " has refused the account"})
	}
	switch {
	case o.Status == 429:
		return append(holds, s.throttled(now, c, o))
	case o.Status == 503 && o.Pause > 0:
		return append(holds, Hold{siteScope, now.Add(bounded(o.Pause)), "the site asks for a pause"})
	// Of an issue it may be that one alone: the client finds out.
	case o.Status == 403 && c.Write && c.Issue == "" && c.Project != "":
		return append(holds, Hold{projectScope + c.Project, now.Add(forbidden), "project " + c.Project + " has refused the account"})
	case o.Status/100 == 2:
		for _, scope := range c.Scopes() {
			delete(s.strikes, scope)
		}
	}
	return holds
}

// throttled holds what a 429 names. Without a name it is the method, and, when
// that has not helped, the site.
func (s *State) throttled(now time.Time, c Call, o Outcome) Hold {
	scope, why := methodScope+c.Method, "Jira limits "+c.Method+" requests"
	switch {
	case o.Reason == "jira-per-issue-on-write" && c.Issue != "":
		scope, why = issueScope+c.Issue, "Jira limits writes to one issue"
	case o.Reason == "jira-quota-global-based", o.Reason == "jira-quota-tenant-based":
		scope, why = siteScope, "the hour's quota of the site is used up"
	case o.Reason == "" && s.strikes[scope] >= 2:
		scope, why = siteScope, "Jira limits requests"
	}
	pause := o.Pause
	if scope == siteScope && o.Reason != "" && o.Reset.After(now) {
		pause = max(pause, o.Reset.Sub(now))
	}
	if pause <= 0 {
		pause = time.Duration(float64(min(basePause<<min(s.strikes[scope], 10), maxBackoff)) * cmp.Or(o.Jitter, 1))
	}
	s.strikes[scope]++
	return Hold{scope, now.Add(bounded(pause)), why}
}

// bounded keeps a pause within reason.
func bounded(pause time.Duration) time.Duration { return min(max(pause, MinPause), MaxPause) }

// MaxTries is how often one call is sent at most.
const MaxTries = 4

// Again reports whether a call that was throttled may wait and go once more: it
// has been sent tries times, has waited so long in all, and may wait up to limit.
func Again(tries int, waited, wait, limit time.Duration) bool {
	return tries < MaxTries && waited+wait <= limit
}
