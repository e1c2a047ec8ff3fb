package rule

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/trimtab/trimtab/rete"
)

// scope is what an expression sees: names of facts and values bound before it,
// and the parameters of its pack.
//
// Scopes are values in a chain of copies, as long as a rule has names: cheap enough,
// and no scope can be changed by what comes after it.
type scope struct {
	env    *environment
	params *record // nil without parameters
	names  []name  // innermost last
	// later tells the line on which names not yet bound are bound.
	//
	// It turns "unknown name" into "used before anything binds it", the mistake that
	// the author has in fact made.
	later map[string]int
	// unbound tells of names that look bound and are not, why.
	unbound map[string]string
	// sig tells scopes apart in which the same text means something else.
	sig string
}

// name is one thing an expression can refer to.
type name struct {
	name string
	fact string      // the fact type, "" for a value
	cel  *types.Type // of a value
	used *bool       // set when an expression reads it; nil if nobody asks
	// summed is a result of an aggregate, see typed.
	summed bool
}

// with is the scope with one more name. Scopes share nothing that changes, so
// elements of a not see what was bound before it and nobody sees what they bind.
func (s *scope) with(n name) *scope {
	inner := *s
	inner.names = append(append([]name(nil), s.names...), n)
	inner.sig = s.sig + "," + n.name + " " + n.fact
	if n.fact == "" {
		inner.sig += " " + n.cel.String()
	}
	if n.summed {
		inner.sig += " summed"
	}
	return &inner
}

// find looks a name up, innermost first.
func (s *scope) find(text string) (name, bool) {
	for i := len(s.names) - 1; i >= 0; i-- {
		if s.names[i].name == text {
			return s.names[i], true
		}
	}
	return name{}, false
}

// variables are the names as CEL declares them.
func (s *scope) variables() map[string]*cel.Type {
	vars := map[string]*cel.Type{"now": cel.TimestampType}
	if s.params != nil {
		vars["params"] = s.params.typ
	}
	for _, n := range s.names {
		vars[n.name] = s.env.typeOf(n)
	}
	return vars
}

// typeOf is the CEL type of a name.
func (e *environment) typeOf(n name) *types.Type {
	if n.fact == "" {
		return n.cel
	}
	if r, ok := e.provider.records[n.fact]; ok {
		return r.cel
	}
	return cel.DynType
}

// reporter notes a fault at an offset, in characters, of an expression's text.
type reporter func(offset int, f fault)

// fault is what is wrong with an expression.
type fault struct {
	message string
	nearest string
	hint    string
}

// expr is a checked expression, or one conjunct of it.
//
// The list of reads is what the matcher goes by: it decides which changes wake a
// rule, which functions can be shared, and what a firing depends on. It must be
// exact, and comes from the tree rather than from the author.
type expr struct {
	text    string
	env     *cel.Env
	scope   *scope
	checked *ast.AST
	out     *types.Type
	reads   []rete.Ref // fields and values, sorted, without doubles
	params  []string   // the parameters it reads, sorted
	timed   bool       // it reads now
	loops   bool       // it has a comprehension: its cost depends on the data
	run     *runner
}

// runner evaluates an expression. It is made when a value first asks for it: of a
// where that is split, the whole never does. Expressions of one text over the same
// names share it, and so do the goroutines of several sessions.
type runner struct {
	once sync.Once
	// fastTest and fastValue are the expression as Go code; nil where it is not
	// recognised.
	fastTest  fn[bool]
	fastValue fn[any]
	program   func() (cel.Program, error)
}

// ready gives what evaluates the expression.
func (e *expr) ready() *runner {
	e.run.once.Do(func() { e.run.fastTest, e.run.fastValue = e.close() })
	return e.run
}

// newRunner makes a runner of a checked tree. Loops are bounded in cost; what has
// none is bounded by its length, and counting would only slow it down.
func newRunner(env *cel.Env, tree *ast.AST, loops bool) *runner {
	return &runner{program: sync.OnceValues(func() (cel.Program, error) {
		if loops {
			return env.PlanProgram(tree, cel.CostLimit(maxCost))
		}
		return env.PlanProgram(tree)
	})}
}

