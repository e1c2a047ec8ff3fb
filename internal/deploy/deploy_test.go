package deploy

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/strictyaml"
)

const full = `
apiVersion: trimtab/v1
state: data/state.db
packs: [builtin:aws, rules/]
params: {aws.compute: {max_cpu: 3.0}}
sources:
  - {name: billing, kind: focus, path: data/focus/*.parquet, window: 14d}
  - {name: vms, kind: table, path: /abs/vms.csv, fact: Resource, until: hour, query: SELECT 1, map: {id: InstanceId, kind: '"vm"'}}
trackers:
  - {name: corp, kind: jira, url: 'https://corp.example/', settle: 1m, auth: {email: '${TT_EMAIL}', token: '${file:TOKENFILE}'}}
  - {name: local, kind: board}
boards:
  - {name: platform, tracker: corp, project: PLAT, type: Story, labels: [finops], status: {done: Resolved, wont_do: Closed/Rejected}, cannot_tell: true, components: [cost], parent: PLAT-1, due: 14d, fields: {Team: Cloud}, screens: {Reason: x}, tickets: checklist, open: 9, lead: lea@example.com, freeze: [2026-12-20/2027-01-03], template: ticket.md}
  - {name: finops, tracker: local, project: FIN}
owners: [{tag: owner}, {fact: Owner, by: account}, {fallback: finops@example.com}]
routes: [{when: 'rec.account == "a"', board: platform}, {board: finops}]
policy: {min_savings: 50.00 USD, sightings: 3, open_per_owner: 6, new_per_board_week: 7, destructive: {actions: [delete, stop], sightings: 4}, brake: {tickets: 8, share: 0.1}, rollout: {new: shadow, canary: [finops]}, close: transition, gone: recreate, verify: {state: 2d, cost: 21d}}
sync: {interval: 30s, overlap: 2m, status: {in_progress: Doing}, fields: {status: {direction: both, conflict: ask}, assignee: {direction: in},
  priority: {direction: both, conflict: newest, value: 'rec.savings.amount > 1000.0 ? "high" : "low"', map: {high: Highest}},
  description: {conflict: trimtab}, labels: {direction: out}, due: {direction: in}, comments: {direction: in}}}
schedule: {scan: '0 6 * * 1', monitor: 90s}
runs: {lease: 45s, crashes: 5, keep: 7d}
listen: 127.0.0.1:9090
page: https://trimtab.example/
`

func TestFull(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TT_EMAIL", "ann@example.com")
	d, err := Parse(filepath.Join(dir, "trimtab.yaml"), []byte(strings.Replace(full, "TOKENFILE", token, 1)))
	if err != nil || d.Err() != nil || len(d.Warnings) != 0 {
		t.Fatal(err, d.Err(), d.Warnings)
	}
	if d.State != filepath.Join(dir, "data/state.db") || d.Sources[0].Path != filepath.Join(dir, "data/focus/*.parquet") || d.Sources[1].Path != "/abs/vms.csv" {
		t.Errorf("paths start from the file's folder: %s, %s, %s", d.State, d.Sources[0].Path, d.Sources[1].Path)
	}
	if d.Sources[0].Window != 14*24*time.Hour || d.Sources[0].Current != 72*time.Hour || d.Sources[1].Map[1].Expr.Text != `"vm"` {
		t.Errorf("sources %+v", d.Sources)
	}
	if k := d.Trackers[0]; k.URL != "https://corp.example" || k.Auth.Email != "ann@example.com" || k.Auth.Token != "hush" || k.Settle != time.Minute {
		t.Errorf("tracker %+v", k)
	}
	if b := d.Boards[0]; b.Type != "Story" || b.Status["wont_do"] != "Closed/Rejected" || !b.CannotTell || d.Boards[1].Type != "Task" {
		t.Errorf("boards %+v", d.Boards)
	}
	if p := d.Policy; p.MinSavings.String() != "50.00 USD" || p.Sightings != 3 || p.OpenPerOwner != 6 || p.NewPerBoardWeek != 7 ||
		p.BrakeTickets != 8 || p.BrakeShare.String() != "0.1" || p.Close != "transition" || p.VerifyState != 2 || p.VerifyCost != 21 {
		t.Errorf("policy %+v", p)
	}
	if s := d.Sync; s.Interval != 30*time.Second || s.Overlap != 2*time.Minute || s.Fields["status"] != (merge.Rule{Direction: merge.Both, Conflict: merge.Ask}) {
		t.Errorf("sync %+v", s)
	}
	if d.Runs != (Runs{Lease: 45 * time.Second, Crashes: 5, Keep: 7 * 24 * time.Hour}) {
		t.Errorf("runs %+v", d.Runs)
	}
	if d.Schedule.Monitor != 90*time.Second || d.Listen != "127.0.0.1:9090" || d.Params["aws.compute"]["max_cpu"] != 3.0 {
		t.Errorf("schedule %+v, listen %s, params %v", d.Schedule, d.Listen, d.Params)
	}
}

