package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/rule"
)

// explainFlags say whose rules and which facts an explanation is about.
type explainFlags struct {
	rules  []string
	script string
	sets   []string
}

// newRulesExplain answers from what the last scan gathered, or from a script, so that
// nobody has to scan to ask.
func newRulesExplain(env *environment) *cobra.Command {
	var flags explainFlags
	c := &cobra.Command{
		Use: "explain [RULE] RESOURCE", Short: "Why something is recommended for a resource, and why not",
		Long: "Explains what the rules make of a resource on the facts that the last scan gathered, or on those of a script.\n" +
			"With RULE it is about that rule alone: which facts and values make its conditions hold, or which condition is the first that does not, and what comes nearest.\n" +
			"Without, it explains everything that was concluded, and says in a line each why the other rules concluded nothing. Nothing is written.",
		Example: "  trimtab rules explain i-0a1b2c3d\n  trimtab rules explain aws.compute/idle-vm i-0a1b2c3d --set aws.compute.max_cpu=10.0\n" +
			"  trimtab rules explain idle-vm i-1 --rules rules/ --script script.jsonl",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 2 {
				return nil
			}
			return trimtab.Errorf(trimtab.Invalid, "%s needs a resource, and before it a rule if it is about one", c.CommandPath()).
				WithNext("`trimtab rules list` lists the rules")
		},
		RunE: func(c *cobra.Command, args []string) error { return env.explain(c.Context(), args, flags) },
	}
	c.Flags().StringSliceVar(&flags.rules, "rules", nil, "files or folders of packs, in place of the deployment's")
	c.Flags().StringVar(&flags.script, "script", "", "play this script of rules eval for its facts, in place of the last scan (- is standard input)")
	c.Flags().StringArrayVar(&flags.sets, "set", nil, "PACK.PARAM=VALUE for the deployment's rules")
	return c
}

// explain asks the memory and prints what it says.
func (e *environment) explain(ctx context.Context, args []string, flags explainFlags) error {
	if e.output == "csv" {
		return trimtab.Errorf(trimtab.Invalid, "an explanation is a tree, which CSV cannot say").WithNext("use -o table or -o json")
	}
	set, err := e.explained(flags)
	if err != nil {
		return err
	}
	session, err := e.memory(ctx, set, flags)
	if err != nil {
		return err
	}
	if len(args) == 2 {
		found, err := session.Explain(args[0], args[1])
		return e.printTree(found, err)
	}
	found, err := session.ExplainResource(args[0])
	return e.printTree(found, err)
}

// printTree prints an explanation for people or for programs.
func (e *environment) printTree(found interface{ Text() string }, err error) error {
	switch {
	case err != nil:
		return err
	case e.output == "json":
		return e.writeJSON(found)
	}
	_, err = io.WriteString(e.out, found.Text())
	return err
}

// explained loads the rules that are asked about.
func (e *environment) explained(flags explainFlags) (*rule.Set, error) {
	switch {
	case len(flags.rules) > 0 && len(flags.sets) > 0:
		return nil, trimtab.Errorf(trimtab.Invalid, "--set changes the deployment's parameters, and --rules takes other rules").WithNext("leave one of them out")
	case len(flags.rules) > 0:
		return app.LoadPacks(flags.rules)
	case len(flags.sets) > 0:
		return app.LoadRulesWith(e.file, flags.sets)
	}
	return app.LoadRules(e.file)
}

// memory is the working memory that is asked: after a script, or after the last scan.
func (e *environment) memory(ctx context.Context, set *rule.Set, flags explainFlags) (*rule.Session, error) {
	if flags.script != "" {
		return e.played(ctx, set, flags.script)
	}
	s, err := app.OpenState(ctx, e.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // it was only read
	now, err := e.clock()
	if err != nil {
		return nil, err
	}
	return app.Memory(ctx, s, set, now)
}

// played plays a script. Of its transcript only the errors are told: they may be why
// the answer is not the one that was expected.
func (e *environment) played(ctx context.Context, set *rule.Set, path string) (*rule.Session, error) {
	script, dir, err := e.script(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = script.Close() }() // it was only read
	var transcript bytes.Buffer
	session, failed, err := rule.Play(ctx, set, rule.EvalOptions{Script: script, Dir: dir, Out: &transcript})
	if err != nil || !failed {
		return session, err
	}
	lines := bufio.NewScanner(&transcript)
	lines.Buffer(nil, transcript.Len()+1)
	for lines.Scan() {
		if bytes.HasPrefix(lines.Bytes(), []byte(`{"error":`)) {
			fmt.Fprintln(e.err, lines.Text())
		}
	}
	return session, lines.Err()
}
