package series

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source/sourcetest"
)

var now = time.Date(2026, 9, 1, 6, 30, 0, 0, time.UTC)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// samples writes one every half hour, up to and without the end.
func samples(resource string, from, until time.Time, value func(time.Time) float64) string {
	var b strings.Builder
	for at := from; at.Before(until); at = at.Add(30 * time.Minute) {
		fmt.Fprintf(&b, "%s,%s,%g\n", resource, at.Format("2006-01-02 15:04:05"), value(at))
	}
	return b.String()
}

const header = "resource,timestamp,value\n"

func flat(time.Time) float64 { return 2 }

func nightly(at time.Time) float64 {
	if at.Hour() == 2 {
		return 90 + float64(at.Minute())/6 // 90, 95
	}
	return 1
}

// gather reads the text as one metric over a window and gives the facts by resource.
func gather(t *testing.T, text string, change func(*Config)) map[string]map[string]any {
	t.Helper()
	cfg := Config{Name: "cpu", Path: write(t, "i-0.csv", text), Metric: "cpu", Column: "resource", Window: 10 * 24 * time.Hour}
	if change != nil {
		change(&cfg)
	}
	batch, err := New(cfg).Gather(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]map[string]any{}
	for _, f := range batch.Facts {
		facts[fmt.Sprint(f.Fields["resource"])] = f.Fields
	}
	return facts
}

func TestSuite(t *testing.T) {
	path := write(t, "a.csv", header+samples("i-1", now.AddDate(0, 0, -5), now, nightly))
	sourcetest.Run(t, sourcetest.Case{
		Good: New(Config{Name: "cpu", Path: path, Metric: "cpu", Column: "resource"}),
		Bad:  New(Config{Name: "cpu", Path: filepath.Join(t.TempDir(), "none.csv"), Metric: "cpu"}), Now: now,
	})
}

// The hour decides: its mean is the maximum that rules ask for, a single sample
// is the peak.
func TestHours(t *testing.T) {
	f := gather(t, header+samples("i-1", now.AddDate(0, 0, -10), now, nightly), nil)["i-1"]
	if f["max"] != 92.5 || f["peak"] != 95.0 || f["p95"] != 1.0 || f["coverage"] != 1.0 || f["hours"] != int64(241) {
		t.Errorf("%v", f)
	}
	if avg, ok := f["avg"].(float64); !ok || avg < 4.5 || avg > 5.5 {
		t.Errorf("the average is %v: it looks idle and is not", f["avg"])
	}
}

func TestCoverage(t *testing.T) {
	midnight := now.Truncate(24 * time.Hour)
	text := header + samples("whole", now.AddDate(0, 0, -10).Add(14*time.Minute), now, flat) + // 9.99 days of 10
		samples("silent", now.AddDate(0, 0, -20), midnight.AddDate(0, 0, -1), flat) +
		samples("young", midnight, now, flat) + samples("gone", now.AddDate(0, 0, -40), now.AddDate(0, 0, -20), flat)
	got := gather(t, text, nil)
	for name, want := range map[string]float64{"whole": 1, "silent": (240 - 30.) / 240, "young": 7. / 240} {
		if c, ok := got[name]["coverage"].(float64); !ok || c < want-1e-9 || c > want+1e-9 {
			t.Errorf("%s covers %v, want %v", name, got[name]["coverage"], want)
		}
	}
	if got["gone"] != nil {
		t.Errorf("a resource without samples in the window gave %v", got["gone"])
	}
}

// The last day of August is in the window; some data of it must be, too.
func TestMonthEnd(t *testing.T) {
	august31 := time.Date(2026, 8, 31, 0, 0, 0, 0, time.UTC)
	text := header + samples("until", august31.AddDate(0, 0, -7), august31, flat) +
		samples("morning", august31, august31.Add(11*time.Hour), flat) +
		samples("half", august31, august31.Add(12*time.Hour), flat) + samples("after", august31.AddDate(0, 0, 1), now, flat)
	got := gather(t, text, nil)
	for name, want := range map[string]bool{"until": false, "morning": false, "half": true, "after": false} {
		if got[name]["month_end"] != want {
			t.Errorf("%s: month_end %v", name, got[name]["month_end"])
		}
	}
}

