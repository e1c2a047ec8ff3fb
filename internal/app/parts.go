package app

import (
	"fmt"
	"slices"

	"github.com/robfig/cron/v3"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/focus"
	"github.com/trimtab/trimtab/source/series"
	"github.com/trimtab/trimtab/source/table"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/board"
	"github.com/trimtab/trimtab/tracker/jira"
)

// sources makes the sources of a deployment: one line a kind.
func sources(d *deploy.Deployment) []source.Source {
	var all []source.Source
	for _, s := range d.Sources {
		switch s.Kind {
		case "focus":
			all = append(all, focus.New(focus.Config{Name: s.Name, Path: s.Path, Window: s.Window, Current: s.Current}))
		case "table":
			cfg := table.Config{Name: s.Name, Path: s.Path, Fact: s.Fact, Query: s.Query, Until: s.Until, Compile: column}
			for _, m := range s.Map {
				cfg.Map = append(cfg.Map, table.Field{Name: m.Field, Expr: m.Expr.Text})
			}
			all = append(all, table.New(cfg))
		case "series":
			all = append(all, series.New(series.Config{Name: s.Name, Path: s.Path, Metric: s.Metric, Time: s.Time, Value: s.Value, Column: s.Column, Resource: s.Resource, Window: s.Window}))
		}
	}
	return all
}

// column compiles an expression over the columns of a table.
func column(expr string, columns []string) (table.Value, error) {
	vars := make(map[string]string, len(columns))
	for _, c := range columns {
		if isName(c) {
			vars[c] = "dyn"
		}
	}
	f, err := rule.Expression(expr, vars, "dyn")
	if err != nil {
		return nil, err
	}
	return table.Value(f), nil
}

// isName reports whether a column can be a variable of an expression; others
// can only be named whole.
func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// checkSources holds the tables' maps against the types that the packs declare.
func checkSources(d *deploy.Deployment, rules *rule.Set) {
	types := map[string]rule.TypeDecl{}
	var names []string
	for _, t := range rules.Types() {
		types[t.Name] = t
		names = append(names, t.Name)
	}
	for _, s := range d.Sources {
		if s.Kind != "table" {
			continue
		}
		t, ok := types[s.Fact]
		if !ok {
			s.Node.Errorf("source %s gives %q, which is no fact type of the packs", s.Name, s.Fact).Suggest(s.Fact, names)
			continue
		}
		checkMap(s, t)
	}
}

// checkMap finds fields that the type does not have, and needed ones that no
// column gives.
func checkMap(s deploy.Source, t rule.TypeDecl) {
	var fields, mapped []string
	for _, f := range t.Fields {
		fields = append(fields, f.Name)
	}
	for _, m := range s.Map {
		mapped = append(mapped, m.Field)
		if !slices.Contains(fields, m.Field) {
			m.Expr.Node.Errorf("%s has no field %q", t.Name, m.Field).Suggest(m.Field, fields)
		}
	}
	for _, f := range t.Fields {
		optional := f.Type[len(f.Type)-1] == '?'
		if !optional && !slices.Contains(mapped, f.Name) {
			s.Node.Errorf("the map of source %s lacks %s.%s, which is not optional", s.Name, t.Name, f.Name)
		}
	}
}

// assign compiles owners and routes.
func assign(d *deploy.Deployment) scan.Assign {
	var a scan.Assign
	for _, o := range d.Owners {
		a.Owners = append(a.Owners, scan.OwnerRule(o))
	}
	for _, r := range d.Routes {
		route := scan.Route{Board: r.Board.Text}
		if r.When.Text != "" {
			route.When = condition(rule.ExpressionAt(r.When.Node, map[string]string{"rec": "Recommendation"}, "bool"))
		}
		a.Routes = append(a.Routes, route)
	}
	return a
}

// condition shows a compiled condition a recommendation as `rec`. Reading what
// it does not have is no match.
func condition(expr rule.Expr) func(*trimtab.Recommendation) (bool, error) {
	if expr == nil {
		return nil // the mistake is noted in the file
	}
	return func(rec *trimtab.Recommendation) (bool, error) {
		v, err := expr(map[string]any{"rec": record(rec)})
		if rule.IsAbsent(err) {
			return false, nil
		}
		ok, _ := v.(bool)
		return ok, err
	}
}

// record is a recommendation as rules see it; empty texts are absent.
func record(rec *trimtab.Recommendation) map[string]any {
	s := rec.Subject
	fields := map[string]any{"action": rec.Action, "resource": s.Resource, "variant": rec.Variant, "savings": rec.Savings}
	if rec.MonthlyCost.Currency != "" {
		fields["monthly_cost"] = rec.MonthlyCost
	}
	for name, value := range map[string]string{
		"title": rec.Title, "name": s.Name, "provider": s.Provider, "account": s.Account, "region": s.Region, "service": s.Service,
		"environment": s.Environment, "owner": rec.Owner.Name, "risk": rec.Risk, "effort": rec.Effort, "confidence": rec.Confidence,
		"blockers": rec.Blockers,
	} {
		if value != "" {
			fields[name] = value
		}
	}
	if s.Tags != nil {
		fields["tags"] = s.Tags
	}
	return fields
}

// trackers makes the trackers of a deployment: one line a kind.
func trackers(d *deploy.Deployment, s *store.Store, c clock.Clock) (map[string]tracker.Tracker, error) {
	all := map[string]tracker.Tracker{}
	for _, t := range d.Trackers {
		switch t.Kind {
		case "board":
			all[t.Name] = board.New(board.Config{Projects: projects(d, t.Name), Now: c.Now}, s.BoardRows())
		case "jira":
			made, err := jira.New(jiraConfig(d, t))
			if err != nil {
				return nil, fmt.Errorf("tracker %s: %w", t.Name, err)
			}
			all[t.Name] = made
		}
	}
	return all, nil
}

// projects are the keys of a tracker's boards: for the embedded one, all there are.
func projects(d *deploy.Deployment, name string) []string {
	var all []string
	for _, b := range d.Boards {
		if b.Tracker == name {
			all = append(all, b.Project)
		}
	}
	return all
}

func jiraConfig(d *deploy.Deployment, t deploy.Tracker) jira.Config {
	cfg := jira.Config{URL: t.URL, Email: t.Email, Token: t.Token, Status: map[string]map[string]string{}}
	for _, b := range d.Boards {
		if b.Tracker == t.Name && len(b.Status) > 0 {
			cfg.Status[b.Project] = b.Status
		}
	}
	return cfg
}

// checkSchedule notes a cron expression that cannot be read.
func checkSchedule(d *deploy.Deployment) {
	if _, err := cron.ParseStandard(d.Schedule.Scan.Text); err != nil {
		d.Schedule.Scan.Node.Errorf("%q is no cron expression: %v", d.Schedule.Scan.Text, err).WithHint("0 6 * * 1 is Monday at 6:00")
	}
}
