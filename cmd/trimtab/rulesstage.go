package main

import (
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/store"
)

// newRulesStage without a rule lists the stages.
func newRulesStage(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "stage [RULE shadow|canary|live]", Short: "How far each rule is let: nothing filed, on canary boards, everywhere", Args: stageArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return env.printStages(c)
			}
			return env.acting(c, func(ctx context.Context, o app.Operated) error {
				in := app.Staged{Rule: args[0], Stage: store.Stage(args[1]), Actor: actorName()}
				if err := o.Act(ctx, "stage", in, nil); err != nil {
					return err
				}
				return env.say("the rule %s is %s", in.Rule, in.Stage)
			})
		},
	}
}

func stageArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 || len(args) == 2 {
		return nil
	}
	return trimtab.Errorf(trimtab.Invalid, "%s needs a rule and its stage, or neither", c.CommandPath()).WithNext("`%s --help` shows how", c.CommandPath())
}

func (e *environment) printStages(c *cobra.Command) error {
	t := table{names: []string{"rule", "stage", "since", "by", "hash"}}
	err := e.read(c, func(tx *store.Tx) error {
		stages, err := tx.RuleStages()
		for _, id := range slices.Sorted(maps.Keys(stages)) {
			s := stages[id]
			t.add(s.Rule, s.Stage, moment(s.Since), s.Actor, s.Hash)
		}
		return err
	})
	if err != nil {
		return err
	}
	return e.print(t)
}
