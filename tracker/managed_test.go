package tracker_test

import (
	"testing"

	"github.com/trimtab/trimtab/tracker"
)

// TestSetBlock: our part alone is replaced, however the lines around it look.
func TestSetBlock(t *testing.T) {
	begin, end := tracker.BlockBegin, tracker.BlockEnd
	ours := tracker.Managed("new")
	tests := []struct{ name, text, want, block string }{
		{"nothing", " \n", ours, ""},
		{"no block", "theirs\n", "theirs\n\n" + ours, ""},
		{"around it", "above\n_" + begin + "_\r\nold\n**" + end + "**\nbelow", "above\n" + ours + "below", "old"},
		{"no end", begin + "\nold\ntheirs", begin + "\nold\ntheirs\n\n" + ours, ""},
		{"an end that was lost, and a new block", begin + "\nold\ntheirs\n" + begin + "\nold\n" + end, begin + "\nold\ntheirs\n" + ours, "old"},
		{"a copy", begin + "\na\n" + end + "\n" + begin + "\nb\n" + end, ours + begin + "\nb\n" + end, "a"},
	}
	for _, test := range tests {
		if block, ok := tracker.Block(test.text); block != test.block || ok != (block != "") {
			t.Errorf("%s: block %q, %v", test.name, block, ok)
		}
		got := tracker.SetBlock(test.text, ours)
		if got != test.want {
			t.Errorf("%s: became %q, want %q", test.name, got, test.want)
		}
		if block, ok := tracker.Block(got); block != "new" || !ok {
			t.Errorf("%s: read back as %q", test.name, block)
		}
	}
}
