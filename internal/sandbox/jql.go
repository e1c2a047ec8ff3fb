package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// query is a search that the sandbox understands: conditions joined by AND, some of
// which may be alternatives in brackets, and an order.
type query struct {
	conditions []condition
	order      []orderBy
}

// condition is one restriction; several values are alternatives.
type condition struct {
	field, op string
	values    []string
	not       bool // != and NOT IN
	empty     bool // IS EMPTY, or with not: IS NOT EMPTY
	millis    int64
	phrase    []string              // words of text in a row
	any       []condition           // alternatives; the rest is empty then
	have      func(*Issue) []string // what an issue has; nil is by the field
}

// orderBy is one field of the order.
type orderBy struct {
	field string
	down  bool
}

// maxOrder is Jira's limit for the fields of an order.
const maxOrder = 7

// jqlError is why a search is refused, in Jira's words.
type jqlError string

func (e jqlError) Error() string { return string(e) }

func refusedJQL(format string, args ...any) error { return jqlError(fmt.Sprintf(format, args...)) }

// parseJQL reads a search. All else that JQL has is refused, so that a client
// cannot come to rely on something that was never tried.
func parseJQL(text string) (*query, error) {
	words, err := scanJQL(text)
	if err != nil {
		return nil, err
	}
	p := &jqlParser{words: words}
	q := &query{}
	for !p.keyword("order") && !p.end() {
		if len(q.conditions) > 0 && !p.accept("and") {
			return nil, p.wrong("'AND' or 'ORDER BY'")
		}
		c, err := p.term()
		if err != nil {
			return nil, err
		}
		q.conditions = append(q.conditions, c)
	}
	// The real search too refuses to list a whole site; an order is no restriction.
	if len(q.conditions) == 0 {
		return nil, jqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
	}
	return q, p.orderClause(q)
}

// term reads a condition, or some in brackets that are joined by OR.
func (p *jqlParser) term() (condition, error) {
	if !p.accept("(") {
		return p.condition()
	}
	var group condition
	for {
		c, err := p.condition()
		if err != nil {
			return group, err
		}
		group.any = append(group.any, c)
		if p.accept(")") {
			return group, nil
		}
		if !p.accept("or") {
			return group, p.wrong("'OR' or ')'")
		}
	}
}

// word is a token: a mark, or a text that may have been quoted.
type word struct {
	text   string
	quoted bool
}

// scanJQL splits a search into words.
func scanJQL(text string) ([]word, error) {
	var words []word
	runes := []rune(text)
	for i := 0; i < len(runes); {
		switch r := runes[i]; {
		case unicode.IsSpace(r):
			i++
		case r == '"' || r == '\'':
			quoted, next := scanQuoted(runes, i)
			if next < 0 {
				return nil, jqlError("Error in the JQL Query: a quoted string is not ended.")
			}
			words, i = append(words, word{quoted, true}), next
		case strings.ContainsRune("(),", r):
			words, i = append(words, word{string(r), false}), i+1
		default:
			// JQL needs no space around an operator: a word also ends where letters and
			// signs meet.
			operator := strings.ContainsRune("=<>!~", r)
			end := i
			for end < len(runes) && !unicode.IsSpace(runes[end]) && !strings.ContainsRune(`(),"'`, runes[end]) && strings.ContainsRune("=<>!~", runes[end]) == operator {
				end++
			}
			words, i = append(words, word{string(runes[i:end]), false}), end
		}
	}
	return words, nil
}

// scanQuoted reads a string from its quote at start; next is -1 if it does not
// end.
func scanQuoted(runes []rune, start int) (text string, next int) {
	var b strings.Builder
	for i := start + 1; i < len(runes); i++ {
		switch {
		case runes[i] == '\\' && i+1 < len(runes):
			i++
			b.WriteRune(runes[i])
		case runes[i] == runes[start]:
			return b.String(), i + 1
		default:
			b.WriteRune(runes[i])
		}
	}
	return "", -1
}

