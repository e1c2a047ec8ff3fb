package monitor

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// command is what a comment asks of Trimtab, on a line of its own: "/snooze 30d until the
// migration is over", "/snooze 2027-01-15", "/dismiss 90d a licence binds us".
type command struct {
	Verb  string    // snooze, dismiss
	Until time.Time // zero: what policy says
	Why   string
}

var commandLine = regexp.MustCompile(`(?m)^\s*\\?/(snooze|dismiss)(?:[ \t]+([^\n]*))?$`)

var spans = map[byte]int{'d': 1, 'w': 7}

// parseCommand reads the first command of a comment; nil without one. wrong says what of it
// cannot be read.
func parseCommand(text string, now time.Time) (c *command, wrong string) {
	found := commandLine.FindStringSubmatch(text)
	if found == nil {
		return nil, ""
	}
	c = &command{Verb: found[1]}
	first, rest, _ := strings.Cut(strings.TrimSpace(found[2]), " ")
	until, ok := parseUntil(first, now)
	if !ok {
		rest = first + " " + rest
	}
	c.Until, c.Why = until, strings.TrimSpace(rest)
	switch {
	case ok && !until.After(now):
		return c, first + " is not in the future"
	case c.Verb == "snooze" && !ok:
		return c, "it does not say for how long"
	case c.Verb == "dismiss" && c.Why == "":
		return c, "it does not say why"
	}
	return c, ""
}

// parseUntil reads a span (30d, 2w) or a day; ok says that it is one.
func parseUntil(text string, now time.Time) (until time.Time, ok bool) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, true
	}
	if text == "" {
		return until, false
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	days, known := spans[text[len(text)-1]]
	if err != nil || !known || n > 3650 {
		return until, false
	}
	return now.AddDate(0, 0, n*days), true
}

// obey does what a comment asks for, and answers in the ticket: who asks sees that it was
// heard.
func (m *merger) obey(c tracker.Comment) error {
	now := m.job.Clock.Now()
	asked, wrong := parseCommand(c.Text, now)
	if asked == nil {
		return nil
	}
	if wrong != "" {
		return m.answer(fmt.Sprintf("That could not be done: %s. Write `/snooze 30d` or `/dismiss 90d reason` on a line of its own.", wrong))
	}
	actor := m.actor(c.Author)
	var event lifecycle.Event = lifecycle.Snoozed{At: now, Until: asked.Until, Author: c.Author}
	if asked.Verb == "dismiss" {
		event = lifecycle.Dismissed{At: now, Until: asked.Until, Reason: asked.Why, Author: c.Author}
	}
	moved := false
	for _, e := range m.about {
		was := e.State.Workflow
		if _, err := m.tx.Advance(e, event, store.Step{Actor: actor, At: now, Policy: m.job.Life}); err != nil {
			return err
		}
		moved = moved || e.State.Workflow != was || e.State.Workflow == trimtab.Snoozed
	}
	m.changed = m.changed || moved
	switch {
	case !moved:
		return m.answer(fmt.Sprintf("That could not be done: the recommendation is %s.", store.WorkflowOf(m.about)))
	case asked.Verb == "snooze":
		return m.answer(fmt.Sprintf("Snoozed until %s.", asked.Until.Format(time.DateOnly)))
	}
	return nil // a dismissal closes the ticket, and says so
}

// answer says something in the ticket.
func (m *merger) answer(text string) error {
	return m.tx.PlanOp(&store.Op{Link: m.link.ID, Kind: store.OpComment, Payload: store.OpPayload{Comment: text}, CreatedAt: m.job.Clock.Now(), Released: true})
}
