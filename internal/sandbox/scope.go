package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// scope is what a request brings along: who asks, in which dialect, and what is
// to go wrong with it.
type scope struct {
	account string // account id; "" before the credentials are known
	server  bool   // the paths and shapes of Data Center
	base    string // address of the API, as http://host/rest/api/3
	grant   *grant // set for a caller with an access token
	fault   *Fault // changes what a handler answers, not whether it does
	touched []int64
}

type scopeKey struct{}

// of is the scope of a request; the routes see to it that each has one.
func of(r *http.Request) *scope {
	s, ok := r.Context().Value(scopeKey{}).(*scope)
	if !ok {
		return &scope{base: "http://" + r.Host + cloudAPI}
	}
	return s
}

// The prefixes of the two dialects.
const (
	cloudAPI  = "/rest/api/3"
	serverAPI = "/rest/api/2"
)

// scoped gives a request its scope.
func scoped(server bool, next http.Handler) http.Handler {
	api := cloudAPI
	if server {
		api = serverAPI
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &scope{server: server, base: "http://" + r.Host + api}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), scopeKey{}, s)))
	})
}

// self is the address of a thing in the API.
func (s *scope) self(path ...string) string {
	u, err := url.Parse(s.base)
	if err != nil { // a host that is none; the thing has no address then
		return s.base
	}
	return u.JoinPath(path...).String()
}

// touch notes that a request has to do with an issue: faults that befall an
// issue choose among these.
func (s *scope) touch(i *Issue) {
	if !slices.Contains(s.touched, i.ID) {
		s.touched = append(s.touched, i.ID)
	}
}

// goesWrong reports whether a fault of a kind is to befall this request.
func (s *scope) goesWrong(kinds ...Kind) bool {
	return s.fault != nil && slices.Contains(kinds, s.fault.Kind)
}
