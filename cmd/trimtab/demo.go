package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/demo"
	"github.com/trimtab/trimtab/internal/sandbox"
)

// newDemo needs no deployment file: the demo writes one of its own.
func newDemo(env *environment) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "demo", Short: "The whole story on generated data and a Jira on loopback; nothing to set up", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			// The demo runs the commands as a user would, and kills one on the way: it needs
			// the program itself.
			self, err := os.Executable()
			if err != nil {
				return trimtab.Errorf(trimtab.Outside, "find this program: %w", err)
			}
			return demo.Run(c.Context(), demo.Config{Dir: dir, Command: []string{self}, Name: calledAs(self), Out: env.out, Log: env.log()})
		},
	}
	c.Flags().StringVar(&dir, "dir", "trimtab-demo", "the folder that everything is kept in")
	return c
}

// calledAs is how whoever reads the output can call this program again: `go run`
// builds it in a folder that is gone when it ends.
func calledAs(self string) string {
	if strings.Contains(self, "go-build") {
		return "go run ./cmd/trimtab"
	}
	return os.Args[0]
}

// newSandbox prints the lines of a deployment file that lead to it, since the
// port is not known before.
func newSandbox(env *environment) *cobra.Command {
	var listen, project, journal string
	jira := &cobra.Command{
		Use: "jira", Short: "A Jira on loopback, until interrupted", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			j, err := sandbox.New(sandbox.Config{
				Projects: []sandbox.Project{{Key: project, Name: project}}, Email: "trimtab@example.com", Token: "sandbox", Now: time.Now, Journal: journal,
				Users: []sandbox.User{{AccountID: "acc-finops", Email: "finops@example.com", Name: "finops"}},
			})
			if err != nil {
				return trimtab.Errorf(trimtab.Outside, "start the sandbox: %w", err)
			}
			if err := j.Start(listen); err != nil {
				return trimtab.Errorf(trimtab.Outside, "start the sandbox: %w", err)
			}
			fmt.Fprintf(env.out, "{name: sandbox, kind: jira, url: '%s', settle: 1s, auth: {email: trimtab@example.com, token: sandbox}}\n", j.URL())
			<-c.Context().Done()
			// The context has ended by now; running requests may still finish.
			return j.Stop(context.WithoutCancel(c.Context()))
		},
	}
	jira.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "a loopback address")
	jira.Flags().StringVar(&project, "project", "FIN", "the key of its project")
	jira.Flags().StringVar(&journal, "journal", "", "a file that keeps its tickets; none keeps them in memory")
	return group("sandbox", "Trackers on loopback, to try things on", jira)
}
