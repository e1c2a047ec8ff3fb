package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Jira's limits, in UTF-16 units as its language counts; that of a property is
// in bytes of its JSON.
const (
	maxSummary  = 255
	maxLine     = 255
	maxText     = 32767
	maxLabel    = 255
	maxProperty = 32768
)

// update is the body of a creation, an edit or a transition.
type update struct {
	Fields     map[string]json.RawMessage `json:"fields"`
	Update     map[string][]verb          `json:"update"`
	Properties []prop                     `json:"properties"`
	History    json.RawMessage            `json:"historyMetadata"`
	Transition struct {
		ID string `json:"id"`
	} `json:"transition"`
}

// prop is a property of an issue or a comment: a key and any JSON.
type prop struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// edit is one request that writes into an issue.
type edit struct {
	j       *Jira
	s       *scope
	issue   *Issue
	project *Project
	on      func(field string) bool // whether a field stands on the screen
	change  Change
	problems
	others []*Issue // those that the request changes too, as a link does
}

// edits starts a request that writes on one of a project's screens.
func (j *Jira) edits(s *scope, i *Issue, screen string) *edit {
	p := j.project(i.Project)
	return &edit{
		j: j, s: s, issue: i, project: p, change: Change{Author: s.account},
		on: func(field string) bool { return p.has(screen, field) },
	}
}

// units is the length of a text for Jira: an emoji counts as two.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// customNumber is the number in the id of a custom field; 0 if it has none.
func customNumber(id string) int64 {
	n, _ := strconv.ParseInt(strings.TrimPrefix(id, "customfield_"), 10, 64)
	return n
}

// apply writes the fields and properties of a request into the issue.
func (e *edit) apply(u *update) {
	// Every field is tried even after one was refused: Jira lists all complaints at
	// once.
	for name := range u.Update {
		if _, both := u.Fields[name]; both {
			e.field(name, "Field '%s' cannot be set both in fields and in update.", name)
		}
	}
	for name, value := range u.Fields {
		if e.open(name) {
			e.set(name, value)
		}
	}
	for name, verbs := range u.Update {
		if e.open(name) {
			e.verbs(name, verbs)
		}
	}
	// Properties stand on no screen, so that no project can hide or swallow them.
	e.setProperties(&e.issue.Properties, u.Properties)
}

// open reports whether a field can be written; if not, it is refused, or lost
// where the project swallows it.
func (e *edit) open(name string) bool {
	// A comment is no field of a screen, though it can be made beside some.
	if name != "comment" && !e.on(name) {
		e.unknown(name)
		return false
	}
	// Accepted and lost, the silent success that makes clients read back.
	return !slices.Contains(e.project.Swallows, name)
}

// unknown refuses a field in the words that Jira has for one that is not on the screen and for one that does not exist.
func (e *edit) unknown(name string) {
	e.field(name, "Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", name)
}

// set sets one field, or says why it does not fit.
func (e *edit) set(name string, value json.RawMessage) {
	switch name {
	case "summary":
		e.setSummary(value)
	case "description":
		e.setDescription(value)
	case "labels":
		e.setList(name, []verb{{"set": value}})
	case "components":
		e.setList(name, []verb{{"set": value}})
	case "assignee":
		e.setAssignee(value)
	case "priority":
		e.setPriority(value)
	case "duedate":
		e.setDue(value)
	case "parent":
		e.setParent(value)
	case "project", "issuetype": // set at creation, checked there
	default:
		e.setCustom(name, value)
	}
}

// setSummary takes one line that is not empty. Jira trims it.
func (e *edit) setSummary(value json.RawMessage) {
	var text string
	switch err := json.Unmarshal(value, &text); {
	case err != nil:
		e.field("summary", "Operation value must be a string")
	case strings.TrimSpace(text) == "":
		e.field("summary", "You must specify a summary of the issue.")
	case strings.ContainsAny(text, "\r\n"):
		e.field("summary", "The summary is invalid because it contains newline characters.")
	case units(text) > maxSummary:
		e.field("summary", "Summary must be less than or equal to %d characters.", maxSummary)
	default:
		e.change.set("summary", &e.issue.Summary, strings.TrimSpace(text))
	}
}

// setDescription takes a document, or wiki text at Data Center.
func (e *edit) setDescription(value json.RawMessage) {
	kept, _, why := e.readRich(value)
	if why != "" {
		e.field("description", "%s", why)
		return
	}
	setDescription(e.issue, kept, &e.change)
}

// setPriority takes a priority by name or id.
func (e *edit) setPriority(value json.RawMessage) {
	var given struct{ Name, ID string }
	err := json.Unmarshal(value, &given)
	at := slices.IndexFunc(priorities, func(p string) bool { return p == given.Name || number("priority", p) == given.ID })
	if err != nil || at < 0 {
		e.field("priority", "Specify a valid value for priority.")
		return
	}
	e.change.set("priority", &e.issue.Priority, priorities[at])
}

