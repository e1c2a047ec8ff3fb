package jira

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/trimtab/trimtab"
)

// credentials are what lets a request in.
type credentials interface {
	// header is the value of Authorization as of now.
	header(ctx context.Context) (string, error)
	// renew is told that a header was refused; it reports whether there is a newer one.
	renew(ctx context.Context, refused string) (bool, error)
}

// fixed is a header that does not change: a password, an API token, a personal
// access token.
type fixed string

func (f fixed) header(context.Context) (string, error)      { return string(f), nil }
func (f fixed) renew(context.Context, string) (bool, error) { return false, nil }

// authorize chooses how the client makes itself known.
func (c *Client) authorize() (credentials, error) {
	cfg := &c.cfg
	switch {
	case cfg.OAuth != nil:
		if cfg.Token != "" || cfg.Email != "" {
			return nil, trimtab.Errorf(trimtab.Invalid, "jira %s: either a token or OAuth, not both", c.base.Host)
		}
		return newOAuth(c)
	case cfg.Token != "" && cfg.Email != "":
		basic := base64.StdEncoding.EncodeToString([]byte(cfg.Email + ":" + cfg.Token))
		c.secrets.add(cfg.Token, basic)
		return fixed("Basic " + basic), nil
	case cfg.Token != "" && cfg.Edition == DataCenter:
		c.secrets.add(cfg.Token)
		return fixed("Bearer " + cfg.Token), nil
	}
	return nil, trimtab.Errorf(trimtab.Invalid, "jira %s: the e-mail of an account and an API token are needed, or a personal access token of a Data Center, or OAuth", c.base.Host).
		WithNext("%s", c.edition.credentials)
}

// secrets are the texts that appear in no error.
type secrets struct {
	mu     sync.Mutex
	fixed  []string   // with their other spellings
	recent [][]string // of tokens that are replaced from time to time, the newest last
}

// maxRecent is how many replaced tokens are remembered: an answer may echo one that
// was good a moment ago.
const maxRecent = 16

// add learns secrets that stay.
func (s *secrets) add(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		s.fixed = append(s.fixed, spellings(text)...)
	}
}

// replace learns secrets that will be replaced.
func (s *secrets) replace(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		all := spellings(text)
		known := slices.ContainsFunc(s.recent, func(old []string) bool { return slices.Equal(old, all) })
		if len(all) > 0 && !known {
			s.recent = append(s.recent, all)
		}
	}
	s.recent = s.recent[max(len(s.recent)-maxRecent, 0):]
}

// spellings are the ways in which a secret is written: one that is spelled for a
// URL or a header is the same.
func spellings(text string) []string {
	if len(text) < 4 { // a word of three letters is in every sentence
		return nil
	}
	return []string{
		text, url.QueryEscape(text), url.PathEscape(text), base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
	}
}

// redact removes secrets: a proxy or a debug page may echo a request.
func (s *secrets) redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Concat(s.fixed, slices.Concat(s.recent...))
	// A secret may begin with another one: the longer is removed first.
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range all {
		text = strings.ReplaceAll(text, secret, "[removed]")
	}
	return text
}
