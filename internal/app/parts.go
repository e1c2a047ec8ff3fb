package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/robfig/cron/v3"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/merge"
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
	"github.com/trimtab/trimtab/tracker/redmine"
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

// assign compiles owners and routes. What a table of teams says comes before the first
// route that takes everything.
func assign(d *deploy.Deployment) scan.Assign {
	a := scan.Assign{Leads: map[string]string{}}
	for _, o := range d.Owners {
		a.Owners = append(a.Owners, scan.OwnerRule(o))
	}
	last := slices.IndexFunc(d.Routes, func(r deploy.Route) bool { return r.When.Text == "" })
	for i, r := range d.Routes {
		if i == last {
			a.Routes = append(a.Routes, claims(d)...)
		}
		route := scan.Route{Board: r.Board.Text}
		if r.When.Text != "" {
			route.When = condition(rule.ExpressionAt(r.When.Node, map[string]string{"rec": "Recommendation"}, "bool"))
		}
		a.Routes = append(a.Routes, route)
	}
	if last < 0 {
		a.Routes = append(a.Routes, claims(d)...)
	}
	for _, b := range d.Boards {
		if b.Lead != "" {
			a.Leads[b.Name] = b.Lead
		}
	}
	return a
}

// claims are the routes to the boards of teams, by accounts and tags.
func claims(d *deploy.Deployment) []scan.Route {
	var routes []scan.Route
	for _, b := range d.Boards {
		if len(b.Claims.Accounts)+len(b.Claims.Tags) > 0 {
			routes = append(routes, scan.Route{Board: b.Name, When: claimed(b.Claims)})
		}
	}
	return routes
}

