// Package rest is what adapters for trackers with a REST API share: the address of a site,
// an HTTP client that follows no redirect, and what an answer says of the next try.
package rest

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// Bounds of the pause that a refusal asks for. Sites have been seen to say 0.
const (
	MinPause = time.Second
	MaxPause = 24 * time.Hour
)

// Site words the mistakes in the address of a kind of site.
type Site struct {
	Kind    string // jira
	Name    string // a Jira site
	Example string // https://company.atlassian.net
	Secret  string // token: what must not travel in clear
}

// Address checks the address of a site: the secret must not leave in clear, but for a site
// on this machine.
func (s Site) Address(text string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		// The text is not repeated: it may hold a password.
		return nil, trimtab.Errorf(trimtab.Invalid, "the URL of %s is like %s", s.Name, s.Example)
	}
	if base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())) {
		return nil, trimtab.Errorf(trimtab.Invalid, "%s %s: the %s would travel in clear over %s", s.Kind, base.Host, s.Secret, base.Scheme).
			WithNext("use https")
	}
	return base, nil
}

// loopback takes addresses and the one name that never leaves the machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Statuses are those that a project's words can stand for, and that can be written.
var Statuses = []tracker.Status{tracker.Open, tracker.InProgress, tracker.Done, tracker.WontDo}

// CheckStatuses refuses words for statuses, by project, that would silently map nothing.
// Whether a project has the statuses is for Check to ask.
func CheckStatuses(projects map[string]map[string]string) error {
	for _, project := range slices.Sorted(maps.Keys(projects)) {
		for status, name := range projects[project] {
			if !slices.Contains(Statuses, tracker.Status(status)) {
				return trimtab.Errorf(trimtab.Invalid, "status map of project %s: %q is not one of open, in_progress, done, wont_do", project, status)
			}
			if name == "" {
				return trimtab.Errorf(trimtab.Invalid, "status map of project %s: %s names no status", project, status)
			}
		}
	}
	return nil
}

// Client is the given client, or one of its own, that follows no redirect: an API has none,
// a login page has, and a POST would arrive at its end as a GET.
func Client(given *http.Client) *http.Client {
	made := &http.Client{}
	if given != nil {
		*made = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		made.Transport = t.Clone()
	}
	made.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return made
}

// Refusal is the kind of an answer that is no success. What was refused was not done; of a
// 5xx nobody knows, which is doubt.
func Refusal(status int, head http.Header, doubt tracker.Kind) tracker.Kind {
	switch {
	case status == http.StatusUnauthorized:
		return tracker.Unauthorized
	case status == http.StatusForbidden:
		return tracker.Forbidden
	case status == http.StatusNotFound:
		return tracker.Missing
	// All of these say that nothing was done and that later it may work.
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly:
		return tracker.Retry
	// With a date to come back it was turned away at the door; without one it may have died
	// at work.
	case status == http.StatusServiceUnavailable && head.Get("Retry-After") != "":
		return tracker.Retry
	case status >= 500:
		return doubt
	}
	return tracker.Rejected
}

// RetryAfter reads the pause that an answer asks for: seconds, also with a fraction, or a
// date (RFC 9110, 10.2.3).
func RetryAfter(head http.Header, now time.Time) (pause time.Duration, said bool) {
	text := head.Get("Retry-After")
	// They are bounded before they become a duration, which would overflow.
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return time.Duration(min(max(seconds, 0), MaxPause.Seconds()) * float64(time.Second)), true
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now), true
	}
	return 0, false
}