// jqlParser walks along the words of a search.
type jqlParser struct {
	words []word
	at    int
}

func (p *jqlParser) end() bool { return p.at >= len(p.words) }

// keyword reports whether a word comes next. Quoted it would be a value.
func (p *jqlParser) keyword(text string) bool {
	return !p.end() && !p.words[p.at].quoted && strings.EqualFold(p.words[p.at].text, text)
}

// accept takes a word if it comes next.
func (p *jqlParser) accept(text string) bool {
	if !p.keyword(text) {
		return false
	}
	p.at++
	return true
}

// wrong refuses the search at the word where the parser stands.
func (p *jqlParser) wrong(expected string) error {
	found := "the end of the query"
	if !p.end() {
		found = "'" + p.words[p.at].text + "'"
	}
	return refusedJQL("Error in the JQL Query: expecting %s but got %s.", expected, found)
}

// set reads the values of IN, at least one.
func (p *jqlParser) set(c condition) (condition, error) {
	// IN is an = with alternatives.
	c.op = "="
	if !p.accept("(") {
		return c, p.wrong("'('")
	}
	for {
		value, err := p.value()
		if err != nil {
			return c, err
		}
		c.values = append(c.values, value)
		if p.accept(")") {
			return c, nil
		}
		if !p.accept(",") {
			return c, p.wrong("',' or ')'")
		}
	}
}

// reserved words are no values unless they are quoted.
var reserved = []string{"and", "or", "not", "in", "is", "order", "by", "empty", "null", "(", ")", ","}

// value takes one value. A label that is called "order" must come in quotes, as
// on the real site, or it would end the conditions.
func (p *jqlParser) value() (string, error) {
	if p.end() {
		return "", p.wrong("a value")
	}
	w := p.words[p.at]
	if !w.quoted && (slices.Contains(reserved, strings.ToLower(w.text)) || strings.ContainsAny(w.text, "=<>!~")) {
		return "", p.wrong("a value")
	}
	p.at++
	if !w.quoted && strings.EqualFold(w.text, "currentUser") && p.accept("(") {
		if !p.accept(")") {
			return "", p.wrong("')'")
		}
		return currentUser, nil
	}
	return w.text, nil
}

// orderClause reads the order and the end of the search.
func (p *jqlParser) orderClause(q *query) error {
	if p.end() {
		return nil
	}
	if !p.accept("order") || !p.accept("by") {
		return p.wrong("'ORDER BY'")
	}
	for {
		o := orderBy{}
		// Fields that always have a value, so that nothing is said of where none goes.
		for _, field := range []string{"created", "updated", "key", "id"} {
			if p.accept(field) {
				o.field = field
				break
			}
		}
		if o.field == "" {
			return p.wrong("one of the fields created, updated, key, id")
		}
		if !p.accept("asc") {
			o.down = p.accept("desc")
		}
		if q.order = append(q.order, o); len(q.order) > maxOrder {
			return refusedJQL("The JQL Query orders by more than %d fields.", maxOrder)
		}
		if p.end() {
			return nil
		}
		if !p.accept(",") {
			return p.wrong("','")
		}
	}
}

// sort orders what was found; what the order leaves equal goes by id.
func (q *query) sort(found []*Issue) {
	// No two have one id, so that a stable sort would do no better, and slower.
	slices.SortFunc(found, func(a, b *Issue) int {
		for _, o := range q.order {
			if n := o.compare(a, b); n != 0 {
				return n
			}
		}
		return cmp.Compare(a.ID, b.ID)
	})
}

func (o orderBy) compare(a, b *Issue) int {
	if o.down {
		a, b = b, a
	}
	switch o.field {
	case "created":
		return a.Created.Compare(b.Created)
	case "updated":
		return a.Updated.Compare(b.Updated)
	case "key":
		// By number, not by letters: FIN-9 comes before FIN-10, hence the length.
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(len(a.Key), len(b.Key)), cmp.Compare(a.Key, b.Key))
	}
	return cmp.Compare(a.ID, b.ID)
}
