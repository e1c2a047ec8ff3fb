package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/rule"
)

func newRulesExport(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "export [PATHS]", Short: "Everything that rules can say and do say, for editors and forms",
		Long: "With -o json, the whole catalogue: packs, fact types and who gives them, parameters with their values, rules, the elements of when and\n" +
			"the actions of then with their keys, and the operators and functions of expressions by type. Otherwise an overview.",
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := env.catalogue(args)
			if err != nil {
				return err
			}
			if env.output == "json" {
				return env.writeJSON(c)
			}
			return env.print(overview(c))
		},
	}
}

// catalogue is that of the named packs, or of the deployment if none is named.
func (e *environment) catalogue(paths []string) (rule.Catalogue, error) {
	if len(paths) > 0 {
		set, err := app.LoadPacks(paths)
		if err != nil {
			return rule.Catalogue{}, err
		}
		return set.Catalogue(), nil
	}
	plan, err := app.Load(e.file)
	if err != nil {
		return rule.Catalogue{}, err
	}
	return plan.Catalogue(), nil
}

// overview is the catalogue in lines: what kind of thing, its name, and the gist.
func overview(c rule.Catalogue) table {
	t := table{names: []string{"kind", "name", "detail"}}
	for _, p := range c.Packs {
		t.add("pack", p.Name, p.Description)
	}
	for _, f := range c.FactTypes {
		t.add("fact type", f.Name, fmt.Sprintf("%s, %d fields", f.Provider, len(f.Fields)))
	}
	for _, p := range c.Parameters {
		name := p.Name
		if p.Rule != "" {
			name = p.Rule + "." + name
		}
		t.add("parameter", p.Pack+"."+name, fmt.Sprintf("%s, %v", p.Type, p.Value))
	}
	for _, r := range c.Rules {
		t.add("rule", r.ID, r.Title)
	}
	overviewOfLanguage(&t, c)
	return t
}

// overviewOfLanguage adds what rules can say, whatever the packs are.
func overviewOfLanguage(t *table, c rule.Catalogue) {
	for _, e := range c.Elements {
		t.add("element", e.Name, e.Description)
	}
	for _, a := range c.Aggregates {
		t.add("aggregate", a.Name, a.Description)
	}
	for _, a := range c.Actions {
		t.add("action", a.Name, a.Description)
	}
	for _, k := range c.RuleOptions {
		t.add("rule option", k.Name, k.Description)
	}
	operationLines(t, "operator", c.Operators)
	operationLines(t, "function", c.Functions)
	operationLines(t, "macro", c.Macros)
}

func operationLines(t *table, kind string, list []rule.Operation) {
	for _, op := range list {
		t.add(kind, op.Name, strings.Join(op.Types, " "))
	}
}
