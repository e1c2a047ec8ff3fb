package jira

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker/jira/markup"
)

// Jira's limits, in characters as [markup.Cut] counts them.
const (
	maxSummary = 255
	maxLabel   = 255
)

// installationPrefix cannot begin a marker: those have no second dash.
const installationPrefix = "tt-inst-"

// markerShape is what trimtab.MarkerOf makes.
var markerShape = regexp.MustCompile(`^tt-[a-z2-7]{26}$`)

// summaryOf makes one line of a summary.
func summaryOf(s string) string { return markup.Cut(strings.Join(strings.Fields(s), " "), maxSummary) }

// labelOf makes a text fit for a label: Jira allows no spaces.
func labelOf(s string) string {
	return markup.Cut(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '-'
		}
		return r
	}, strings.TrimSpace(s)), maxLabel)
}

// labelsOf makes labels fit, each once, the empty left out.
func labelsOf(all []string) []string {
	labels := make([]string, 0, len(all)+2)
	for _, s := range all {
		if label := labelOf(s); label != "" && !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	return labels
}

// installationLabel is what every ticket of an installation carries. An id that
// does not fit a label is told apart from its likes by a hash.
func installationLabel(id string) string {
	plain := strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.') {
			return r
		}
		return '-'
	}, id)
	// 200 leaves room for the prefix and for a hash below Jira's 255.
	if plain == id && len(id) <= 200 {
		return installationPrefix + id
	}
	// The start of the id stays legible; 80 bits of a hash keep installations apart.
	sum := sha256.Sum256([]byte(id))
	return installationPrefix + plain[:min(len(plain), 200)] + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// splitLabels takes our own labels out of an issue's. A copy of a ticket has the
// labels of its original but not its property, and people take labels off: the
// property decides where there is one.
func splitLabels(all []string, property trimtab.Marker) (marker trimtab.Marker, rest []string) {
	for _, label := range all {
		switch {
		case markerShape.MatchString(label):
			if marker == "" {
				marker = trimtab.Marker(label)
			}
		case !strings.HasPrefix(label, installationPrefix):
			rest = append(rest, label)
		}
	}
	if markerShape.MatchString(string(property)) {
		marker = property
	}
	return marker, rest
}

// jqlEscapes are the two characters that end a quoted value or change it.
var jqlEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote writes a value into a search.
func quote(s string) string { return `"` + jqlEscapes.Replace(s) + `"` }
