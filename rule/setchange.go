package rule

import (
	"fmt"

	"github.com/trimtab/trimtab/rete"
)

// without is the set less the files of which every rule was removed, so that a
// pack can be taken out rule by rule and brought in again; still are the removed
// rules of the other files.
func (s *Set) without(removed map[string]bool) (out *Set, still map[string]bool) {
	// Its base is out of date from here on; the caller compiles the files anew.
	reduced := *s
	reduced.options.Files, still = nil, map[string]bool{}
	for _, f := range s.options.Files {
		var there, gone []string
		for _, r := range s.rules {
			if r.File == f.Name {
				there = append(there, r.ID)
				if removed[r.ID] {
					gone = append(gone, r.ID)
				}
			}
		}
		// A pack without rules stays: it may declare the types of others.
		if len(there) > 0 && len(gone) == len(there) {
			continue
		}
		reduced.options.Files = append(reduced.options.Files, f)
		for _, id := range gone {
			still[id] = true
		}
	}
	return &reduced, still
}

// dropping is the set with a base that lacks some rules; they stay known.
func (s *Set) dropping(removed map[string]bool) (*Set, error) {
	var productions []rete.Production
	for _, r := range s.rules {
		if r.Enabled && !removed[r.ID] {
			productions = append(productions, r.productions...)
		}
	}
	// Compiled from productions that are there already: nothing is read again, so no
	// file can have become wrong meanwhile.
	base, err := rete.Compile(s.reteTypes, productions)
	if err != nil {
		return nil, fmt.Errorf("compile the rules: %w", err)
	}
	out := *s
	out.base = base
	return &out, nil
}