// compile checks an expression. It reports everything wrong with it and is
// false then.
//
// Between parse and check equalities are aligned, since the check refuses decimal ==
// int; between check and plan amounts are, since that needs types. Every rewriting
// keeps the ids of what it wraps, so that faults are still found in the text.
func (s *scope) compile(text string, report reporter) (*expr, bool) {
	key := s.sig + "\x00" + text
	if known, ok := s.env.exprs[key]; ok {
		again := *known
		again.scope = s
		again.use()
		return &again, true
	}
	env, err := s.env.with(s.variables())
	if err != nil {
		report(0, fault{message: err.Error()})
		return nil, false
	}
	parsed, issues := s.env.parse(text)
	if issues.Err() != nil {
		s.explain(text, nil, issues, report)
		return nil, false
	}
	alignEqualities(parsed.NativeRep(), s)
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		s.explain(text, parsed.NativeRep(), issues, report)
		return nil, false
	}
	tree := checked.NativeRep()
	e := &expr{text: text, env: env, scope: s, checked: tree, out: checked.OutputType()}
	if !e.checkLiterals(report) || !alignAmounts(tree, text, report) || !refuseStructs(tree, text, report) {
		return nil, false
	}
	alignInequalities(tree)
	e.note(tree.Expr())
	e.run = newRunner(env, tree, e.loops)
	s.env.exprs[key] = e
	return e, true
}

// note finds out what the expression reads.
func (e *expr) note(root ast.Expr) {
	r := readsOf(root, e.scope)
	e.reads, e.params, e.timed, e.loops = r.refs, r.params, r.timed, r.loops
	e.use()
}

// use marks the names that the expression reads as used.
func (e *expr) use() {
	for _, read := range e.reads {
		if n, ok := e.scope.find(read.Name); ok && n.used != nil {
			*n.used = true
		}
	}
}

// part is one conjunct of the expression as an expression of its own.
//
// The maps of types and references are shared with the whole: they are keyed by the
// ids of nodes, which stay.
func (e *expr) part(root ast.Expr) *expr {
	tree := ast.NewCheckedAST(ast.NewAST(root, e.checked.SourceInfo()), e.checked.TypeMap(), e.checked.ReferenceMap())
	p := &expr{env: e.env, scope: e.scope, checked: tree, out: e.checked.GetType(root.ID())}
	p.text = unparse(root, e.checked.SourceInfo(), e.text)
	p.note(root)
	p.run = newRunner(e.env, tree, p.loops)
	return p
}

// bindings is what an expression is evaluated against: [rete.Env] is one.
type bindings interface {
	Fact(name string) (rete.Fact, bool)
	Value(name string) (any, bool)
	Now() time.Time
}

// eval computes the expression.
func (e *expr) eval(b bindings) (ref.Val, error) {
	program, err := e.run.program()
	if err != nil {
		return nil, err
	}
	out, _, err := program.Eval(activation{b, e.scope})
	if err == nil {
		return out, nil
	}
	return nil, readError(err)
}

// readError turns the reading of an absent field, or of a key that a map has
// not, into rete.ErrAbsent: no match, counted.
func readError(err error) error {
	if errors.Is(err, rete.ErrAbsent) {
		return err
	}
	// CEL has no type for this error; the text is held by TestAbsent.
	if strings.HasPrefix(err.Error(), "no such key") {
		return fmt.Errorf("%s: %w", err.Error(), rete.ErrAbsent)
	}
	return err
}

// value computes the expression in the matcher's kinds.
func (e *expr) value(b bindings) (any, error) {
	if fast := e.ready().fastValue; fast != nil {
		if v, err := fast(b); !errors.Is(err, errUntyped) {
			return v, err
		}
	}
	v, err := e.eval(b)
	if err != nil {
		return nil, err
	}
	return fromCEL(v)
}

