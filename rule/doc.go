// Package rule turns rule packs into what the matcher runs, and tells what
// follows from the facts.
//
// A pack is YAML; every expression in it is CEL (https://cel.dev). [Load] reads
// packs, checks everything and says all that is wrong in one go, each mistake
// with file, line, column and, for a misspelling, the nearest name. What it
// gives is a [Set], immutable and shared; a [Session] is one working memory for
// a set:
//
//	set, err := rule.Load(rule.Options{Files: files, Params: params})
//	session, err := set.NewSession(rule.SessionOptions{})
//	err = session.SetClock(now)
//	err = session.Assert("Resource", map[string]any{"id": "i-1", "monthly_cost": "30.00 USD"})
//	outcome, err := session.Run(ctx)
//
// # How a rule becomes a production
//
// The conjuncts of a where that compare a field with a constant, or with a
// field bound before, become data that the matcher indexes. The rest are CEL
// functions with the exact list of the fields they read, so that a change of
// another field is never seen. Functions over the same names stay together in
// the order of the text, and the data tests of a pattern come first; so the
// matches are those of the whole condition, as a conjunct with an error beside a
// false one matches neither way. Parameters are constants.
//
// requires becomes a condition of the rule and a production of its own, which
// derives an Unevaluable for each subject without the evidence: then the answer
// is "unknown", which closes nothing.
//
// # Amounts
//
// decimal and money are types of their own, exact, and never mixed with binary
// fractions: a constant beside an amount is taken for the decimal it is written
// as, so vm.monthly_cost * 0.2 is a fifth (constants of up to 15 digits), and so
// is a parameter of type double; a double that was computed or read from a fact
// is refused until the author writes decimal(…) around it. Quotients are rounded
// half-even to 12 places. money / money is a decimal. m.amount() and
// m.currency() take money apart, money(d, "USD") makes it. Adding or comparing
// two currencies is an error that names both; x in […] finds only the same one.
//
// # Absent fields
//
// Reading a field that is not there, or a key that a map has not, is no match
// and counted; has(x.f) asks first. In an action an absent value leaves an
// optional field out and fails the action for a required one.
//
// # Time
//
// now stands only in comparisons that can expire. Whatever else needs the time
// matches the one fact of type Clock.
//
// # Loading
//
// Load goes over the packs three times, since a pack may use what a later one
// declares: heads, fact types and parameters first (pack.go, facttype.go), then
// what the deployment gives for the parameters, then the rules (ruletext.go,
// when.go, then.go). Rules are looked at together at the end (relate.go): what
// rests on what, and what nobody uses. A mistake leaves a placeholder behind, so
// that the rest is still checked; nothing is made of the packs while there is
// one. Texts of which no time, amount, number or pattern can be made are
// mistakes too (written.go), not errors of every run. Conditions are parsed ahead by a
// second goroutine (ahead.go), with the quicker of CEL's two parsers (parse.go).
//
// # Reloading
//
// A rule is the same rule while its text without tests, layout and comments is
// the same, the parameters in it have their values, and the fact types and
// parameters that it was checked against are declared as they were. Its matches
// then stand and nothing fires again. [Rule.Hash] is of text and parameter values
// alone. Facts of a type that is declared otherwise are not adopted: their values
// would be read as what they are not.
//
// # Errors
//
// Load gives diagnostics. Facts that are refused are errors with the code
// [trimtab.Invalid] that name type, field and value. A test that fails while
// matching is no match and one [RuleError] however often it fails in the same
// way; an action that fails undoes its firing, is a RuleError with the facts of
// the firing, and the run goes on unless [SessionOptions] say otherwise. A run
// without end stops at a limit and names the busiest rules.
//
// # What lint knows
//
// A when is a tree of checked conditions (condition.go) before it is anything of
// the matcher's (network.go). Whoever tells people about a rule walks the tree:
// coverage (cover.go, by trying every fact as naive.go does), lint (formula.go and
// solve.go reason about comparisons; one value out of every region that constants
// bound stands for all), tables (tablelint.go) and the fields that a rule cannot do
// without (needs.go).
//
// # Why, and why not
//
// [Session.Explain] walks the same tree over the facts, beginning at those of one
// resource (explainjudged.go, explainorder.go) and stopping as soon as it knows
// (explainwalk.go): in the author's words, which the network has not. Whether a rule
// matches, has fired and supports a conclusion is asked of the matcher
// (explainwhy.go); explainfail.go finds the first condition that lets nothing through.
//
// # Not there yet
//
// Reserved, and refused by name when a pack loads: window and within in a when,
// queries and states in a pack, event in a fact type. Of two conclusions of one
// recommendation the written priority decides which words it, not a computed one.
//
// Only this package knows CEL: others that need an expression are handed a
// function by [Expression].
package rule
