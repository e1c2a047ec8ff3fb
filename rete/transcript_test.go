package rete_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/rete"
)

var update = flag.Bool("update", false, "write the transcripts anew; read them before you commit")

// TestTranscripts plays the commands of testdata/*.txt, lines that begin with
// "> ", and compares what the session did with the lines below them.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want) {
				t.Errorf("the session did\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// player plays one transcript.
type player struct {
	t     *testing.T
	out   strings.Builder
	base  *rete.Base
	s     *rete.Session
	tx    *rete.Tx
	cfg   rete.Config
	names map[string]rete.Handle
	texts map[rete.Handle]string
}

// play keeps comments, empty lines and commands, and writes what they do.
func play(t *testing.T, script string) string {
	p := &player{t: t, names: map[string]rete.Handle{}, texts: map[rete.Handle]string{}}
	for lines := bufio.NewScanner(strings.NewReader(script)); lines.Scan(); {
		line := lines.Text()
		command, is := strings.CutPrefix(line, "> ")
		if is || line == "" || strings.HasPrefix(line, "#") {
			p.say(line)
		}
		if is {
			p.do(strings.Fields(command))
		}
	}
	return p.out.String()
}

func (p *player) say(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	p.out.WriteString(format + "\n")
}

func (p *player) check(err error) {
	if err != nil {
		p.say("error: %v", err)
	}
}

func (p *player) do(words []string) {
	rest := words[1:]
	switch words[0] {
	case "rules", "strategy", "max", "stop", "groups":
		p.configure(words[0], rest)
	case "add", "remove":
		p.adopt(words[0], rest)
	case "begin":
		p.tx = p.s.Begin()
	case "commit":
		p.check(p.tx.Commit())
		p.tx = nil
	case "rollback":
		p.tx.Rollback()
		p.tx = nil
	case "assert", "update", "retract", "row", "update-row", "expire":
		p.change(words[0], rest)
	case "run":
		p.run(rest)
	case "clock":
		now, err := time.Parse(time.RFC3339, rest[0])
		p.check(err)
		p.check(p.s.SetClock(now))
	case "facts":
		for f := range p.s.Facts() {
			p.say("%s", p.fact(f))
		}
	case "why":
		p.why(p.s.Why(p.names[rest[0]]), "")
	case "matches":
		for m := range p.s.Matches(rest[0]) {
			p.say("%s fired=%v", p.matched(m), m.Fired)
		}
	case "query":
		p.query(rest)
	case "whynot":
		p.whyNot(rest)
	case "levels":
		for _, l := range p.s.Levels(rest[0]) {
			p.say("%d: %s: %d", l.Branch, l.Element, l.Count)
		}
	case "lookup":
		p.lookup(rest)
	case "size":
		p.say("%+v", p.s.Size())
	default:
		p.t.Fatalf("unknown command %q", words[0])
	}
}

func (p *player) configure(what string, rest []string) {
	switch what {
	case "strategy":
		strategy, err := rete.ParseStrategy(rest[0])
		p.check(err)
		p.cfg.Strategy = strategy
	case "max":
		p.cfg.MaxFirings, _ = strconv.Atoi(rest[0])
	case "stop":
		p.cfg.StopOnError = true
	case "groups":
		p.cfg.Groups = nil
		for _, g := range rest {
			p.cfg.Groups = append(p.cfg.Groups, strings.TrimPrefix(g, "-"))
		}
	case "rules":
		base, err := rete.Compile(transcriptTypes, transcriptRules(p.t, rest))
		if err != nil {
			p.t.Fatal(err)
		}
		p.base = base
		p.names, p.texts = map[string]rete.Handle{}, map[rete.Handle]string{}
		p.cfg.Listener = rete.ListenerFunc(p.event)
		p.s = rete.NewSession(base, p.cfg)
	}
}

func (p *player) adopt(what string, ids []string) {
	next, err := p.base.Without(ids...)
	if what == "add" {
		next, err = p.base.With(nil, transcriptRules(p.t, ids))
	}
	if err != nil {
		p.check(err)
		return
	}
	p.base = next
	p.check(p.s.Adopt(next))
}

// change makes one change, as a batch of its own unless one is open.
func (p *player) change(what string, words []string) {
	tx := p.tx
	if tx == nil {
		tx = p.s.Begin()
		defer func() { p.check(tx.Commit()) }()
	}
	switch what {
	case "assert":
		h, err := tx.Assert(words[1], parseFields(words[2:]))
		p.check(err)
		p.names[words[0]] = h
		if p.texts[h] == "" {
			p.texts[h] = words[0]
		}
	case "update":
		p.check(tx.Update(p.names[words[0]], parseFields(words[1:])))
	case "retract":
		p.check(tx.Retract(p.names[words[0]]))
	case "row":
		shape, values := p.shape(words[1], words[2:])
		h, err := tx.AssertRow(shape, values...)
		p.check(err)
		p.names[words[0]] = h
		if p.texts[h] == "" {
			p.texts[h] = words[0]
		}
	case "update-row":
		f, _ := p.s.Get(p.names[words[0]])
		shape, values := p.shape(f.Type(), words[1:])
		p.check(tx.UpdateRow(f.Handle(), shape, values...))
	case "expire":
		var at time.Time
		if rest := words[1]; rest != "never" {
			at = parseValue(rest).(time.Time)
		}
		p.check(tx.ExpireAt(p.names[words[0]], at))
	}
}

// shape is that of the fields named, with their values.
func (p *player) shape(typ string, words []string) (*rete.Shape, []rete.Value) {
	var names []string
	var values []rete.Value
	for _, w := range words {
		name, text, _ := strings.Cut(w, "=")
		names = append(names, name)
		switch v := parseValue(text).(type) {
		case int:
			values = append(values, rete.Int(int64(v)))
		case string:
			values = append(values, rete.String(v))
		case float64:
			values = append(values, rete.Float(v))
		default:
			values = append(values, rete.Of(v))
		}
	}
	shape, err := p.base.Shape(typ, names...)
	p.check(err)
	return shape, values
}

// matched is a match with its values.
func (p *player) matched(m rete.Matched) string {
	text := strings.TrimSpace(m.Production + " " + p.bind(m.Bind))
	for _, name := range slices.Sorted(maps.Keys(m.Values)) {
		text += fmt.Sprintf(" %s=%v", name, m.Values[name])
	}
	return text
}

func (p *player) query(rest []string) {
	var args []any
	for _, text := range rest[1:] {
		args = append(args, parseValue(text))
	}
	answer, err := p.s.Query(rest[0], args...)
	if err != nil {
		p.check(err)
		return
	}
	for m := range answer {
		p.say("%s", p.matched(m))
	}
}

func (p *player) whyNot(rest []string) {
	bind := rete.Bind{}
	for _, w := range rest[1:] {
		name, fact, _ := strings.Cut(w, "=")
		bind[name] = p.names[fact]
	}
	f, err := p.s.WhyNot(rest[0], bind)
	if err != nil {
		p.check(err)
		return
	}
	if f.Matches {
		p.say("it matches")
		return
	}
	p.say("element %d of branch %d, %s, stops %d", f.At, f.Branch, f.Element, f.Count)
	for _, m := range f.Given {
		p.say("  given %s", p.matched(m))
	}
	for _, n := range f.Near {
		p.say("  near %s with %s, %d passed", p.nearest(n), p.matched(n.With), n.Passed)
		for _, t := range n.Failed {
			p.say("    fails %s %v %v", t.Test, t.Values, t.Err)
		}
	}
	for _, facts := range f.Blocking {
		for _, f := range facts {
			p.say("  blocked by %s", p.fact(f))
		}
	}
}

func (p *player) nearest(n rete.Near) string {
	if !n.Fact.Valid() {
		return "what is bound"
	}
	return p.handle(n.Fact.Handle())
}

func parseFields(words []string) rete.Fields {
	fields := rete.Fields{}
	for _, w := range words {
		name, text, _ := strings.Cut(w, "=")
		fields[name] = parseValue(text)
	}
	return fields
}

func parseValue(text string) any {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	if when, err := time.Parse(time.RFC3339, text); err == nil {
		return when
	}
	if text == "-" {
		return rete.Absent
	}
	return text
}

func (p *player) lookup(rest []string) {
	f, ok := p.s.Lookup(rest[0], parseFields(rest[1:]))
	if !ok {
		p.say("nothing")
		return
	}
	p.say("%s", p.fact(f))
}

func (p *player) run(rest []string) {
	var report rete.Report
	var err error
	if len(rest) > 0 {
		n, _ := strconv.Atoi(rest[0])
		report, err = p.s.RunLimit(context.TODO(), n)
	} else {
		report, err = p.s.Run(context.TODO())
	}
	p.check(err)
	line := fmt.Sprintf("ran: %d firings, agenda %d", report.Firings, report.Agenda)
	if report.Derived+report.Withdrawn > 0 {
		line += fmt.Sprintf(", derived %d, withdrawn %d", report.Derived, report.Withdrawn)
	}
	if report.Halted {
		line += ", halted"
	}
	p.say("%s", line)
	for _, c := range report.Conflicts {
		p.say("conflict: %s %s: %q over %q", c.Type, p.handle(c.Handle), c.Winner, c.Loser)
	}
	for _, e := range report.TestErrors {
		p.say("test error: %v (%d)", e, e.Count)
	}
	for _, id := range slices.Sorted(maps.Keys(report.AbsentReads)) {
		p.say("absent: %s %d", id, report.AbsentReads[id])
	}
}

// handle names a fact as the script does, or f and its number.
func (p *player) handle(h rete.Handle) string {
	if p.texts[h] != "" {
		return p.texts[h]
	}
	return fmt.Sprint("f", uint64(h)>>28) // they are counted in the upper bits
}

func (p *player) fact(f rete.Fact) string {
	text := p.handle(f.Handle()) + " " + f.Type()
	fields := f.Fields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v := fields[name]
		if when, ok := v.(time.Time); ok {
			v = when.Format(time.RFC3339)
		}
		text += fmt.Sprintf(" %s=%v", name, v)
	}
	if f.Derived() {
		text += " derived"
	}
	return text
}

