package sandbox

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// still is a configuration whose clock moves only when it is advanced.
func still() Config {
	cfg := config("")
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	cfg.Now = func() time.Time { return now }
	return cfg
}

// naiveBucket counts tokens as fractions, which nobody could get wrong.
type naiveBucket struct {
	tokens *big.Rat
	at     time.Time
}

func (n *naiveBucket) take(b Bucket, now time.Time) bool {
	gained := big.NewRat(int64(now.Sub(n.at)), int64(b.one()))
	n.tokens.Add(n.tokens, gained)
	if full := big.NewRat(int64(b.Size), 1); n.tokens.Cmp(full) > 0 {
		n.tokens = full
	}
	n.at = now
	one := big.NewRat(1, 1)
	if n.tokens.Cmp(one) < 0 {
		return false
	}
	n.tokens.Sub(n.tokens, one)
	return true
}

// TestBucket: the bucket lets through what its naive twin does, and who waits
// as long as it says gets through, and not a moment earlier.
func TestBucket(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := Bucket{Size: rapid.IntRange(1, 5).Draw(rt, "size"), Fill: rapid.IntRange(1, 5).Draw(rt, "fill"), Every: time.Duration(rapid.IntRange(5, 60).Draw(rt, "every")) * time.Second}
		now := time.Unix(0, 0)
		l, twin := level{at: now}, naiveBucket{big.NewRat(int64(b.Size), 1), now}
		for range rapid.IntRange(1, 40).Draw(rt, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(rt, "pause")))
			wait := b.take(&l, now)
			if (wait == 0) != twin.take(b, now) {
				rt.Fatalf("%+v at %v: wait %v, the twin has %v", b, now, wait, twin.tokens)
			}
			early, ready := l, l
			if wait > 1 && (b.take(&early, now.Add(wait-1)) == 0 || b.take(&ready, now.Add(wait)) != 0) {
				rt.Fatalf("%+v: %v is not when a token is back", b, wait)
			}
		}
	})
}

// TestBurst: each method and endpoint has its own bucket, by the site's clock.
func TestBurst(t *testing.T) {
	cfg := still()
	cfg.Limits = CloudLimits()
	b := openBox(t, cfg)
	refused := func(path string, calls int) (n int) {
		for range calls {
			if status, _ := b.ask("GET", path, ""); status == http.StatusTooManyRequests {
				n++
			}
		}
		return n
	}
	if n := refused("myself", 103); n != 3 {
		t.Errorf("%d of 103 refused", n)
	}
	if n := refused("serverInfo", 100); n != 0 {
		t.Errorf("another endpoint: %d refused", n)
	}
	w := b.send("GET", "/rest/api/3/myself", "", nil)
	if w.Header().Get("RateLimit-Reason") != "jira-burst-based" || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%v", w.Header())
	}
	b.Advance(50 * time.Millisecond)
	if n := refused("myself", 6); n != 1 {
		t.Errorf("50 ms later %d of 6 are refused", n)
	}
}

// TestWritesPerIssue: 20 in 2 s and 100 in 30 s, and other issues go on.
func TestWritesPerIssue(t *testing.T) {
	cfg := still()
	cfg.Limits.Writes = true
	b := openBox(t, cfg)
	one, two := b.file("FIN", "one"), b.file("FIN", "two")
	write := func(key string, times int) (made int) {
		for range times {
			if status, _ := b.ask("PUT", "issue/"+key, `{"fields":{"summary":"x"}}`); status == http.StatusNoContent {
				made++
			}
		}
		return made
	}
	for round, want := range []int{20, 20, 20, 20, 20, 0} {
		if made := write(one, 25); made != want {
			t.Errorf("round %d: %d writes", round, made)
		}
		if round == 5 {
			w := b.send("PUT", "/rest/api/3/issue/"+one, `{}`, nil)
			if w.Header().Get("RateLimit-Reason") != "jira-per-issue-on-write" || w.Header().Get("Retry-After") != "20" {
				t.Errorf("%v", w.Header())
			}
		}
		b.Advance(2 * time.Second)
	}
	if made := write(two, 1); made != 1 {
		t.Error("another issue is held up")
	}
	b.Advance(30 * time.Second)
	if made := write(one, 1); made != 1 {
		t.Error("it is held up for ever")
	}
}

