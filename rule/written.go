package rule

import (
	"fmt"
	"regexp"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// literalHints are the functions that make a value of a text, each with how the
// text is written. CEL would find out what is wrong with it when the rule runs,
// once for every fact; it is as wrong when the pack is loaded.
var literalHints = map[string]string{
	"timestamp": "write it as 2026-11-20T10:00:00Z",
	"duration":  "write it as 90s, 1h30m or 720h",
	"decimal":   "", // its own errors say what is wrong
	"money":     "",
	"int":       "write it as 3",
	"double":    "write it as 0.5",
}

// checkLiterals reports texts written in the expression of which no value can be
// made, such as timestamp("noon") and patterns that are no regular expressions.
func (e *expr) checkLiterals(report reporter) bool {
	good := true
	// The checked tree, whose functions are known by then; only calls can make values.
	visit(e.checked.Expr(), func(x ast.Expr) {
		if x.Kind() != ast.CallKind {
			return
		}
		c := x.AsCall()
		text, arg, ok := lastText(c)
		if !ok {
			return
		}
		if f := e.literalFault(c, x, text); f != nil {
			good = false
			report(offsetOf(e.checked.SourceInfo(), arg.ID()), *f)
		}
	})
	return good
}

// lastText is the last argument of a call, if it is a text.
func lastText(c ast.CallExpr) (string, ast.Expr, bool) {
	if len(c.Args()) == 0 {
		return "", nil, false
	}
	arg := c.Args()[len(c.Args())-1]
	if arg.Kind() != ast.LiteralKind {
		return "", nil, false
	}
	text, ok := arg.AsLiteral().(types.String)
	return string(text), arg, ok
}

// literalFault is what is wrong with the text of a call, nil if nothing is.
func (e *expr) literalFault(c ast.CallExpr, call ast.Expr, text string) *fault {
	// Go's own compiler, since CEL uses the same when it runs.
	if c.FunctionName() == "matches" && c.IsMemberFunction() {
		if _, err := regexp.Compile(text); err != nil {
			return &fault{message: fmt.Sprintf("%q is no regular expression", text), hint: err.Error()}
		}
		return nil
	}
	hint, ok := literalHints[c.FunctionName()]
	// A method of the same name, or one with more arguments, means something else.
	if !ok || len(c.Args()) != 1 || c.IsMemberFunction() {
		return nil
	}
	part := e.part(call)
	// It needs no facts: the call is a function of a text alone.
	if _, err := part.eval(noBindings{}); err != nil {
		if hint == "" {
			return &fault{message: err.Error()}
		}
		return &fault{message: fmt.Sprintf("%q is no %s", text, c.FunctionName()), hint: hint}
	}
	return nil
}
