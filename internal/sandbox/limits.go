package sandbox

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits are how much the site bears. The zero value is no limit at all.
type Limits struct {
	// Writes refuses more than 20 writes in 2 s or 100 in 30 s to one issue.
	Writes bool
	// Burst has a bucket for each method, of which Cloud fills each second.
	Burst map[string]Bucket
	// Points are what an app may use up in an hour of the clock: 1 a call, and for
	// reads 1 more for each issue. 0 is no limit. Who comes with an API token uses
	// none.
	Points int
	// Server is the bucket of each account at Data Center; the zero one is no limit.
	Server Bucket
}

// CloudLimits are those that Atlassian writes down for Cloud
// (developer.atlassian.com/cloud/jira/platform/rate-limiting), with a bucket for
// Data Center as its administrators' guide shows it.
func CloudLimits() Limits {
	a := func(n int) Bucket { return Bucket{Size: n, Fill: n, Every: time.Second} }
	return Limits{
		Writes: true, Points: 65000, Server: Bucket{Size: 50, Fill: 10, Every: time.Second},
		Burst: map[string]Bucket{http.MethodGet: a(100), http.MethodPost: a(100), http.MethodPut: a(50), http.MethodDelete: a(50)},
	}
}

// used is how much of the limits is used up.
type used struct {
	buckets map[string]*level
	writes  map[int64]pastEvents
	points  map[string]*hourly // by app
}

// hourly are points of one hour of the clock.
type hourly struct {
	hour time.Time
	used int
}

// refusal is why a call goes too far.
type refusal struct {
	reason string
	wait   time.Duration
	limit  int
	left   int
}

// limited refuses what the site does not bear.
func (j *Jira) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := of(r)
		j.mu.Lock()
		no := j.tooMuch(w, r, s)
		j.mu.Unlock()
		if no != nil {
			no.answer(w, j.clock())
			return
		}
		next.ServeHTTP(w, r)
		if s.grant != nil {
			j.charge(s, r)
		}
	})
}

// tooMuch looks at each limit in turn; nil lets the call through.
func (j *Jira) tooMuch(w http.ResponseWriter, r *http.Request, s *scope) *refusal {
	limits := j.cfg.Limits
	if s.server {
		return j.serverLimit(w, s)
	}
	if s.grant != nil && limits.Points > 0 {
		if no := j.pointLimit(w, s); no != nil {
			return no
		}
	}
	if bucket := limits.Burst[r.Method]; bucket.Size > 0 {
		// Each endpoint has its own; ids within are the same endpoint.
		if wait := bucket.take(j.level(r.Method+" "+endpoint(r.URL.Path)), j.clock()); wait > 0 {
			return &refusal{reason: "jira-burst-based", wait: wait, limit: bucket.Size}
		}
	}
	if limits.Writes && r.Method != http.MethodGet {
		return j.writeLimit(r)
	}
	return nil
}

// level is how full the bucket of this name is.
func (j *Jira) level(name string) *level {
	l := j.used.buckets[name]
	if l == nil {
		l = &level{at: j.clock()}
		j.used.buckets[name] = l
	}
	return l
}

// serverLimit is Data Center's: a bucket for each account, told in headers.
func (j *Jira) serverLimit(w http.ResponseWriter, s *scope) *refusal {
	b := j.cfg.Limits.Server
	if b.Size == 0 {
		return nil
	}
	l := j.level("account " + s.account)
	wait := b.take(l, j.clock())
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(b.Size))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(b.left(*l)))
	w.Header().Set("X-RateLimit-Interval-Seconds", strconv.Itoa(int(b.Every.Seconds())))
	w.Header().Set("X-RateLimit-FillRate", strconv.Itoa(b.Fill))
	// Data Center says it with every answer, and often says 0.
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	if wait == 0 {
		return nil
	}
	return &refusal{wait: wait, limit: b.Size}
}