// TestPoints: an app is refused everything until the hour is over; who has an
// API token goes on.
func TestPoints(t *testing.T) {
	cfg := still()
	cfg.Apps, cfg.Limits.Points = []App{{"app", "secret"}}, 10
	b := openBox(t, cfg)
	tokens, err := b.Authorize("app", "ann")
	b.must(err)
	b.file("FIN", "one", "x")
	b.file("FIN", "two", "x")
	site := "/ex/jira/" + defaultCloudID + "/rest/api/3/"
	var last *http.Header
	codes := ""
	for _, step := range [][3]string{
		{"GET", "search/jql?jql=labels=x", ""},                      // 3 points
		{"POST", "search/jql", `{"jql":"labels=x"}`},                // 3
		{"PUT", "issue/FIN-1", `{"fields":{"summary":"y"}}`},        // 1
		{"POST", "issue/bulkfetch", `{"issueIdsOrKeys":["FIN-1"]}`}, // 2
		{"GET", "myself", ""},                                       // 1, the last
		{"GET", "myself", ""},
	} {
		w := b.send(step[0], site+step[1], step[2], bearing(tokens.Access))
		h := w.Header()
		codes, last = fmt.Sprint(codes, " ", w.Code, h.Get("X-RateLimit-NearLimit")), &h
	}
	if codes != " 200 200 204 200 200true 429true" || last.Get("RateLimit-Reason") != "jira-quota-global-based" || last.Get("Retry-After") != "3600" {
		t.Errorf("%s, %v", codes, last)
	}
	if status, _ := b.ask("GET", "myself", ""); status != http.StatusOK {
		t.Errorf("an API token: HTTP %d", status)
	}
	b.Advance(time.Hour)
	b.must(err)
	status, text := b.refresh(tokens.Refresh)
	if w := b.send("GET", site+"myself", "", bearing("access-2-ann")); w.Code != http.StatusOK {
		t.Errorf("the next hour: HTTP %d (%d %s)", w.Code, status, text)
	}
}

func TestServerLimit(t *testing.T) {
	cfg := still()
	cfg.Limits.Server = Bucket{Size: 2, Fill: 1, Every: 10 * time.Second}
	b := openBox(t, cfg)
	var seen []string
	for range 3 {
		w := b.send("GET", "/rest/api/2/myself", "", bearing(b.cfg.Token))
		h := w.Header()
		seen = append(seen, fmt.Sprint(w.Code, h.Get("X-RateLimit-Remaining"), h.Get("Retry-After"), h.Get("X-RateLimit-FillRate"), h.Get("X-RateLimit-Interval-Seconds")))
	}
	if strings.Join(seen, " ") != "20010110 20000110 429010110" {
		t.Errorf("%v", seen)
	}
}

func TestCalls(t *testing.T) {
	b := openBox(t, config(""))
	key := b.file("FIN", "one")
	b.text("GET", "issue/"+key, "")
	b.text("GET", "issue/FIN-9", "")
	b.text("GET", "issue/createmeta/FIN/issuetypes/1", "")
	if got := fmt.Sprint(b.Calls()); got != "map[GET /rest/api/3/issue/createmeta/{}/issuetypes/{}:1 GET /rest/api/3/issue/{issue}:2 POST /rest/api/3/issue/bulk:1]" {
		t.Error(got)
	}
	b.ForgetCalls()
	if len(b.Calls()) != 0 {
		t.Error("not forgotten")
	}
}

// TestIndex: searches see what a naive index would: of all versions of an
// issue, each kept with its moment, the last one whose moment has come.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := still()
		var lag time.Duration
		cfg.Lag = func(*rand.Rand) time.Duration { return lag }
		j, err := New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		b := box{Jira: j, t: t}
		type seen struct {
			summary string
			from    time.Time
		}
		naive := map[string][]seen{}
		for step := range rapid.IntRange(1, 30).Draw(rt, "steps") {
			lag = time.Duration(rapid.IntRange(0, 20).Draw(rt, "lag")) * time.Second
			text := fmt.Sprint("step ", step)
			switch n := rapid.IntRange(0, 3).Draw(rt, "act"); {
			case n == 0 && len(naive) < 3:
				naive[b.file("FIN", text)] = []seen{{text, b.Clock().Add(lag)}}
			case n == 1 && len(naive) > 0:
				key := fmt.Sprint("FIN-", 1+rapid.IntRange(0, len(naive)-1).Draw(rt, "which"))
				b.must(b.Edit(key, Edited{Summary: &text}, "ann"))
				naive[key] = append(naive[key], seen{text, b.Clock().Add(lag)})
			default:
				b.Advance(time.Duration(rapid.IntRange(0, 15).Draw(rt, "advance")) * time.Second)
			}
			answer := b.text("POST", "search/jql", `{"jql":"project = FIN","fields":["summary"]}`)
			for key, versions := range naive {
				want := ""
				for _, v := range versions {
					if !v.from.After(b.Clock()) {
						want = v.summary
					}
				}
				if known := strings.Contains(answer, `"key":"`+key+`"`); known != (want != "") || known && !strings.Contains(answer, `"summary":"`+want+`"`) {
					rt.Fatalf("%s should be %q in %s", key, want, answer)
				}
			}
		}
	})
}

