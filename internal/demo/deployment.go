package demo

import (
	_ "embed"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/sandbox"
)

//go:embed trimtab.yaml
var deployment string

const (
	jiraUser  = "trimtab@acme.example"
	jiraToken = "demo-token-of-the-sandbox"
)

// openJira starts the tracker on a free port of loopback; what it knew when it
// was last stopped it knows again.
func (t *teller) openJira() (err error) {
	t.moveClock(0)
	cfg := sandbox.Config{
		Email: jiraUser, Token: jiraToken, Journal: t.path("jira.ndjson"), Now: func() time.Time { return t.theirs.Load().Now() },
		OnCommit: func(sandbox.Request) {
			if hook := t.onCommit.Load(); hook != nil {
				(*hook)()
			}
		},
	}
	for _, team := range append(teams, team{name: "finops"}) {
		key := strings.ToUpper(team.name[:3])
		cfg.Projects = append(cfg.Projects, sandbox.Project{Key: key, Name: team.name})
		if team.lead != "" {
			cfg.Users = append(cfg.Users, sandbox.User{AccountID: "acc-" + team.name, Email: team.lead, Name: strings.Split(team.lead, "@")[0]})
		}
	}
	cfg.Users = append(cfg.Users, sandbox.User{AccountID: "acc-finops", Email: "finops@acme.example", Name: "finops"})
	if t.jira, err = sandbox.New(cfg); err != nil {
		return trimtab.Errorf(trimtab.Outside, "start the demo's Jira: %w", err)
	}
	if err := t.jira.Start("127.0.0.1:0"); err != nil {
		return trimtab.Errorf(trimtab.Outside, "start the demo's Jira: %w", err)
	}
	return nil
}

var loopback = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// writeDeployment writes the deployment file and the token's. In a folder where
// the story has been told before, only the tracker's address is renewed: the
// rest may have been changed by whoever tries things there.
func (t *teller) writeDeployment() error {
	text := strings.NewReplacer("{{url}}", t.jira.URL(), "{{token}}", t.path("jira-token"), "{{email}}", jiraUser).Replace(deployment)
	if old, err := os.ReadFile(t.path("trimtab.yaml")); err == nil {
		text = loopback.ReplaceAllLiteralString(string(old), t.jira.URL())
	}
	for name, content := range map[string]string{"trimtab.yaml": text, "jira-token": jiraToken + "\n"} {
		if err := os.WriteFile(t.path(name), []byte(content), 0o600); err != nil {
			return trimtab.Errorf(trimtab.Outside, "write the demo's deployment: %w", err)
		}
	}
	return nil
}
