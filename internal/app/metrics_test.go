package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source/series"
)

// Real CloudWatch series of the Numenta Anomaly Benchmark (MIT), read in place.
func realSeries(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "metrics", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: the public CPU series are not at %s", path)
	}
	return path
}

// judged are the actions and the unknowns that the AWS rules conclude about one
// resource with one series, seen from a moment over 14 days.
func judged(t *testing.T, kind, file string, now time.Time) (actions, unknown []string) {
	t.Helper()
	set, err := LoadPacks([]string{"builtin:aws"})
	if err != nil {
		t.Fatal(err)
	}
	session, err := set.NewSession(rule.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := series.Config{Name: "cpu", Path: realSeries(t, file), Metric: "cpu_30d", Resource: "r-1", Window: 14 * 24 * time.Hour}
	batch, err := series.New(cfg).Gather(t.Context(), now)
	if err != nil || len(batch.Facts) != 1 {
		t.Fatalf("%+v, %v", batch, err)
	}
	state := map[string]string{"vm": "running", "database": "available"}[kind]
	for _, err := range []error{
		session.SetClock(now),
		session.Assert("Metric", batch.Facts[0].Fields),
		session.Assert("Resource", map[string]any{"id": "r-1", "kind": kind, "state": state}),
		session.Assert("ResourceCost", map[string]any{
			"provider": "AWS", "account": "a", "resource": "r-1", "currency": "USD", "monthly_cost": "30 USD", "committed_cost": "0 USD",
		}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	out, err := session.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range out.Recommendations {
		actions = append(actions, c.Action)
	}
	for _, u := range out.Unknown {
		unknown = append(unknown, strings.TrimPrefix(u.Rule, "aws."))
	}
	return actions, unknown
}

// TestRealSeries holds the rules about idleness against what is known of real
// machines: the mean of 5f5533's or the p95 of 77c1ca's hours must not stop them.
func TestRealSeries(t *testing.T) {
	february := time.Date(2014, 2, 28, 14, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		file, kind string
		now        time.Time
		action     string // "" for none
		unknown    bool   // whether idle-vm cannot tell
	}{
		{"ec2_cpu_utilization_24ae8d", "vm", february, "stop", false},                         // 13.99 days, the 28th among them
		{"ec2_cpu_utilization_24ae8d", "vm", february.AddDate(0, 0, -1), "", true},            // no month's end, and a day is missing
		{"ec2_cpu_utilization_24ae8d", "vm", february.AddDate(0, 0, 3), "", true},             // the data have ended
		{"ec2_cpu_utilization_5f5533", "vm", february, "", false},                             // mean 43
		{"ec2_cpu_utilization_77c1ca", "vm", february.AddDate(0, 1, 19), "", false},           // mean 10.5, bursts; no month's end is needed to see that
		{"ec2_cpu_utilization_825cc2", "vm", february.AddDate(0, 1, 27), "", false},           // busy
		{"cpu_utilization_asg_misconfiguration", "vm", february.AddDate(0, 4, 17), "", false}, // busy
		{"rds_cpu_utilization_cc0c53", "database", february, "resize", false},                 // too large, not idle
	} {
		actions, unknown := judged(t, c.kind, c.file, c.now)
		if c.action == "" && len(actions) > 0 || c.action != "" && !slices.Equal(actions, []string{c.action}) {
			t.Errorf("%s at %s: %v, want %q", c.file, c.now, actions, c.action)
		}
		if slices.Contains(unknown, "compute/idle-vm") != c.unknown {
			t.Errorf("%s at %s: unknown %v", c.file, c.now, unknown)
		}
	}
}
