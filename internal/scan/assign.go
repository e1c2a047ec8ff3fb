package scan

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
)

// Assign says whose a recommendation is and which board it goes to.
type Assign struct {
	Owners []OwnerRule // the first that answers
	Routes []Route     // the first that holds
	// Leads own, by board, what the chain would leave to a fallback or to nobody.
	Leads map[string]string
}

// OwnerRule is one link of the owner chain; exactly one of Tag, Fact and
// Fallback is set.
type OwnerRule struct {
	Tag      string // the value of this tag
	Fact     string // a fact of this type …
	By       string // … whose field By equals the subject's (account, resource, region …)
	Fallback string
}

// Route sends what When accepts to a board; a nil When accepts everything.
type Route struct {
	When  func(*trimtab.Recommendation) (bool, error)
	Board string
}

// Assignment is where a rule (`assign`) says that a recommendation goes.
type Assignment struct {
	Action, Resource, Variant string
	Owner, Board              string
	Priority                  string
	Labels                    []string
	Rule                      string
}

// apply fills in owner and board of every recommendation: what a rule assigns
// wins over the chain and the routes.
func (a Assign) apply(recs []*trimtab.Recommendation, byRule []Assignment, batches []batch) {
	facts := a.index(batches)
	assigned := make(map[string]Assignment, len(byRule))
	for _, s := range byRule {
		assigned[s.Action+"\x00"+s.Resource+"\x00"+s.Variant] = s
	}
	for _, rec := range recs {
		rec.Board = a.board(rec)
		rec.Owner = a.owner(rec, facts)
		s, ok := assigned[rec.Action+"\x00"+rec.Subject.Resource+"\x00"+rec.Variant]
		if ok && s.Owner != "" {
			rec.Owner = trimtab.Owner{Name: s.Owner, Source: "rule " + s.Rule}
		}
		if ok && s.Board != "" {
			rec.Board = s.Board
		}
		if ok {
			rec.Labels, rec.Priority = append(rec.Labels, s.Labels...), s.Priority
		}
	}
}

// ownerFacts is, for a fact type and a field, the owner by the field's value.
type ownerFacts map[string]map[string]string

// index reads the owners once a scan: a company of a thousand accounts asks for
// each recommendation.
func (a Assign) index(batches []batch) ownerFacts {
	index := ownerFacts{}
	for _, rule := range a.Owners {
		if rule.Fact == "" {
			continue
		}
		by := map[string]string{}
		for _, b := range batches {
			if b.err == nil {
				collectOwners(by, rule, b.Facts)
			}
		}
		index[rule.Fact+"."+rule.By] = by
	}
	return index
}

// collectOwners takes the owner of each value from the facts; the last one given
// wins, so a correction can stand below what it corrects.
func collectOwners(by map[string]string, rule OwnerRule, facts []source.Fact) {
	for _, f := range facts {
		if f.Type != rule.Fact {
			continue
		}
		if value := text(f.Fields[rule.By]); value != "" {
			by[value] = firstText(f.Fields, "email", "owner", "name", "team")
		}
	}
}

// firstText is the first field that has something: companies name the column of
// the owner in their own ways.
func firstText(fields map[string]any, names ...string) string {
	for _, name := range names {
		if s := text(fields[name]); s != "" {
			return s
		}
	}
	return ""
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(v))
}

// owner asks the chain. Nobody is an answer too: it is shown, never dropped.
func (a Assign) owner(rec *trimtab.Recommendation, facts ownerFacts) trimtab.Owner {
	for _, rule := range a.Owners {
		switch {
		case rule.Tag != "":
			if name := rec.Subject.Tags[rule.Tag]; name != "" {
				return trimtab.Owner{Name: name, Source: "tag " + rule.Tag}
			}
		case rule.Fact != "":
			if name := facts[rule.Fact+"."+rule.By][subjectField(rec, rule.By)]; name != "" {
				return trimtab.Owner{Name: name, Source: "fact " + rule.Fact + " by " + rule.By}
			}
		case a.Leads[rec.Board] != "": // knows more than a fallback
			return trimtab.Owner{Name: a.Leads[rec.Board], Source: "lead of board " + rec.Board}
		case rule.Fallback != "":
			return trimtab.Owner{Name: rule.Fallback, Source: "fallback"}
		}
	}
	if lead := a.Leads[rec.Board]; lead != "" {
		return trimtab.Owner{Name: lead, Source: "lead of board " + rec.Board}
	}
	return trimtab.Owner{Source: "missing"}
}

// subjectField finds the field of the subject that `by:` names. A field that
// subjects do not have is "", which no owner has.
func subjectField(rec *trimtab.Recommendation, name string) string {
	s := rec.Subject
	fields := map[string]string{
		"account": s.Account, "resource": s.Resource, "id": s.Resource, "region": s.Region,
		"service": s.Service, "environment": s.Environment, "provider": s.Provider,
	}
	return fields[name]
}

// board asks the routes; "" when none holds.
func (a Assign) board(rec *trimtab.Recommendation) string {
	for _, route := range a.Routes {
		if route.When == nil {
			return route.Board
		}
		if ok, err := route.When(rec); err == nil && ok {
			return route.Board
		}
	}
	return ""
}
