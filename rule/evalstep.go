package rule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// compare orders a dump by type, then by name.
func (d dumped) compare(o dumped) int {
	return cmp.Or(cmp.Compare(d.Type, o.Type), cmp.Compare(d.ID, o.ID))
}

// assert states a fact under a name. A fact that is hit gets it as another name;
// the name of another living fact is not taken away from it.
func (p *player) assert(raw json.RawMessage) error {
	var step struct {
		Type   string         `json:"type"`
		As     string         `json:"as"`
		Fields map[string]any `json:"fields"`
	}
	if err := decode(raw, &step); err != nil {
		return err
	}
	if h, taken := p.handles[step.As]; taken && step.As != "" {
		// A name of a fact that is gone is free again.
		if _, there := p.session.memory.Get(h); there && !p.hits(h, step.Type, step.Fields) {
			return failure("name_taken", "%q names another fact", step.As)
		}
	}
	h, err := p.session.assert(step.Type, step.Fields)
	if err != nil {
		p.session.rollback()
		return err
	}
	if err := p.session.commit(); err != nil {
		return err
	}
	if _, has := p.ids[h]; step.As == "" && !has {
		p.unnamed++
		step.As = p.free("s", &p.unnamed)
	}
	if step.As != "" {
		p.name(h, step.As)
	}
	return nil
}

// hits reports whether an assert would come to the fact that has the name.
func (p *player) hits(h rete.Handle, typ string, fields map[string]any) bool {
	t, ok := p.session.set.types[typ]
	if !ok {
		return false
	}
	key := rete.Fields{}
	for k, v := range fields {
		if field, ok := t.field(k); ok {
			// What does not fit is for the assert itself to complain of.
			if c, err := field.convert(v); err == nil {
				key[k] = c
			}
		}
	}
	f, ok := p.session.memory.Lookup(typ, key)
	return ok && f.Handle() == h
}

// rollback gives up the open batch.
func (s *Session) rollback() {
	if s.tx != nil {
		s.tx.Rollback()
		s.tx = nil
	}
}

// update changes fields of a fact.
func (p *player) update(raw json.RawMessage) error {
	var step struct {
		Fact   string         `json:"fact"`
		Fields map[string]any `json:"fields"`
	}
	if err := decode(raw, &step); err != nil {
		return err
	}
	f, err := p.fact(step.Fact)
	if err != nil {
		return err
	}
	err = p.change(func(tx *rete.Tx) error { return tx.Update(f.Handle(), step.Fields) })
	if errors.Is(err, rete.ErrUnknownField) {
		return p.session.inWords(err, f.Type(), step.Fields)
	}
	return err
}

// retract takes a fact back.
func (p *player) retract(raw json.RawMessage) error {
	var id string
	if err := decode(raw, &id); err != nil {
		return err
	}
	f, err := p.fact(id)
	if err != nil {
		return err
	}
	return p.change(func(tx *rete.Tx) error { return tx.Retract(f.Handle()) })
}

// change makes one batch of a step.
func (p *player) change(do func(*rete.Tx) error) error {
	if err := do(p.session.batch()); err != nil {
		p.session.rollback()
		return err
	}
	return p.session.commit()
}

// fact finds a fact by one of its names.
func (p *player) fact(id string) (rete.Fact, error) {
	f, ok := p.session.memory.Get(p.handles[id])
	if ok {
		return f, nil
	}
	// Names outlive their facts, so that this can be told from a slip of the pen.
	if _, was := p.handles[id]; was {
		return f, failure("unknown_fact", "fact %q is gone", id)
	}
	if near := strictyaml.Nearest(id, sortedKeys(p.handles)); near != "" {
		return f, failure("unknown_fact", "no fact is called %q; did you mean %q?", id, near)
	}
	return f, failure("unknown_fact", "no fact is called %q", id)
}

// run fires, and writes what came of it even when it was cut short.
func (p *player) run(ctx context.Context, raw json.RawMessage) error {
	var step struct {
		Limit *int `json:"limit"`
	}
	if err := decode(raw, &step); err != nil {
		return err
	}
	if step.Limit != nil && *step.Limit < 0 {
		return failure("bad_step", "a limit is not negative")
	}
	// Facts that appear during a run are made by rules and get names of their own.
	p.running = true
	report, err := p.fire(ctx, step.Limit)
	p.session.failed = report.Errors
	p.running = false
	if errors.Is(err, rete.ErrBusy) { // the run never began
		return err
	}
	p.remarks(report)
	var action *rete.FiringError
	if !errors.As(err, &action) { // an action's failure is written already
		p.report(err)
	}
	p.write(map[string]any{"ran": ran{report.Firings, report.Agenda}})
	return nil
}

