package twoway

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/jira"
	"github.com/trimtab/trimtab/tracker/jira/markup"
)

const (
	self    = "acc-trimtab"
	account = "trimtab@example.com"
)

// workflows are the ways of the projects; FIN has Jira's simplest.
var workflows = map[string]sandbox.Workflow{
	"OPS": {
		Statuses: []sandbox.Status{{Name: "Backlog", Category: "new"}, {Name: "Doing", Category: "indeterminate"}, {Name: "Review", Category: "indeterminate"}, {Name: "Shipped", Category: "done"}, {Name: "Rejected", Category: "done"}},
		Transitions: []sandbox.Transition{
			{Name: "Begin", From: "Backlog", To: "Doing"},
			{Name: "Show", From: "Doing", To: "Review"},
			{Name: "Ship", From: "Review", To: "Shipped", NoScreen: true},
			{Name: "Reject", To: "Rejected"},
			{Name: "Back", To: "Backlog"},
		},
	},
	"DEV": {
		Statuses: []sandbox.Status{{Name: "Neu", Category: "new"}, {Name: "In Arbeit", Category: "indeterminate"}, {Name: "Erledigt", Category: "done"}},
		Transitions: []sandbox.Transition{
			{Name: "Anfangen", To: "In Arbeit"},
			{Name: "Beenden", From: "In Arbeit", To: "Erledigt", NeedsResolution: true},
			{Name: "Schließen", From: "Neu", To: "Erledigt", NeedsResolution: true},
			{Name: "Zurück", To: "Neu"},
		},
		Resolutions: []string{"Fertig", "Nicht umgesetzt"},
	},
	"NET": {
		Statuses:    []sandbox.Status{{Name: "Open", Category: "new"}, {Name: "Active", Category: "indeterminate"}, {Name: "Blocked", Category: "indeterminate"}, {Name: "Closed", Category: "done"}},
		Transitions: []sandbox.Transition{{Name: "Open", To: "Open"}, {Name: "Work", To: "Active"}, {Name: "Block", To: "Blocked"}, {Name: "Close", To: "Closed"}},
		Resolutions: []string{"Fixed", "Won't Fix"},
	},
}

// mapping is what a deployment says of them; the rest goes by category.
var mapping = map[string]map[string]string{
	"OPS": {"open": "Backlog", "in_progress": "Doing", "done": "Shipped", "wont_do": "Rejected"},
	"DEV": {"open": "Neu", "in_progress": "In Arbeit", "done": "Erledigt", "wont_do": "Erledigt/Nicht umgesetzt"},
}

// ways are the statuses that people of a project move tickets to.
var ways = map[string]map[tracker.Status][]string{
	"FIN": {tracker.Open: {"To Do"}, tracker.InProgress: {"In Progress"}, tracker.Done: {"Done"}, tracker.WontDo: {"Done/Won't Do", "Done/Duplicate"}},
	"OPS": {tracker.Open: {"Backlog"}, tracker.InProgress: {"Doing", "Review"}, tracker.Done: {"Shipped"}, tracker.WontDo: {"Rejected"}},
	"DEV": {tracker.Open: {"Neu"}, tracker.InProgress: {"In Arbeit"}, tracker.Done: {"Erledigt/Fertig"}, tracker.WontDo: {"Erledigt/Nicht umgesetzt"}},
	"NET": {tracker.Open: {"Open"}, tracker.InProgress: {"Active", "Blocked"}, tracker.Done: {"Closed/Fixed"}, tracker.WontDo: {"Closed/Won't Fix"}},
}

// jiraPlace is the fake Jira.
type jiraPlace struct {
	site    *sandbox.Jira
	clock   *clock.Manual
	server  bool  // Data Center
	wire    *wire // of the processes
	private *wire // of whoever looks
}

func newJira(now *clock.Manual, server bool, seed uint64, door func(string) error) (*jiraPlace, error) {
	config := sandbox.Config{
		Users: []sandbox.User{{AccountID: self, Email: account, Name: "Trimtab", Token: "tok"}}, Email: account, Token: "tok", Server: server,
		Lag: sandbox.TypicalLag, Limits: sandbox.CloudLimits(), Seed: seed, Now: now.Now,
	}
	for _, mail := range people {
		config.Users = append(config.Users, sandbox.User{AccountID: accountOf(mail), Email: mail, Name: mail})
	}
	for _, key := range projects {
		config.Projects = append(config.Projects, sandbox.Project{Key: key, Workflow: workflows[key]})
	}
	site, err := sandbox.New(config)
	if err != nil {
		return nil, err
	}
	return &jiraPlace{site: site, clock: now, server: server, wire: &wire{site: site.Handler(), clock: now, door: door}, private: &wire{site: site.Handler(), clock: now}}, nil
}

func accountOf(mail string) string {
	if mail == "" {
		return ""
	}
	name, _, _ := strings.Cut(mail, "@")
	return "acc-" + name
}

func mailOf(id string) string {
	if id == "" {
		return ""
	}
	return strings.TrimPrefix(id, "acc-") + "@example.com"
}

func (p *jiraPlace) connect() (tracker.Tracker, error) { return p.client(p.wire) }

func (p *jiraPlace) client(over *wire) (*jira.Client, error) {
	config := jira.Config{
		URL: "http://127.0.0.1:1", Edition: jira.Cloud, Email: account, Token: "tok", HTTP: &http.Client{Transport: over},
		Status: mapping, Now: p.clock.Now, Sleep: p.clock.Sleep,
	}
	if p.server {
		config.Edition, config.Email = jira.DataCenter, ""
	}
	return jira.New(config)
}

