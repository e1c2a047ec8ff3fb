package jira

import (
	"strings"
	"testing"
)

func TestInstallationLabel(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{"0a1b", "a b", "a-b", "a/b", "ä", "ö", strings.Repeat("x", 300), strings.Repeat("x", 301), ""} {
		label := installationLabel(id)
		if strings.ContainsAny(label, " /") || len(label) > maxLabel || seen[label] != "" || markerShape.MatchString(label) {
			t.Errorf("%q → %q, as %q", id, label, seen[label])
		}
		seen[label] = "id " + id
	}
}

// TestSplitLabels: a ticket that was copied has the marker of its original.
func TestSplitLabels(t *testing.T) {
	a, b := "tt-aaaaaaaaaaaaaaaaaaaaaaaaaa", "tt-bbbbbbbbbbbbbbbbbbbbbbbbbb"
	marker, rest := splitLabels([]string{"x", a, "tt-inst-1", b, "tt-short"}, "tt-bbbbbbbbbbbbbbbbbbbbbbbbbb")
	if string(marker) != b || strings.Join(rest, " ") != "x tt-short" {
		t.Errorf("%s, %q", marker, rest)
	}
	if marker, _ := splitLabels([]string{a, b}, ""); string(marker) != a {
		t.Errorf("without a property: %s", marker)
	}
}
