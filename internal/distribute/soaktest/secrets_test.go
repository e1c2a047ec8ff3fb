package soaktest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/store"
)

// TestSecretsAreFound: the search for secrets finds them where they are.
func TestSecretsAreFound(t *testing.T) {
	w := newWorld(t, "secrets", cloud, 1)
	w.see(2)
	w.walk()
	if v := w.judge(); len(v.Wrong) > 0 {
		t.Fatal(v.Wrong)
	}
	_, _ = fmt.Fprintln(w.logs, "Authorization: Bearer "+token)
	if v := w.judge(); len(v.Wrong) != 1 || !strings.Contains(v.Wrong[0], "secret 0") {
		t.Error(v.Wrong)
	}
	w.write(func(tx *store.Tx) error { return tx.Note(1, w.clock.Now(), "test", "it says", w.secrets()[2]) })
	if v := w.judge(); len(v.Wrong) != 2 || !strings.Contains(v.Wrong[1], "secret 2") {
		t.Error(v.Wrong)
	}
}

// TestEchoes: a site that repeats what it was asked with, credentials and all, in every
// refusal; nothing of it is kept or logged.
func TestEchoes(t *testing.T) {
	for _, kind := range []edition{cloud, dataCenter, app} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t, "echoes", kind, 1)
			w.see(60)
			w.walk()
			site := w.wire.site
			w.wire.site = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet || w.draws.IntN(2) == 0 {
					site.ServeHTTP(rw, r)
					return
				}
				site.ServeHTTP(httptest.NewRecorder(), r)
				_, password, _ := r.BasicAuth()
				rw.WriteHeader([]int{400, 409, 500, 502}[w.draws.IntN(4)])
				_, _ = fmt.Fprintf(rw, `{"errorMessages":["upstream failed: %s, %s, %s"],"errors":{"summary":"%s"}}`, r.Header.Get("Authorization"), password, r.URL, password)
			})
			w.see(60)
			for round := range 4 {
				w.walk()
				w.people(10)
				w.scan(round%2 == 0)
			}
			w.wire.site = site
			w.repair()
			w.calm()
			v := w.judge()
			for _, wrong := range v.Wrong {
				t.Error(wrong)
			}
			if !strings.Contains(w.logs.String(), "upstream failed") {
				t.Error("nothing was echoed")
			}
		})
	}
}