// setDue takes a date or null.
func (e *edit) setDue(value json.RawMessage) {
	var date string
	if json.Unmarshal(value, &date) != nil || date != "" && !isDate(date) {
		e.field("duedate", "Error parsing date string: %s", date)
		return
	}
	e.change.set("duedate", &e.issue.Due, date)
}

// setParent takes an issue by id or key, or null.
func (e *edit) setParent(value json.RawMessage) {
	var given *struct{ ID, Key string }
	if json.Unmarshal(value, &given) != nil {
		e.field("parent", "expected an object")
		return
	}
	from, to := e.j.keyOf(e.issue.Parent), ""
	if given != nil {
		parent := e.j.see(e.s, given.ID+given.Key)
		if parent == nil || parent.ID == e.issue.ID {
			e.field("parent", "Could not find issue by id or key.")
			return
		}
		e.issue.Parent, to = parent.ID, parent.Key
	} else {
		e.issue.Parent = 0
	}
	e.change.note("parent", from, to)
}

// keyOf is the key of an issue that is referred to by id; "" of none.
func (j *Jira) keyOf(id int64) string {
	if i := j.issues[id]; i != nil && !i.Deleted {
		return i.Key
	}
	return ""
}

// readUser finds the account that a value names, by accountId or id on Cloud
// and by name or key at Data Center; nil if there is none.
func (e *edit) readUser(value json.RawMessage) *User {
	var given struct{ AccountID, ID, Name, Key string }
	if json.Unmarshal(value, &given) != nil {
		return nil
	}
	if !e.s.server {
		// Either will do; both at once are the id of nobody.
		return e.j.user(given.AccountID + given.ID)
	}
	if given.Name != "" {
		return e.j.called(given.Name)
	}
	return e.j.user(given.Key)
}

// setAssignee takes null, or an account that can be given issues here.
func (e *edit) setAssignee(value json.RawMessage) {
	id := ""
	if string(value) != "null" {
		u := e.readUser(value)
		if u == nil || !u.assignableTo(e.project) {
			e.field("assignee", "User '%s' cannot be assigned issues.", asked(value))
			return
		}
		id = u.AccountID
	}
	// Who sends back what is there has assigned nothing.
	if id != e.issue.Assignee && !e.project.may(e.s.account, AssignTo) {
		e.field("assignee", "You do not have permission to assign issues.")
		return
	}
	e.change.set("assignee", &e.issue.Assignee, id)
}

// asked is the word by which a value names an account, right or wrong.
func asked(value json.RawMessage) string {
	var given struct{ AccountID, ID, Name, Key string }
	_ = json.Unmarshal(value, &given) // what is wrong is empty
	return given.AccountID + given.ID + given.Name + given.Key
}

// setCustom sets a custom field of the project.
func (e *edit) setCustom(name string, value json.RawMessage) {
	f := e.project.field(name)
	if f == nil {
		e.unknown(name)
		return
	}
	kept, _, why := f.read(e, value)
	if why != "" {
		e.field(name, "%s", why)
		return
	}
	e.keep(f, kept)
}

// keep stores the value of a custom field and notes it if it is another.
func (e *edit) keep(f *Field, kept json.RawMessage) {
	old := e.issue.Custom[f.ID]
	if bytes.Equal(old, kept) {
		return
	}
	if e.issue.Custom == nil {
		e.issue.Custom = map[string]json.RawMessage{}
	}
	e.issue.Custom[f.ID] = kept
	if kept == nil {
		delete(e.issue.Custom, f.ID)
	}
	e.change.Items = append(e.change.Items, ChangedField{Field: f.Name, ID: f.ID, From: f.text(old), To: f.text(kept)})
}

// text is a kept value as the changelog has it.
func (f *Field) text(kept json.RawMessage) string {
	var text string
	var all []string
	switch {
	case kept == nil:
		return ""
	case f.Kind == TextArea:
		return plainText(kept)
	case json.Unmarshal(kept, &text) == nil:
		return text
	case json.Unmarshal(kept, &all) == nil:
		return strings.Join(all, ", ")
	}
	return string(kept)
}

// initial is the kept form of a field's default; nil without one.
func (f *Field) initial() json.RawMessage {
	switch {
	case f.Default == "":
		return nil
	case f.Kind == Options:
		return encoded([]string{f.Default})
	case f.Kind == Number:
		return json.RawMessage(f.Default)
	}
	return quoted(f.Default)
}

// setProperties writes properties beside the fields, in the same request.
func (p *problems) setProperties(into *map[string]json.RawMessage, given []prop) {
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
