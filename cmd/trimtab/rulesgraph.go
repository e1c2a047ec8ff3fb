package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
)

// drawing is what rules graph is asked to draw.
type drawing struct {
	rules       []string // ids; none: all
	format, out string
	facts       bool
}

func newRulesGraph(env *environment) *cobra.Command {
	var d drawing
	c := &cobra.Command{
		Use: "graph [PATHS]", Short: "The network that the rules have become, as SVG or DOT, with counts per node",
		Long: "Draws the network of the deployment's rules, filled with the facts that the last scan gathered, if there was one.\n" +
			"With PATHS, that of those packs, empty unless --facts fills it from the deployment's last scan.\n\n" +
			"A box tells what a node tests and what it holds; what work it did is in its tooltip.",
		RunE: func(c *cobra.Command, args []string) error {
			set, err := env.rules(args)
			if err != nil {
				return err
			}
			session, err := env.filled(c.Context(), set, d.facts, len(args) == 0)
			if err != nil {
				return err
			}
			return env.draw(session, d)
		},
	}
	c.Flags().StringSliceVar(&d.rules, "rule", nil, "draw only the rule with this id, as aws.compute/idle-vm; may stand several times")
	c.Flags().StringVar(&d.format, "format", rule.GraphFormats[0], strings.Join(rule.GraphFormats, " or "))
	c.Flags().StringVar(&d.out, "out", "", "the file to write (default: standard output)")
	c.Flags().BoolVar(&d.facts, "facts", false, "fill the network with the facts of the deployment's last scan")
	return c
}

// filled is a working memory of the rules, with the facts of the deployment's last
// scan where they are needed, or wanted and there.
func (e *environment) filled(ctx context.Context, set *rule.Set, needed, wanted bool) (*rule.Session, error) {
	now, err := e.clock()
	if err != nil {
		return nil, err
	}
	var gathered []store.Gathered
	if needed || wanted {
		gathered, err = e.gathered(ctx)
	}
	if trimtab.CodeOf(err) == trimtab.NotFound && !needed {
		fmt.Fprintln(e.err, "there was no scan yet: the network is drawn without facts")
		err = nil
	}
	if err != nil {
		return nil, err
	}
	session, _, err := scan.Memory(ctx, set, gathered, now.Now())
	return session, err
}

// gathered is what the deployment's last scan gathered.
func (e *environment) gathered(ctx context.Context) (_ []store.Gathered, err error) {
	s, err := app.OpenState(ctx, e.file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return app.Gathered(ctx, s)
}

// draw writes all of the picture or nothing: half a file would look like a whole one.
func (e *environment) draw(session *rule.Session, d drawing) error {
	var picture bytes.Buffer
	if err := session.WriteGraph(&picture, d.format, d.rules...); err != nil {
		return err
	}
	if d.out == "" {
		_, err := e.out.Write(picture.Bytes())
		return err
	}
	if err := os.WriteFile(d.out, picture.Bytes(), 0o644); err != nil {
		return trimtab.Errorf(trimtab.Invalid, "write the picture: %w", err)
	}
	t := table{names: []string{"wrote"}}
	t.add(d.out)
	return e.print(t)
}
