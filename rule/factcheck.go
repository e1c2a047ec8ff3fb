package rule

import (
	"errors"
	"fmt"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/rete"
)

// nameError is an unknown name in better words than the matcher has for it.
type nameError struct {
	text string
	is   error // what the matcher would have said
}

// Error is the sentence.
func (e *nameError) Error() string { return e.text }

// Unwrap gives the matcher's sentinel, by which programs tell errors apart.
func (e *nameError) Unwrap() error { return e.is }

// unknownName is the error for a name that is not among the known ones.
func unknownName(is error, text, name string, known []string) error {
	err := trimtab.Errorf(trimtab.Invalid, "%w", &nameError{text, is})
	if near := strictyaml.Nearest(name, known); near != "" {
		return err.WithNext("did you mean %q?", near)
	}
	return err
}

// inWords is an error of the matcher as people are told it: an unknown name
// comes with the nearest known one.
func (s *Session) inWords(err error, typ string, fields map[string]any) error {
	switch t := s.set.types[typ]; {
	case errors.Is(err, rete.ErrUnknownType):
		return unknownName(rete.ErrUnknownType, fmt.Sprintf("unknown fact type %q", typ), typ, sortedKeys(s.set.types))
	case errors.Is(err, rete.ErrUnknownField) && t != nil:
		// The matcher names the first that it meets; this one also knows the nearest.
		if named := t.checkNames(fields); named != nil {
			return named
		}
	}
	return trimtab.Errorf(trimtab.Invalid, "%w", err)
}

// checkNames refuses fields that the type has not, naming the nearest.
func (t *factType) checkNames(fields map[string]any) error {
	// In order, so that two wrong names give the same error each time.
	for _, name := range sortedKeys(fields) {
		if _, ok := t.field(name); !ok {
			return unknownName(rete.ErrUnknownField, fmt.Sprintf("%s has no field %q", t.name, name), name, t.fieldNames())
		}
	}
	return nil
}
