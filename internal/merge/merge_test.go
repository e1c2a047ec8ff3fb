package merge

import (
	"testing"

	"pgregory.net/rapid"
)

func TestField(t *testing.T) {
	both := Rule{Both, TrackerWins}
	cases := []struct {
		name                string
		base, local, remote string
		rule                Rule
		want                Decision
	}{
		{"nobody", "a", "a", "a", both, Decision{Base: "a"}},
		{"they", "a", "a", "b", both, Decision{Take: true, Base: "b"}},
		{"we", "a", "b", "a", both, Decision{Write: true, Base: "b"}},
		{"both, the same", "a", "b", "b", both, Decision{Base: "b"}},
		{"both, tracker wins", "a", "b", "c", both, Decision{Take: true, Conflict: true, Base: "c"}},
		{"both, we win", "a", "b", "c", Rule{Both, TrimtabWins}, Decision{Write: true, Conflict: true, Base: "b"}},
		{"both, a person decides", "a", "b", "c", Rule{Both, Ask}, Decision{Conflict: true, Base: "a"}},
		{"they, but it is ours", "a", "a", "b", Rule{Out, TrimtabWins}, Decision{Base: "a"}},
		{"we, but it is theirs", "a", "b", "a", Rule{In, TrackerWins}, Decision{Base: "a"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Field(c.base, c.local, c.remote, c.rule); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// Whatever is decided and carried out, the next look finds agreement: no echo
// goes round, and a change is lost only to a conflict that is told.
func TestConverges(t *testing.T) {
	values := rapid.SampledFrom([]string{"", "a", "b", "c"})
	rapid.Check(t, func(t *rapid.T) {
		base, local, remote := values.Draw(t, "base"), values.Draw(t, "local"), values.Draw(t, "remote")
		rule := Rule{Both, rapid.SampledFrom([]Winner{TrackerWins, TrimtabWins}).Draw(t, "winner")}
		d := Field(base, local, remote, rule)
		if d.Take && d.Write {
			t.Fatal("takes and writes at once")
		}
		lost := local != base && remote != base && local != remote
		if lost != d.Conflict {
			t.Fatalf("conflict %v for %q, %q, %q", d.Conflict, base, local, remote)
		}
		if d.Take {
			local = remote
		}
		if d.Write {
			remote = local
		}
		if again := Field(d.Base, local, remote, rule); again != (Decision{Base: d.Base}) || local != remote {
			t.Fatalf("not at rest: %+v with %q and %q", again, local, remote)
		}
	})
}
