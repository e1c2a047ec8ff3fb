package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/monitor"
)

// loadText loads a deployment with some more lines.
func loadText(t *testing.T, more string) (*Plan, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trimtab.yaml")
	text := "apiVersion: trimtab/v1\npacks: [builtin:governance]\n" + more
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path)
}

// TestIntervals: trackers that have an interval of their own are pulled by themselves.
func TestIntervals(t *testing.T) {
	cases := map[string][]string{
		"trackers: [{name: a, kind: board}, {name: b, kind: board}]\n":                                                              {"scan 0 6 * * 1", "distribute 1m0s", "monitor 1m0s []"},
		"trackers: [{name: a, kind: board}, {name: b, kind: board, interval: 5m}, {name: c, kind: board}]\n":                        {"scan 0 6 * * 1", "distribute 1m0s", "monitor b 5m0s [b]", "monitor 1m0s [a c]"},
		"sync: {interval: 30s}\ntrackers: [{name: a, kind: board, interval: 10s}]\n":                                                {"scan 0 6 * * 1", "distribute 30s", "monitor a 10s [a]"},
		"sync: {interval: 30s}\ntrackers: [{name: a, kind: board, interval: 30s}]\nschedule: {monitor: 30s}\nlisten: 127.0.0.1:0\n": {"scan 0 6 * * 1", "distribute 30s", "monitor 30s []"},
	}
	for text, want := range cases {
		plan, err := loadText(t, text)
		if err != nil {
			t.Fatal(err)
		}
		scan, err := cron.ParseStandard(plan.Deployment.Schedule.Scan.Text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range (&App{Plan: plan}).schedules(scan) {
			line := s.Name + " " + s.Spec
			if in, ok := s.Make(time.Now()).Input.(monitor.Request); ok {
				line += " [" + strings.Join(in.Trackers, " ") + "]"
			}
			got = append(got, line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestFieldWords: what a field says comes from an expression, then from a table; reading
// what is not there leaves it as it would be.
func TestFieldWords(t *testing.T) {
	plan, err := loadText(t, `sync: {fields: {
  priority: {direction: both, value: 'rec.account == "prod" ? "high" : "low"', map: {high: Highest}},
  summary: {value: '"FinOps: " + rec.title'}, assignee: {map: {ann: ann.lee}}}}
`)
	if err != nil {
		t.Fatal(err)
	}
	rec := &trimtab.Recommendation{Action: "stop", Title: "Stop it", Savings: trimtab.Money{Amount: decimal.NewFromInt(5), Currency: "USD"}, Subject: trimtab.Subject{Account: "prod", Resource: "i-1"}}
	bare := &trimtab.Recommendation{Action: "stop", Subject: trimtab.Subject{Resource: "i-1"}}
	for _, c := range []struct {
		field string
		rec   *trimtab.Recommendation
		value string
		want  string
	}{
		{merge.Priority, rec, "", "Highest"},
		{merge.Priority, bare, "Medium", "Medium"},
		{merge.Summary, rec, "x", "FinOps: Stop it"},
		{merge.Assignee, rec, "ann", "ann.lee"},
		{merge.Assignee, rec, "ben", "ben"},
	} {
		if got, err := plan.words[c.field](c.rec, c.value); err != nil || got != c.want {
			t.Errorf("%s of %q: %q, %v", c.field, c.value, got, err)
		}
	}
	if plan.words[merge.Labels] != nil {
		t.Error("labels have words of their own")
	}
	if _, err := loadText(t, "sync: {fields: {summary: {value: 'rec.nothing + 1'}}}\n"); err == nil || !strings.Contains(err.Error(), "trimtab.yaml:3") {
		t.Errorf("%v", err)
	}
}