// ran ends the lines of a run.
type ran struct {
	Firings int `json:"firings"`
	Agenda  int `json:"agenda"`
}

// fire runs with a limit or to the end.
func (p *player) fire(ctx context.Context, limit *int) (rete.Report, error) {
	if limit != nil {
		return p.session.memory.RunLimit(ctx, *limit)
	}
	return p.session.memory.Run(ctx)
}

// remarks writes what the run met beside its firings.
func (p *player) remarks(r rete.Report) {
	for _, e := range r.TestErrors {
		// A test that fails stops nothing, but a script that met one has not gone well.
		p.failed = true
		p.write(map[string]any{"error": errorLine{
			"test_failed",
			fmt.Sprintf("%s: %s: %v", e.Production, e.Test, e.Err), p.line,
		}})
	}
	for _, c := range r.Conflicts {
		p.write(map[string]any{"conflict": conflict{c.Type, p.ids[c.Handle], c.Winner, c.Loser}})
	}
}

// conflict is a derivation that lost against another of its key.
type conflict struct {
	Type   string `json:"type"`
	ID     string `json:"id"`
	Winner string `json:"winner"` // "" when a stated fact wins
	Loser  string `json:"loser"`
}

// setClock sets now; a run later in the script has it throughout.
func (p *player) setClock(raw json.RawMessage) error {
	var text string
	if err := decode(raw, &text); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return failure("bad_value", "%q is no time: write it as 2026-11-20T10:00:00Z", text)
	}
	if err := p.session.SetClock(at); err != nil {
		return err
	}
	p.nameClock()
	return nil
}

// nameClock gives the fact that the session keeps for the clock its name, unless
// the script has called a fact that still stands so.
func (p *player) nameClock() {
	clock := p.session.clock
	if _, there := p.session.memory.Get(clock); !there || p.ids[clock] != "" {
		return
	}
	name := "clock"
	if _, taken := p.session.memory.Get(p.handles[name]); taken {
		p.unnamed++
		name = p.free("s", &p.unnamed)
	}
	p.name(clock, name)
}

// addRules loads a further pack beside those that are there; with an error the
// old rules go on.
func (p *player) addRules(raw json.RawMessage) error {
	var path string
	if err := decode(raw, &path); err != nil {
		return err
	}
	// The transcript has the name as it was written, wherever the script lies.
	name := path
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.options.Dir, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return failure("bad_rules", "%w", err)
	}
	// Rules that were removed stay away, even when their file is compiled again.
	reduced, still := p.session.set.without(p.removed)
	next, err := reduced.WithFiles(File{name, data})
	if err != nil {
		return failure("bad_rules", "%w", err)
	}
	return p.adopt(next, still)
}

// removeRule takes one rule out, and with it what it concluded.
func (p *player) removeRule(raw json.RawMessage) error {
	var id string
	if err := decode(raw, &id); err != nil {
		return err
	}
	// not Set.Rule, which finds the rule of a production: that has no name here
	if _, ok := p.session.set.byID[id]; !ok || p.removed[id] {
		var there []string
		for _, r := range p.session.set.rules {
			there = append(there, r.ID)
		}
		return failure("unknown_rule", "no rule %q is loaded%s", id, orNearest(id, there))
	}
	// A copy: should the rest not compile, the rule is still there.
	removed := maps.Clone(p.removed)
	removed[id] = true
	return p.adopt(p.session.set, removed)
}

// orNearest asks whether something of a similar name was meant.
func orNearest(name string, candidates []string) string {
	if near := strictyaml.Nearest(name, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// adopt goes on with a set, less the rules that were removed.
func (p *player) adopt(next *Set, removed map[string]bool) error {
	reduced, err := next.dropping(removed)
	if err != nil {
		return failure("bad_rules", "%w", err)
	}
	// Last of what may fail, so that the old rules go on after any error.
	if err := p.session.Adopt(reduced); err != nil {
		return err
	}
	p.removed = removed
	p.nameClock()
	return nil
}
