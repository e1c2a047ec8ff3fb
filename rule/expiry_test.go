package rule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestExpiriesEqualTrying moves the clock in random steps and holds the matches of
// conditions with now to those of a session that began at that moment.
func TestExpiriesEqualTrying(t *testing.T) {
	conditions := []string{
		"x.t > now", "x.t <= now", "now - x.u < x.t", `x.t < now - duration("1h")`, `x.t >= now + x.u`, `now >= x.t || x.t > now + duration("2h")`,
		`now - x.t > duration("1h")`, `!(x.t > now) && x.t > now - duration("3h")`,
	}
	types := "apiVersion: trimtab/v1\npack: types\nfacts: {X: {key: [n], fields: {n: int, t: 'timestamp?', u: duration}}}\n"
	var rules strings.Builder
	for i, c := range conditions {
		fmt.Fprintf(&rules, "  - {id: r%d, when: [{match: X, as: x, where: '%s'}], then: [{derive: Hit, set: {rule: '%d', n: x.n}}]}\n", i, c, i)
	}
	s := load(t, types, "apiVersion: trimtab/v1\npack: p\nfacts: {Hit: {fields: {rule: int, n: int}}}\nrules:\n"+rules.String())
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	hits := func(t *rapid.T, session *Session) string {
		if _, err := session.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for f := range session.memory.FactsOf("Hit") {
			seen[fmt.Sprint(f.Fields())] = true
		}
		return strings.Join(sortedKeys(seen), " ")
	}
	begin := func(t *rapid.T, now time.Time, facts []map[string]any) *Session {
		session, err := s.NewSession(SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := session.SetClock(now); err != nil {
			t.Fatal(err)
		}
		for _, f := range facts {
			if err := session.Assert("X", f); err != nil {
				t.Fatal(err)
			}
		}
		return session
	}
	rapid.Check(t, func(t *rapid.T) {
		var facts []map[string]any
		for n := range rapid.IntRange(1, 5).Draw(t, "facts") {
			f := map[string]any{"n": n, "u": time.Duration(rapid.IntRange(0, 3).Draw(t, "u")) * time.Hour}
			if h := rapid.IntRange(-1, 6).Draw(t, "t"); h >= 0 {
				f["t"] = start.Add(time.Duration(h) * time.Hour)
			}
			facts = append(facts, f)
		}
		now := start
		session := begin(t, now, facts)
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 1, time.Minute, time.Hour, 2 * time.Hour, time.Hour - 1}).Draw(t, "step"))
			if err := session.SetClock(now); err != nil {
				t.Fatal(err)
			}
			if got, want := hits(t, session), hits(t, begin(t, now, facts)); got != want {
				t.Fatalf("at %s\ngot  %s\nwant %s", now, got, want)
			}
		}
	})
}
