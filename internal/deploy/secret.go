package deploy

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// text is a scalar with ${NAME} read from the environment and ${file:/path}
// from a file. A reference that leads nowhere is a mistake of the file.
func (r *reader) text(n strictyaml.Node) string {
	s, err := expand(n.Text(), asItIs)
	if err != nil {
		n.Errorf("%v", err)
	}
	return s
}

// expand puts values in the place of references, each written by write.
func expand(text string, write func(string) string) (string, error) {
	var failed error
	s := reference.ReplaceAllStringFunc(text, func(ref string) string {
		value, err := resolveReference(ref[2 : len(ref)-1])
		failed = errors.Join(failed, err)
		return write(value)
	})
	return s, failed
}

func asItIs(s string) string { return s }

// resolveReference reads a secret where it is kept. Its value appears in no
// message: only the name does.
func resolveReference(name string) (string, error) {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("cannot read the secret's file: %w", err)
		}
		return strings.TrimSpace(string(data)), nil
	}
	value, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("%s is not set in the environment", name)
	}
	return value, nil
}
