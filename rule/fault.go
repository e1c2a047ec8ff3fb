package rule

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// What CEL's checker says, in its words.
//
// The wording belongs to a version of CEL. Should one change, the message comes
// through as CEL has it, less helpful and still true; the golden files of
// testdata/bad notice.
var (
	saysUndeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	saysNoField    = regexp.MustCompile(`^undefined field '([^']*)'`)
	saysNoSelect   = regexp.MustCompile(`^type '([^']*)' does not support field selection`)
	saysNoOverload = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*?)\((.*)\)'`)
)

// explain reports CEL's faults in the words of a rule author. tree is nil when
// the text could not even be parsed.
func (s *scope) explain(text string, tree *ast.AST, issues *cel.Issues, report reporter) {
	said := map[string]bool{}
	for _, e := range issues.Errors() {
		// CEL counts lines and columns of the expression, a diagnostic counts from its start.
		offset := offsetAt(text, e.Location.Line(), e.Location.Column())
		f := s.faultOf(text, tree, e)
		// CEL may say a thing more than once; an author needs it once.
		key := fmt.Sprint(offset, f.message)
		if said[key] {
			continue
		}
		said[key] = true
		report(offset, f)
	}
}

// faultOf puts one of CEL's messages into a rule author's words; what it does not
// know stays as it is.
func (s *scope) faultOf(text string, tree *ast.AST, e *common.Error) fault {
	if m := saysUndeclared.FindStringSubmatch(e.Message); m != nil {
		return s.undeclared(text, strings.TrimPrefix(m[1], "."))
	}
	if m := saysNoField.FindStringSubmatch(e.Message); m != nil {
		return s.noField(m[1], tree, e.ExprID)
	}
	if m := saysNoSelect.FindStringSubmatch(e.Message); m != nil {
		return fault{message: withArticle(m[1]) + " has no fields"}
	}
	if m := saysNoOverload.FindStringSubmatch(e.Message); m != nil {
		return noOverload(m[1], strings.TrimSuffix(m[2], "."), m[3])
	}
	if strings.Contains(e.Message, "token recognition error at: '='") || strings.Contains(e.Message, "token recognition error at: '= '") {
		return fault{message: "= means nothing in an expression", hint: "== compares"}
	}
	return fault{message: strings.TrimSpace(e.Message)}
}

// undeclared explains a name that is not known, or not yet.
func (s *scope) undeclared(text, what string) fault {
	if why, ok := s.unbound[what]; ok {
		return fault{message: why, hint: "bind it in every branch, or use it inside of the branch"}
	}
	// Before the nearest name: the right one is there, only further down.
	if line, ok := s.later[what]; ok {
		return fault{message: fmt.Sprintf("%q is used before anything binds it; line %d does", what, line)}
	}
	f := fault{message: fmt.Sprintf("unknown name %q", what)}
	f.nearest = strictyaml.Nearest(what, s.known())
	switch {
	case f.nearest != "":
	case what == "params":
		f.hint = "the pack declares no params"
	case strings.TrimSpace(text) == what:
		f.hint = fmt.Sprintf("a text is written with quotes of its own: '%q'", what)
	}
	return f
}

// known are all names an expression may use here.
func (s *scope) known() []string {
	out := []string{"now"}
	if s.params != nil {
		out = append(out, "params")
	}
	for _, n := range s.names {
		out = append(out, n.name)
	}
	for f := range s.env.base.Functions() {
		// Operators are functions too, under names that nobody writes.
		if isIdent(f) {
			out = append(out, f)
		}
	}
	return out
}

// noField explains x.f where x has no f.
func (s *scope) noField(field string, tree *ast.AST, id int64) fault {
	record := s.recordAt(tree, id)
	if record == nil {
		return fault{message: fmt.Sprintf("no field %q", field)}
	}
	f := fault{message: fmt.Sprintf("%s has no field %q", record.cel.TypeName(), field)}
	if f.nearest = strictyaml.Nearest(field, record.order); f.nearest == "" {
		f.hint = "it has " + strings.Join(record.order, ", ")
	}
	return f
}

// recordAt is the record whose field the expression with an id selects, if it
// is named directly.
func (s *scope) recordAt(tree *ast.AST, id int64) *recordType {
	var found *recordType
	if tree == nil {
		return nil
	}
	visit(tree.Expr(), func(e ast.Expr) {
		if e.ID() != id || e.Kind() != ast.SelectKind || e.AsSelect().Operand().Kind() != ast.IdentKind {
			return
		}
		operand := e.AsSelect().Operand().AsIdent()
		if n, ok := s.find(operand); ok {
			found = s.env.provider.records[n.fact]
		} else if operand == "params" && s.params != nil {
			found = s.env.provider.records[s.params.typ.TypeName()]
		}
	})
	return found
}

// opNames are the operators as authors write them.
var opNames = map[string]string{"_[_]": "[ ]", "_?_:_": "? :", "-_": "-", "!_": "!", "@in": "in"}

// noOverload explains an operator or function that does not take its operands.
func noOverload(function, receiver, args string) fault {
	op, ok := opNames[function]
	if !ok {
		op = strings.Trim(function, "_")
	}
	list := strings.Split(args, ", ")
	if receiver != "" {
		list = append([]string{receiver}, list...)
	}
	f := fault{message: fmt.Sprintf("%s does not apply to %s", op, strings.Join(list, " and "))}
	if len(list) == 2 {
		f.hint = overloadHint(op, list[0], list[1])
	}
	return f
}

// overloadHint says what to write for the pairs of types that are mixed most.
func overloadHint(op, a, b string) string {
	pair := func(x, y string) bool { return a == x && b == y || a == y && b == x }
	switch {
	case pair("int", "double"):
		return "write 2.0 rather than 2, or double(…) around the int"
	case pair("money", "int"), pair("money", "double"), pair("money", "decimal"):
		return `an amount has a currency: money("30.00 USD")`
	case pair("money", "string"), pair("decimal", "string"):
		if op == "+" {
			return "write string(…) around the amount"
		}
		return map[bool]string{true: `write money("30.00 USD")`, false: `write decimal("0.2")`}[a == "money" || b == "money"]
	case pair("timestamp", "string"), pair("duration", "string"):
		return `write timestamp("2026-11-20T10:00:00Z") or duration("720h")`
	case pair("string", "int"), pair("string", "double"), pair("string", "bool"):
		if op == "+" {
			return "write string(…) around it"
		}
	}
	return ""
}

// at reports faults of an expression at its place in the file.
func at(n strictyaml.Node) reporter {
	return func(offset int, f fault) {
		d := n.ErrorfAt(offset, "%s", f.message)
		d.Nearest, d.Hint = f.nearest, f.hint
	}
}

// withArticle puts a or an before a type.
func withArticle(typ string) string {
	if typ != "" && strings.Contains("aeio", typ[:1]) {
		return "an " + typ
	}
	return "a " + typ
}

// typeName writes a CEL type as rule files do.
func typeName(t *types.Type) string {
	switch t.Kind() {
	case types.TimestampKind:
		return "timestamp"
	case types.DurationKind:
		return "duration"
	case types.ListKind:
		return "list(" + typeName(t.Parameters()[0]) + ")"
	case types.MapKind:
		return "map(" + typeName(t.Parameters()[0]) + ", " + typeName(t.Parameters()[1]) + ")"
	case types.NullTypeKind:
		return "null"
	}
	return t.TypeName()
}
