package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/internal/durable"
)

func newRunsShow(env *environment) *cobra.Command {
	var follow, data bool
	c := &cobra.Command{
		Use: "show RUN", Short: "A run, step by step", Args: exactly(1, "a run"),
		Long: "Shows a run and what it has done: its jobs with what they depend on, and its steps with times, attempts and errors.\n" +
			"Inputs and outputs are in -o json, or with --data; fields that hold secrets are removed.",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := runID(args[0])
			if err != nil {
				return err
			}
			return env.reading(c.Context(), func(o durable.Operator) error {
				if follow {
					if err := env.follow(c.Context(), o, id); err != nil {
						return err
					}
				}
				run, records, err := o.Show(c.Context(), id)
				if err != nil {
					return err
				}
				return env.showRun(run, records, data)
			})
		},
	}
	c.Flags().BoolVar(&follow, "follow", false, "wait until it has ended, and say how far it is")
	c.Flags().BoolVar(&data, "data", false, "show inputs and outputs, too")
	return c
}

// shownRun is a run as JSON gives it.
type shownRun struct {
	Run      int64            `json:"run"`
	Job      string           `json:"job"`
	Version  int              `json:"version"`
	Key      string           `json:"key,omitempty"`
	Status   durable.Status   `json:"status"`
	Why      string           `json:"why,omitempty"`
	Next     string           `json:"next,omitempty"`
	Crashes  int              `json:"crashes"`
	Claims   int64            `json:"claims"`
	Owner    string           `json:"owner,omitempty"`
	Created  string           `json:"created"`
	Started  string           `json:"started,omitempty"`
	Ended    string           `json:"ended,omitempty"`
	WakesAt  string           `json:"wakes_at,omitempty"`
	Progress durable.Progress `json:"progress,omitempty"`
	Input    any              `json:"input,omitempty"`
	Output   any              `json:"output,omitempty"`
	Steps    []shownStep      `json:"steps"`
}

// shownStep is a step as JSON gives it.
type shownStep struct {
	Name     string           `json:"name"`
	Kind     durable.Kind     `json:"kind"`
	Outcome  durable.Outcome  `json:"outcome"`
	After    []string         `json:"after,omitempty"`
	Attempts int              `json:"attempts"`
	Started  string           `json:"started,omitempty"`
	Ended    string           `json:"ended,omitempty"`
	NextAt   string           `json:"next_at,omitempty"`
	Error    *durable.Failure `json:"error,omitempty"`
	Input    any              `json:"input,omitempty"`
	Output   any              `json:"output,omitempty"`
}

// showRun prints a run: for people a line about it and a table of its steps.
func (e *environment) showRun(r *durable.Run, records []*durable.Record, data bool) error {
	if e.output == "json" {
		return e.writeJSON(runOf(r, records))
	}
	if e.output == "table" {
		e.sayRun(r)
	}
	t := table{names: []string{"step", "kind", "outcome", "attempts", "started", "took", "after", "why"}}
	if data {
		t.names = append(t.names, "input", "output")
	}
	for _, s := range records {
		why := ""
		if s.Error != nil {
			why = strings.Join(strings.Fields(s.Error.Text), " ")
		}
		row := []any{
			s.Name, s.Kind, s.Outcome, s.Attempts, moment(s.StartedAt), tookOf(s.StartedAt, s.EndedAt), strings.Join(s.After, ", "), why,
			string(durable.Redacted(s.Input)), string(durable.Redacted(s.Output)),
		}
		t.add(row[:len(t.names)]...)
	}
	return e.print(t)
}

// sayRun says of a run what its table of steps does not.
func (e *environment) sayRun(r *durable.Run) {
	fmt.Fprintf(e.out, "run %d: %s, %s; created %s, claimed %d times", r.ID, r.Workflow, r.Status, moment(r.CreatedAt), r.Epoch)
	if took := tookOf(r.StartedAt, r.EndedAt); took != "" {
		fmt.Fprintf(e.out, ", took %s", took)
	}
	if p := progressText(r.Progress); p != "" {
		fmt.Fprintf(e.out, "; %s", p)
	}
	fmt.Fprintln(e.out)
	if why := whyOf(r); why != "" {
		fmt.Fprintln(e.out, why)
	}
	if r.Error != nil && r.Error.Next != "" {
		fmt.Fprintln(e.out, "next:", r.Error.Next)
	}
}

func runOf(r *durable.Run, records []*durable.Record) shownRun {
	out := shownRun{
		Run: r.ID, Job: r.Workflow, Version: r.Version, Key: r.Key, Status: r.Status, Why: whyOf(r), Crashes: r.Crashes, Claims: r.Epoch, Owner: r.Owner,
		Created: moment(r.CreatedAt), Started: moment(r.StartedAt), Ended: moment(r.EndedAt), Progress: r.Progress,
		Input: raw(durable.Redacted(r.Input)), Output: raw(durable.Redacted(r.Output)), Steps: []shownStep{},
	}
	if r.Error != nil {
		out.Next = r.Error.Next
	}
	if r.Status == durable.Waiting {
		out.WakesAt = moment(r.WakeAt)
	}
	for _, s := range records {
		out.Steps = append(out.Steps, shownStep{
			Name: s.Name, Kind: s.Kind, Outcome: s.Outcome, After: s.After, Attempts: s.Attempts, Started: moment(s.StartedAt), Ended: moment(s.EndedAt),
			NextAt: moment(s.NextAt), Error: s.Error, Input: raw(durable.Redacted(s.Input)), Output: raw(durable.Redacted(s.Output)),
		})
	}
	return out
}

// raw is JSON within JSON; nil for none.
func raw(text []byte) any {
	if len(text) == 0 {
		return nil
	}
	return jsonText(text)
}

// jsonText is written as it is.
type jsonText []byte

// MarshalJSON implements json.Marshaler.
func (j jsonText) MarshalJSON() ([]byte, error) { return j, nil }
