package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Field is a custom field of a project. Fields of the same id on two projects
// are one field of the site, and are described alike.
type Field struct {
	ID      string // customfield_ and a number; "" is one counted up from 10010
	Name    string
	Kind    FieldKind
	Options []string // what can be chosen, for the kinds that choose
	Default string   // set where a creation leaves the field out; "" is none
}

// FieldKind is what a custom field holds.
type FieldKind string

// The kinds of custom fields.
const (
	Text     FieldKind = "text"     // one line
	TextArea FieldKind = "textarea" // a document on Cloud, wiki text at Data Center
	Number   FieldKind = "number"
	Option   FieldKind = "option"  // one of its options
	Options  FieldKind = "options" // any of its options
	Person   FieldKind = "user"
	Date     FieldKind = "date" // as 2026-09-30
)

// customTypes is how Jira calls each kind: the type of the value, that of its
// elements, and the last word of the type of the field.
var customTypes = map[FieldKind]struct{ kind, items, key string }{
	Text: {"string", "", "textfield"}, TextArea: {"string", "", "textarea"}, Number: {"number", "", "float"}, Option: {"option", "", "select"},
	Options: {"array", "option", "multiselect"}, Person: {"user", "", "userpicker"}, Date: {"date", "", "datepicker"},
}

// setUpFields gives the fields ids and refuses those that do not hold together.
func (p *Project) setUpFields() error {
	p.Fields = slices.Clone(p.Fields)
	for i := range p.Fields {
		f := &p.Fields[i]
		if f.ID == "" {
			f.ID = "customfield_" + strconv.Itoa(10010+i)
		}
		if _, ok := customTypes[f.Kind]; !ok || f.Name == "" || !strings.HasPrefix(f.ID, "customfield_") {
			return fmt.Errorf("field %d: a custom field has an id that begins with customfield_, a name and a known kind, not %q, %q and %q", i+1, f.ID, f.Name, f.Kind)
		}
		if f.Default != "" && len(f.Options) > 0 && !slices.Contains(f.Options, f.Default) {
			return fmt.Errorf("field %s: its default %q is none of its options", f.Name, f.Default)
		}
	}
	return nil
}

// field finds a custom field; nil if the project has none of this id.
func (p *Project) field(id string) *Field {
	i := slices.IndexFunc(p.Fields, func(f Field) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return &p.Fields[i]
}

// read takes a value as a caller sends it and gives the one that is kept, the
// text for the changelog, and why it does not fit.
func (f *Field) read(e *edit, value json.RawMessage) (kept json.RawMessage, text, why string) {
	if string(value) == "null" {
		return nil, "", ""
	}
	switch f.Kind {
	case TextArea:
		return e.readRich(value)
	case Option:
		return f.readOption(value)
	case Options:
		return f.readOptions(value)
	case Person:
		u := e.readUser(value)
		if u == nil {
			return nil, "", "User is not valid for this user picker."
		}
		return quoted(u.AccountID), u.AccountID, ""
	}
	return f.readPlain(value)
}

// readPlain reads lines, numbers and dates.
func (f *Field) readPlain(value json.RawMessage) (kept json.RawMessage, text, why string) {
	var number float64
	err := json.Unmarshal(value, &text)
	switch {
	case f.Kind == Number && json.Unmarshal(value, &number) == nil:
		return compact(value), strings.TrimSpace(string(value)), ""
	case f.Kind == Number:
		return nil, "", "Operation value must be a number"
	case err != nil:
		return nil, "", "Operation value must be a string"
	case f.Kind == Date && !isDate(text):
		return nil, "", "Error parsing date string: " + text
	case units(text) > maxLine:
		return nil, "", fmt.Sprintf("The entered text is too long. It exceeds the allowed limit of %d characters.", maxLine)
	case strings.ContainsAny(text, "\r\n"):
		return nil, "", "A single-line text field cannot contain line breaks."
	}
	return compact(value), text, ""
}

// isDate reports whether a text is a day of the calendar.
func isDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// chosen reads an option, by its value or its id; "" if there is no such one.
func (f *Field) chosen(value json.RawMessage) string {
	var given struct{ Value, ID string }
	if json.Unmarshal(value, &given) != nil {
		return ""
	}
	for _, option := range f.Options {
		if option == given.Value || given.Value == "" && f.optionID(option) == given.ID {
			return option
		}
	}
	return ""
}

// optionID is the id of an option, which is another one in each field.
func (f *Field) optionID(option string) string { return number(f.ID, option) }

// readOption reads the one option that is chosen.
func (f *Field) readOption(value json.RawMessage) (kept json.RawMessage, text, why string) {
	if text = f.chosen(value); text == "" {
		return nil, "", fmt.Sprintf("Specify a valid 'id' or 'name' for %s", f.Name)
	}
	return quoted(text), text, ""
}

// readOptions reads a list of options, none of which may be wrong.
func (f *Field) readOptions(value json.RawMessage) (kept json.RawMessage, text, why string) {
	var all []json.RawMessage
	if json.Unmarshal(value, &all) != nil {
		return nil, "", "data was not an array"
	}
	chosen := []string{}
	for _, one := range all {
		option := f.chosen(one)
		if option == "" {
			return nil, "", fmt.Sprintf("Specify a valid 'id' or 'name' for %s", f.Name)
		}
		chosen = append(chosen, option)
	}
	return f.keep(chosen)
}

// keep stores options each once and in their order; none is no value at all.
func (f *Field) keep(chosen []string) (kept json.RawMessage, text, why string) {
	slices.Sort(chosen)
	if chosen = slices.Compact(chosen); len(chosen) == 0 {
		return nil, "", ""
	}
	return encoded(chosen), strings.Join(chosen, ", "), ""
}

// change carries verbs out on a field of several options.
func (f *Field) change(old json.RawMessage, verbs []verb) (kept json.RawMessage, text, why string) {
	var chosen []string
	if old != nil {
		_ = json.Unmarshal(old, &chosen) // it was kept by keep
	}
	chosen, why = changeList(chosen, verbs, func(value json.RawMessage) (string, string) {
		_, text, why := f.readOption(value)
		return text, why
	})
	if why != "" {
		return nil, "", why
	}
	return f.keep(chosen)
}

// shown is a kept value as an answer shows it; none is null.
func (j *Jira) shownValue(s *scope, f *Field, kept json.RawMessage) any {
	var text string
	var all []string
	switch {
	case kept == nil:
		return nil
	case f.Kind == TextArea:
		return s.rich(kept)
	case f.Kind == Option && json.Unmarshal(kept, &text) == nil:
		return f.shownOption(s, text)
	case f.Kind == Options && json.Unmarshal(kept, &all) == nil:
		shown := []any{}
		for _, option := range all {
			shown = append(shown, f.shownOption(s, option))
		}
		return shown
	case f.Kind == Person && json.Unmarshal(kept, &text) == nil:
		return j.shownUser(s, text)
	}
	return kept
}

// shownOption shows an option as answers do.
func (f *Field) shownOption(s *scope, option string) any {
	id := f.optionID(option)
	return map[string]any{"self": s.self("customFieldOption", id), "value": option, "id": id}
}

// quoted is a text as JSON.
func quoted(text string) json.RawMessage { return encoded(text) }

// encoded is a value as JSON; only for values that always have a form.
func encoded(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return text
}
