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

// secrets are the texts that appear in no error: tokens of now and before.
type secrets struct {
	mu  sync.Mutex
	all []string // with their other spellings, the longest first
}

// add learns secrets. One that is spelled for a URL or a header is the same.
func (s *secrets) add(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		if len(text) < 4 { // a word of three letters is in every sentence
			continue
		}
		for _, spelled := range []string{
			text, url.QueryEscape(text), url.PathEscape(text), base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
		} {
			if !slices.Contains(s.all, spelled) {
				s.all = append(s.all, spelled)
			}
		}
	}
	// A secret may begin with another one: the longer is removed first.
	slices.SortStableFunc(s.all, func(a, b string) int { return len(b) - len(a) })
}

// redact removes secrets: a proxy or a debug page may echo a request.
func (s *secrets) redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.all {
		text = strings.ReplaceAll(text, secret, "[removed]")
	}
	return text
}
