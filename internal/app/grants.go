package app

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker/jira"
)

// grants keeps the tokens of an OAuth app in the state, sealed with the app's secret: who
// has a copy of the state alone can do nothing with them.
type grants struct {
	store *store.Store
	name  string // of the tracker
	seal  cipher.AEAD
}

var _ jira.Tokens = (*grants)(nil)

// newGrants derives the key of a tracker's grant by HKDF (RFC 5869).
func newGrants(s *store.Store, name, secret string) (*grants, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "trimtab grant "+name, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	return &grants{store: s, name: name, seal: seal}, err
}

// Load implements [jira.Tokens].
func (g *grants) Load(ctx context.Context) (kept jira.Grant, err error) {
	err = g.store.Read(ctx, func(tx *store.Tx) (err error) {
		kept, _, err = g.load(tx)
		return err
	})
	return kept, err
}

func (g *grants) load(tx *store.Tx) (kept jira.Grant, version int64, err error) {
	sealed, version, err := tx.Grant(g.name)
	if err != nil || len(sealed) == 0 {
		return kept, version, err
	}
	n := g.seal.NonceSize()
	if len(sealed) < n {
		return kept, version, g.unreadable()
	}
	text, err := g.seal.Open(nil, sealed[:n], sealed[n:], []byte(g.name))
	if err != nil || json.Unmarshal(text, &kept) != nil {
		return jira.Grant{}, version, g.unreadable()
	}
	return kept, version, nil
}

// unreadable: the app has another secret now, or the state is damaged. Either way a
// person has to grant access again.
func (g *grants) unreadable() error {
	return trimtab.Errorf(trimtab.Invalid, "the grant of tracker %s cannot be opened with this client secret", g.name).
		WithNext("`trimtab grant %s` keeps a new one", g.name)
}

// Swap implements [jira.Tokens].
func (g *grants) Swap(ctx context.Context, old, next jira.Grant) (swapped bool, err error) {
	err = g.store.Write(ctx, func(tx *store.Tx) error {
		kept, version, err := g.load(tx)
		if err != nil || !same(kept, old) {
			return err
		}
		swapped = true
		return g.save(tx, version, next)
	})
	return swapped && err == nil, err
}

// same compares grants by what they say; times by their moment.
func same(a, b jira.Grant) bool {
	return a.Access == b.Access && a.Refresh == b.Refresh && a.Expires.Equal(b.Expires) && a.Claimed.Equal(b.Claimed)
}

func (g *grants) save(tx *store.Tx, version int64, grant jira.Grant) error {
	text, err := json.Marshal(grant)
	if err != nil {
		return err
	}
	nonce := make([]byte, g.seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	return tx.SaveGrant(g.name, version, g.seal.Seal(nonce, nonce, text, []byte(g.name)))
}

// Grant keeps the refresh token that a person's consent gave, whatever was there before.
func (a *App) Grant(ctx context.Context, tracker, refresh string) error {
	for _, t := range a.Deployment.Trackers {
		if t.Name != tracker || t.Auth.ClientID == "" {
			continue
		}
		g, err := newGrants(a.Store, t.Name, t.Auth.ClientSecret)
		if err != nil {
			return err
		}
		return a.Store.Write(ctx, func(tx *store.Tx) error {
			_, version, err := tx.Grant(g.name)
			if err != nil {
				return err
			}
			return g.save(tx, version, jira.Grant{Refresh: refresh})
		})
	}
	return trimtab.Errorf(trimtab.NotFound, "there is no tracker %q with an OAuth app", tracker).WithNext("`trackers:` of the deployment file names them")
}

// pauses are what workers have learned of a site's limits, where all see it. They stand
// beside the run that learns of them: what it is told holds even if it fails.
type pauses struct{ store *store.Store }

var _ jira.Shared = pauses{}

// Get implements [jira.Shared].
func (p pauses) Get(ctx context.Context, name string) (n int64, err error) {
	err = p.store.Read(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.Number(name)
		return err
	})
	return n, err
}

// Raise implements [jira.Shared].
func (p pauses) Raise(ctx context.Context, name string, value int64) error {
	return p.store.Write(ctx, func(tx *store.Tx) error { return tx.RaiseNumber(name, value) })
}
