package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rule"
)

// newRulesLint passes with warnings: they are printed, and only errors refuse a
// pack.
func newRulesLint(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "lint PATHS", Short: "Everything that can be known of rules without their data",
		Long: "Loads packs and tells everything that is wrong with them, then what is odd: impossible, shadowed and contradictory conditions,\n" +
			"gaps and overlaps of tables, what nobody uses. docs/lint.md explains each finding by its name.",
		Args: atLeastOne,
		RunE: func(c *cobra.Command, args []string) error {
			set, err := app.LoadPacks(args)
			if err != nil {
				return env.refused(err)
			}
			found, err := set.Lint(c.Context())
			if err != nil {
				return err
			}
			return env.findings(set, args, found)
		},
	}
}

// refused gives what is wrong with a pack as data where data were asked for.
func (e *environment) refused(err error) error {
	var said strictyaml.Diagnostics
	if e.output != "json" || !errors.As(err, &said) {
		return err
	}
	if err := e.writeJSON(said); err != nil {
		return err
	}
	return &trimtab.Error{Code: trimtab.Invalid, Err: errQuiet}
}

// findings prints what lint has found. An error among it is a mistake of the pack.
func (e *environment) findings(set *rule.Set, paths []string, found strictyaml.Diagnostics) error {
	failed := len(found.Of(strictyaml.Error)) > 0
	if e.output == "json" {
		if found == nil {
			found = strictyaml.Diagnostics{} // none is [], never null
		}
		if err := e.writeJSON(found); err != nil || !failed {
			return err
		}
		return &trimtab.Error{Code: trimtab.Invalid, Err: errQuiet}
	}
	for _, f := range found {
		fmt.Fprintln(e.err, f.String())
	}
	t := table{names: []string{"packs", "rules", "errors", "warnings"}}
	t.add(len(paths), len(set.Rules()), len(found.Of(strictyaml.Error)), len(found.Of(strictyaml.Warning)))
	if err := e.print(t); err != nil || !failed {
		return err
	}
	return trimtab.Errorf(trimtab.Invalid, "lint refuses the rules").WithNext("docs/lint.md says what each finding means and how to allow it")
}
