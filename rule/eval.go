package rule

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// EvalOptions say how [Eval] plays a script.
type EvalOptions struct {
	SessionOptions
	Script io.Reader // one JSON object a line
	Dir    string    // what add_rules is relative to
	Out    io.Writer // the transcript, one JSON object a line
}

// maxLine bounds one step of a script.
const maxLine = 16 << 20

// Eval plays a script on an empty memory and writes what happens, in order. A
// step that fails is written as an error and the next one follows; failed says
// that there was such a step. The error is that of reading, writing, or ctx.
func Eval(ctx context.Context, s *Set, o EvalOptions) (failed bool, err error) {
	p, err := playAll(ctx, s, o)
	return p.failed, err
}

// Play plays a script as [Eval] does and gives the memory as it is at the end, for
// those who ask why.
func Play(ctx context.Context, s *Set, o EvalOptions) (session *Session, failed bool, err error) {
	p, err := playAll(ctx, s, o)
	return p.session, p.failed, err
}

// playAll plays a script; there is a player whatever happens.
func playAll(ctx context.Context, s *Set, o EvalOptions) (*player, error) {
	session, err := s.NewSession(o.SessionOptions)
	if err != nil {
		return &player{}, err
	}
	p := &player{
		session: session, options: o, removed: map[string]bool{},
		handles: map[string]rete.Handle{}, ids: map[rete.Handle]string{},
	}
	// Before the first step: facts get their names as they are made.
	session.listen = rete.ListenerFunc(p.event)
	p.out = json.NewEncoder(o.Out)
	// Conditions are full of < and >, and transcripts are for reading.
	p.out.SetEscapeHTML(false)
	lines := bufio.NewScanner(o.Script)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		p.line++
		if text := bytes.TrimSpace(lines.Bytes()); len(text) > 0 {
			p.report(p.play(ctx, text))
		}
		// Nothing else ends a script early: its later steps may not depend on this one.
		if err := errors.Join(ctx.Err(), p.broken); err != nil {
			return p, err
		}
	}
	return p, lines.Err()
}

// player plays a script.
//
// Facts have names here, which the session does not know: a script says "f1", and so
// does the transcript. A fact that is hit under a second name keeps the first for
// showing.
type player struct {
	session *Session
	options EvalOptions
	out     *json.Encoder
	line    int
	failed  bool
	broken  error // the transcript cannot be written

	handles map[string]rete.Handle // every name of every fact
	ids     map[rete.Handle]string // the first name of each
	made    int                    // facts made by rules
	unnamed int                    // facts stated without a name
	running bool
	removed map[string]bool // rules
}

// write writes a line of the transcript.
func (p *player) write(v any) {
	if err := p.out.Encode(v); err != nil && p.broken == nil {
		p.broken = fmt.Errorf("write the transcript: %w", err)
	}
}

// stepError is a step that fails, with a code for programs.
type stepError struct {
	code string
	err  error
}

// Error is the sentence.
func (e *stepError) Error() string { return e.err.Error() }

// Unwrap gives what the sentence is about.
func (e *stepError) Unwrap() error { return e.err }

// failure is a step's error with a code.
func failure(code, format string, args ...any) error {
	return &stepError{code, fmt.Errorf(format, args...)}
}

// report writes the error of a step.
func (p *player) report(err error) {
	if err == nil {
		return
	}
	p.failed = true
	message := err.Error()
	if next := trimtab.NextOf(err); next != "" {
		message += "; " + next
	}
	p.write(map[string]any{"error": errorLine{codeOf(err), message, p.line}})
}

// errorLine is the error of a step, or of an action or test during it; line is the
// step's in the script.
type errorLine struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    int    `json:"line"`
}

// codes are those of the matcher's errors.
var codes = []struct {
	is   error
	code string
}{
	{rete.ErrUnknownType, "unknown_type"},
	{rete.ErrUnknownField, "unknown_field"},
	{rete.ErrMissingField, "missing_field"},
	{rete.ErrNoFact, "unknown_fact"},
	{rete.ErrDerived, "derived_fact"},
	{rete.ErrKeyField, "key_field"},
	{rete.ErrKind, "bad_value"},
}

// codeOf is the code of an error: the step's own, or that of what the matcher
// says.
func codeOf(err error) string {
	var step *stepError
	if errors.As(err, &step) {
		return step.code
	}
	for _, c := range codes {
		if errors.Is(err, c.is) {
			return c.code
		}
	}
	var fact *rete.FactError
	var limit *rete.MaxFiringsError
	var loop *rete.UnstratifiedError
	switch {
	case errors.As(err, &fact):
		return "bad_value"
	case errors.As(err, &limit):
		return "max_firings"
	case errors.As(err, &loop):
		return "unstratified"
	}
	return "failed"
}

