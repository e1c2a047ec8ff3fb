package rule

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Operation is an operator, function or macro of expressions. A dyn value goes
// wherever a type is asked for.
type Operation struct {
	Name        string   `json:"name"` // as it is written: ==, startsWith, math.abs
	Description string   `json:"description"`
	Types       []string `json:"types"` // of its first operand, or of what it is called on
	Forms       []Form   `json:"forms"`
}

// Form is one way to write an operation.
type Form struct {
	Args    []string `json:"args"`   // types; A, B … stand for any. Empty for a macro, whose arguments are expressions
	Result  string   `json:"result"` // "" for a macro
	Method  bool     `json:"method"` // called on its first operand: x.f(y)
	Example string   `json:"example"`
}

// operations are everything that the environment knows, by their names: what CEL
// or an extension adds is there by itself.
func (e *environment) operations() (ops, functions, macros []Operation) {
	for _, name := range sortedKeys(e.base.Functions()) {
		f := e.base.Functions()[name]
		if f.IsDeclarationDisabled() || strings.Contains(strings.TrimPrefix(name, operators.In), "@") {
			continue // an alias, or what a macro becomes
		}
		op := operation(f)
		switch _, isOperator := operators.FindReverse(name); {
		case len(op.Forms) == 0: // of numbers without a sign, which the language has not
		case isOperator:
			ops = withOperator(ops, op)
		default:
			functions = append(functions, op)
		}
	}
	return ops, functions, e.macros()
}

// withOperator adds an operator; one sign with one operand and with two is one operator.
func withOperator(ops []Operation, op Operation) []Operation {
	i := slices.IndexFunc(ops, func(o Operation) bool { return o.Name == op.Name })
	if i < 0 {
		return append(ops, op)
	}
	o := &ops[i]
	o.Description, o.Forms, o.Types = op.Description+"; "+o.Description, append(op.Forms, o.Forms...), append(o.Types, op.Types...)
	slices.Sort(o.Types)
	o.Types = slices.Compact(o.Types)
	return ops
}

// operation is a function with those of its forms that the language's types reach.
func operation(f *decls.FunctionDecl) Operation {
	op := Operation{Name: symbol(f.Name()), Description: oneLine(f.Description()), Types: []string{}}
	if words, ok := operationDocs[op.Name]; ok {
		op.Description = words
	}
	for _, o := range f.OverloadDecls() {
		if slices.ContainsFunc(append(slices.Clone(o.ArgTypes()), o.ResultType()), unsigned) {
			continue
		}
		form := Form{Args: []string{}, Result: typeName(o.ResultType()), Method: o.IsMemberFunction(), Example: example(f.Name(), o)}
		for _, t := range o.ArgTypes() {
			form.Args = append(form.Args, typeName(t))
		}
		op.Forms = append(op.Forms, form)
		if len(o.ArgTypes()) > 0 {
			op.Types = append(op.Types, reached(o.ArgTypes()[0])...)
		}
	}
	slices.Sort(op.Types)
	op.Types = slices.Compact(op.Types)
	return op
}

// unsigned recognises types of which the language has no values.
func unsigned(t *types.Type) bool {
	return t.Kind() == types.UintKind || slices.ContainsFunc(t.Parameters(), unsigned)
}

// reached are the kinds of values that an operand can have.
func reached(t *types.Type) []string {
	switch t.Kind() {
	case types.TypeParamKind:
		return kindNames
	case types.ListKind:
		return []string{kindNames[kindList]}
	case types.MapKind:
		return []string{kindNames[kindMap]}
	}
	return []string{typeName(t)}
}

// symbol is how an operation is written: CEL has names of its own for operators.
func symbol(name string) string {
	if s, ok := operators.FindReverse(name); ok && s != "" {
		return s
	}
	if name == operators.OptSelect {
		return ".?" // as it is written, not as CEL calls it
	}
	return strings.ReplaceAll(name, "_", "")
}

