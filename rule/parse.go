package rule

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/parser"
)

// newParser is CEL's quick parser, with the limits and macros of an environment.
//
// CEL has two parsers and makes its environments with the slower one, which was a
// third of what loading packs cost. TestParsersAgree holds the two together.
func newParser(env *cel.Env) (*parser.Parser, error) {
	p, err := parser.NewParser(
		parser.EnablePrattParser(true), parser.EnableOptionalSyntax(true), parser.PopulateMacroCalls(true), parser.Macros(env.Macros()...),
		parser.ExpressionSizeCodePointLimit(maxExpression), parser.MaxRecursionDepth(maxNesting), parser.MaxExpressionNodeCount(maxNodes),
	)
	if err != nil {
		return nil, fmt.Errorf("CEL parser: %w", err)
	}
	return p, nil
}

// parseText gives the tree of a text.
//
// What the quick parser refuses is left to the other: the messages of authors'
// mistakes are made of its words (fault.go).
func (e *environment) parseText(text string) (*cel.Ast, *cel.Issues) {
	tree, said := e.parser.Parse(common.NewTextSource(text))
	if tree == nil || len(said.GetErrors()) > 0 {
		return e.base.Parse(text)
	}
	// CEL wraps only trees that it has read itself, so an empty one is filled.
	out := cel.ParsedExprToAst(nil)
	*out.NativeRep() = *tree
	return out, nil
}