func TestSeries(t *testing.T) {
	const text = "apiVersion: trimtab/v1\npacks: [builtin:aws]\nsources:\n" +
		"  - {name: a, kind: series, path: a.csv, metric: cpu_30d}\n" +
		"  - {name: b, kind: series, path: b.csv, metric: cpu_30d, time: at, value: percent, column: vm, window: 14d}\n" +
		"  - {name: c, kind: series, path: c.csv, metric: cpu_30d, resource: i-1}\n"
	d, err := Parse("trimtab.yaml", []byte(text))
	if err != nil || d.Err() != nil {
		t.Fatal(err, d.Err())
	}
	if s := d.Sources[0]; s.Time != "timestamp" || s.Value != "value" || s.Column != "" || s.Resource != "" || s.Window != 32*24*time.Hour {
		t.Errorf("defaults %+v", s)
	}
	if s := d.Sources[1]; s.Metric != "cpu_30d" || s.Time != "at" || s.Value != "percent" || s.Column != "vm" || s.Window != 14*24*time.Hour {
		t.Errorf("%+v", s)
	}
	if s := d.Sources[2]; s.Resource != "i-1" {
		t.Errorf("%+v", s)
	}
	for fields, want := range map[string]string{
		"":                                    "metric",
		", metric: x, window: 1m":             "no whole hour",
		", metric: x, fact: Metric":           `a source of kind series has no "fact"`,
		", metric: x, column: a, resource: b": "not both",
	} {
		d, err := Parse("trimtab.yaml", []byte("apiVersion: trimtab/v1\npacks: [builtin:aws]\nsources:\n  - {name: a, kind: series, path: a.csv"+fields+"}\n"))
		if err != nil || d.Err() == nil || !strings.Contains(d.Err().Error(), want) {
			t.Errorf("%q: %v, %v; want %s", fields, err, d.Err(), want)
		}
	}
}

func TestDefaults(t *testing.T) {
	d, err := Parse("trimtab.yaml", []byte("apiVersion: trimtab/v1\npacks: [builtin:aws]\n"))
	if err != nil || d.Err() != nil {
		t.Fatal(err, d.Err())
	}
	if filepath.Base(d.State) != "trimtab.db" || d.Listen != "127.0.0.1:8080" || d.Policy.Sightings != 1 || d.Policy.OpenPerOwner != 5 || d.Policy.MinSavings.Display() != "50.00" || d.Policy.DestructiveSightings != 3 ||
		d.Policy.NewPerBoardWeek != 20 || d.Policy.BrakeTickets != 25 || d.Policy.Close != "comment" || d.Policy.VerifyCost != 14 || d.Sync.Overlap != 5*time.Minute {
		t.Errorf("%+v", d)
	}
}

