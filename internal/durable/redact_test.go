package durable

import "testing"

func TestRedacted(t *testing.T) {
	for given, want := range map[string]string{
		`{"token":"x","list":[{"API_KEY":1}],"n":2}`:                `{"list":[{"API_KEY":"[removed]"}],"n":2,"token":"[removed]"}`,
		`"postgres://u:hush@host/db and Authorization: Bearer a.b"`: `"postgres://u:[removed]@host/db and Authorization: Bearer [removed]"`,
		`[1,null,true]`: `[1,null,true]`,
		``:              ``, `{broken`: ``,
	} {
		if got := string(Redacted([]byte(given))); got != want {
			t.Errorf("%s: %s", given, got)
		}
	}
}
