package distribute

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
)

//go:embed ticket.md.tmpl
var ticketText string

var ticketTemplate = template.Must(template.New("ticket").Funcs(template.FuncMap{
	"evidence": evidenceRows, "money": trimtab.Money.Display,
}).Parse(ticketText))

// render makes the ticket of a recommendation for a board.
func render(rec *trimtab.Recommendation, board Board) (store.OpPayload, error) {
	description, err := describe(rec)
	if err != nil {
		return store.OpPayload{}, err
	}
	return store.OpPayload{
		Project: board.Project, Type: board.Type, Summary: summary(rec), Description: description,
		Labels: append(append([]string{}, board.Labels...), rec.Labels...), Assignee: rec.Owner.Name, Priority: rec.Priority,
		Components: board.Components, Parent: board.Parent, Fields: board.Fields,
	}, nil
}

// summary is one line, with the saving: it is all that most people read.
func summary(rec *trimtab.Recommendation) string {
	title := rec.Title
	if title == "" {
		title = rec.Action + " " + rec.Subject.Resource
	}
	if rec.Savings.Amount.IsPositive() {
		title += " (saves " + rec.Savings.Display() + " a month)"
	}
	return strings.Join(strings.Fields(title), " ")
}

// describe is the body of the ticket, in the Markdown that every adapter turns
// into its tracker's own format.
func describe(rec *trimtab.Recommendation) (string, error) {
	var b strings.Builder
	if err := ticketTemplate.Execute(&b, rec); err != nil {
		return "", fmt.Errorf("write the ticket of %s %s: %w", rec.Action, rec.Subject.Resource, err)
	}
	return b.String(), nil
}

// evidenceRow is one line of the evidence table: a fact and what it says.
type evidenceRow struct{ Fact, Says string }

// evidenceRows lists the facts behind the wording rule. What the ticket says
// above the table already is not said again.
func evidenceRows(rec *trimtab.Recommendation) []evidenceRow {
	if len(rec.Reasons) == 0 {
		return nil
	}
	var rows []evidenceRow
	for _, fact := range rec.Reasons[0].Evidence {
		var says []string
		for _, name := range slices.Sorted(maps.Keys(fact.Fields)) {
			if value := cell(fact.Fields[name]); value != "" && !told(rec.Subject, value) {
				says = append(says, name+" "+value)
			}
		}
		rows = append(rows, evidenceRow{Fact: fact.Type, Says: strings.Join(says, ", ")})
	}
	return rows
}

// told reports whether a value stands in the ticket's list of what the resource is.
func told(s trimtab.Subject, value string) bool {
	return value == s.Resource || value == s.Raw || value == s.Name || value == s.Account || value == s.Region || value == s.Service
}

// cell writes a value for people, without what would break a table.
func cell(v any) string {
	var text string
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		text = strconv.FormatFloat(v, 'g', 5, 64)
	case map[string]any:
		text = pairs(v)
	default:
		text = fmt.Sprint(v)
	}
	return strings.NewReplacer("|", "/", "\n", " ", "\r", " ", "`", "'").Replace(text)
}

// pairs writes tags and the like in order, without the empty ones.
func pairs(m map[string]any) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if value := fmt.Sprint(m[k]); value != "" {
			all = append(all, k+"="+value)
		}
	}
	return strings.Join(all, " ")
}