// pointLimit refuses an app whose hour is used up, until the next one begins.
func (j *Jira) pointLimit(w http.ResponseWriter, s *scope) *refusal {
	now, limit := j.clock(), j.cfg.Limits.Points
	p := j.points(s, now)
	left := max(0, limit-p.used)
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(left))
	w.Header().Set("X-RateLimit-Reset", p.hour.Add(time.Hour).Format(time.RFC3339))
	if left*5 < limit {
		w.Header().Set("X-RateLimit-NearLimit", "true")
	}
	if left > 0 {
		return nil
	}
	return &refusal{reason: "jira-quota-global-based", wait: p.hour.Add(time.Hour).Sub(now), limit: limit}
}

// points are those of an app in this hour.
func (j *Jira) points(s *scope, now time.Time) *hourly {
	p, hour := j.used.points[s.grant.app], now.Truncate(time.Hour)
	if p == nil || !p.hour.Equal(hour) {
		p = &hourly{hour: hour}
		j.used.points[s.grant.app] = p
	}
	return p
}

// charge counts the points of a call once it is known what it touched: reads
// cost 1 and 1 for each issue, writes 1 for each issue that they make, at least 1.
func (j *Jira) charge(s *scope, r *http.Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	cost := max(1, len(s.touched))
	// Searches and fetches read, whatever their method.
	if r.Method == http.MethodGet || strings.Contains(r.URL.Path, "/search/") || strings.HasSuffix(r.URL.Path, "/bulkfetch") {
		cost = 1 + len(s.touched)
	}
	j.points(s, j.clock()).used += cost
}

// writeLimit counts the writes to one issue.
func (j *Jira) writeLimit(r *http.Request) *refusal {
	_, rest, _ := strings.Cut(r.URL.Path, "/issue/")
	key, _, _ := strings.Cut(rest, "/")
	i := j.find(key)
	if i == nil {
		return nil
	}
	now, past := j.clock(), j.used.writes[i.ID]
	for _, most := range []struct {
		writes int
		in     time.Duration
	}{{20, 2 * time.Second}, {100, 30 * time.Second}} {
		if n, until := past.in(most.in, now); n >= most.writes {
			return &refusal{reason: "jira-per-issue-on-write", wait: until.Sub(now), limit: most.writes}
		}
	}
	// More than these no limit looks at.
	j.used.writes[i.ID] = append(past[max(0, len(past)-100):], now)
	return nil
}

// answer refuses with 429. The pause is in whole seconds, rounded up.
func (no *refusal) answer(w http.ResponseWriter, now time.Time) {
	h := w.Header()
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(no.wait.Seconds()))))
	h.Set("X-RateLimit-Limit", strconv.Itoa(no.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(no.left))
	if no.reason != "" {
		h.Set("RateLimit-Reason", no.reason)
		h.Set("X-RateLimit-Reset", now.Add(no.wait).Format(time.RFC3339))
	}
	refuse(w, http.StatusTooManyRequests, "Rate limit exceeded.")
}

// endpoint is a path without what differs from issue to issue.
func endpoint(path string) string {
	words := strings.Split(path, "/")
	for n := 1; n < len(words); n++ {
		switch words[n-1] {
		case "issue":
			if words[n] != "bulk" && words[n] != "bulkfetch" && words[n] != "createmeta" {
				words[n] = "{issue}"
			}
		case "properties", "project", "createmeta", "issuetypes":
			if words[n] != "search" {
				words[n] = "{}"
			}
		}
	}
	return strings.Join(words, "/")
}

// Calls tells how many requests the API has had, by method and path, as
// "PUT /rest/api/3/issue/{issue}": also those that a fault or a limit refused.
func (j *Jira) Calls() map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	calls := map[string]int{}
	for name, n := range j.calls {
		calls[name] = n
	}
	return calls
}

// ForgetCalls begins counting anew.
func (j *Jira) ForgetCalls() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = map[string]int{}
}

// counted counts requests.
func (j *Jira) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		j.mu.Lock()
		j.calls[fmt.Sprint(r.Method, " ", endpoint(r.URL.Path))]++
		j.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}
