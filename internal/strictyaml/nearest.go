package strictyaml

import (
	"slices"
	"strings"
)

// longestName bounds what Nearest compares: nobody misspells a longer name, and
// the distance costs the product of the lengths.
const longestName = 64

// Nearest is the candidate that name was probably meant to be, "" if none is
// near: at most a third of the letters differ, case counts less than a letter.
// Among equally near ones the one that begins most alike wins, then the
// alphabetically first.
func Nearest(name string, candidates []string) string {
	if name == "" || len(name) > longestName {
		return ""
	}
	sorted := slices.Clone(candidates)
	slices.Sort(sorted)
	best, bestAt := "", limit(name)+1
	for _, c := range sorted {
		if len(c) > longestName || c == name {
			continue
		}
		d := distance(strings.ToLower(name), strings.ToLower(c))
		if d < bestAt || d == bestAt && common(name, c) > common(name, best) {
			best, bestAt = c, d
		}
	}
	return best
}

// limit is how many edits a misspelling of name may be away.
func limit(name string) int { return max(1, (len(name)+1)/3) }

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// common is the length of the beginning that both share.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func differ(x, y byte) int {
	if x == y {
		return 0
	}
	return 1
}