func claimed(c deploy.Claims) func(*trimtab.Recommendation) (bool, error) {
	return func(rec *trimtab.Recommendation) (bool, error) {
		if slices.Contains(c.Accounts, rec.Subject.Account) {
			return true, nil
		}
		for name, value := range c.Tags {
			if rec.Subject.Tags[name] == value {
				return true, nil
			}
		}
		return false, nil
	}
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

// fieldWords compiles what fields of tickets should say: an expression over the
// recommendation, then the tracker's word for the result.
func fieldWords(d *deploy.Deployment) map[string]distribute.Word {
	words := map[string]distribute.Word{}
	for _, field := range merge.Fields {
		said, ours := d.Sync.Values[field], d.Sync.Words[field]
		var expr rule.Expr
		if said.Text != "" {
			expr = rule.ExpressionAt(said.Node, map[string]string{"rec": "Recommendation"}, "string")
		}
		if expr != nil || len(ours) > 0 {
			words[field] = fieldWord(expr, ours)
		}
	}
	return words
}

// fieldWord gives what a field should say. Reading what a recommendation does not have
// leaves it as it would be.
func fieldWord(expr rule.Expr, theirs map[string]string) distribute.Word {
	return func(rec *trimtab.Recommendation, value string) (string, error) {
		if expr != nil {
			v, err := expr(map[string]any{"rec": record(rec)})
			switch text, ok := v.(string); {
			case rule.IsAbsent(err):
			case err != nil:
				return "", err
			case ok:
				value = text
			}
		}
		if word, ok := theirs[value]; ok {
			return word, nil
		}
		return value, nil
	}
}

// trackers makes the trackers of a deployment. Without a state they remember nothing, which
// is enough to ask them something.
func trackers(d *deploy.Deployment, s *store.Store, c clock.Clock) (map[string]tracker.Tracker, error) {
	all := map[string]tracker.Tracker{}
	m := &making{deployment: d, store: s, clock: c, sites: map[string]*jira.Site{}}
	for _, t := range d.Trackers {
		made, err := m.tracker(t)
		if err != nil {
			return nil, fmt.Errorf("tracker %s: %w", t.Name, err)
		}
		all[t.Name] = made
	}
	return all, nil
}

// making is what trackers are made of.
type making struct {
	deployment *deploy.Deployment
	store      *store.Store // nil: they remember nothing
	clock      clock.Clock
	sites      map[string]*jira.Site // accounts of one site share its limits
}

// tracker makes one: one line a kind.
func (m *making) tracker(t deploy.Tracker) (tracker.Tracker, error) {
	switch t.Kind {
	case "board":
		return board.New(board.Config{Projects: projects(m.deployment, t.Name), URL: m.deployment.Page, Now: m.clock.Now}, m.store.BoardRows()), nil
	case "redmine":
		return redmine.New(redmineConfig(m.deployment, t))
	}
	return m.jira(t)
}

func (m *making) jira(t deploy.Tracker) (tracker.Tracker, error) {
	cfg, err := jiraConfig(m.deployment, t, m.store)
	if err != nil {
		return nil, err
	}
	if m.sites[t.URL] == nil {
		m.sites[t.URL] = jira.NewSite(shared(m.store))
	}
	cfg.Site = m.sites[t.URL]
	return jira.New(cfg)
}

// shared is nil without a state: then a process learns for itself.
func shared(s *store.Store) jira.Shared {
	if s == nil {
		return nil
	}
	return pauses{s}
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

// statuses are the words of a tracker's boards for statuses, by project.
func statuses(d *deploy.Deployment, name string) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, b := range d.Boards {
		if b.Tracker == name && len(b.Status) > 0 {
			all[b.Project] = b.Status
		}
	}
	return all
}

func redmineConfig(d *deploy.Deployment, t deploy.Tracker) redmine.Config {
	return redmine.Config{
		URL: t.URL, Key: t.Auth.Token, Marker: t.Marker, Origin: t.Origin, Backlink: t.Backlink, Markup: redmine.Markup(t.Markup), Users: t.Users,
		Status: statuses(d, t.Name),
	}
}

func jiraConfig(d *deploy.Deployment, t deploy.Tracker, s *store.Store) (jira.Config, error) {
	cfg := jira.Config{
		URL: t.URL, Edition: jira.Cloud, Email: t.Auth.Email, Token: t.Auth.Token, CloudID: t.CloudID, Users: t.Users,
		Status: statuses(d, t.Name), Screens: map[string]map[string]any{},
	}
	if t.Kind == "jira-dc" {
		cfg.Edition = jira.DataCenter
	}
	for _, b := range d.Boards {
		if b.Tracker == t.Name && len(b.Screens) > 0 {
			cfg.Screens[b.Project] = b.Screens
		}
	}
	if t.Auth.ClientID == "" {
		return cfg, nil
	}
	cfg.OAuth = &jira.OAuth{ClientID: t.Auth.ClientID, ClientSecret: t.Auth.ClientSecret, Service: t.Auth.Service}
	if s == nil {
		return cfg, nil
	}
	kept, err := newGrants(s, t.Name, t.Auth.ClientSecret)
	cfg.OAuth.Tokens = kept
	return cfg, err
}

// checkSchedule notes a cron expression that cannot be read.
func checkSchedule(d *deploy.Deployment) {
	if _, err := cron.ParseStandard(d.Schedule.Scan.Text); err != nil {
		d.Schedule.Scan.Node.Errorf("%q is no cron expression: %v", d.Schedule.Scan.Text, err).WithHint("0 6 * * 1 is Monday at 6:00")
	}
}

// readTexts reads the texts of boards that word their tickets themselves.
func readTexts(d *deploy.Deployment) map[string]*distribute.Text {
	texts := map[string]*distribute.Text{}
	for _, b := range d.Boards {
		if b.Template == "" {
			continue
		}
		data, err := os.ReadFile(b.Template)
		if err == nil {
			texts[b.Name], err = distribute.ParseText(filepath.Base(b.Template), string(data))
		}
		if err != nil {
			b.Node.Errorf("the text of the tickets of board %s: %v", b.Name, err)
		}
	}
	return texts
}

// checkAccounts notes accounts that no client can be made of.
func checkAccounts(d *deploy.Deployment) {
	m := &making{deployment: d, sites: map[string]*jira.Site{}}
	for _, t := range d.Trackers {
		// What cannot be read has been said already; a board needs no account.
		if unread := t.URL == "" || t.Auth.Token+t.Auth.ClientSecret == ""; t.Kind == "board" || t.Kind == "" || unread {
			continue
		}
		t.Auth.Service = true // a grant of a person lies in the state
		if _, err := m.tracker(t); err != nil {
			t.Node.Errorf("%v", err).WithHint("%s", trimtab.NextOf(err))
		}
	}
}
