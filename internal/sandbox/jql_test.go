package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestJQL(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	issues := []*Issue{
		{ID: 1, Key: "FIN-9", Project: "FIN", Labels: []string{"a", `q"\`}, Created: at(1), Updated: at(30)},
		{ID: 2, Key: "FIN-10", Project: "FIN", Summary: "Stop it: i-0abc", Description: plainDocument("Today, not now."), Labels: []string{"b", "two words", "and"}, Created: at(2), Updated: at(20)},
		{ID: 3, Key: "OPS-1", Project: "OPS", Labels: []string{"a", "b"}, Created: at(3), Updated: at(20)},
	}
	tests := []struct{ jql, want string }{
		{`labels = a`, "FIN-9 OPS-1"},
		{`LABELS = "a" AND project=fin`, "FIN-9"},
		{`labels = 'two words'`, "FIN-10"},
		{`labels = "and"`, "FIN-10"},
		{`labels = "q\"\\"`, "FIN-9"},
		{`labels in (a,"b")`, "FIN-9 FIN-10 OPS-1"},
		{`labels in (a) and labels in (b)`, "OPS-1"},
		{`updated >= 30`, "FIN-9"},
		{`updated>=20 ORDER BY updated ASC, key DESC`, "OPS-1 FIN-10 FIN-9"},
		{`updated >= 0 ORDER BY key`, "FIN-9 FIN-10 OPS-1"},
		{`updated >= -5 ORDER BY created DESC`, "OPS-1 FIN-10 FIN-9"},
		{`updated >= "20" order by updated, id desc`, "OPS-1 FIN-10 FIN-9"},
		{`labels = none`, ""},
		{``, "Unbounded"},
		{`ORDER BY key`, "Unbounded"},
		{`labels = and`, "expecting a value but got 'and'"},
		{`labels`, "expecting an operator"},
		{`labels = `, "a value but got the end"},
		{`labels = "a`, "not ended"},
		{`labels != a`, "FIN-10"},
		{`labels not in (a, b)`, ""},
		{`labels is empty`, ""},
		{`assignee is EMPTY and project != OPS`, "FIN-9 FIN-10"},
		{`assignee = ann`, ""},
		{`assignee != ann`, ""},
		{`key in (FIN-9, OPS-1)`, "FIN-9 OPS-1"},
		{`id = 2`, "FIN-10"},
		{`created > 1 and created < 3`, "FIN-10"},
		{`created <= 1`, "FIN-9"},
		{`assignee is Ann`, "expecting an operator"},
		{`project is empty`, "expecting an operator"},
		{`assignee = currentUser(`, "')'"},
		{`labels in ()`, "a value but got ')'"},
		{`labels in (a`, "',' or ')'"},
		{`labels in (a,)`, "a value"},
		{`labels in a`, "'('"},
		{`(labels = a OR labels = "two words") AND project = FIN`, "FIN-9 FIN-10"},
		{`(labels = a`, "'OR' or ')'"},
		{`text ~ "\"stop IT\""`, "FIN-10"},
		{`text ~ "\"i\\-0abc\""`, "FIN-10"},
		{`text ~ "\"0abc now\"" AND (text ~ "\"stop\"")`, ""},
		{`text ~ "\"i-0abc\""`, "is not valid"},
		{`text ~ "stop"`, "is not valid"},
		{`text ~ "\"stop\\\""`, "is not valid"},
		{`text = stop`, "expecting an operator"},
		{`labels = a OR labels = b`, "'AND' or 'ORDER BY'"},
		{`labels = a labels = b`, "'AND' or 'ORDER BY'"},
		{`updated >= "2026-09-01 08:00:30"`, "Valid formats"},
		{`updated >= "2026-09-01"`, "FIN-9 FIN-10 OPS-1"}, // words of time mean nothing before bind
		{`updated <= "-1d"`, ""},
		{`updated = 3`, "expecting an operator"},
		{`summary ~ x`, "one of the fields"},
		{`labels = a ORDER BY`, "one of the fields created"},
		{`labels = a ORDER key`, "'ORDER BY'"},
		{`labels = a ORDER BY key key`, "','"},
		{`labels = a ORDER BY key,key,key,key,key,key,key,key`, "more than 7"},
		{`labels = a AND`, "one of the fields"},
		{`(labels = a)`, "FIN-9 OPS-1"},
		{`()`, "one of the fields"},
	}
	for _, test := range tests {
		t.Run(test.jql, func(t *testing.T) {
			q, err := parseJQL(test.jql)
			if err != nil {
				if test.want == "" || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v", err)
				}
				return
			}
			found := slices.DeleteFunc(slices.Clone(issues), func(i *Issue) bool { return !q.fits(i) })
			q.sort(found)
			var keys []string
			for _, i := range found {
				keys = append(keys, i.Key)
			}
			if got := strings.Join(keys, " "); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// FuzzJQL: no text breaks the parser, and what it accepts is bounded.
func FuzzJQL(f *testing.F) {
	for _, seed := range []string{`labels = "a" AND updated >= 1 ORDER BY updated ASC, key`, `labels in (a, 'b\'')`, `project=x`, `"`, `labels=\`, "\xff = \x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, jql string) {
		q, err := parseJQL(jql)
		if err != nil {
			return
		}
		if len(q.conditions) == 0 || len(q.order) > maxOrder {
			t.Errorf("%q: %+v", jql, q)
		}
		q.fits(&Issue{Labels: []string{"a"}})
	})
}
