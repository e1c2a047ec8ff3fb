package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/demo"
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