func (p *jiraPlace) do(who, id string, d deed) error {
	issue, ok := p.site.Get(id)
	if !ok {
		return fmt.Errorf("there is no issue %s", id)
	}
	who = accountOf(who)
	switch d.what {
	case merge.Status:
		name, resolution, _ := strings.Cut(d.value, "/")
		return p.site.Transition(id, name, resolution, who)
	case merge.Assignee:
		return p.site.Assign(id, accountOf(d.value), who)
	case merge.Summary:
		return p.site.Edit(id, sandbox.Edited{Summary: &d.value}, who)
	case merge.Priority:
		return p.site.Edit(id, sandbox.Edited{Priority: &d.value}, who)
	case add:
		return p.site.Edit(id, sandbox.Edited{Add: []string{d.value}}, who)
	case remove:
		return p.site.Edit(id, sandbox.Edited{Remove: []string{d.value}}, who)
	case strip:
		stamps := slices.DeleteFunc(slices.Clone(issue.Labels), func(l string) bool { return !strings.HasPrefix(l, "tt-") })
		return p.site.Edit(id, sandbox.Edited{Remove: stamps}, who)
	case comment:
		return p.site.Comment(id, d.value, who)
	}
	text, err := p.rewritten(issue.Description, d)
	if err != nil || string(text) == string(issue.Description) {
		return errors.Join(err, errNoPlace)
	}
	return p.site.Edit(id, sandbox.Edited{Document: text}, who)
}

// rewritten is a description after a person has written into it.
func (p *jiraPlace) rewritten(raw json.RawMessage, d deed) (json.RawMessage, error) {
	var wiki string
	if err := json.Unmarshal(raw, &wiki); err == nil {
		return json.Marshal(written(wiki, d))
	}
	if d.what == inside {
		return json.RawMessage(written(string(raw), d)), nil
	}
	var doc struct {
		Type    string            `json:"type"`
		Version int               `json:"version"`
		Content []json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	var added []json.RawMessage
	for _, node := range markup.Document(d.value).Content {
		text, err := json.Marshal(node)
		if err != nil {
			return nil, err
		}
		added = append(added, text)
	}
	if doc.Content = slices.Concat(added, doc.Content); d.what == after {
		doc.Content = slices.Concat(doc.Content[len(added):], added)
	}
	return json.Marshal(doc)
}

// written is a text after a person has written into it.
func written(text string, d deed) string {
	switch d.what {
	case before:
		return d.value + "\n\n" + text
	case after:
		return strings.TrimRight(text, "\n") + "\n\n" + d.value
	}
	return strings.Replace(text, "Resource:", "Resource "+d.value+":", 1)
}

func (p *jiraPlace) file(project, summary string) (string, error) {
	key, err := p.site.File(project, summary, "theirs", accountOf(people[0]))
	if err != nil {
		return "", err
	}
	issue, _ := p.site.Get(key)
	return fmt.Sprint(issue.ID), nil
}

func (p *jiraPlace) read(ids []string) (map[string]*ticket, error) {
	client, err := p.client(p.private)
	if err != nil {
		return nil, err
	}
	all := map[string]*ticket{}
	for some := range slices.Chunk(ids, 100) {
		shown, err := fetch(client, some)
		if err != nil {
			return nil, err
		}
		for _, issue := range shown {
			kept, _ := p.site.Get(issue.ID)
			all[issue.ID] = &ticket{Issue: issue, history: historyOf(kept), said: remarksOf(kept), updated: kept.Updated}
		}
	}
	return all, nil
}

func historyOf(i sandbox.Issue) (all []entry) {
	for _, c := range i.Changes {
		var made struct {
			Extra map[string]string `json:"extraData"`
		}
		_ = json.Unmarshal(c.History, &made) // a person's change says nothing of itself
		op := made.Extra["op"]
		if c.Author == self {
			op = cmp.Or(op, "ours")
		}
		for _, f := range c.Items {
			e := entry{op: op, author: mailOf(c.Author), at: c.At, field: f.Field, from: f.From, to: f.To}
			if f.Field == merge.Assignee {
				e.from, e.to = mailOf(f.From), mailOf(f.To)
			}
			all = append(all, e)
		}
	}
	return all
}

func remarksOf(i sandbox.Issue) (all []remark) {
	for _, c := range i.Comments {
		all = append(all, remark{ours: c.Author == self, text: plain(c.Body), at: c.Created})
	}
	return all
}

// plain is the text of a comment.
func plain(raw json.RawMessage) string {
	var wiki string
	if json.Unmarshal(raw, &wiki) == nil {
		return wiki
	}
	return markup.Markdown(markup.Read(raw))
}

func (p *jiraPlace) made() map[string]int {
	all := map[string]int{}
	for _, issue := range p.site.Issues("") {
		var made struct{ Marker string }
		if json.Unmarshal(issue.Properties["trimtab"], &made) == nil && made.Marker != "" {
			all[made.Marker]++
		}
	}
	return all
}

func (p *jiraPlace) quicker(hook func(id string)) {
	if hook == nil {
		p.site.BeforeWrite(nil)
		return
	}
	p.site.BeforeWrite(func(key string) {
		if issue, ok := p.site.Get(key); ok {
			hook(fmt.Sprint(issue.ID))
		}
	})
}

func (p *jiraPlace) calm() {
	p.site.ClearFaults()
	p.quicker(nil)
}

func (p *jiraPlace) counts() counts { return p.wire.counts() }

func (p *jiraPlace) strangers() int { return p.wire.foreign }
