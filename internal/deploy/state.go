package deploy

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// IsAddress tells a state in PostgreSQL from a path.
func IsAddress(state string) bool {
	return strings.HasPrefix(state, "postgres://") || strings.HasPrefix(state, "postgresql://")
}

// state reads where the state is. What it has to say shows no excerpt of the line, which
// may have a password in it.
func (r *reader) state(n strictyaml.Node) {
	text, err := n.Text(), error(nil)
	if r.d.State, err = r.d.location(text); err != nil {
		withoutExcerpt(n.Errorf("%v", err))
	}
	if scheme, _, ok := strings.Cut(text, "://"); ok && !IsAddress(text) && !strings.Contains(scheme, "${") {
		withoutExcerpt(n.Errorf("a state is a file or a database of PostgreSQL, not %s", scheme)).
			WithHint("write state: trimtab.db, or postgres://user:${PASSWORD}@host/database")
	}
	if IsAddress(text) && passwordInClear(text) {
		withoutExcerpt(n.Warnf("a secret stands here in clear")).
			WithHint("write postgres://user:${NAME}@host/database and set NAME in the environment, or ${file:/path}")
	}
}

func withoutExcerpt(d *strictyaml.Diagnostic) *strictyaml.Diagnostic {
	d.Excerpt, d.Caret = "", 0
	return d
}

// location is where the state is: an address as it stands, a path made absolute.
func (d *Deployment) location(text string) (string, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	if at := strings.LastIndex(rest, "@"); IsAddress(text) && at >= 0 {
		// The environment has the password itself, not as an address wants it written.
		who, err := expand(rest[:at], escaped)
		where, err2 := expand(rest[at:], asItIs)
		return scheme + "://" + who + where, errors.Join(err, err2)
	}
	s, err := expand(text, asItIs)
	if IsAddress(s) {
		return s, err
	}
	return d.Resolve(orText(s, "trimtab.db")), err
}

// escaped writes a text so that it is one part of an address, whatever is in it.
func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

var (
	userPassword  = regexp.MustCompile(`^[a-z]+://[^/@]*?:.+@`)
	queryPassword = regexp.MustCompile(`[?&](?:ssl)?password=[^&]+`)
)

// passwordInClear reports whether an address has a password that is no reference.
func passwordInClear(address string) bool {
	rest := reference.ReplaceAllString(address, "")
	return userPassword.MatchString(rest) || queryPassword.MatchString(rest)
}
