package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/schema/schematest"
)

// more is what the full deployment leaves out.
const more = `
apiVersion: trimtab/v1
packs: [a]
sources:
  - {name: cpu, kind: series, path: c.csv, metric: cpu_30d, time: at, value: v, column: c, window: 32d}
  - {name: one, kind: series, path: c.csv, metric: cpu_30d, resource: i-1}
  - {name: costs, kind: focus, path: c.csv, current: 3d}
sync: {fields: {priority: {direction: in, conflict: trimtab}, summary: {conflict: tracker}, description: {direction: out}}}
trackers:
  - {name: local, kind: board}
  - {name: dc, kind: jira-dc, url: 'https://jira.example', users: {Ann: ann}, webhook: {secret: '${TT_EMAIL}'}, auth: {token: '${TT_EMAIL}'}}
  - {name: app, kind: jira, url: 'https://corp.example', cloud_id: c-1, webhook: {url: 'https://t.example/webhooks/app'}, auth: {client_id: a, client_secret: '${TT_EMAIL}', service: true}}
  - {name: red, kind: redmine, url: 'https://redmine.example', auth: {token: '${TT_EMAIL}'}, users: {Ann: ann}, settle: 2m, marker: Mark, origin: '12', backlink: Page, markup: markdown}
boards:
  - {name: b, tracker: local, project: P, status: {open: Open, in_progress: Doing}, freeze: [2026-12-24]}
  - {from: TEAMS, tracker: local, type: Story}
`

// TestSchema: the schema and the reader refuse the same.
func TestSchema(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	teams := filepath.Join(dir, "teams.csv")
	if err := os.WriteFile(teams, []byte("team,project,accounts\npay,PAY,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TT_EMAIL", "ann@example.com")
	data, err := Schema()
	s := schematest.Compile(t, data, err)
	read := func(data []byte) error {
		d, err := Parse(filepath.Join(dir, "trimtab.yaml"), data)
		if err != nil {
			t.Fatal(err)
		}
		return d.Err()
	}
	for _, text := range []string{strings.Replace(full, "TOKENFILE", token, 1), strings.Replace(more, "TEAMS", teams, 1)} {
		schematest.Agree(t, s, []byte(text), read)
	}
}

// TestGrammar: no key is read that the tables have not, none stands there that
// nobody reads, and each says what it is for.
func TestGrammar(t *testing.T) {
	files, err := filepath.Glob("read*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code = append(code, text...)
	}
	if regexp.MustCompile(`\.Fields\("`).Match(code) {
		t.Error("a reader has a list of keys of its own")
	}
	var known []string
	for _, m := range grammar() {
		for _, k := range m.Keys {
			known = append(known, k.Name)
			if m.Doc == "" || k.Doc == "" && !k.Later {
				t.Errorf("%s.%s says nothing", m.Name, k.Name)
			}
			if !k.Later && !slices.Contains([]string{"status", "fields"}, m.Name) && !strings.Contains(string(code), `("`+k.Name+`")`) {
				t.Errorf("nobody reads %s.%s", m.Name, k.Name)
			}
			if !k.Later && !strings.Contains(full+more, k.Name+":") {
				t.Errorf("%s.%s is in no deployment that the schema is tried on", m.Name, k.Name)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?:Get|Need|Has|Key)\("(\w+)"\)`).FindAllStringSubmatch(string(code), -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("%s is read and no table has it", m[1])
		}
	}
}
