package distribute

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
)

//go:embed checklist.md.tmpl
var checklistText string

var checklistTemplate = template.Must(template.New("checklist").Funcs(textFuncs).Parse(checklistText))

// groupOf says which recommendations share a ticket on a board that keeps checklists:
// those of one owner that one rule words.
func groupOf(e *store.Episode) string {
	rule := ""
	if len(e.Rules) > 0 {
		rule = e.Rules[0]
	}
	return strings.Join([]string{e.Board, e.Owner, rule}, "\x1f")
}

// joins gives the lead of the open ticket that an episode's recommendation joins; nil if
// it is to have its own.
func (p *planner) joins(e *store.Episode) (*store.Link, error) {
	if !p.job.Boards[e.Board].Checklist {
		return nil, nil
	}
	return p.tx.OpenLead(groupOf(e))
}

// gather puts an episode under the ticket of its group, which is written when all that
// waits has been decided.
func (p *planner) gather(link *store.Link, e *store.Episode, lead *store.Link) error {
	if lead != nil {
		p.touched[lead.ID] = lead
		return p.tx.Join(link, lead)
	}
	link.Group = groupOf(e)
	if err := p.tx.SaveLink(link); err != nil {
		return err
	}
	p.touched[link.ID] = link
	return nil
}

// writeChecklists plans the ticket of each group that was touched, or writes anew what has
// not been sent.
func (p *planner) writeChecklists() error {
	for _, id := range sortedKeys(p.touched) {
		if err := p.writeChecklist(p.touched[id]); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) writeChecklist(lead *store.Link) error {
	about, err := p.tx.About(lead)
	if err != nil {
		return err
	}
	ops, err := p.tx.OpsOf(lead.ID)
	if err != nil {
		return err
	}
	if len(ops) > 0 && ops[0].State != store.OpPlanned {
		return p.tx.RefreshOnce(&store.Op{Link: lead.ID, CreatedAt: p.now, Run: p.run})
	}
	payload, err := renderChecklist(p.tx, about, p.job.Boards[lead.Board])
	if err != nil {
		return err
	}
	payload.Due = p.due(lead.Board)
	if len(ops) > 0 {
		ops[0].Payload = payload
		return p.tx.Rewrite(ops[0])
	}
	p.grant(Preview{Episode: about[0], Board: lead.Board, Op: payload})
	return p.tx.PlanOp(&store.Op{Link: lead.ID, Kind: store.OpCreate, Payload: payload, CreatedAt: p.now, Run: p.run})
}

// item is one line of a checklist.
type item struct {
	Rec   *trimtab.Recommendation
	Mark  string // ☐ ☑ ☒
	Ended string // how, "" while it is open
}

// checklist is what the text of a ticket with several recommendations is made of.
type checklist struct {
	First *trimtab.Recommendation
	Items []item
	Saves string // a month, of what is open; each currency by itself
	Fixes []string
}

// renderChecklist makes the ticket of several recommendations.
func renderChecklist(tx *store.Tx, about []*store.Episode, board Board) (store.OpPayload, error) {
	list, err := checklistOf(tx, about)
	if err != nil {
		return store.OpPayload{}, err
	}
	var b strings.Builder
	if err := checklistTemplate.Execute(&b, list); err != nil {
		return store.OpPayload{}, fmt.Errorf("write the checklist of %s: %w", list.First.Rule(), err)
	}
	payload := payloadOf(list.First, board)
	// Without numbers, which would be wrong with the next recommendation that joins.
	payload.Summary = fmt.Sprintf("%s: what %s found of %s", list.First.Action, list.First.Rule(), or(list.First.Owner.Name, "nobody"))
	payload.Description = b.String()
	return payload, board.word(list.First, &payload)
}

func checklistOf(tx *store.Tx, about []*store.Episode) (*checklist, error) {
	list := &checklist{}
	sums := map[string]trimtab.Money{}
	for _, e := range about {
		rec, err := tx.Recommendation(e.Last)
		if err != nil {
			return nil, err
		}
		if list.First == nil {
			list.First = rec
		}
		one := item{Rec: rec, Mark: "☐"}
		switch {
		case e.State.Workflow == trimtab.Dismissed:
			one.Mark, one.Ended = "☒", "left as it is"
		case e.State.Workflow.TicketStatus() == trimtab.TicketClosed:
			one.Mark, one.Ended = "☑", or(strings.ReplaceAll(e.State.Reason, "_", " "), "done")
		default:
			sums[rec.Savings.Currency] = trimtab.Money{Amount: sums[rec.Savings.Currency].Amount.Add(rec.Savings.Amount), Currency: rec.Savings.Currency}
			if rec.Fix != "" {
				list.Fixes = append(list.Fixes, rec.Fix)
			}
		}
		list.Items = append(list.Items, one)
	}
	list.Saves = displayed(sums)
	return list, nil
}

// displayed writes the sums that are something, each currency by itself.
func displayed(sums map[string]trimtab.Money) string {
	var parts []string
	for _, currency := range sortedKeys(sums) {
		if m := sums[currency]; m.Amount.IsPositive() {
			parts = append(parts, m.Display())
		}
	}
	return strings.Join(parts, " and ")
}