// steps are the kinds of a script's steps.
var steps = []string{"assert", "update", "retract", "run", "add_rules", "remove_rule", "dump", "clock"}

// play carries out one step. Each is one batch.
func (p *player) play(ctx context.Context, line []byte) error {
	var step map[string]json.RawMessage
	if err := decode(line, &step); err != nil {
		return err
	}
	// Two keys would need an order, and JSON objects have none.
	if len(step) != 1 {
		return failure("bad_step", "a step is an object with one key, one of %v", steps)
	}
	kind := sortedKeys(step)[0]
	raw := step[kind]
	switch kind {
	case "assert":
		return p.assert(raw)
	case "update":
		return p.update(raw)
	case "retract":
		return p.retract(raw)
	case "run":
		return p.run(ctx, raw)
	case "add_rules":
		return p.addRules(raw)
	case "remove_rule":
		return p.removeRule(raw)
	case "dump":
		return p.dump(raw)
	case "clock":
		return p.setClock(raw)
	}
	if near := strictyaml.Nearest(kind, steps); near != "" {
		return failure("bad_step", "unknown step %q; did you mean %q?", kind, near)
	}
	return failure("bad_step", "unknown step %q; steps are %v", kind, steps)
}

// decode reads JSON strictly; numbers keep their text.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	// A decimal that went through a float would not be the one in the script.
	d.UseNumber()
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return failure("bad_step", "%s is not what this step needs%s", withArticle(kind.Value), inField(kind.Field))
	}
	if err != nil {
		return failure("bad_step", "%w", err)
	}
	// Or half a line would be ignored in silence.
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return failure("bad_step", "a second value stands on the line")
	}
	return nil
}

// inField says which key of a step was wrong, if it was one.
func inField(field string) string {
	if field == "" {
		return ""
	}
	return " as " + field
}

// event writes firings and names what they make.
func (p *player) event(e rete.Event) {
	switch e.Kind {
	case rete.Fired:
		p.write(map[string]any{"fired": fired{e.Production, p.bind(e.Bind), append([]string{}, e.Logs...)}})
	case rete.Failed:
		// it counts as fired, and what it logged is undone with the rest
		p.failed = true
		p.write(map[string]any{"fired": fired{e.Production, p.bind(e.Bind), []string{}}})
		p.write(map[string]any{"error": errorLine{"action_failed", p.failedAction(e), p.line}})
	case rete.FactAdded:
		// Facts that a script states are named by their step.
		if p.running {
			p.made++
			p.name(e.Fact.Handle(), p.free("r", &p.made))
		}
	}
}

// failedAction says which rule failed on which facts, and why.
func (p *player) failedAction(e rete.Event) string {
	bind := p.bind(e.Bind)
	names := sortedKeys(bind)
	for i, n := range names {
		names[i] = n + " = " + bind[n]
	}
	return fmt.Sprintf("%s with %s: %s", e.Production, strings.Join(names, ", "), reasonOf(e.Err))
}

// fired is one firing.
type fired struct {
	Rule string            `json:"rule"`
	Bind map[string]string `json:"bind"`
	Log  []string          `json:"log"`
}

// bind shows names of facts for handles.
func (p *player) bind(b rete.Bind) map[string]string {
	out := make(map[string]string, len(b))
	for name, h := range b {
		out[name] = p.ids[h]
	}
	return out
}

// free is the next numbered name that no fact has.
func (p *player) free(prefix string, n *int) string {
	for {
		id := fmt.Sprintf("%s%d", prefix, *n)
		if _, taken := p.handles[id]; !taken {
			return id
		}
		*n++
	}
}

// name gives a fact a name; the first is the one that is shown.
func (p *player) name(h rete.Handle, id string) {
	p.handles[id] = h
	if _, has := p.ids[h]; !has {
		p.ids[h] = id
	}
}

// dump writes all facts.
func (p *player) dump(raw json.RawMessage) error {
	var none struct{}
	if err := decode(raw, &none); err != nil {
		return err
	}
	facts := []dumped{}
	for f := range p.session.memory.Facts() {
		fields := map[string]any{}
		for k, v := range f.Fields() {
			fields[k] = jsonValue(v)
		}
		facts = append(facts, dumped{f.Type(), p.ids[f.Handle()], fields, f.Derived()})
	}
	// The memory's order is its own affair and may change.
	slices.SortFunc(facts, dumped.compare)
	p.write(map[string]any{"facts": facts})
	return nil
}

// dumped is one fact of a dump.
type dumped struct {
	Type    string         `json:"type"`
	ID      string         `json:"id"`
	Fields  map[string]any `json:"fields"`
	Derived bool           `json:"derived"`
}
