package distribute

import (
	_ "embed"
	"fmt"
	"sort"
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
		Labels: append(append([]string{}, board.Labels...), rec.Labels...), Assignee: rec.Owner.Name,
	}, nil
}

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

func describe(rec *trimtab.Recommendation) (string, error) {
	var b strings.Builder
	if err := ticketTemplate.Execute(&b, rec); err != nil {
		return "", fmt.Errorf("write the ticket of %s %s: %w", rec.Action, rec.Subject.Resource, err)
	}
	return b.String(), nil
}

// evidenceRow is one line of the evidence table.
type evidenceRow struct{ Fact, Field, Value string }

// evidenceRows lists the fields of the facts behind the wording rule; cells
// lose what would break a table.
func evidenceRows(rec *trimtab.Recommendation) []evidenceRow {
	if len(rec.Reasons) == 0 {
		return nil
	}
	var rows []evidenceRow
	for _, e := range rec.Reasons[0].Evidence {
		names := make([]string, 0, len(e.Fields))
		for name := range e.Fields {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			rows = append(rows, evidenceRow{Fact: e.Type, Field: name, Value: cell(e.Fields[name])})
		}
	}
	return rows
}

func cell(v any) string {
	s := fmt.Sprint(v)
	if m, ok := v.(map[string]string); ok {
		s = tagText(m)
	}
	return strings.NewReplacer("|", "/", "\n", " ", "\r", " ", "`", "'").Replace(s)
}

func tagText(tags map[string]string) string {
	pairs := make([]string, 0, len(tags))
	for k, v := range tags {
		pairs = append(pairs, k+"="+v)
	}
	sort.Strings(pairs)
	return strings.Join(pairs, ", ")
}