func (p *player) bind(b rete.Bind) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(b)) {
		words = append(words, name+"="+p.handle(b[name]))
	}
	return strings.Join(words, " ")
}

func (p *player) event(e rete.Event) {
	switch e.Kind {
	case rete.FactAdded:
		p.say("  + %s", p.fact(e.Fact))
	case rete.FactChanged:
		p.say("  ~ %s", p.fact(e.Fact))
	case rete.FactRemoved:
		p.say("  - %s", p.fact(e.Old))
	case rete.Fired:
		p.say("fired %s %s %v", e.Production, p.bind(e.Bind), e.Logs)
	case rete.Failed:
		p.say("failed %s %s: %v", e.Production, p.bind(e.Bind), e.Err)
	}
}

func (p *player) why(j *rete.Justification, indent string) {
	if j == nil {
		p.say("no such fact")
		return
	}
	mark := ""
	switch {
	case j.Again:
		mark = ", see above"
	case j.Stated:
		mark = ", stated"
	}
	p.say("%s%s%s", indent, p.fact(j.Fact), mark)
	if j.Again {
		return
	}
	for _, r := range j.Reasons {
		p.say("%s  by %s %s", indent, r.Production, p.bind(r.Bind))
		for _, b := range r.Because {
			p.why(b, indent+"    ")
		}
	}
}