// TestTeams: each row of a table is a board; what is wrong with it is told with its line.
func TestTeams(t *testing.T) {
	read := func(table string) (*Deployment, error) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "teams.csv"), []byte(table), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Parse(filepath.Join(dir, "trimtab.yaml"), []byte("apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: board}]\n"+
			"boards: [{from: teams.csv, tracker: a, labels: [cost], lead: boss@example.com}]\nroutes: [{board: pay}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		return d, d.Err()
	}
	d, err := read("Team,project,lead,accounts,tags,cap\npay,PAY,ann@example.com,123;456,team=pay; cost-center=7,3\nweb,WEB,,789,,\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Board{
		{
			Name: "pay", Tracker: "a", Project: "PAY", Type: "Task", Labels: []string{"cost"}, Lead: "ann@example.com", Open: 3, Components: []string{}, Status: map[string]string{},
			Claims: Claims{Accounts: []string{"123", "456"}, Tags: map[string]string{"team": "pay", "cost-center": "7"}},
		},
		{
			Name: "web", Tracker: "a", Project: "WEB", Type: "Task", Labels: []string{"cost"}, Lead: "boss@example.com", Components: []string{}, Status: map[string]string{},
			Claims: Claims{Accounts: []string{"789"}, Tags: map[string]string{}},
		},
	}
	for i := range d.Boards {
		d.Boards[i].Node = strictyaml.Node{}
	}
	if !reflect.DeepEqual(d.Boards, want) {
		t.Errorf("%+v", d.Boards)
	}
	for table, want := range map[string]string{
		"":                                  "teams.csv is empty",
		"team\npay\n":                       `teams.csv:1: the column "project" is missing`,
		"team,projekt\npay,P\n":             `teams.csv:1: there is no column "projekt"`,
		"team,project\npay,PAY\n,X\n":       "teams.csv:3: a team needs a name",
		"team,project\npay,PAY\npay,X\n":    `teams.csv:3: there are two boards named "pay"`,
		"team,project,cap\npay,PAY,many\n":  "teams.csv:2: a cap is a number",
		"team,project,tags\npay,PAY,team\n": `teams.csv:2: "team" is no tag`,
		"team,project\npay,PAY,1\n":         "wrong number of fields",
		"team,project\npay,\"PAY\n":         "teams.csv",
	} {
		if _, err := read(table); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", table, err, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"packs: [a]":                                           `"apiVersion" is missing`,
		"apiVersion: trimtab/v2\npacks: [a]":                   `apiVersion "trimtab/v2" is not known`,
		"apiVersion: trimtab/v1":                               `"packs" is missing`,
		"apiVersion: trimtab/v1\npacks: [a]\nstate: mysql://x": "not mysql",
		"apiVersion: trimtab/v1\npacks: [a]\nstate: 'postgres://u:${TT_NONE}@h/db'":                                                                            "TT_NONE is not set",
		"apiVersion: trimtab/v1\npacks: [a]\nlisten: 0.0.0.0:80":                                                                                               "serving others needs authentication",
		"apiVersion: trimtab/v1\npacks: [a]\nlisten: nowhere":                                                                                                  "is no address",
		"apiVersion: trimtab/v1\npacks: [a]\nsources: [{name: a, kind: focus, path: x}, {name: a, kind: focus, path: y}]":                                      `two sources named "a"`,
		"apiVersion: trimtab/v1\npacks: [a]\nsources: [{name: a, kind: focus, path: x, fact: Y}]":                                                              `a source of kind focus has no "fact"`,
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: jira, url: u, auth: {email: e, token: '${file:/no/such}'}}]":                           "cannot read the secret's file",
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: board}]\nboards: [{name: b, tracker: a, project: P, freeze: [x]}]":                     `"x" is no day and no span of days`,
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: board}]\nboards: [{name: b, tracker: a, project: P, freeze: [2026-02-02/2026-01-01]}]": "ends before it begins",
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: board}]\nboards: [{name: b, tracker: a}]":                                              "exactly one of project and from",
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: board}]\nboards: [{from: none.csv, tracker: a}]":                                       "the table of teams cannot be read",
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: jira, url: u, auth: {email: e}}]":                                                      "exactly one of token and client_id",
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: jira, url: u, auth: {token: t, service: true}}]":                                       `"service" has no meaning beside token`,
		"apiVersion: trimtab/v1\npacks: [a]\npolicy: {rollout: {canary: [x]}}":                                                                                 `there is no board "x"`,
		"apiVersion: trimtab/v1\npacks: [a]\nowners: [{fact: Owner}]":                                                                                          "needs `by:`",
		"apiVersion: trimtab/v1\npacks: [a]\npolicy: {brake: {share: lots}}":                                                                                   "is no share",
		"apiVersion: trimtab/v1\npacks: [a]\nsync: {fields: {due: {direction: out}}}":                                                                          `"out"`,
		"apiVersion: trimtab/v1\npacks: [a]\nsync: {fields: {labels: {conflict: tracker}}}":                                                                    `"tracker"`,
		"apiVersion: trimtab/v1\npacks: []":                                                                                                "packs needs at least one pack",
		"apiVersion: trimtab/v1\npacks: [a]\nowners: [{tag: owner, by: account}]":                                                          "by belongs to fact",
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: redmine, url: u, auth: {email: e, token: '${HOME}'}}]":             "is known by its key alone",
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: redmine, url: u, auth: {token: '${HOME}'}, webhook: {secret: x}}]": `a tracker of kind redmine has no "webhook"`,
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: redmine, url: u, auth: {token: '${HOME}'}, markup: html}]":         "html",
		"apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: board, settle: 1m}]":                                               `a tracker of kind board has no "settle"`,
		"apiVersion: trimtab/v1\npacks: [a]\nruns: {lease: 10ms}":                                                                          "too short to be renewed",
		"apiVersion: trimtab/v1\npacks: [a]\nruns: {crashes: 0}":                                                                           "must be allowed to lose a worker",
		"a: b: c": "trimtab.yaml:1",
	} {
		d, err := Parse("trimtab.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Err(); err == nil || !strings.Contains(err.Error(), want) || trimtab.CodeOf(err) != trimtab.Invalid || trimtab.NextOf(err) == "" {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestSecretInClear(t *testing.T) {
	d, err := Parse("trimtab.yaml", []byte("apiVersion: trimtab/v1\npacks: [a]\ntrackers: [{name: a, kind: jira, url: u, auth: {email: e, token: hush}}]\n"))
	if err != nil || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].Headline(), "a secret stands here in clear") {
		t.Errorf("%v, %v", err, d.Warnings)
	}
	if strings.Contains(d.Warnings[0].Headline(), "hush") {
		t.Error("the warning repeats the secret")
	}
}

