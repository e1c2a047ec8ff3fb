package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/sandbox"
)

// sandboxFlags are what is asked of a sandbox on the command line.
type sandboxFlags struct {
	listen, journal, lag string
	projects, users      []string
	dc, limits           bool
	seed                 uint64
	chaos                float64
}

// The account that a sandbox's API is used by.
const (
	sandboxEmail = "trimtab@example.com"
	sandboxToken = "sandbox"
)

// newSandbox prints the lines of a deployment file that lead to it, since the
// port is not known before.
func newSandbox(env *environment) *cobra.Command {
	var flags sandboxFlags
	jira := &cobra.Command{
		Use: "jira", Short: "A Jira on loopback, until interrupted; its boards are at its address", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return flags.run(c.Context(), env.out) },
	}
	f := jira.Flags()
	f.StringVar(&flags.listen, "listen", "127.0.0.1:0", "a loopback address")
	f.StringSliceVar(&flags.projects, "project", []string{"FIN"}, "the keys of its projects")
	f.StringSliceVar(&flags.users, "user", []string{"finops@example.com"}, "the e-mails of its people")
	f.StringVar(&flags.journal, "journal", "", "a file that keeps its tickets; none keeps them in memory")
	f.BoolVar(&flags.dc, "dc", false, "be a Data Center: version 2 of the API alone")
	f.BoolVar(&flags.limits, "limits", false, "refuse what goes beyond Atlassian's limits")
	f.StringVar(&flags.lag, "lag", "none", "how late its search index is: none, typical, or a duration as 30s")
	f.Uint64Var(&flags.seed, "seed", 1, "of all that is drawn by chance")
	f.Float64Var(&flags.chaos, "chaos", 0, "the share of requests that go wrong, from 0 to 1")
	return group("sandbox", "Trackers on loopback, to try things on", jira)
}

// config makes a site of the flags. Each person has an account of the name
// before the @.
func (f *sandboxFlags) config() (sandbox.Config, error) {
	cfg := sandbox.Config{Email: sandboxEmail, Token: sandboxToken, Now: time.Now, Journal: f.journal, Server: f.dc, Seed: f.seed}
	for _, key := range f.projects {
		cfg.Projects = append(cfg.Projects, sandbox.Project{Key: key, Name: key})
	}
	for _, email := range f.users {
		name, _, _ := strings.Cut(email, "@")
		cfg.Users = append(cfg.Users, sandbox.User{AccountID: "acc-" + name, Email: email, Name: name, Username: name})
	}
	if f.limits {
		cfg.Limits = sandbox.CloudLimits()
	}
	if f.chaos < 0 || f.chaos > 1 {
		return cfg, trimtab.Errorf(trimtab.Invalid, "--chaos is a share between 0 and 1, not %v", f.chaos)
	}
	lag, err := sandbox.LagNamed(f.lag)
	if err != nil {
		return cfg, trimtab.Errorf(trimtab.Invalid, "--lag: %w", err)
	}
	cfg.Lag = lag
	return cfg, nil
}

// run serves until the context ends.
func (f *sandboxFlags) run(ctx context.Context, out io.Writer) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	j, err := sandbox.New(cfg)
	if err != nil {
		return trimtab.Errorf(trimtab.Outside, "start the sandbox: %w", err)
	}
	j.Chaos(f.seed, f.chaos)
	if err := j.Start(f.listen); err != nil {
		return trimtab.Errorf(trimtab.Outside, "start the sandbox: %w", err)
	}
	f.introduce(out, j.URL())
	<-ctx.Done()
	// The context has ended by now; running requests may still finish.
	return j.Stop(context.WithoutCancel(ctx))
}

// introduce says how to reach the sandbox. All but the lines of the deployment
// file are comments in it, so that the whole can be pasted.
func (f *sandboxFlags) introduce(out io.Writer, url string) {
	fmt.Fprintf(out, "# boards for people: %s/\n# faults, clock and people by hand: %s/sandbox/faults (docs/sandbox.md)\n", url, url)
	if f.dc {
		fmt.Fprintf(out, "# Data Center: %s/rest/api/2 with the personal access token %q as a bearer\n", url, sandboxToken)
	} else {
		fmt.Fprintf(out, "# Cloud: %s/rest/api/3 as %s with the token %q\n", url, sandboxEmail, sandboxToken)
	}
	kind, auth := "jira", fmt.Sprintf("{email: %s, token: %s}", sandboxEmail, sandboxToken)
	if f.dc {
		kind, auth = "jira-dc", fmt.Sprintf("{token: %s}", sandboxToken)
	}
	fmt.Fprintf(out, "trackers:\n  - {name: sandbox, kind: %s, url: '%s', settle: 1s, auth: %s}\n", kind, url, auth)
	fmt.Fprintln(out, "boards:")
	for _, key := range f.projects {
		fmt.Fprintf(out, "  - {name: %s, tracker: sandbox, project: %s}\n", strings.ToLower(key), key)
	}
}
