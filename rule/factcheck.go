package rule

import (
	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
)

// unknownType is the error for a fact of a type that no pack declares.
func unknownType(typ string, s *Set) error {
	err := trimtab.Errorf(trimtab.Invalid, "unknown fact type %q", typ)
	if near := strictyaml.Nearest(typ, sortedKeys(s.types)); near != "" {
		return err.WithNext("did you mean %q?", near)
	}
	return err
}

// checkNames refuses fields that the type has not, naming the nearest.
func (t *factType) checkNames(fields map[string]any) error {
	for _, name := range sortedKeys(fields) {
		if _, ok := t.field(name); ok {
			continue
		}
		err := trimtab.Errorf(trimtab.Invalid, "%s has no field %q", t.name, name)
		if near := strictyaml.Nearest(name, t.fieldNames()); near != "" {
			return err.WithNext("did you mean %q?", near)
		}
		return err
	}
	return nil
}
