package jira

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/trimtab/trimtab"
)

// Jira's limits. It is written in Java: a character is half a surrogate pair.
const (
	maxSummary = 255
	maxText    = 32767
	maxLabel   = 255
)

// installationPrefix cannot begin a marker: those have no second dash.
const installationPrefix = "tt-inst-"

// markerShape is what trimtab.MarkerOf makes.
var markerShape = regexp.MustCompile(`^tt-[a-z2-7]{26}$`)

// cut shortens text to n characters as Jira counts them, never inside of one.
func cut(s string, n int) string {
	// Bytes are never fewer than units, so that most texts are done here.
	if len(s) <= n {
		return s
	}
	end, units := 0, 0 // end is where an ellipsis still fits
	for i, r := range s {
		if units <= n-1 {
			end = i
		}
		if units += max(utf16.RuneLen(r), 1); units > n {
			return s[:end] + "…"
		}
	}
	return s
}

// summaryOf makes one line of a summary.
func summaryOf(s string) string { return cut(strings.Join(strings.Fields(s), " "), maxSummary) }

// labelOf makes a text fit for a label: Jira allows no spaces.
func labelOf(s string) string {
	return cut(strings.Map(func(r rune) rune {
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

// splitLabels takes our own labels out of an issue's. A copy of a ticket may
// carry several markers: then the one that its property names, if any.
func splitLabels(all []string, property trimtab.Marker) (marker trimtab.Marker, rest []string) {
	for _, label := range all {
		switch {
		case markerShape.MatchString(label):
			if m := trimtab.Marker(label); marker == "" || m == property {
				marker = m
			}
		case !strings.HasPrefix(label, installationPrefix):
			rest = append(rest, label)
		}
	}
	return marker, rest
}

// jqlEscapes are the two characters that end a quoted value or change it.
var jqlEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote writes a value into a search.
func quote(s string) string { return `"` + jqlEscapes.Replace(s) + `"` }
