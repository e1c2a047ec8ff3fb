package monitor

import (
	"strings"
	"testing"
	"time"
)

func TestParseCommand(t *testing.T) {
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	day := func(s string) time.Time {
		d, _ := time.Parse(time.DateOnly, s)
		return d
	}
	cases := []struct {
		text  string
		want  *command
		wrong string
	}{
		{"I will look into it tomorrow.", nil, ""},
		{"see /snooze 30d in the manual", nil, ""},
		{"/snooze 30d", &command{Verb: "snooze", Until: now.AddDate(0, 0, 30)}, ""},
		{"Not now.\n\n  /snooze 2w until the migration is over\nThanks", &command{Verb: "snooze", Until: now.AddDate(0, 0, 14), Why: "until the migration is over"}, ""},
		{"/snooze 2027-01-15", &command{Verb: "snooze", Until: day("2027-01-15")}, ""},
		{"/snooze 2025-01-15", &command{Verb: "snooze", Until: day("2025-01-15")}, "not in the future"},
		{"/snooze", &command{Verb: "snooze"}, "how long"},
		{"/snooze later", &command{Verb: "snooze", Why: "later"}, "how long"},
		{"/dismiss a licence binds us", &command{Verb: "dismiss", Why: "a licence binds us"}, ""},
		{"/dismiss 90d a licence binds us", &command{Verb: "dismiss", Until: now.AddDate(0, 0, 90), Why: "a licence binds us"}, ""},
		{"/dismiss 90d", &command{Verb: "dismiss", Until: now.AddDate(0, 0, 90)}, "why"},
		{"/snoozed 30d", nil, ""},
		{"/snooze -3d", &command{Verb: "snooze", Until: now.AddDate(0, 0, -3)}, "not in the future"},
		{"/snooze 99999999999999999999d", &command{Verb: "snooze", Why: "99999999999999999999d"}, "how long"},
	}
	for _, c := range cases {
		got, wrong := parseCommand(c.text, now)
		same := got == c.want || got != nil && c.want != nil && *got == *c.want
		if !same || (wrong == "") != (c.wrong == "") || !strings.Contains(wrong, c.wrong) {
			t.Errorf("%q: %+v, %q; want %+v, %q", c.text, got, wrong, c.want, c.wrong)
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add("/snooze 30d")
	f.Add("/dismiss 9999999w x")
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		c, wrong := parseCommand(text, now)
		if c == nil || wrong != "" {
			return
		}
		if c.Verb == "snooze" && !c.Until.After(now) || c.Verb == "dismiss" && c.Why == "" {
			t.Errorf("%q: %+v", text, c)
		}
	})
}
