package rule

import (
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/trimtab/trimtab/rete"
)

// clockHint is what a use of now that cannot expire is answered with.
const clockHint = `now may only be compared, as in x.until > now or x.at < now - duration("720h"); ` +
	"for anything else match the clock: {match: Clock, as: c}, and read c.now"

// checkNow reports every use of now outside a comparison that can be turned
// into an expiry: now stands once, on one side, with nothing but an amount of
// time added or taken away. allowed is false where no comparison would help,
// as in the value of an action.
//
// Elsewhere now would make a rule true or false without any fact changing, at
// moments that nothing could foresee. A comparison changes at one instant.
func (e *expr) checkNow(allowed bool, report reporter) bool {
	if !e.timed {
		return true
	}
	good := true
	e.eachNow(e.checked.Expr(), allowed, func(at ast.Expr) {
		good = false
		report(offsetOf(e.checked.SourceInfo(), at.ID()), fault{message: "now cannot be used here", hint: clockHint})
	})
	return good
}

// eachNow calls bad for every use of now that no comparison makes an expiry. It
// does not look inside comparisons that do.
func (e *expr) eachNow(x ast.Expr, allowed bool, bad func(ast.Expr)) {
	if x.Kind() == ast.IdentKind && x.AsIdent() == "now" && e.isClock() {
		bad(x)
		return
	}
	if allowed && x.Kind() == ast.CallKind && isComparison(x.AsCall().FunctionName()) && expires(x.AsCall().Args()) {
		return
	}
	for _, c := range children(x) {
		e.eachNow(c, allowed, bad)
	}
}

// isClock reports whether now is the clock here, not a loop variable of the
// author's.
func (e *expr) isClock() bool {
	_, shadowed := e.scope.find("now")
	return !shadowed
}

// expires reports whether exactly one side moves with the clock.
func expires(sides []ast.Expr) bool {
	return shiftsNow(sides[0]) && !mentionsNow(sides[1]) || shiftsNow(sides[1]) && !mentionsNow(sides[0])
}

// shiftsNow recognises now, now ± e, e + now and e - now.
func shiftsNow(e ast.Expr) bool {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent() == "now"
	}
	if e.Kind() != ast.CallKind {
		return false
	}
	c := e.AsCall()
	if f := c.FunctionName(); f != "_+_" && f != "_-_" || len(c.Args()) != 2 {
		return false
	}
	return expires(c.Args())
}

// mentionsNow looks for now anywhere, also where a loop variable of that name hides
// it: then the author is asked to choose another.
func mentionsNow(e ast.Expr) bool {
	found := false
	visit(e, func(x ast.Expr) {
		found = found || x.Kind() == ast.IdentKind && x.AsIdent() == "now"
	})
	return found
}

// due are the comparisons of an expression that the clock decides, each with the
// side that moves.
type due struct{ moving, fixed fn[time.Time] }

// untilFn tells the matcher when the result may change next, so that setting the
// clock costs what is due and not what is there; nil where some comparison cannot
// be foreseen, and every fact is then tried again.
func (e *expr) untilFn() func(rete.Env) (time.Time, bool) {
	if !e.timed || e.loops {
		return nil
	}
	var all []due
	known := true
	visit(e.checked.Expr(), func(x ast.Expr) {
		if x.Kind() != ast.CallKind || !isComparison(x.AsCall().FunctionName()) || !expires(x.AsCall().Args()) {
			return
		}
		d, ok := e.due(x.AsCall().Args())
		all, known = append(all, d), known && ok
	})
	if !known || len(all) == 0 {
		return nil
	}
	return func(env rete.Env) (time.Time, bool) {
		var next time.Time
		for _, d := range all {
			if at, ok := d.next(env); ok && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		return next, !next.IsZero()
	}
}

// due takes a comparison of two moments apart. Lengths of time that move with the
// clock, now - x.at > duration("1h"), are left to be tried again.
func (e *expr) due(sides []ast.Expr) (due, bool) {
	moving, fixed := sides[0], sides[1]
	if !mentionsNow(moving) {
		moving, fixed = fixed, moving
	}
	c := closures{e}
	if c.typeOf(moving).Kind() != types.TimestampKind || c.typeOf(fixed).Kind() != types.TimestampKind {
		return due{}, false
	}
	d := due{moving: c.time(moving), fixed: c.time(fixed)}
	return d, d.moving != nil && d.fixed != nil
}

// next is when the two sides meet: a moment that moves with the clock grows as it
// does. A comparison may change there or just after, so where they have met the
// next instant counts.
func (d due) next(b bindings) (time.Time, bool) {
	moving, err := d.moving(b)
	if err != nil {
		// Out of the years that CEL knows: a session without a clock is one.
		return b.Now().Add(1), true
	}
	fixed, err := d.fixed(b)
	if err != nil {
		return time.Time{}, false
	}
	wait := fixed.Sub(moving)
	switch {
	case wait < 0:
		return time.Time{}, false
	case wait == 0:
		wait = 1
	}
	return b.Now().Add(wait), true
}
