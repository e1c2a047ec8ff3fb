package rule

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/common/cost"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// more says how many others there are.
func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}

// Bounds of the estimate: how long the texts and lists of facts are taken to be, and
// from which cost on an expression is told. CEL counts about one for each step.
const (
	typicalSize = 50
	highCost    = 10_000
)

// valueSizes tells CEL's estimator how large the values of facts are.
type valueSizes struct{}

// EstimateSize takes every text, list and map for one of typical size.
func (valueSizes) EstimateSize(cost.AstNode) *cost.SizeEstimate {
	return &cost.SizeEstimate{Min: 0, Max: typicalSize}
}

// EstimateCallCost leaves functions to CEL.
func (valueSizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// costly finds expressions that walk lists of lists.
func (l *linter) costly() {
	for _, r := range l.set.rules {
		for _, list := range [][]*condition{r.when, r.evidence} {
			walk(list, false, func(c *condition, _ bool) {
				for _, e := range c.expressions() {
					l.cost(r, c, e)
				}
			})
		}
	}
}

// cost tells of an expression whose estimate is high.
func (l *linter) cost(r *Rule, c *condition, e *expr) {
	if !e.loops {
		return
	}
	estimate, err := cost.Cost(e.checked, valueSizes{})
	if err != nil || estimate.Max < highCost {
		return
	}
	n := c.at
	if n.IsZero() {
		n = c.node
	}
	l.warn(n, "an expression of %s may take %d steps for every fact: %s", r.ID, estimate.Max, shorten(e.text)).
		WithHint("let a source or a rule of its own compute it once")
}

// shorten keeps a text to one line of a message.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return text
}

// evidenceField is a field that says how good the data are, not what they say.
var evidenceField = regexp.MustCompile(`^(coverage|freshness|samples|sample_count|data_points|staleness|data_age|month_end)$`)

// coverageInWhere finds tests of how good the data are outside of requires. There
// they mean "no" where they should mean "unknown", and close what was right.
func (l *linter) coverageInWhere() {
	for _, r := range l.set.rules {
		walk(r.when, false, func(c *condition, _ bool) {
			for _, e := range c.expressions() {
				for _, ref := range e.reads {
					if !evidenceField.MatchString(ref.Field) {
						continue
					}
					n := c.at
					if n.IsZero() {
						n = c.node
					}
					l.say(n, strictyaml.Error, "%s of %s is evidence, not a condition: without it the answer is unknown, not no", ref.Field, ref.Name).
						WithHint("test %s.%s in requires", ref.Name, ref.Field)
					return
				}
			}
		})
	}
}