// Without a column the resource is the file's name, or what the deployment says.
func TestResource(t *testing.T) {
	text := strings.ReplaceAll(header+samples("", now.AddDate(0, 0, -1), now, flat), "resource,", "")
	text = strings.ReplaceAll(text, "\n,", "\n")
	if got := gather(t, text, func(c *Config) { c.Column = "" }); got["i-0"] == nil {
		t.Errorf("%v", got)
	}
	if got := gather(t, text, func(c *Config) { c.Column, c.Resource = "", "it's" }); got["it's"] == nil {
		t.Errorf("%v", got)
	}
}

// Times with an offset are the same moment, gaps are gaps, and what is to come
// has not happened.
func TestOddRows(t *testing.T) {
	text := header + "i-1,2026-09-01T05:10:00Z,4\ni-1,2026-09-01T07:20:00+02:00,6\ni-1,2026-09-01T04:00:00Z,\ni-1,2026-09-02T04:00:00Z,99\n"
	f := gather(t, text, nil)["i-1"]
	if f["max"] != 5.0 || f["hours"] != int64(1) || f["peak"] != 6.0 {
		t.Errorf("%v", f)
	}
}

func TestFailures(t *testing.T) {
	good := header + "i-1,2026-09-01T05:10:00Z,4\n"
	for name, c := range map[string]struct {
		text   string
		change func(*Config)
		code   trimtab.Code
		want   string
	}{
		"no time":        {good + "i-1,soon,4\n", nil, trimtab.Outside, "column timestamp has no time in 1 rows"},
		"no number":      {good + "i-1,2026-09-01T05:10:00Z,high\n", nil, trimtab.Outside, "column value has no number in 1 rows"},
		"endless":        {good + "i-1,2026-09-01T05:10:00Z,inf\n", nil, trimtab.Outside, "no number in 1 rows"},
		"nameless":       {good + ",2026-09-01T05:10:00Z,4\n", nil, trimtab.Outside, "1 rows name no resource"},
		"empty":          {header, nil, trimtab.Outside, "no samples"},
		"no such column": {good, func(c *Config) { c.Value = "percent" }, trimtab.Invalid, "no column percent"},
		"no metric":      {good, func(c *Config) { c.Metric = "" }, trimtab.Invalid, "needs the name"},
		"no hour":        {good, func(c *Config) { c.Window = time.Minute }, trimtab.Invalid, "no whole hour"},
		"two resources":  {good, func(c *Config) { c.Resource = "i-1" }, trimtab.Invalid, "given twice"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Name: "cpu", Path: write(t, "a.csv", c.text), Metric: "cpu", Column: "resource"}
			if c.change != nil {
				c.change(&cfg)
			}
			_, err := New(cfg).Gather(t.Context(), now)
			if err == nil || trimtab.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) || trimtab.NextOf(err) == "" {
				t.Errorf("%v is %v, next %q; want %q", err, trimtab.CodeOf(err), trimtab.NextOf(err), c.want)
			}
		})
	}
}

// Data that ended long ago give no fact and a sentence.
func TestStale(t *testing.T) {
	path := write(t, "a.csv", header+samples("i-1", now.AddDate(0, -3, 0), now.AddDate(0, -2, 0), flat))
	batch, err := New(Config{Name: "cpu", Path: path, Metric: "cpu", Column: "resource"}).Gather(t.Context(), now)
	if err != nil || len(batch.Facts) != 0 || len(batch.Warnings) != 1 || batch.Until.After(now.AddDate(0, -2, 0)) {
		t.Errorf("%+v, %v", batch, err)
	}
}
