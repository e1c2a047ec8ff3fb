package markup

import (
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestWiki(t *testing.T) {
	tests := []struct{ name, md, want string }{
		{"a paragraph", "one\ntwo", "one two"},
		{"a hard break", "one\\\ntwo", "one\ntwo"},
		{"a heading", "## T", "h2. T"},
		{"emphasis", "**b** *e* ~~s~~", "*b* _e_ -s-"},
		{"emphasis inside of a word", "a**b**c", "a{*}b{*}c"},
		{"code", "see `a_b*`", `see {{a_b\*}}`},
		{"a block of code", "```sh\na | b\n```", "{code:sh}\na | b\n{code}"},
		{"of an unknown language", "```hcl\na\n```", "{code}\na\n{code}"},
		{"code with the end of code", "```\n{code}\n```", "{noformat}\n{code}\n{noformat}"},
		{"a link", "[x](https://e.com/a|b)", "[x|https://e.com/a%7Cb]"},
		{"lists", "- a\n  1. b\n- c", "* a\n*# b\n* c"},
		{"a table", "| a | b |\n| - | - |\n| 1\\|2 |  |", "||a||b||\n|1\\|2| |"},
		{"a quote", "> a", "{quote}\na\n{quote}"},
		{"a rule", "---", "----"},
		{"names", "i-0ab_c-d 10.0.0.1 a@b.com x/y", "i-0ab_c-d 10.0.0.1 a@b.com x/y"},
		{"no macro", "{code} [x] a|b !image.png! (!) :)", `\{code\} \[x\] a\|b \!image.png! \(\!) \:)`},
		{"no mark", "\\_x_ 2 \\* 3 ^y^ a -- b", `\_x\_ 2 \* 3 \^y\^ a \-\- b`},
		{"no line break", `C:\\\\dir`, `C:&#92;&#92;dir`},
		{"no heading", "h1\\. x", "&#104;1. x"},
		{"no list", "\\# x", `\# x`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := WikiOf(test.md); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// What people and other tools write in Data Center.
func TestFromWiki(t *testing.T) {
	tests := []struct{ name, wiki, want string }{
		{"nothing", "", ""},
		{"lines", "a\r\nb\r\n\r\nc", "a\\\nb\n\nc"},
		{"a person", "[~ann] says", "@ann says"},
		{"a bare link", "[https://e.com]", `[https://e.com](https://e.com)`},
		{"a link with a tip", "[x|https://e.com|tip]", `[x](https://e.com)`},
		{"an attachment", "[^a.txt]", `\[^a.txt\]`},
		{"a forced break", `a\\b`, "a\\\nb"},
		{"colour", "{color:red}hot{color}", "hot"},
		{"a panel", "{panel:title=T}\n* a\n** b\n{panel}", "- a\n\n  - b"},
		{"code with options", "{code:java|title=A}\nx\n{code}", "```java\nx\n```"},
		{"code that is open", "{code}\nx", "```\nx\n```"},
		{"code on one line", "{noformat}x{noformat}", "```\nx\n```"},
		{"bq", "bq. q", "> q"},
		{"underline", "+u+ ^2^", "u 2"},
		{"a mark that is open", "*a b", `\*a b`},
		{"a dash", "a - b -- c", "a - b -- c"},
		{"an item that goes on", "# a\nb\n# c", "1. a\\\n   b\n2. c"},
		{"a row without its end", "|a|b", "| a | b |\n| --- | --- |"},
		{"dashes as bullets", "- a\n- b", "- a\n- b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Markdown(FromWiki(test.wiki)); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// wikiable is a document in the form in which the wiki can hold it: lists begin at
// one, and an item is a paragraph with lists below it.
func wikiable(n Node) Node {
	if n.Type == "orderedList" {
		n.Attrs = map[string]any{"order": 1}
	}
	var content []Node
	for i, child := range n.Content {
		if n.Type == "listItem" && i > 0 && !strings.HasSuffix(child.Type, "List") {
			continue
		}
		content = append(content, wikiable(child))
	}
	n.Content = content
	return n
}

// TestWikiRoundTrip: what Data Center has of a ticket reads back as what was written.
func TestWikiRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := wikiable(Node{Type: "doc", Version: 1, Content: rapid.SliceOfN(blockGen, 1, 5).Draw(t, "blocks")})
		text := Wiki(doc)
		again := FromWiki(text)
		if was, is := Markdown(doc), Markdown(again); was != is {
			t.Fatalf("through\n%s\n\n%s\nbecame\n%s", text, was, is)
		}
		if next := Wiki(again); next != text {
			t.Fatalf("%q became %q", text, next)
		}
	})
}

// TestWikiKeepsPlainWords: no text becomes markup by chance, and none is lost.
func TestWikiKeepsPlainWords(t *testing.T) {
	word := rapid.StringMatching(`[A-Za-z0-9é🙂.,:;!?#+=|()_*\[\]<>&~\\{}^@` + "`" + `$%'"/-]{1,10}`)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(word, 1, 6).Draw(t, "words"), " ")
		doc := Node{Type: "doc", Version: 1, Content: []Node{paragraph([]Node{{Type: "text", Text: text}})}}
		again := FromWiki(Wiki(doc))
		if compact(again) != compact(doc) {
			t.Fatalf("%q through %q became %s", text, Wiki(doc), compact(again))
		}
	})
}

func TestWikiIsNotTooLong(t *testing.T) {
	for _, md := range []string{strings.Repeat("{🙂} ", 20000), strings.Repeat("- *x*\n", 9000), strings.Repeat("{", 40000)} {
		if n := len(utf16.Encode([]rune(WikiOf(md)))); n > MaxText || n < MaxText/4 {
			t.Errorf("%d characters of %.10q…", n, md)
		}
	}
}

// FuzzFromWiki: no wiki text breaks the reader or loses its plain words.
func FuzzFromWiki(f *testing.F) {
	for _, seed := range []string{"* a\n## b\n", "||a|b|\n|", "{code}", "{quote}\n{quote}{panel}", "[a|b]", "*_-+^~", `\\\`, "{*}a{*}", "&#0;&x;", "h7. x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc := FromWiki(text)
		once := Wiki(doc)
		if Words(FromWiki(once)) == "" && Words(doc) != "" {
			t.Fatalf("%q lost its words through %q", text, once)
		}
		_ = Markdown(doc)
	})
}

// TestWikiOfOpenings: openings without ends cost no more than their length.
func TestWikiOfOpenings(t *testing.T) {
	for _, piece := range []string{"{{", "{color:", "*_", "[a", "*a ", "{*}", "{quote}\n", "||", "\\"} {
		_ = Markdown(FromWiki(strings.Repeat(piece, MaxText/len(piece))))
	}
}
