package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// clipsPreamble is what every program for CLIPS begins with: the generator of
// the workloads, and the loop that does what it is told.
//
// Each program defines prepare, which lays the field, play, which does the
// changes and runs, and bare, which is play without facts and rules: what the
// interpreter spends on the loop and the draws is not the matcher's.
const clipsPreamble = `(defglobal ?*x* = 42)
(deffunction draw (?n) (bind ?*x* (mod (* ?*x* 48271) 2147483647)) (mod ?*x* ?n))
`

const clipsServe = `(deffunction serve ()
  (while TRUE do
    (bind ?line (readline))
    (if (eq ?line EOF) then (exit))
    (bind ?words (explode$ ?line))
    (bind ?*x* 42)
    (switch (nth$ 1 ?words)
      (case prepare then (prepare))
      (case play then (play (nth$ 2 ?words)))
      (case bare then (bare (nth$ 2 ?words))))
    (printout t "done" (counts) crlf)))
(serve)
`

// clipsProgram is a workload in the language of CLIPS.
type clipsProgram struct {
	types  []schema
	rules  []rule
	driver string // prepare, play and bare
	apart  bool   // the rules are a file of their own, for the driver to load
}

// source is the whole program.
func (p clipsProgram) source() string {
	var b strings.Builder
	b.WriteString(clipsPreamble)
	tallies := 1
	for _, r := range p.rules {
		tallies = max(tallies, r.tally+1)
	}
	for i := range tallies {
		fmt.Fprintf(&b, "(defglobal ?*n%d* = 0)\n", i)
	}
	for _, t := range p.types {
		fmt.Fprintf(&b, "(deftemplate %s (slot %s))\n", t.name, strings.Join(t.fields, ") (slot "))
	}
	b.WriteString(clipsFunctions(p.rules))
	if !p.apart {
		b.WriteString(p.ruleset())
	}
	b.WriteString(clipsCounts(tallies))
	b.WriteString(p.driver)
	b.WriteString(clipsServe)
	return b.String()
}

// ruleset is the rules.
func (p clipsProgram) ruleset() string {
	var b strings.Builder
	for _, r := range p.rules {
		writeClips(&b, r)
	}
	return b.String()
}

// clipsCounts defines counts, which prints the tallies, and zero.
func clipsCounts(tallies int) string {
	var list, zero strings.Builder
	for i := range tallies {
		fmt.Fprintf(&list, ` " " ?*n%d*`, i)
		fmt.Fprintf(&zero, " (bind ?*n%d* 0)", i)
	}
	return fmt.Sprintf("(deffunction counts () (str-cat%s))\n(deffunction zero ()%s)\n", list.String(), zero.String())
}

// clipsFunctions are the definitions that deeds call, each once.
func clipsFunctions(rules []rule) string {
	text, seen := "", map[string]bool{}
	for _, r := range rules {
		for _, d := range r.then {
			if d.call != nil && !seen[d.call.name] {
				seen[d.call.name] = true
				text += d.call.clips
			}
		}
	}
	return text
}

// writeClips writes a rule.
func writeClips(b *strings.Builder, r rule) {
	fmt.Fprintf(b, "(defrule %s", r.name)
	if r.priority != 0 {
		fmt.Fprintf(b, " (declare (salience %d))", r.priority)
	}
	needed, held := r.variables()
	for _, c := range r.when {
		b.WriteString(" ")
		if held[c.as] {
			fmt.Fprintf(b, "?%s <- ", c.as)
		}
		b.WriteString(clipsClause(c, needed))
	}
	fmt.Fprintf(b, " => (bind ?*n%d* (+ ?*n%d* 1))", r.tally, r.tally)
	for _, d := range r.then {
		b.WriteString(" " + clipsDeed(d))
	}
	b.WriteString(")\n")
}

// variables are the fields that a rule looks at across clauses, and the clauses
// whose facts it changes: CLIPS binds only those.
func (r rule) variables() (needed map[at]bool, held map[string]bool) {
	needed, held = map[at]bool{}, map[string]bool{}
	for _, a := range r.reads {
		needed[a] = true
	}
	for _, c := range r.when {
		for _, t := range c.tests {
			if a, is := t.to[0].(at); is {
				needed[a] = true
			}
			if t.relation == greater || t.relation == less {
				needed[at(c.as+"."+t.field)] = true
			}
		}
	}
	for _, d := range r.then {
		for _, a := range d.refs() {
			needed[a] = true
		}
		held[d.on] = d.verb == update || d.verb == retract
	}
	return needed, held
}

// clipsClause writes a pattern: its fields in the order in which they are first
// tested, those that are only read behind.
func clipsClause(c clause, needed map[at]bool) string {
	fields, tests := []string{}, map[string][]string{}
	add := func(field, text string) {
		if tests[field] == nil {
			fields = append(fields, field)
			if a := at(c.as + "." + field); needed[a] {
				tests[field] = []string{clipsValue(a)}
			}
		}
		if text != "" {
			tests[field] = append(tests[field], text)
		}
	}
	for _, t := range c.tests {
		add(t.field, clipsTest(c.as, t))
	}
	for _, field := range sortedFields(c.as, needed) {
		add(field, "")
	}
	text := "(" + c.typ
	for _, f := range fields {
		text += " (" + f + " " + strings.Join(tests[f], "&") + ")"
	}
	if text += ")"; c.absent {
		text = "(not " + text + ")"
	}
	return text
}

