package distribute

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
)

//go:embed ticket.md.tmpl
var ticketText string

var textFuncs = template.FuncMap{"evidence": evidenceRows, "money": trimtab.Money.Display}

var ticketTemplate = template.Must(template.New("ticket").Funcs(textFuncs).Parse(ticketText))

// render makes the ticket of a recommendation for a board.
func render(rec *trimtab.Recommendation, board Board) (store.OpPayload, error) {
	description, err := describe(rec, board)
	if err != nil {
		return store.OpPayload{}, err
	}
	payload := payloadOf(rec, board)
	payload.Summary, payload.Description = summary(rec), description
	return payload, board.word(rec, &payload)
}

// word puts the deployment's own words into a ticket.
func (b Board) word(rec *trimtab.Recommendation, p *store.OpPayload) error {
	for field, value := range map[string]*string{merge.Assignee: &p.Assignee, merge.Priority: &p.Priority, merge.Summary: &p.Summary} {
		word := b.Words[field]
		if word == nil {
			continue
		}
		said, err := word(rec, *value)
		if err != nil {
			return fmt.Errorf("sync.fields.%s of %s %s: %w", field, rec.Action, rec.Subject.Resource, err)
		}
		*value = strings.Join(strings.Fields(said), " ")
	}
	return nil
}

// payloadOf is what a ticket of a board has beside its text.
func payloadOf(rec *trimtab.Recommendation, board Board) store.OpPayload {
	return store.OpPayload{
		Project: board.Project, Type: board.Type,
		Labels: append(append([]string{}, board.Labels...), rec.Labels...), Assignee: rec.Owner.Name, Priority: rec.Priority,
		Components: board.Components, Parent: board.Parent, Fields: board.Fields,
	}
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
func describe(rec *trimtab.Recommendation, board Board) (string, error) {
	text := ticketTemplate
	if board.Text != nil {
		text = board.Text.template
	}
	var b strings.Builder
	if err := text.Execute(&b, told{Recommendation: rec, Page: pageOf(board.Page, rec)}); err != nil {
		return "", fmt.Errorf("write the ticket of %s %s: %w", rec.Action, rec.Subject.Resource, err)
	}
	return b.String(), nil
}

// told is what the text of a ticket is made of: the recommendation, and where its page is.
type told struct {
	*trimtab.Recommendation
	Page string // "" without pages
}

// pageOf is where people see a recommendation.
func pageOf(page string, rec *trimtab.Recommendation) string {
	if page == "" {
		return ""
	}
	return page + "/recommendations/" + strconv.FormatInt(rec.ID, 10)
}

// Text is how the tickets of a board are worded.
type Text struct{ template *template.Template }

// ParseText reads a text in the language of [text/template], and tries it: {{.Title}}
// {{.Savings}} and all else that a [trimtab.Recommendation] has, .Page for the address of
// its page, and the functions money and evidence.
func ParseText(name, text string) (*Text, error) {
	parsed, err := template.New(name).Funcs(textFuncs).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "%w", err)
	}
	made := &Text{parsed}
	sample := &trimtab.Recommendation{Action: "stop", Subject: trimtab.Subject{Resource: "i-1"}, Reasons: []trimtab.Reason{{Rule: "pack/rule"}}}
	if _, err := describe(sample, Board{Text: made}); err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "%w", err)
	}
	return made, nil
}

// evidenceRow is one line of the evidence table: a fact and what it says.
type evidenceRow struct{ Fact, Says string }

// evidenceRows lists the facts behind the wording rule. What the ticket says
// above the table already is not said again.
func evidenceRows(of any) []evidenceRow {
	rec, ok := of.(*trimtab.Recommendation)
	if t, is := of.(told); is {
		rec, ok = t.Recommendation, true
	}
	if !ok {
		return nil
	}
	if len(rec.Reasons) == 0 {
		return nil
	}
	var rows []evidenceRow
	for _, fact := range rec.Reasons[0].Evidence {
		var says []string
		for _, name := range slices.Sorted(maps.Keys(fact.Fields)) {
			if value := cell(fact.Fields[name]); value != "" && !shown(rec.Subject, value) {
				says = append(says, name+" "+value)
			}
		}
		rows = append(rows, evidenceRow{Fact: fact.Type, Says: strings.Join(says, ", ")})
	}
	return rows
}

// shown reports whether a value stands in the ticket's list of what the resource is.
func shown(s trimtab.Subject, value string) bool {
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

// sortedKeys are a map's keys in their order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

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