// TestStaleSearch: the search is late; direct reads and reconciled issues are
// not.
func TestStaleSearch(t *testing.T) {
	cfg := still()
	cfg.Lag = ConstantLag(10 * time.Second)
	b := openBox(t, cfg)
	key := b.file("FIN", "one", "x")
	issue, _ := b.Get(key)
	count := func() string { return b.text("POST", "search/approximate-count", `{"jql":"labels = x"}`) }
	if got := count(); got != `200 {"count":0}` {
		t.Error(got)
	}
	if got := b.text("POST", "search/jql", fmt.Sprintf(`{"jql":"labels = x","reconcileIssues":[%d]}`, issue.ID)); !strings.Contains(got, key) {
		t.Error(got)
	}
	if got := b.text("POST", "issue/bulkfetch", `{"issueIdsOrKeys":["FIN-1"]}`); !strings.Contains(got, `"summary":"one"`) {
		t.Error(got)
	}
	b.Advance(10 * time.Second)
	if got := count(); got != `200 {"count":1}` {
		t.Error(got)
	}
	b.must(b.Edit(key, Edited{Labels: []string{"y"}}, "ann"))
	if got := count(); got != `200 {"count":1}` {
		t.Errorf("the old version is gone too early: %s", got)
	}
	// Fresh, it no longer meets the search.
	if got := b.text("GET", fmt.Sprintf("search/jql?jql=labels=x&reconcileIssues=%d", issue.ID), ""); !strings.Contains(got, `"issues":[]`) {
		t.Error(got)
	}
	b.must(b.Delete(key))
	if got := count(); got != `200 {"count":0}` {
		t.Errorf("a deleted issue is found: %s", got)
	}
	for _, path := range []string{"search/jql?jql=labels=x&reconcileIssues=a", "search/jql?jql=labels=x&reconcileIssues=" + strings.Repeat("1,", 50) + "1"} {
		if got := b.text("GET", path, ""); !strings.HasPrefix(got, "400") {
			t.Error(got)
		}
	}
}

// TestLags: the shares that the typical lag promises, the same for each seed.
func TestLags(t *testing.T) {
	lag, err := LagNamed("typical")
	if err != nil {
		t.Fatal(err)
	}
	draw := func() (quick, slow, late int) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 10000 {
			switch d := lag(r); {
			case d < 3*time.Second:
				quick++
			case d < time.Minute:
				slow++
			case d < 5*time.Minute:
				late++
			}
		}
		return quick, slow, late
	}
	quick, slow, late := draw()
	if quick < 7800 || quick > 8200 || late < 60 || late > 140 || quick+slow+late != 10000 {
		t.Errorf("%d %d %d", quick, slow, late)
	}
	if again, _, _ := draw(); again != quick {
		t.Error("another draw from the same seed")
	}
	for name, ok := range map[string]bool{"none": true, "30s": true, "-1s": false, "often": false} {
		if _, err := LagNamed(name); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestZones: words of time are read in the zone of whoever asks, to the minute.
func TestZones(t *testing.T) {
	cfg := still()
	cfg.Users = append(cfg.Users, User{AccountID: "far", Email: "far@example.com", Name: "Far", Token: "t", TimeZone: "Pacific/Kiritimati"}) // UTC+14
	b := openBox(t, cfg)
	b.Advance(30 * time.Second)
	b.file("FIN", "one") // at 08:00:30 UTC
	for _, test := range []struct {
		who, jql string
		found    int
	}{
		{"me", `updated >= \"2026-09-01 08:00\"`, 1},
		{"me", `updated >= \"2026-09-01 08:01\"`, 0},
		{"far", `updated >= \"2026-09-01 08:01\"`, 1}, // hours ago for it
		{"far", `updated >= \"2026/09/01 22:01\"`, 0},
		{"me", `updated >= \"2026-09-01\"`, 1},
		{"far", `updated < \"2026-09-02\"`, 1},
		{"far", `updated >= \"-1m\"`, 1},
		{"me", `created >= 1788249630000`, 1},
		{"far", `created >= 1788249630000`, 1},
		{"far", `created > 1788249630000`, 0},
		{"far", `creator = currentUser()`, 0},
		{"me", `creator = currentUser() AND project = fin`, 1},
	} {
		who := as(b.cfg.Email, b.cfg.Token)
		if test.who == "far" {
			who = as("far@example.com", "t")
		}
		w := b.send("POST", "/rest/api/3/search/approximate-count", `{"jql":"`+test.jql+`"}`, who)
		if got := w.Body.String(); got != fmt.Sprintf(`{"count":%d}`, test.found) {
			t.Errorf("%s asks %s: %s", test.who, test.jql, got)
		}
	}
}

// TestSkew: what the site writes and shows is off; its limits and lags are not.
func TestSkew(t *testing.T) {
	b := openBox(t, still())
	b.Skew(-10 * time.Minute)
	b.file("FIN", "one")
	if got := b.text("GET", "serverInfo", ""); !strings.Contains(got, "T07:50:00.000") {
		t.Error(got)
	}
	if got := b.Issues("")[0].Created; got.Minute() != 50 || b.Clock().Minute() != 0 {
		t.Errorf("%v, the clock %v", got, b.Clock())
	}
}
