package markup

import "unicode/utf16"

// MaxText is how long a text field of Jira may be, in characters as [Cut] counts
// them: the default of Data Center and the limit of Cloud.
const MaxText = 32767

// Cut shortens text to n characters as Jira counts them, never inside of one. Jira is
// written in Java: a character beyond the first 65,536 counts as two.
func Cut(s string, n int) string {
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
