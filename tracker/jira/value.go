package jira

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker/jira/markup"
)

// unfit is why a value does not fit a field, with what to do.
type unfit struct{ why, next string }

// day is how Jira writes a date.
const day = "2006-01-02"

// value turns a value as boards give it (a text, a number, a list of texts) into
// what a field takes. unfit is nil if it fits.
func (c *Client) value(ctx context.Context, project string, f *field, given any) (any, *unfit, error) {
	if f.Schema.Type != "array" {
		return c.single(ctx, project, f, f.Schema.Type, given)
	}
	values := []any{} // never null, which would empty the field
	for _, one := range listOf(given) {
		v, bad, err := c.single(ctx, project, f, f.Schema.Items, one)
		if bad != nil || err != nil {
			return nil, bad, err
		}
		values = append(values, v)
	}
	return values, nil, nil
}

// listOf takes a list apart; anything else is a list of one.
func listOf(given any) []any {
	switch given := given.(type) {
	case []any:
		return given
	case []string:
		all := make([]any, len(given))
		for i, s := range given {
			all[i] = s
		}
		return all
	}
	return []any{given}
}

// single turns one value into one of a type of Jira's.
func (c *Client) single(ctx context.Context, project string, f *field, kind string, given any) (any, *unfit, error) {
	text := textOf(given)
	switch kind {
	case "string":
		return c.text(f, text), nil, nil
	case "number":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, &unfit{fmt.Sprintf("%q is no number", text), "give it a number"}, nil
		}
		return n, nil, nil
	case "date":
		return date(given, day, day)
	case "datetime":
		return date(given, time.RFC3339, "2006-01-02T15:04:05.000-0700")
	case "user":
		found, err := c.owner(ctx, project, text)
		if err != nil {
			return nil, nil, err
		}
		if found.id == "" {
			return nil, &unfit{found.note, "name somebody whom the project knows"}, nil
		}
		return c.edition.users.reference(found.id), nil, nil
	case "option", "component", "version", "priority", "securitylevel", "resolution":
		return choose(f, kind, text)
	case "any", "issuelink":
		return linkOrText(kind, text), nil, nil
	}
	return nil, &unfit{fmt.Sprintf("Trimtab cannot set fields of the kind %q", kind), "leave it out, and give it a default in Jira"}, nil
}

// linkOrText: an issue is named by its key, all else by itself.
func linkOrText(kind, text string) any {
	if kind == "issuelink" {
		return map[string]string{"key": text}
	}
	return text
}

// textOf writes a value as people would.
func textOf(given any) string {
	switch given := given.(type) {
	case string:
		return strings.TrimSpace(given)
	case float64:
		return strconv.FormatFloat(given, 'f', -1, 64)
	case time.Time:
		return given.Format(day)
	}
	return fmt.Sprint(given)
}

// text fits a text to its field: long ones are written as the edition writes
// text, short ones are one line.
func (c *Client) text(f *field, text string) any {
	if strings.HasSuffix(f.Schema.Custom, ":textarea") || f.Schema.System == "environment" || f.Schema.System == "description" {
		return c.edition.text.write(text)
	}
	if f.Schema.Items == "string" || f.Schema.System == "labels" {
		return labelOf(text)
	}
	return markup.Cut(strings.Join(strings.Fields(text), " "), maxSummary)
}

// date writes a day or a time.
func date(given any, layout, as string) (any, *unfit, error) {
	t, ok := given.(time.Time)
	if !ok {
		var err error
		if t, err = time.Parse(layout, textOf(given)); err != nil {
			return nil, &unfit{fmt.Sprintf("%q is no date", textOf(given)), "write it like " + layout}, nil
		}
	}
	return t.Format(as), nil, nil
}

// choose finds one of the values that a field allows, by the word that people see
// or by its id. Where Jira lists none, the word goes as it is.
func choose(f *field, kind, text string) (any, *unfit, error) {
	if len(f.Allowed) == 0 {
		if kind == "option" {
			return map[string]string{"value": text}, nil, nil
		}
		return named{text}, nil, nil
	}
	// By id, since two sites write one word differently, and people rename options.
	for _, o := range f.Allowed {
		if strings.EqualFold(o.label(), text) || o.ID == text {
			return map[string]string{"id": o.ID}, nil, nil
		}
	}
	return nil, &unfit{fmt.Sprintf("%q is not allowed", text), "it allows: " + strings.Join(labels(f.Allowed), ", ")}, nil
}

// maxNamed is how many values a message lists.
const maxNamed = 30

// labels are the words of options, not more than a person reads.
func labels(all []option) []string {
	words := make([]string, 0, len(all))
	for _, o := range all {
		words = append(words, o.label())
	}
	slices.Sort(words)
	if len(words) > maxNamed {
		words = append(words[:maxNamed], fmt.Sprintf("and %d more", len(words)-maxNamed))
	}
	return words
}
