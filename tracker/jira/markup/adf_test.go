package markup

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func compactJSON(t testing.TB, n any) string {
	t.Helper()
	text, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDocument(t *testing.T) {
	tests := []struct{ name, md, want string }{
		{"nothing", "", `[{"type":"paragraph"}]`},
		{"a paragraph", "one\ntwo", `[{"type":"paragraph","content":[{"type":"text","text":"one two"}]}]`},
		{"a hard break", "one\\\ntwo", `[{"type":"paragraph","content":[{"type":"text","text":"one"},{"type":"hardBreak"},{"type":"text","text":"two"}]}]`},
		{"a heading", "## T", `[{"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"T"}]}]`},
		{"emphasis", "***b***", `[{"type":"paragraph","content":[{"type":"text","text":"b","marks":[{"type":"em"},{"type":"strong"}]}]}]`},
		{"bold code is code", "**`c`**", `[{"type":"paragraph","content":[{"type":"text","text":"c","marks":[{"type":"code"}]}]}]`},
		{"entities", `a &amp; \*b\* &#33;`, `[{"type":"paragraph","content":[{"type":"text","text":"a \u0026 *b* !"}]}]`},
		{"a link", "[x](https://e.com/a%20b)", `[{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"https://e.com/a%20b"}}]}]}]`},
		{"a link not to click", "[x](javascript:alert(1))", `[{"type":"paragraph","content":[{"type":"text","text":"x"}]}]`},
		{"code", "```sh\na\n\nb\n```", `[{"type":"codeBlock","attrs":{"language":"sh"},"content":[{"type":"text","text":"a\n\nb"}]}]`},
		{"empty code", "```\n```", `[{"type":"codeBlock"}]`},
		{"HTML is text", "<b>x</b>", `[{"type":"paragraph","content":[{"type":"text","text":"\u003cb\u003ex\u003c/b\u003e"}]}]`},
		{"a rule", "---", `[{"type":"rule"}]`},
		{"a list", "3. a\n   - b", `[{"type":"orderedList","attrs":{"order":3},"content":[{"type":"listItem","content":[` +
			`{"type":"paragraph","content":[{"type":"text","text":"a"}]},` +
			`{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"b"}]}]}]}]}]}]`},
		{"a heading in a list", "- # T", `[{"type":"bulletList","content":[{"type":"listItem","content":[` +
			`{"type":"paragraph","content":[{"type":"text","text":"T","marks":[{"type":"strong"}]}]}]}]}]`},
		{"a quote in a quote", "> > a", `[{"type":"blockquote","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]}]}]`},
		{"a table", "| a |\n| - |\n| b\\|c |", `[{"type":"table","content":[` +
			`{"type":"tableRow","content":[{"type":"tableHeader","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]}]}]},` +
			`{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"paragraph","content":[{"type":"text","text":"b|c"}]}]}]}]}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc := Document(test.md)
			if got := compactJSON(t, doc.Content); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestMarkdownOfJira: nodes that only Jira makes leave their text.
func TestMarkdownOfJira(t *testing.T) {
	tests := []struct{ name, adf, want string }{
		{"a mention", `{"type":"paragraph","content":[{"type":"text","text":"ask "},{"type":"mention","attrs":{"text":"@Ann"}}]}`, "ask @Ann"},
		{"an emoji", `{"type":"paragraph","content":[{"type":"emoji","attrs":{"shortName":":smile:"}}]}`, `\:smile:`},
		{"a card", `{"type":"paragraph","content":[{"type":"inlineCard","attrs":{"url":"https://e.com"}}]}`, "https://e.com"},
		{"a panel", `{"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"paragraph","content":[{"type":"text","text":"note"}]}]}`, "note"},
		{"bold with spaces", `{"type":"paragraph","content":[{"type":"text","text":" b ","marks":[{"type":"strong"}]},{"type":"text","text":"c"}]}`, " **b** c"},
		{"underline", `{"type":"paragraph","content":[{"type":"text","text":"u","marks":[{"type":"underline"}]}]}`, "u"},
		{"markup in text", `{"type":"paragraph","content":[{"type":"text","text":"# a_b *c* _d_ [e] 1<2 f&amp;"}]}`, `\# a_b \*c\* \_d\_ \[e\] 1\<2 f\&amp;`},
		{"a number first", `{"type":"paragraph","content":[{"type":"text","text":"1. not a list"}]}`, `1\. not a list`},
		{"fences in code", "{\"type\":\"codeBlock\",\"content\":[{\"type\":\"text\",\"text\":\"```\\nx\"}]}", "````\n```\nx\n````"},
		{"two lists", `{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]}]}]},
			{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"b"}]}]}]}`, "- a\n\n* b"},
		{"nothing known", `{"type":"mediaSingle","content":[{"type":"media","attrs":{"id":"1"}}]}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Markdown(Read(json.RawMessage(`{"type":"doc","version":1,"content":[` + test.adf + `]}`))); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := Markdown(Read(json.RawMessage(`"plain"`))) + Markdown(Read(json.RawMessage(`null`))) + Markdown(Read(nil)); got != "plain" {
		t.Errorf("plain, null and nothing: %q", got)
	}
}

// The generators make documents as Trimtab's tickets have them, in the form in
// which document writes them.

var (
	wordGen = rapid.StringMatching(`[A-Za-z0-9é🙂.,:;!?#+=|()_*\[\]<>&~\\` + "`" + `$%'"/-]{1,8}`)
	plain   = rapid.Map(rapid.SliceOfN(wordGen, 1, 4), func(words []string) string { return strings.Join(words, " ") })
	codeGen = rapid.StringMatching("[a-z`|*_<>&\\\\]{1,6}( [a-z`|-]{1,4})?")
	markGen = rapid.SampledFrom([][]Mark{
		nil, nil, nil,
		{{Type: "strong"}},
		{{Type: "em"}},
		{{Type: "em"}, {Type: "strong"}},
		{{Type: "strike"}},
		{{Type: "code"}},
		{{Type: "link", Attrs: map[string]any{"href": "https://example.com/a_b?c=(d)&e=*"}}},
		{{Type: "link", Attrs: map[string]any{"href": "https://example.com/"}}, {Type: "strong"}},
	})
)

// inlineGen makes texts with spaces between them, so that emphasis has room.
var inlineGen = rapid.Custom(func(t *rapid.T) []Node {
	var all []Node
	for i := range rapid.IntRange(1, 4).Draw(t, "runs") {
		marks := markGen.Draw(t, "marks")
		text := plain.Draw(t, "text")
		if len(marks) > 0 && marks[0].Type == "code" {
			text = codeGen.Draw(t, "code")
		} else if len(marks) > 0 { // emphasis beside punctuation is where Markdown's rules end
			text = "w" + text + "w"
		}
		if i > 0 {
			all = append(all, Node{Type: "text", Text: " "})
		}
		all = append(all, Node{Type: "text", Text: text, Marks: marks})
	}
	return joined(all)
})

var paragraphGen = rapid.Map(inlineGen, paragraph)

var blockGen = rapid.Custom(func(t *rapid.T) Node {
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return Node{Type: "heading", Attrs: map[string]any{"level": rapid.IntRange(1, 6).Draw(t, "level")}, Content: inlineGen.Draw(t, "title")}
	case 1:
		text := rapid.StringMatching("[a-z`~ ]{1,8}(\n[ a-z`#-]{0,8}){0,2}[a-z]").Draw(t, "code")
		return Node{Type: "codeBlock", Attrs: map[string]any{"language": "sh"}, Content: []Node{{Type: "text", Text: text}}}
	case 2:
		return tableGen.Draw(t, "table")
	case 3:
		return Node{Type: "blockquote", Content: rapid.SliceOfN(paragraphGen, 1, 2).Draw(t, "quote")}
	case 4:
		return listGen(2).Draw(t, "list")
	case 5:
		return Node{Type: "rule"}
	}
	return paragraphGen.Draw(t, "paragraph")
})

func listGen(depth int) *rapid.Generator[Node] {
	return rapid.Custom(func(t *rapid.T) Node {
		list := Node{Type: "bulletList"}
		if rapid.Bool().Draw(t, "ordered") {
			list.Type, list.Attrs = "orderedList", map[string]any{"order": rapid.IntRange(0, 20).Draw(t, "order")}
		}
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			content := rapid.SliceOfN(paragraphGen, 1, 2).Draw(t, "text")
			if depth > 0 && rapid.Bool().Draw(t, "nested") {
				content = append(content, listGen(depth-1).Draw(t, "inner"))
			}
			list.Content = append(list.Content, Node{Type: "listItem", Content: content})
		}
		return list
	})
}

var tableGen = rapid.Custom(func(t *rapid.T) Node {
	table, columns := Node{Type: "table"}, rapid.IntRange(1, 3).Draw(t, "columns")
	for i := range rapid.IntRange(1, 3).Draw(t, "rows") {
		row, kind := Node{Type: "tableRow"}, "tableCell"
		if i == 0 {
			kind = "tableHeader"
		}
		for range columns {
			row.Content = append(row.Content, Node{Type: kind, Content: []Node{paragraphGen.Draw(t, "cell")}})
		}
		table.Content = append(table.Content, row)
	}
	return table
})

// TestRoundTrip: what Jira has of a ticket reads back as what was written.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := Node{Type: "doc", Version: 1, Content: rapid.SliceOfN(blockGen, 1, 5).Draw(t, "blocks")}
		md := Markdown(doc)
		again := Document(md)
		if !reflect.DeepEqual(doc, again) {
			was, is := compact(doc), compact(again)
			t.Fatalf("through\n%s\n\n%s\nbecame\n%s", md, was, is)
		}
		if next := Markdown(again); next != md {
			t.Fatalf("%q became %q", md, next)
		}
	})
}

func compact(n Node) string {
	text, err := json.Marshal(n)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// FuzzDocument: no text makes a document that breaks, loses words that are
// plain, or grows when it goes round.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{"", "a\n\nb", "- a\n  - b", "|a|\n|-|\n|b|", "> - # x", "```\n`", "[a](b)<c>&amp;", "*a **b***", "\x00\xff", "1. a\n\n\n   b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, md string) {
		doc := Document(md)
		text := compactJSON(t, doc)
		var back Node
		if err := json.Unmarshal([]byte(text), &back); err != nil || !utf8.ValidString(text) {
			t.Fatalf("%v in %s", err, text)
		}
		_ = Document(Markdown(back))
	})
}

// FuzzMarkdown: no document of Jira's breaks the reader.
func FuzzMarkdown(f *testing.F) {
	f.Add([]byte(`{"type":"doc","content":[{"type":"orderedList","attrs":{"order":"x"},"content":[{}]},{"type":"heading","attrs":{"level":99}}]}`))
	f.Add([]byte(`{"type":"table","content":[{"type":"tableRow"}]}`))
	f.Fuzz(func(_ *testing.T, raw []byte) { _ = Markdown(Read(raw)) })
}

func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, n := rapid.String().Draw(t, "text"), rapid.IntRange(1, 40).Draw(t, "limit")
		got := Cut(s, n)
		units := len(utf16.Encode([]rune(got)))
		if units > n || !utf8.ValidString(got) {
			t.Fatalf("%q cut to %d units is %q", s, n, got)
		}
		if len(utf16.Encode([]rune(s))) <= n && got != s {
			t.Fatalf("%q was cut to %q without need", s, got)
		}
		if kept := strings.TrimSuffix(got, "…"); !strings.HasPrefix(s, kept) || got != s && units < n-1 {
			t.Fatalf("%q cut to %d units is %q", s, n, got)
		}
	})
}