// A state in PostgreSQL is no path, and a password comes from the environment as it is.
func TestStateInPostgreSQL(t *testing.T) {
	t.Setenv("TT_PASSWORD", "p@ss/w:rd?#%&=+ü $x")
	t.Setenv("TT_ADDRESS", "postgresql://u:p%40ss@h/db")
	t.Setenv("TT_HOST", "db.example:5433")
	const written = "p%40ss%2Fw%3Ard%3F%23%25%26%3D%2B%C3%BC%20%24x"
	for state, want := range map[string]string{
		"postgres://trimtab:${TT_PASSWORD}@${TT_HOST}/db?sslmode=require": "postgres://trimtab:" + written + "@db.example:5433/db?sslmode=require",
		"${TT_ADDRESS}":                   "postgresql://u:p%40ss@h/db",
		"postgresql://${TT_HOST}/db":      "postgresql://db.example:5433/db",
		"postgres://u@h/db?x=y":           "postgres://u@h/db?x=y",
		"postgres:///db?host=/run/socket": "postgres:///db?host=/run/socket",
	} {
		path := filepath.Join(t.TempDir(), "trimtab.yaml")
		if err := os.WriteFile(path, []byte("apiVersion: trimtab/v1\npacks: [a]\nstate: '"+state+"'\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Read(path)
		if err != nil || d.Err() != nil || len(d.Warnings) != 0 || d.State != want {
			t.Errorf("%s: %s, %v, %v, %v", state, d.State, err, d.Err(), d.Warnings)
		}
		if got, err := StatePath(path); got != want || err != nil {
			t.Errorf("%s: %s, %v", state, got, err)
		}
	}
}

// A password in clear is warned of, and not shown, not even beside another mistake.
func TestStatePasswordInClear(t *testing.T) {
	for _, state := range []string{"postgres://u:hush@h/db", "postgres://u:hush/hush@${TT_NONE}/db", "postgresql://u@h/db?password=hush", "postgres://u@h/db?a=b&sslpassword=hush"} {
		d, err := Parse("trimtab.yaml", []byte("apiVersion: trimtab/v1\npacks: [a]\nstate: '"+state+"'\n"))
		if err != nil || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].Headline(), "a secret stands here in clear") {
			t.Fatalf("%s: %v, %v", state, err, d.Warnings)
		}
		said := d.Warnings[0].String()
		if err := d.Err(); err != nil {
			said += err.Error()
		}
		if strings.Contains(said, "hush") {
			t.Errorf("it repeats the secret: %s", said)
		}
	}
}

func TestStatePath(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "trimtab.yaml")
	for text, want := range map[string]string{"state: here.db\ntoken: ${NO_SUCH_NAME}\n": "here.db", "packs: []\n": "trimtab.db"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := StatePath(path); err != nil || got != filepath.Join(dir, want) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	if _, err := StatePath(filepath.Join(dir, "none.yaml")); trimtab.NextOf(err) == "" {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add("a: [b, {c: d}]")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse("trimtab.yaml", []byte(text))
		if err != nil {
			return
		}
		if d.Err() == nil && len(d.Packs) == 0 {
			t.Error("a deployment without packs was taken")
		}
	})
}
