package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// verb is one operation on a field, as {"add": "x"}.
type verb map[string]json.RawMessage

// verbs carries out operations on a field, in their order.
func (e *edit) verbs(name string, verbs []verb) {
	switch f := e.project.field(name); {
	case name == "labels" || name == "components":
		e.setList(name, verbs)
	case name == "comment":
		e.comments(verbs)
	case name == "issuelinks":
		e.addLinks(verbs)
	case f != nil && f.Kind == Options:
		if kept, _, why := f.change(e.issue.Custom[f.ID], verbs); why != "" {
			e.field(name, "%s", why)
		} else {
			e.keep(f, kept)
		}
	default:
		e.onlySets(name, verbs)
	}
}

// onlySets is for fields of one value: all that can be done is to set it.
func (e *edit) onlySets(name string, verbs []verb) {
	for _, v := range verbs {
		value, ok := v["set"]
		if !ok || len(v) != 1 {
			e.unknown(name)
			return
		}
		e.set(name, value)
	}
}

// setList carries verbs out on labels or components.
func (e *edit) setList(name string, verbs []verb) {
	list, read := &e.issue.Labels, readLabel
	if name == "components" {
		list, read = &e.issue.Components, e.project.readComponent
	}
	next, why := changeList(*list, verbs, read)
	if why != "" {
		e.field(name, "%s", why)
		return
	}
	setSorted(name, list, next, &e.change)
}

// changeList carries out add, remove and set, in their order, on a copy: when
// one verb is refused, none before it has happened. read reads one element, or
// says why it does not fit.
func changeList(list []string, verbs []verb, read func(json.RawMessage) (string, string)) ([]string, string) {
	list = slices.Clone(list)
	for _, v := range verbs {
		for name, value := range v {
			var why string
			if list, why = changeOnce(list, name, value, read); why != "" {
				return nil, why
			}
		}
	}
	return list, ""
}

// changeOnce carries out one verb.
func changeOnce(list []string, name string, value json.RawMessage, read func(json.RawMessage) (string, string)) ([]string, string) {
	if name == "set" {
		return readList(value, read)
	}
	one, why := read(value)
	switch {
	case name == "add" && why == "":
		return append(list, one), ""
	case name == "remove" && one != "":
		// What could not be added may still go: somebody else may have put it there.
		return slices.DeleteFunc(list, func(l string) bool { return l == one }), ""
	case name == "add":
		return nil, why
	}
	return nil, fmt.Sprintf("The verb '%s' does not fit its value.", name)
}

// readList reads a list whose elements are all in order.
func readList(value json.RawMessage, read func(json.RawMessage) (string, string)) ([]string, string) {
	var all []json.RawMessage
	if json.Unmarshal(value, &all) != nil {
		return nil, "data was not an array"
	}
	list := []string{}
	for _, raw := range all {
		one, why := read(raw)
		if why != "" {
			return nil, why
		}
		list = append(list, one)
	}
	return list, ""
}

// readLabel refuses labels that Jira refuses: it has no spaces in them.
func readLabel(value json.RawMessage) (label, why string) {
	switch err := json.Unmarshal(value, &label); {
	case err != nil:
		return "", "data was not a string"
	case label == "" || strings.ContainsAny(label, " \t\r\n"):
		return label, fmt.Sprintf("The label '%s' contains spaces which is invalid.", label)
	case units(label) > maxLabel:
		return label, fmt.Sprintf("The label '%s' is too long: at most %d characters.", label, maxLabel)
	}
	return label, ""
}

// readComponent takes a component by name or id.
func (p *Project) readComponent(value json.RawMessage) (name, why string) {
	var given struct{ Name, ID string }
	if json.Unmarshal(value, &given) != nil {
		return "", "expected an object"
	}
	for _, name := range p.Components {
		if name == given.Name || given.Name == "" && number("component"+p.Key, name) == given.ID {
			return name, ""
		}
	}
	return "", fmt.Sprintf("Component name '%s' is not valid", given.Name)
}

// setSorted keeps a list sorted and each element once.
func setSorted(field string, list *[]string, given []string, c *Change) {
	next := slices.Clone(given)
	// The same elements in another order are no change.
	slices.Sort(next)
	next = slices.Compact(next)
	if slices.Equal(next, *list) {
		return
	}
	c.note(field, strings.Join(*list, " "), strings.Join(next, " "))
	*list = next
}

// comments adds comments in the same request as other changes.
func (e *edit) comments(verbs []verb) {
	for _, v := range verbs {
		var given comment
		if raw, ok := v["add"]; !ok || json.Unmarshal(raw, &given) != nil {
			e.field("comment", "Only adding a comment is supported here.")
			continue
		}
		e.comment(given)
	}
}

// comment is one that a request brings.
type comment struct {
	Body       json.RawMessage `json:"body"`
	Properties []prop          `json:"properties"`
}

// comment adds a comment. It stands in no changelog, as on the real site, but
// moves the issue on.
func (e *edit) comment(given comment) Comment {
	kept, text, why := e.readRich(given.Body)
	if why != "" || text == "" {
		e.field("comment", "%s", "Comment body is not valid! "+why)
	}
	c := Comment{Author: e.s.account, Body: kept, Created: e.j.now()}
	e.setProperties(&c.Properties, given.Properties)
	if e.any() { // so that a refused comment uses up no id
		return c
	}
	c.ID = e.j.nextID()
	e.issue.Comments, e.issue.Updated = append(e.issue.Comments, c), c.Created
	return c
}

// readRich takes rich text: a document on Cloud, wiki text at Data Center. The
// text is what a person sees of it.
func (e *edit) readRich(value json.RawMessage) (kept json.RawMessage, text, why string) {
	if !e.s.server {
		if why = checkDocument(value); why != "" {
			return nil, "", why
		}
		kept = compact(value)
		return kept, plainText(kept), ""
	}
	if len(value) == 0 || string(value) != "null" && json.Unmarshal(value, &text) != nil {
		return nil, "", "Operation value must be a string"
	}
	if units(text) > maxText {
		return nil, "", "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
	}
	// Data Center takes the empty text for none.
	if text == "" {
		return nil, "", ""
	}
	return quoted(text), text, ""
}

// rich shows kept rich text in the dialect of the caller: what came over the
// other API is carried over as plain text.
func (s *scope) rich(kept json.RawMessage) any {
	var text string
	wiki := json.Unmarshal(kept, &text) == nil
	switch {
	case kept == nil:
		return nil
	case s.server:
		return plainText(kept)
	case wiki:
		return plainDocument(text)
	}
	return kept
}