// test computes the expression as a condition.
func (e *expr) test(b bindings) (bool, error) {
	if fast := e.ready().fastTest; fast != nil {
		if v, err := fast(b); !errors.Is(err, errUntyped) {
			return v, err
		}
	}
	return e.slowTest(b)
}

// slowTest is the condition as CEL computes it.
func (e *expr) slowTest(b bindings) (bool, error) {
	v, err := e.eval(b)
	if err != nil {
		return false, err
	}
	if yes, ok := v.(types.Bool); ok {
		return bool(yes), nil
	}
	return false, fmt.Errorf("a condition gave %s, not a bool", v.Type().TypeName())
}

// label tells expressions apart that the matcher may share: the text and the
// values of the parameters in it.
func (e *expr) label() string {
	if len(e.params) == 0 {
		return e.text
	}
	parts := make([]string, len(e.params))
	for i, p := range e.params {
		v, _ := e.scope.params.get(p)
		// the type belongs to it: n / 2 is another number for an int than for a decimal
		parts[i] = fmt.Sprintf("%s = %s %s", p, e.scope.paramType(p), show(v))
	}
	return e.text + " [" + strings.Join(parts, ", ") + "]"
}

// paramType is the type of a parameter of the pack.
func (s *scope) paramType(name string) string {
	return s.env.provider.records[s.params.typ.TypeName()].fields[name].String()
}

// fn is the expression as a function of the matcher.
func (e *expr) fn() rete.Func {
	return rete.Func{Label: e.label(), Reads: e.reads, Timed: e.timed, Until: e.untilFn()}
}

// testFn is the expression as a test of the matcher.
func (e *expr) testFn() rete.Func {
	f := e.fn()
	f.Test = func(env rete.Env) (bool, error) { return e.test(env) }
	return f
}

// valueFn is the expression as a value of the matcher.
func (e *expr) valueFn() rete.Func {
	f := e.fn()
	f.Value = func(env rete.Env) (any, error) { return e.value(env) }
	return f
}

// activation shows CEL the names of a match.
//
// CEL asks for a name when it needs it, so that a fact that a short circuit skips is
// never wrapped.
type activation struct {
	b     bindings
	scope *scope
}

// Parent is none: everything is in one place.
func (a activation) Parent() cel.Activation { return nil }

// ResolveName finds a fact, a value, the clock or the parameters.
func (a activation) ResolveName(text string) (any, bool) {
	n, ok := a.scope.find(text)
	switch {
	case !ok && text == "now":
		return a.b.Now(), true
	case !ok && text == "params" && a.scope.params != nil:
		return a.scope.params, true
	case !ok:
		return nil, false
	case n.fact != "":
		f, ok := a.b.Fact(text)
		return a.scope.env.fact(f, text), ok
	}
	v, ok := a.b.Value(text)
	if v == rete.Absent {
		return absentError(text), ok
	}
	if v == nil {
		return types.NullValue, ok
	}
	return n.typed(v), ok
}

// fact is a fact as CEL sees it.
func (e *environment) fact(f rete.Fact, as string) *record {
	r := &record{get: f.Get, adapt: e.provider, name: as, typ: cel.DynType}
	if t, ok := e.provider.records[f.Type()]; ok {
		r.typ = t.cel
	}
	return r
}

// sortedRefs orders reads and drops doubles; reading a whole fact covers its
// fields.
func sortedRefs(refs []rete.Ref) []rete.Ref {
	sort.Slice(refs, func(i, j int) bool {
		return refs[i].Name < refs[j].Name || refs[i].Name == refs[j].Name && refs[i].Field < refs[j].Field
	})
	var out []rete.Ref
	for _, r := range refs {
		if n := len(out); n > 0 && out[n-1].Name == r.Name && (out[n-1].Field == r.Field || out[n-1].Field == "") {
			continue
		}
		out = append(out, r)
	}
	return out
}
