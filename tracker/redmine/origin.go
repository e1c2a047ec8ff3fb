package redmine

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/trimtab/trimtab/tracker"
)

// Redmine's limit of a subject, and ours of a label, in characters; of a text in bytes,
// which is the smallest that one of its databases has.
const (
	maxSubject = 255
	maxLabel   = 100
	maxText    = 65535
)

// installationPrefix begins the first word of an origin that we wrote.
const installationPrefix = "tt-inst-"

// noOp stands for the write in an origin without one.
const noOp = "-"

// markerShape is what trimtab.MarkerOf makes.
var markerShape = regexp.MustCompile(`^tt-[a-z2-7]{26}$`)

// origin is what the second field holds, in words: the installation, the write that
// made the ticket, then the labels, which people may add to and take from. The
// installation comes first because Redmine can ask for what a text begins with.
type origin struct {
	installation string
	op           string
	labels       []string
}

// readOrigin takes the field apart. Where a person has removed our words what is left
// are labels.
func readOrigin(text string) origin {
	words := strings.Fields(text)
	if len(words) < 2 || !strings.HasPrefix(words[0], installationPrefix) {
		return origin{labels: words}
	}
	o := origin{installation: words[0], op: words[1], labels: words[2:]}
	if o.op == noOp {
		o.op = ""
	}
	return o
}

// String writes the field.
func (o origin) String() string {
	words := o.labels
	if o.installation != "" {
		op := o.op
		if op == "" {
			op = noOp
		}
		words = append([]string{o.installation, op}, o.labels...)
	}
	return strings.Join(words, " ")
}

// with is the origin after labels were added and removed.
func (o origin) with(add, remove []string) origin {
	labels := slices.Clone(o.labels)
	for _, label := range add {
		if !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	o.labels = slices.DeleteFunc(labels, func(label string) bool { return slices.Contains(remove, label) })
	return o
}

// stamped is the origin with a stamp, or let go of by an empty one. One that it has already,
// with its marker, stays, and so does the write that made it.
func (o origin) stamped(s tracker.Stamp, marker, op string) origin {
	word := installationWord(s.Installation)
	switch {
	case s.Marker == "":
		o.installation, o.op = "", ""
	case marker != string(s.Marker) || o.installation != word:
		o.installation, o.op = word, wordOf(op)
	}
	return o
}

// wordOf makes a text one word.
func wordOf(s string) string {
	return cut(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '-'
		}
		return r
	}, strings.TrimSpace(s)), maxLabel)
}

// labelsOf makes labels words, each once, the empty left out.
func labelsOf(all []string) []string {
	labels := make([]string, 0, len(all))
	for _, s := range all {
		if label := wordOf(s); label != "" && !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	return labels
}

// installationWord is what the origins of an installation begin with. An id that is no
// plain word is told apart from its likes by a hash.
func installationWord(id string) string {
	plain := strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.') {
			return r
		}
		return '-'
	}, id)
	if plain == id && len(id) <= maxLabel {
		return installationPrefix + id
	}
	// The start of the id stays legible; 80 bits of a hash keep installations apart.
	sum := sha256.Sum256([]byte(id))
	return installationPrefix + plain[:min(len(plain), maxLabel)] + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// subjectOf makes one line of a summary.
func subjectOf(s string) string { return cut(strings.Join(strings.Fields(s), " "), maxSubject) }

// cut shortens a text to n characters.
func cut(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// cutBytes shortens a text to n bytes, never inside of a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-len("…")], "") + "…"
}