// macros are what the parser expands.
func (e *environment) macros() []Operation {
	byName := map[string]*Operation{}
	for _, m := range e.base.Macros() {
		written, name := macroExamples[m.MacroKey()], m.Function()
		op := byName[name]
		if op == nil {
			op = &Operation{Name: name, Description: operationDocs[name], Types: []string{}}
			if d, ok := m.(interface{ Documentation() *common.Doc }); ok && op.Description == "" {
				op.Description = oneLine(d.Documentation().Description)
			}
			byName[name] = op
		}
		for _, t := range written.types {
			if !slices.Contains(op.Types, t) {
				op.Types = append(op.Types, t)
			}
		}
		op.Forms = append(op.Forms, Form{Args: []string{}, Method: m.IsReceiverStyle(), Example: written.text})
	}
	var out []Operation
	for _, name := range sortedKeys(byName) {
		out = append(out, *byName[name])
	}
	return out
}

// oneLine is a description without its line ends.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// example writes an operation with a value of each type.
func example(name string, o *decls.OverloadDecl) string {
	if written, ok := ownExamples[name]; ok {
		return written
	}
	args := make([]string, len(o.ArgTypes()))
	for i, t := range o.ArgTypes() {
		args[i] = sample(t)
		// Texts of which the operation makes a value must be such.
		if text, ok := readTexts[name]; ok && t.Kind() == types.StringKind && (i > 0 || !o.IsMemberFunction()) {
			args[i] = text
		}
	}
	switch {
	case len(args) == 2 && (name == operators.Index || name == operators.OptIndex):
		return args[0] + strings.Replace(strings.Trim(name, "_"), "_", args[1], 1)
	case name == operators.Conditional:
		return args[0] + " ? " + args[1] + " : " + args[2]
	case o.IsMemberFunction():
		return args[0] + "." + name + "(" + strings.Join(args[1:], ", ") + ")"
	}
	if _, isOperator := operators.FindReverse(name); !isOperator {
		return name + "(" + strings.Join(args, ", ") + ")"
	}
	if len(args) == 1 {
		return symbol(name) + args[0]
	}
	return args[0] + " " + symbol(name) + " " + args[1]
}

// ownExamples are of operations whose operands need more than a type.
var ownExamples = map[string]string{operators.OptSelect: `{"a": 1}.?a`, "format": `"%d of %s".format([1, "a"])`}

// sample is a value of a type.
func sample(t *types.Type) string {
	switch t.Kind() {
	case types.ListKind:
		return "[" + sample(t.Parameters()[0]) + "]"
	case types.MapKind:
		return "{" + sample(t.Parameters()[0]) + ": " + sample(t.Parameters()[1]) + "}"
	case types.TypeParamKind:
		return "1"
	}
	if isOptional(t) {
		return "optional.of(" + sample(t.Parameters()[0]) + ")"
	}
	return samples[typeName(t)]
}

// samples are values by type.
var samples = map[string]string{
	"bool": "true", "int": "1", "double": "1.5", "string": `"a"`, "bytes": `b"a"`, "dyn": "dyn(1)", "decimal": `decimal("1.5")`, "money": `money("30.00 USD")`,
	"timestamp": `timestamp("2026-11-20T10:00:00Z")`, "duration": `duration("720h")`,
}

// readTexts are texts that an operation reads.
var readTexts = map[string]string{
	"timestamp": `"2026-11-20T10:00:00Z"`, "duration": `"720h"`, "decimal": `"1.5"`, "money": `"30.00 USD"`, "bool": `"true"`, "int": `"1"`, "double": `"1.5"`,
	"getDate": `"UTC"`, "getDayOfMonth": `"UTC"`, "getDayOfWeek": `"UTC"`, "getDayOfYear": `"UTC"`, "getFullYear": `"UTC"`, "getHours": `"UTC"`,
	"getMilliseconds": `"UTC"`, "getMinutes": `"UTC"`, "getMonth": `"UTC"`, "getSeconds": `"UTC"`,
}

