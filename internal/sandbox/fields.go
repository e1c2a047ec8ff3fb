package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Jira's limits, in UTF-16 units as its language counts; that of a property is
// in bytes of its JSON.
const (
	maxSummary  = 255
	maxText     = 32767
	maxLabel    = 255
	maxProperty = 32768
)

// update is the body of a creation, an edit or a transition.
type update struct {
	Fields     map[string]json.RawMessage              `json:"fields"`
	Update     map[string][]map[string]json.RawMessage `json:"update"`
	Properties []prop                                  `json:"properties"`
	History    json.RawMessage                         `json:"historyMetadata"`
	Transition struct {
		ID string `json:"id"`
	} `json:"transition"`
}

// prop is a property of an issue or a comment: a key and any JSON.
type prop struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// units is the length of a text for Jira: an emoji counts as two.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// onlyOnce: a field may be set or changed by verbs, not both.
func (u *update) onlyOnce(p *problems) {
	for name := range u.Update {
		if _, both := u.Fields[name]; both {
			p.field(name, "Field '%s' cannot be set both in fields and in update.", name)
		}
	}
}

// apply writes the fields and properties of a request into an issue.
func (j *Jira) apply(i *Issue, u *update, c *Change, p *problems) {
	// Every field is tried even after one was refused: Jira lists all complaints at
	// once.
	u.onlyOnce(p)
	project := j.project(i.Project)
	for name, value := range u.Fields {
		switch {
		case slices.Contains(project.Hidden, name):
			p.field(name, "Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", name)
		// Accepted and lost, the silent success that makes clients read back.
		case slices.Contains(project.Swallows, name):
		default:
			j.setField(i, name, value, c, p)
		}
	}
	for name, verbs := range u.Update {
		if name != "labels" || slices.Contains(project.Hidden, name) {
			p.field(name, "Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", name)
		} else if !slices.Contains(project.Swallows, name) {
			changeLabels(i, verbs, c, p)
		}
	}
	// Properties stand on no screen, so that no project can hide or swallow them.
	setProperties(&i.Properties, u.Properties, p)
}

// setField sets one field, or says why it does not fit.
func (j *Jira) setField(i *Issue, name string, value json.RawMessage, c *Change, p *problems) {
	switch name {
	case "summary":
		setSummary(i, value, c, p)
	case "description":
		if why := checkDocument(value); why != "" {
			p.field(name, "%s", why)
		} else {
			setDescription(i, compact(value), c)
		}
	case "labels":
		var labels []string
		if json.Unmarshal(value, &labels) != nil {
			p.field(name, "data was not an array")
		} else if okLabels(labels, p) {
			setLabels(i, labels, c)
		}
	case "assignee":
		j.setAssignee(i, value, c, p)
	case "priority":
		var given struct{ Name string }
		if json.Unmarshal(value, &given) != nil || !slices.Contains(priorities, given.Name) {
			p.field(name, "Specify a valid value for priority.")
		} else {
			c.set(name, &i.Priority, given.Name)
		}
	case "project", "issuetype": // set at creation, checked there
	default:
		p.field(name, "Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", name)
	}
}

// setSummary takes one line that is not empty. Jira trims it.
func setSummary(i *Issue, value json.RawMessage, c *Change, p *problems) {
	var text string
	switch err := json.Unmarshal(value, &text); {
	case err != nil:
		p.field("summary", "Operation value must be a string")
	case strings.TrimSpace(text) == "":
		p.field("summary", "You must specify a summary of the issue.")
	case strings.ContainsAny(text, "\r\n"):
		p.field("summary", "The summary is invalid because it contains newline characters.")
	case units(text) > maxSummary:
		p.field("summary", "Summary must be less than or equal to %d characters.", maxSummary)
	default:
		c.set("summary", &i.Summary, strings.TrimSpace(text))
	}
}

// setAssignee takes null, or an account by accountId or id.
func (j *Jira) setAssignee(i *Issue, value json.RawMessage, c *Change, p *problems) {
	var given *struct {
		AccountID string `json:"accountId"`
		ID        string `json:"id"`
	}
	if err := json.Unmarshal(value, &given); err != nil {
		p.field("assignee", "expected an object")
		return
	}
	id := ""
	if given != nil {
		// Either will do; both at once are the id of nobody.
		id = given.AccountID + given.ID
		if u := j.user(id); u == nil || u.Inactive {
			p.field("assignee", "User '%s' cannot be assigned issues.", id)
			return
		}
	}
	c.set("assignee", &i.Assignee, id)
}

// okLabels refuses labels that Jira refuses: it has no spaces in them.
func okLabels(labels []string, p *problems) bool {
	for _, l := range labels {
		switch {
		case l == "" || strings.ContainsAny(l, " \t\r\n"):
			p.field("labels", "The label '%s' contains spaces which is invalid.", l)
			return false
		case units(l) > maxLabel:
			p.field("labels", "The label '%s' is too long: at most %d characters.", l, maxLabel)
			return false
		}
	}
	return true
}

// changeLabels carries out add, remove and set, in their order.
func changeLabels(i *Issue, verbs []map[string]json.RawMessage, c *Change, p *problems) {
	// On a copy: when one verb is refused, none before it has happened.
	labels := slices.Clone(i.Labels)
	for _, verb := range verbs {
		for name, value := range verb {
			var label string
			var all []string
			switch {
			case name == "set" && json.Unmarshal(value, &all) == nil && okLabels(all, p):
				labels = all
			case name == "add" && json.Unmarshal(value, &label) == nil && okLabels([]string{label}, p):
				labels = append(labels, label)
			case name == "remove" && json.Unmarshal(value, &label) == nil:
				labels = slices.DeleteFunc(labels, func(l string) bool { return l == label })
			default:
				// okLabels knows better what is wrong, if it was the one to refuse.
				if !p.any() {
					p.field("labels", "The verb '%s' does not fit its value.", name)
				}
				return
			}
		}
	}
	setLabels(i, labels, c)
}

// setProperties writes properties beside the fields, in the same request.
func setProperties(into *map[string]json.RawMessage, given []prop, p *problems) {
	for _, one := range given {
		if one.Key == "" || len(one.Key) > maxLabel || len(one.Value) == 0 || len(one.Value) > maxProperty {
			p.Messages = append(p.Messages, fmt.Sprintf("The property '%s' is invalid.", one.Key))
			continue
		}
		if *into == nil {
			*into = map[string]json.RawMessage{}
		}
		(*into)[one.Key] = compact(one.Value)
	}
}

// compact keeps a value on one line, as the journal needs it.
func compact(raw json.RawMessage) json.RawMessage {
	if string(bytes.TrimSpace(raw)) == "null" {
		return nil
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil { // it was decoded before
		return raw
	}
	return b.Bytes()
}
