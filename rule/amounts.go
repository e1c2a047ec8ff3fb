package rule

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// Authors write vm.monthly_cost * 0.2 and x.amount == 5. The two rewritings
// below make exact decimals of such operands, so that the values' own methods
// see decimals only.

// alignEqualities rewrites x == 5 to x == decimal(5) where x is evidently a
// decimal: CEL's == takes two operands of one type. It runs before the check and
// therefore only sees fields, decimal(…) and arithmetic among them.
func alignEqualities(tree *ast.AST, s *scope) {
	ids := ast.MaxID(tree)
	visit(tree.Expr(), func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		c := e.AsCall()
		if f := c.FunctionName(); f != "_==_" && f != "_!=_" || len(c.Args()) != 2 {
			return
		}
		for i, arg := range c.Args() {
			other := c.Args()[1-i]
			if s.evidentlyDecimal(arg) && isNumeral(other) {
				ids = wrap(other, ids)
			}
		}
	})
}

// evidentlyDecimal recognises decimals without a type check.
func (s *scope) evidentlyDecimal(e ast.Expr) bool {
	if operand, field, ok := selection(e); ok {
		return s.fieldType(operand, field) == decimalType
	}
	switch e.Kind() {
	case ast.IdentKind:
		n, ok := s.find(e.AsIdent())
		return ok && n.fact == "" && n.cel == decimalType
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() == "decimal" {
			return true
		}
		return strings.Contains("_+_ _-_ _*_ _/_ -_", c.FunctionName()) && len(c.Args()) > 0 && s.evidentlyDecimal(c.Args()[0])
	}
	return false
}

// fieldType is the type of a field of a named fact, nil if there is none.
func (s *scope) fieldType(operand, field string) *types.Type {
	if n, ok := s.find(operand); ok {
		if r, ok := s.env.provider.records[n.fact]; ok {
			return r.fields[field]
		}
	}
	return nil
}

// isNumeral recognises 5, 0.2 and -1.
func isNumeral(e ast.Expr) bool {
	if e.Kind() != ast.LiteralKind {
		return false
	}
	switch e.AsLiteral().(type) {
	case types.Int, types.Double:
		return true
	}
	return false
}

// wrap makes decimal(e) of e in place and gives the new highest id.
func wrap(e ast.Expr, ids int64) int64 {
	fac := ast.NewExprFactory()
	inner := fac.NewUnspecifiedExpr(ids + 1)
	inner.SetKindCase(e)
	e.SetKindCase(fac.NewCall(ids+1, "decimal", inner))
	return ids + 1
}

// alignAmounts rewrites operations of an amount with an int or a double so that
// both are amounts. A double is taken for the decimal it is written as, which is
// exact for numerals and parameters only: money times a double that was computed,
// or read from a fact, is refused.
//
// A comparison is let pass with any double: which of the two is larger does not get
// less exact by an amount being one of them.
func alignAmounts(tree *ast.AST, text string, report reporter) bool {
	good, ids := true, ast.MaxID(tree)
	visit(tree.Expr(), func(e ast.Expr) {
		if e.Kind() != ast.CallKind || !isMixed(tree, e.ID()) {
			return
		}
		c := e.AsCall()
		for _, arg := range c.Args() {
			t := tree.GetType(arg.ID())
			if isAmount(t) {
				continue
			}
			if t.Kind() == types.DoubleKind && !written(arg) && !isComparison(c.FunctionName()) {
				good = false
				report(offsetOf(tree.SourceInfo(), arg.ID()), inexact(arg, tree, text))
				continue
			}
			ids = wrapChecked(tree, arg, t, ids)
		}
	})
	return good
}

// alignInequalities rewrites a != b among amounts of money to !(a == b): CEL
// takes an error of == for "not equal", and two currencies would pass for that.
func alignInequalities(tree *ast.AST) {
	ids := ast.MaxID(tree)
	visit(tree.Expr(), func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "_!=_" || tree.GetType(e.AsCall().Args()[0].ID()) != moneyType {
			return
		}
		ids++
		fac := ast.NewExprFactory()
		equal := fac.NewCall(ids, "_==_", e.AsCall().Args()...)
		tree.SetType(ids, types.BoolType)
		tree.SetReference(ids, ast.NewFunctionReference("equals"))
		tree.SetReference(e.ID(), ast.NewFunctionReference("logical_not"))
		e.SetKindCase(fac.NewCall(e.ID(), "!_", equal))
	})
}

// written recognises 0.2, -0.2 and params.x.
func written(e ast.Expr) bool {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "-_" {
		return written(e.AsCall().Args()[0])
	}
	operand, _, ok := selection(e)
	return isNumeral(e) || ok && operand == "params"
}

// inexact says what to write instead.
func inexact(arg ast.Expr, tree *ast.AST, text string) fault {
	src := unparse(arg, tree.SourceInfo(), text)
	return fault{
		message: "a computed double is not exact enough for an amount",
		hint:    fmt.Sprintf("write decimal(%s), or declare it a decimal", src),
	}
}

// isMixed recognises the overloads in which one operand is no amount.
func isMixed(tree *ast.AST, id int64) bool {
	r, ok := tree.ReferenceMap()[id]
	return ok && len(r.OverloadIDs) == 1 && strings.HasPrefix(r.OverloadIDs[0], mixed)
}

// isComparison recognises < and its kin, not == and !=.
func isComparison(op string) bool { return op == "_<_" || op == "_<=_" || op == "_>_" || op == "_>=_" }

// wrapChecked is wrap for a tree that has its types already.
func wrapChecked(tree *ast.AST, e ast.Expr, t *types.Type, ids int64) int64 {
	ids = wrap(e, ids)
	inner := e.AsCall().Args()[0]
	tree.SetType(inner.ID(), t)
	if r, ok := tree.ReferenceMap()[e.ID()]; ok {
		tree.SetReference(inner.ID(), r)
	}
	tree.SetType(e.ID(), decimalType)
	tree.SetReference(e.ID(), ast.NewFunctionReference("decimal_"+t.TypeName()))
	if at, ok := tree.SourceInfo().GetOffsetRange(e.ID()); ok {
		tree.SourceInfo().SetOffsetRange(inner.ID(), at)
	}
	return ids
}

// constant reports whether an expression has the same value for every fact:
// literals, parameters and what is computed from them.
func constant(e ast.Expr) bool {
	fixed := true
	visit(e, func(x ast.Expr) {
		if x.Kind() == ast.IdentKind && x.AsIdent() != "params" || x.Kind() == ast.ComprehensionKind {
			fixed = false
		}
	})
	return fixed
}

// refuseStructs reports Type{…}: facts are made by actions only.
func refuseStructs(tree *ast.AST, text string, report reporter) bool {
	good := true
	visit(tree.Expr(), func(e ast.Expr) {
		if e.Kind() == ast.StructKind {
			good = false
			report(offsetOf(tree.SourceInfo(), e.ID()), fault{message: "facts cannot be made inside an expression"})
		}
	})
	return good
}