func clipsTest(as string, t test) string {
	switch t.relation {
	case differs:
		return "~" + clipsValue(t.to[0])
	case greater, less:
		sign := map[relation]string{greater: ">", less: "<"}[t.relation]
		return fmt.Sprintf(":(%s %s %s)", sign, clipsValue(at(as+"."+t.field)), clipsValue(t.to[0]))
	case among:
		all := make([]string, len(t.to))
		for i, v := range t.to {
			all[i] = clipsValue(v)
		}
		return strings.Join(all, "|")
	}
	return clipsValue(t.to[0])
}

func clipsDeed(d deed) string {
	values := ""
	for _, s := range d.values {
		if d.verb == calculate {
			values += " " + clipsValue(s.value)
		} else {
			values += " (" + s.field + " " + clipsValue(s.value) + ")"
		}
	}
	switch d.verb {
	case assert:
		return "(assert (" + d.on + values + "))"
	case update:
		return "(modify ?" + d.on + values + ")"
	case retract:
		return "(retract ?" + d.on + ")"
	case calculate:
		return "(" + d.call.name + values + ")"
	}
	return "(halt)"
}

// clipsValue writes a constant, a variable or a sum.
func clipsValue(v any) string {
	switch v := v.(type) {
	case at:
		return "?" + strings.ReplaceAll(string(v), ".", "-")
	case plus:
		return fmt.Sprintf("(+ %s %d)", clipsValue(v.to), v.by)
	}
	return fmt.Sprint(v)
}

// clipsPlayer is a CLIPS process that waits between rounds, so that the time it
// spends can be read while it rests.
type clipsPlayer struct {
	command *exec.Cmd
	dir     string
	in      io.WriteCloser
	out     *bufio.Reader
}

// newClipsPlayer starts CLIPS on a program and returns when it has loaded it.
func newClipsPlayer(binary string, p clipsProgram) (player, error) {
	dir, err := os.MkdirTemp("", "trimtab-clips")
	if err != nil {
		return nil, err
	}
	c := &clipsPlayer{dir: dir}
	file := filepath.Join(dir, "program.clp")
	err = os.WriteFile(file, []byte(p.source()), 0o600)
	if err == nil && p.apart {
		err = os.WriteFile(filepath.Join(dir, "rules.clp"), []byte(p.ruleset()), 0o600)
	}
	if err == nil {
		err = c.start(binary, file)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// start runs CLIPS with its output unbuffered: it has no way to flush it.
func (c *clipsPlayer) start(binary, file string) (err error) {
	c.command = exec.Command("stdbuf", "-oL", binary, "-f2", file)
	c.command.Stderr, c.command.Dir = os.Stderr, c.dir
	if c.in, err = c.command.StdinPipe(); err != nil {
		return err
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		return err
	}
	c.out = bufio.NewReader(out)
	return c.command.Start()
}

// prepare implements [player].
func (c *clipsPlayer) prepare() error {
	_, err := c.tell("prepare")
	return err
}

// play implements [player]. The time is that of the round less that of the same
// loop without facts.
func (c *clipsPlayer) play(changes int) (score, error) {
	_, loop, err := c.timed(fmt.Sprintf("bare %d", changes))
	if err != nil {
		return score{}, err
	}
	counts, spent, err := c.timed(fmt.Sprintf("play %d", changes))
	return score{firings: counts, spent: spent - loop}, err
}

func (c *clipsPlayer) timed(command string) (counts []int, spent time.Duration, err error) {
	before, err := spentBy(c.command.Process.Pid)
	if err != nil {
		return nil, 0, err
	}
	if counts, err = c.tell(command); err != nil {
		return nil, 0, err
	}
	after, err := spentBy(c.command.Process.Pid)
	return counts, after - before, err
}

// tell gives a command and reads the counts that answer it. Anything else that
// CLIPS says is a mistake in the program.
func (c *clipsPlayer) tell(command string) (counts []int, err error) {
	if _, err := fmt.Fprintln(c.in, command); err != nil {
		return nil, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("CLIPS ended: %w", err)
	}
	words := strings.Fields(line)
	if len(words) == 0 || words[0] != "done" {
		return nil, fmt.Errorf("CLIPS says: %s", strings.TrimSpace(line))
	}
	for _, w := range words[1:] {
		n, err := strconv.Atoi(w)
		if err != nil {
			return nil, err
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// close implements [player].
func (c *clipsPlayer) close() error {
	_ = c.in.Close()
	_ = c.command.Process.Kill()
	_ = c.command.Wait() // it was killed
	return os.RemoveAll(c.dir)
}

// spentBy is the processor time of another process, to the nanosecond.
func spentBy(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(stat), " ")
	n, err := strconv.ParseInt(first, 10, 64)
	return time.Duration(n), err
}

// findClips finds CLIPS, or installs Debian's where that can be done.
func findClips() (path, missing string) {
	if path, err := exec.LookPath("clips"); err == nil {
		return path, ""
	}
	if os.Geteuid() != 0 {
		return "", "no clips (apt-get install clips)"
	}
	if err := exec.Command("apt-get", "install", "-y", "-qq", "clips").Run(); err != nil {
		return "", "no clips, and apt-get cannot install it"
	}
	path, err := exec.LookPath("clips")
	if err != nil {
		return "", "no clips"
	}
	return path, ""
}

// sortedFields are the fields of a clause that others look at.
func sortedFields(as string, needed map[at]bool) []string {
	var fields []string
	for a := range needed {
		if name, field := a.parts(); name == as {
			fields = append(fields, field)
		}
	}
	slices.Sort(fields)
	return fields
}
