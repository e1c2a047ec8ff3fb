package rule

import (
	"sort"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"

	"github.com/trimtab/trimtab/rete"
)

// reads is what a syntax tree looks at.
//
// A loop variable hides a name of the rule inside its loop. What is counted in
// hidden are the loops around, since they nest and may use one name twice.
type reads struct {
	scope  *scope
	hidden map[string]int // loop variables, which shadow names
	refs   []rete.Ref
	params []string
	timed  bool
	loops  bool
}

// readsOf finds what an expression looks at, each thing once and in order.
func readsOf(root ast.Expr, s *scope) reads {
	r := reads{scope: s, hidden: map[string]int{}}
	r.walk(root)
	r.refs = sortedRefs(r.refs)
	sort.Strings(r.params)
	r.params = dedup(r.params)
	return r
}

// dedup drops repetitions from a sorted list.
func dedup(sorted []string) []string {
	var out []string
	for _, s := range sorted {
		if len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return out
}

// walk notes every name. A field is noted as that field alone: that is what keeps
// a rule asleep when other fields change.
func (r *reads) walk(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		r.read(e.AsIdent(), "")
	case ast.SelectKind:
		sel := e.AsSelect()
		r.field(sel.Operand(), sel.FieldName())
	case ast.CallKind:
		r.call(e.AsCall())
	case ast.ComprehensionKind:
		r.loop(e.AsComprehension())
	default:
		for _, c := range children(e) {
			r.walk(c)
		}
	}
}

// field notes x.f as a read of that field alone.
func (r *reads) field(operand ast.Expr, field string) {
	if operand.Kind() == ast.IdentKind {
		r.read(operand.AsIdent(), field)
		return
	}
	r.walk(operand)
}

// call knows x.?f, which is a call to CEL, for the field that it reads.
func (r *reads) call(c ast.CallExpr) {
	args := c.Args()
	if c.FunctionName() == "_?._" && len(args) == 2 && args[1].Kind() == ast.LiteralKind {
		if field, ok := args[1].AsLiteral().(types.String); ok {
			r.field(args[0], string(field))
			return
		}
	}
	if c.IsMemberFunction() {
		r.walk(c.Target())
	}
	for _, a := range args {
		r.walk(a)
	}
}

// loop walks a comprehension: its variables hide names of the rule inside.
func (r *reads) loop(c ast.ComprehensionExpr) {
	r.loops = true
	r.walk(c.IterRange())
	r.walk(c.AccuInit())
	vars := []string{c.IterVar(), c.IterVar2(), c.AccuVar()}
	r.hide(vars, 1)
	r.walk(c.LoopCondition())
	r.walk(c.LoopStep())
	r.hide(vars, -1)
	r.hide(vars[2:], 1)
	r.walk(c.Result())
	r.hide(vars[2:], -1)
}

// hide enters and leaves the scope of loop variables; loops nest, so it counts.
func (r *reads) hide(vars []string, by int) {
	for _, v := range vars {
		r.hidden[v] += by
	}
}

// read notes the use of a name.
func (r *reads) read(text, field string) {
	if r.hidden[text] > 0 {
		return
	}
	n, ok := r.scope.find(text)
	switch {
	case ok && n.fact != "":
		r.refs = append(r.refs, rete.Ref{Name: text, Field: field})
	case ok:
		r.refs = append(r.refs, rete.Ref{Name: text})
	case text == "now":
		r.timed = true
	case text == "params":
		r.params = append(r.params, field)
	}
}

// children are the direct parts of an expression.
func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			return append([]ast.Expr{c.Target()}, c.Args()...)
		}
		return c.Args()
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var out []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			out = append(out, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return out
	case ast.StructKind:
		var out []ast.Expr
		for _, f := range e.AsStruct().Fields() {
			out = append(out, f.AsStructField().Value())
		}
		return out
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}
	}
	return nil
}

// visit calls do for an expression and everything in it.
func visit(e ast.Expr, do func(ast.Expr)) {
	do(e)
	for _, c := range children(e) {
		visit(c, do)
	}
}

// offsetOf is where an expression begins in the text, in characters.
func offsetOf(info *ast.SourceInfo, id int64) int {
	if r, ok := info.GetOffsetRange(id); ok {
		return int(r.Start)
	}
	return 0
}

// offsetAt is the character at a line (from 1) and column (from 0).
func offsetAt(text string, line, col int) int {
	offset := 0
	for i, l := range strings.Split(text, "\n") {
		if i == line-1 {
			return offset + col
		}
		offset += len([]rune(l)) + 1
	}
	return offset
}

// unparse writes an expression as text; where it cannot, the whole is named.
func unparse(e ast.Expr, info *ast.SourceInfo, whole string) string {
	text, err := parser.Unparse(e, info, parser.WrapOnColumn(1<<20))
	if err != nil {
		return whole
	}
	return text
}

// conjuncts splits a && b && c.
func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "_&&_" {
		var out []ast.Expr
		for _, a := range e.AsCall().Args() {
			out = append(out, conjuncts(a)...)
		}
		return out
	}
	return []ast.Expr{e}
}

// selection takes x.f apart; a presence test is none.
func selection(e ast.Expr) (operand, field string, ok bool) {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() || e.AsSelect().Operand().Kind() != ast.IdentKind {
		return "", "", false
	}
	return e.AsSelect().Operand().AsIdent(), e.AsSelect().FieldName(), true
}
