package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/rule"
)

func newRules(env *environment) *cobra.Command {
	return group("rules", "Lint, test, play, compare and explain rules",
		newRulesLint(env), newRulesTest(env), newRulesEval(env), newRulesDiff(env), newRulesExplain(env), newRulesList(env), newRulesGraph(env), newRulesStage(env),
		newRulesExport(env))
}

// atLeastOne asks for packs. The deployment's own are not taken here: lint is for
// rules that no deployment has yet.
func atLeastOne(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return trimtab.Errorf(trimtab.Invalid, "%s needs rules", c.CommandPath()).WithNext("name files or folders of packs, or builtin:aws")
}

func newRulesList(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "list [PATHS]", Short: "The rules of the deployment, or of packs",
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := env.rules(args)
			if err != nil {
				return err
			}
			t := table{names: []string{"rule", "title", "priority", "enabled", "tests", "hash", "file"}}
			for _, r := range set.Rules() {
				t.add(r.ID, r.Title, r.Priority, r.Enabled, r.Tests, r.Hash, fmt.Sprintf("%s:%d", r.File, r.Line))
			}
			return env.print(t)
		},
	}
}

// rules loads the named packs, or those of the deployment if none is named.
func (e *environment) rules(paths []string) (*rule.Set, error) {
	if len(paths) > 0 {
		return app.LoadPacks(paths)
	}
	plan, err := app.Load(e.file)
	if err != nil {
		return nil, err
	}
	return plan.Rules, nil
}

func newRulesEval(env *environment) *cobra.Command {
	var paths []string
	var options rule.EvalOptions
	var onError string
	c := &cobra.Command{
		Use: "eval --rules PATHS SCRIPT", Short: "Play a script on the rules, print a transcript (- is standard input)",
		Args: exactly(1, "a script"),
		RunE: func(c *cobra.Command, args []string) error {
			if onError != "go-on" && onError != "stop" {
				return trimtab.Errorf(trimtab.Invalid, "--on-error %q", onError).WithNext("use go-on or stop")
			}
			options.StopOnError = onError == "stop"
			set, err := app.LoadPacks(paths)
			if err != nil {
				return err
			}
			for _, w := range set.Warnings() {
				fmt.Fprintln(env.err, w.Headline())
			}
			script, dir, err := env.script(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = script.Close() }() // it was only read
			options.Script, options.Dir, options.Out = script, dir, env.out
			failed, err := rule.Eval(c.Context(), set, options)
			// Failed steps are part of the transcript, so that the script goes on to its end.
			if err == nil && failed {
				err = trimtab.Errorf(trimtab.Partial, "some steps failed").WithNext("the lines with \"error\" say which")
			}
			return err
		},
	}
	c.Flags().StringSliceVar(&paths, "rules", nil, "files or folders of packs")
	c.Flags().StringVar(&options.Strategy, "strategy", "depth", "how the agenda is ordered: depth, breadth, simplicity, complexity, lex or mea")
	c.Flags().IntVar(&options.MaxFirings, "max-firings", 0, "the most firings of one run (0: a million)")
	c.Flags().StringVar(&onError, "on-error", "go-on", "what a run does when an action fails: go-on or stop")
	_ = c.MarkFlagRequired("rules")
	return c
}

// script opens what rules eval plays, and says what add_rules is relative to.
func (e *environment) script(path string) (io.ReadCloser, string, error) {
	if path == "-" {
		return io.NopCloser(e.in), ".", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", trimtab.Errorf(trimtab.Invalid, "read the script: %w", err)
	}
	return f, filepath.Dir(path), nil
}

// newRulesDiff judges both sets on the same facts at the same moment, so that
// nothing but the rules can make a difference.
func newRulesDiff(env *environment) *cobra.Command {
	var sets []string
	c := &cobra.Command{
		Use: "diff [OLD NEW]", Short: "Which recommendations come and go if NEW goes live, on what the last scan gathered",
		Long: "Compares two sets of rules (packs, folders or deployment files) on the facts that the last scan gathered.\n" +
			"Without arguments, the deployment's rules are compared with themselves under the parameters of --set.\nNothing is written.",
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			old, next, err := env.twoSets(args, sets)
			if err != nil {
				return err
			}
			// Of the deployment, whatever the rules are: its last scan is what both are
			// judged on.
			s, err := app.OpenState(c.Context(), env.file)
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }() // it was only read
			now, err := env.clock()
			if err != nil {
				return err
			}
			d, err := app.Diff(c.Context(), s, old, next, now)
			if err != nil {
				return err
			}
			return env.print(diffTable(d))
		},
	}
	c.Flags().StringArrayVar(&sets, "set", nil, "PACK.PARAM=VALUE for the new rules")
	return c
}

// twoSets loads what is compared: two names, or the deployment with and without
// the changes of --set.
func (e *environment) twoSets(args, sets []string) (old, next *rule.Set, err error) {
	switch {
	case len(args) == 2 && len(sets) == 0:
		if old, err = app.LoadRules(args[0]); err == nil {
			next, err = app.LoadRules(args[1])
		}
		return old, next, err
	case len(args) == 0 && len(sets) > 0:
		if old, err = app.LoadRules(e.file); err == nil {
			next, err = app.LoadRulesWith(e.file, sets)
		}
		return old, next, err
	}
	return nil, nil, trimtab.Errorf(trimtab.Invalid, "rules diff compares OLD with NEW, or the deployment with --set").
		WithNext("trimtab rules diff --set aws.compute.max_cpu=3.0")
}

// diffTable shows what becomes unknown as well: it neither appears nor vanishes,
// and counted as gone it would look like a saving lost.
func diffTable(d rule.Difference) table {
	t := table{names: []string{"change", "recommendation", "resource", "old_savings", "new_savings", "fields"}}
	for _, c := range d.Appear {
		t.add("appears", c.Action, c.Resource, "", c.Savings, "")
	}
	for _, c := range d.Vanish {
		t.add("vanishes", c.Action, c.Resource, c.Savings, "", "")
	}
	for _, c := range d.Change {
		t.add("changes", c.New.Action, c.New.Resource, c.Old.Savings, c.New.Savings, strings.Join(c.Fields, " "))
	}
	for _, c := range d.Unsure {
		t.add("unknown", c.Action, c.Resource, c.Savings, "", "")
	}
	e := d.Effect()
	t.more = fmt.Sprintf("%d would appear, %d vanish, %d change, %d become unknown.\nSavings a month: %s more, %s less. "+
		"Tickets at most: %d opened, %d closed, %d edited. Nothing was written.",
		len(d.Appear), len(d.Vanish), len(d.Change), len(d.Unsure), amounts(e.Gained), amounts(e.Lost), e.Opened, e.Closed, e.Edited)
	return t
}

// amounts lists sums, one a currency.
func amounts(sums map[string]trimtab.Money) string {
	var out []string
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, sums[currency].Display())
	}
	if len(out) == 0 {
		return "0"
	}
	return strings.Join(out, " and ")
}
