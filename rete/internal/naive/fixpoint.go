package naive

// Rule concludes facts from matches. Rules of a lower Level are settled before
// those of a higher one look.
type Rule struct {
	ID     string
	Level  int
	When   []Elem
	Derive func(Env) []Fact
}

// Fixpoint is what follows from stated facts: level by level, all rules of a
// level until nothing is new. Only rules whose negations look at lower levels
// have one.
func Fixpoint(stated []Fact, rules []Rule) []Fact {
	facts := append([]Fact(nil), stated...)
	have := map[string]bool{}
	for _, f := range facts {
		have[f.Text()] = true
	}
	top := 0
	for _, r := range rules {
		top = max(top, r.Level)
	}
	for level := 0; level <= top; level++ {
		for grown := true; grown; {
			grown = false
			for _, f := range step(level, facts, rules) {
				if !have[f.Text()] {
					have[f.Text()] = true
					facts = append(facts, f)
					grown = true
				}
			}
		}
	}
	return facts
}

// step is what the rules of one level conclude from the facts so far.
func step(level int, facts []Fact, rules []Rule) []Fact {
	var all []Fact
	for _, r := range rules {
		if r.Level != level {
			continue
		}
		for _, env := range Matches(r.When, facts) {
			all = append(all, r.Derive(env)...)
		}
	}
	return all
}
