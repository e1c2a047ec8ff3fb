package rule

import (
	"runtime"
	"sync"
	"sync/atomic"

	"cel.dev/cel-go/cel"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// ahead parses expressions while others are being checked.
//
// Parsing is a third of what loading costs and needs nothing but the text; checking
// needs the names that are bound before, and goes rule by rule. So a second
// goroutine parses what is going to be asked for, in its order.
type ahead struct {
	parsed map[string]func() (*cel.Ast, *cel.Issues)
	stop   atomic.Bool
	done   sync.WaitGroup
}

// parseAhead begins to parse all conditions of some packs.
func (e *environment) parseAhead(roots []strictyaml.Node) {
	a := &ahead{parsed: map[string]func() (*cel.Ast, *cel.Issues){}}
	e.ahead = a
	if runtime.GOMAXPROCS(0) < 2 {
		return
	}
	var order []func() (*cel.Ast, *cel.Issues)
	for _, root := range roots {
		for _, text := range conditionTexts(root) {
			if a.parsed[text] == nil {
				a.parsed[text] = sync.OnceValues(func() (*cel.Ast, *cel.Issues) { return e.parseText(text) })
				order = append(order, a.parsed[text])
			}
		}
	}
	a.done.Go(func() {
		for _, parse := range order {
			if a.stop.Load() {
				return
			}
			parse()
		}
	})
}

// parse gives the tree of a text. A tree is given once, since it is changed when it
// is checked.
func (e *environment) parse(text string) (*cel.Ast, *cel.Issues) {
	if e.ahead == nil || e.ahead.parsed[text] == nil {
		return e.parseText(text)
	}
	parsed := e.ahead.parsed[text]
	delete(e.ahead.parsed, text)
	return parsed()
}

// endAhead waits for the goroutine.
func (e *environment) endAhead() {
	e.ahead.stop.Store(true)
	e.ahead.done.Wait()
	e.ahead = nil
}

// conditionTexts are the conditions of the rules of a pack, in their order.
func conditionTexts(root strictyaml.Node) []string {
	rules := childOf(root, "rules")
	if rules.Kind() != strictyaml.List {
		return nil
	}
	var out []string
	for _, r := range rules.Items() {
		when := childOf(r, "when")
		if when.Kind() != strictyaml.List {
			continue
		}
		for _, element := range when.Items() {
			for _, key := range []string{"where", "test"} {
				if n := childOf(element, key); n.Kind() == strictyaml.Scalar {
					out = append(out, n.Text())
				}
			}
		}
	}
	return out
}
