package app

import (
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker/jira"
)

// TestGrants: a grant changes only in the hands of who saw it last, and the state alone
// tells nothing of it.
func TestGrants(t *testing.T) {
	a := newSite(t).open()
	defer func() { _ = a.Close() }()
	g, err := newGrants(a.Store, "corp", "client-secret")
	if err != nil {
		t.Fatal(err)
	}
	none, err := g.Load(t.Context())
	if err != nil || none != (jira.Grant{}) {
		t.Fatalf("%v, %v", none, err)
	}
	first := jira.Grant{Access: "access-1", Refresh: "refresh-1", Expires: time.UnixMilli(1_800_000_000_123).UTC()}
	second := jira.Grant{Access: "access-2", Refresh: "refresh-2", Claimed: time.UnixMilli(1_800_000_000_456).UTC()}
	for _, step := range []struct {
		old, next jira.Grant
		want      bool
	}{{none, first, true}, {none, second, false}, {first, second, true}, {first, none, false}} {
		if swapped, err := g.Swap(t.Context(), step.old, step.next); swapped != step.want || err != nil {
			t.Errorf("%+v: %t, %v", step, swapped, err)
		}
	}
	if kept, err := g.Load(t.Context()); err != nil || !same(kept, second) {
		t.Errorf("%+v, %v", kept, err)
	}
	err = a.Store.Read(t.Context(), func(tx *store.Tx) error {
		sealed, version, err := tx.Grant("corp")
		if version != 2 || strings.Contains(string(sealed), "refresh") || len(sealed) < 50 {
			t.Errorf("version %d, %q", version, sealed)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	other, err := newGrants(a.Store, "corp", "another-secret")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Load(t.Context()); err == nil || strings.Contains(err.Error(), "refresh-2") {
		t.Errorf("another secret opens it: %v", err)
	}
}

// TestPauses: what one worker learns of a site's limits holds for all, and is only ever
// put off.
func TestPauses(t *testing.T) {
	a := newSite(t).open()
	defer func() { _ = a.Close() }()
	p := pauses{a.Store}
	for _, raise := range []int64{5, 9, 7} {
		if err := p.Raise(t.Context(), "jira/corp/pause/site", raise); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := p.Get(t.Context(), "jira/corp/pause/site"); n != 9 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := p.Get(t.Context(), "jira/other/pause/site"); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
