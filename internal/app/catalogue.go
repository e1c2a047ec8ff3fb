package app

import (
	"slices"

	"github.com/trimtab/trimtab/rule"
)

// Catalogue is that of the deployment's rules, with the sources that give the facts.
func (p *Plan) Catalogue() rule.Catalogue {
	c := p.Rules.Catalogue()
	for i := range c.FactTypes {
		for _, s := range p.Sources {
			if slices.Contains(s.Facts(), c.FactTypes[i].Name) {
				c.FactTypes[i].Sources = append(c.FactTypes[i].Sources, s.Name())
			}
		}
	}
	return c
}
