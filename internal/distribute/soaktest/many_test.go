package soaktest

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/store"
)

// wave is how many recommendations come with one scan.
const wave = 100_000

// TestMany files very many tickets while one request in twenty goes wrong: each once, and
// with few calls beyond the one for every fifty that there must be.
func TestMany(t *testing.T) {
	n, began := *tickets, time.Now()
	if slow || testing.Short() {
		n /= 10
	}
	w := newWorld(t, fmt.Sprintf("%d tickets", n), cloud, *first)
	w.dist.Log = slog.New(slog.DiscardHandler)
	w.site.Chaos(*first, 0.05)
	for runs := 0; w.filed() < n && runs < 20+n/wave*5; runs++ {
		if w.filed() == w.things {
			w.see(min(wave, n-w.things))
		}
		_, err := w.dist.Unblock(t.Context())
		w.check(err)
		w.live(func(ctx context.Context) error { _, err := w.dist.Run(ctx, true); return err })
		t.Logf("%d filed after %s, %s of the site's time, %d calls", w.filed(), time.Since(began).Round(time.Millisecond),
			w.clock.Now().Sub(beginning).Round(time.Second), w.wire.calls)
		w.clock.Advance(10 * time.Minute)
	}
	t.Logf("%d calls, %s; %s", w.wire.calls, drawn(w.site.Drawn()), calls(w.site))
	for marker, ids := range w.made.of {
		if len(ids) > 1 {
			t.Errorf("%s was made %d times", marker, len(ids))
		}
	}
	if w.filed() != n || len(w.made.of) != n {
		t.Errorf("%d filed, %d made, of %d", w.filed(), len(w.made.of), n)
	}
	if least := (n + 49) / 50; w.wire.calls > 4*least+200 {
		t.Errorf("%d calls for %d creations of 50", w.wire.calls, least)
	}
}

// filed is how many tickets the state knows.
func (w *world) filed() (n int) {
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT COUNT(*) FROM tickets`)
		if err == nil {
			n = int(rows[0][0].(int64))
		}
		return err
	}))
	return n
}

func calls(site *sandbox.Jira) string {
	text := ""
	for name, n := range site.Calls() {
		text += fmt.Sprintf("%s %d; ", name, n)
	}
	return text
}