// macroExample is a macro with the kinds of values that it is called on.
type macroExample struct {
	text  string
	types []string
}

// macroExamples are the macros as they are written, by CEL's keys; a test compiles
// each and finds none missing.
var macroExamples = map[string]macroExample{
	"has:1:false":       {`has({"a": 1}.a)`, nil},
	"all:2:true":        {"[1, 2].all(x, x > 0)", []string{"list", "map"}},
	"exists:2:true":     {"[1, 2].exists(x, x > 1)", []string{"list", "map"}},
	"exists_one:2:true": {"[1, 2].exists_one(x, x > 1)", []string{"list", "map"}},
	"map:2:true":        {"[1, 2].map(x, x * 2)", []string{"list", "map"}},
	"map:3:true":        {"[1, 2].map(x, x > 1, x * 2)", []string{"list", "map"}},
	"filter:2:true":     {"[1, 2].filter(x, x > 1)", []string{"list", "map"}},
	"optMap:2:true":     {"optional.of(1).optMap(x, x + 1)", []string{"optional_type"}},
	"optFlatMap:2:true": {"optional.of(1).optFlatMap(x, optional.of(x))", []string{"optional_type"}},
	"least:*:true":      {"math.least(1, 2)", []string{"double", "int"}},
	"greatest:*:true":   {"math.greatest(1, 2)", []string{"double", "int"}},
}

// operationDocs say what operations do of which CEL itself says nothing, or nothing
// that fits here.
var operationDocs = map[string]string{
	"decimal": "An exact number, of a text or a number.", "money": `An amount with its currency, of a text, or of a decimal and a currency.`,
	"amount": "The amount without its currency, as a decimal.", "currency": "The currency of an amount.",
	"timestamp": "A moment, of a text in RFC 3339 or of seconds since 1970.", "duration": "A length of time, of a text as 720h.",
	".?": "A field that may be absent, as an optional value.", "[?]": "An element that may be absent, as an optional value.", "[]": "An element of a list, or the value of a key.",
	"?:": "One of two values, by a condition.", "has": "Whether a field or a key is there.",
	"charAt": "The character at a position, from 0.", "format": "A text with %s, %d, %.2f and so on replaced by the values of a list.",
	"indexOf": "Where a text is found first; -1 if it is not.", "lastIndexOf": "Where a text is found last; -1 if it is not.",
	"join": "The texts of a list, one after the other, with a separator.", "split": "The parts of a text between separators.",
	"lowerAscii": "The text in small letters (ASCII).", "upperAscii": "The text in capitals (ASCII).", "replace": "The text with one part replaced by another, wherever or so many times.",
	"reverse": "The text backwards.", "strings.quote": "The text in quotes, escaped.", "substring": "The part from a position, or between two.", "trim": "The text without space around it.",
	"math.abs": "The size of a number without its sign.", "math.ceil": "The next whole number above.", "math.floor": "The next whole number below.",
	"math.round": "The nearest whole number, halves away from zero.", "math.trunc": "The number without its fraction.", "math.sign": "-1, 0 or 1.", "math.sqrt": "The square root.",
	"math.isNaN": "Whether it is no number.", "math.isInf": "Whether it is infinite.", "math.isFinite": "Whether it is a number and finite.",
	"math.bitAnd": "The bits that both have.", "math.bitOr": "The bits that one of both has.", "math.bitXor": "The bits that only one has.", "math.bitNot": "The other bits.",
	"math.bitShiftLeft": "The bits moved up.", "math.bitShiftRight": "The bits moved down.",
	"sets.contains": "Whether the first list has all elements of the second.", "sets.equivalent": "Whether both lists have the same elements.",
	"sets.intersects": "Whether the lists have an element in common.",
	"least":           "The smallest of several numbers.", "greatest": "The greatest of several numbers.",
}
