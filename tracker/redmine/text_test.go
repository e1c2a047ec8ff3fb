package redmine

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// whole is every kind of text that rules write.
const whole = "# Stop it\n\n**Saves 30.00 USD** of *40.00*, says [the report](https://trimtab.example/r/1).\n\n" +
	"- Resource: `i-1`\n- Owner: `ann@example.com`\n  - of ~~two~~ one\n- Last\n\n1. first\n1. second\n\n" +
	"| fact | value |\n| --- | --- |\n| cpu | 1.2 |\n| a\\|b | -5 to -7 |\n\n" +
	"```sh\naws ec2 stop-instances --id \"$x\" | tee <pre>\n```\n\n```\nplain *code*\n```\n\n> quoted\n> twice\n\nEnd of it: snake_case_name, 5 * 3, \"so\"."

func TestTextileAndBack(t *testing.T) {
	textile := textileOf(whole)
	for _, want := range []string{
		"h1. Stop it", "*Saves 30.00 USD* of _40.00_", `"the report":https://trimtab.example/r/1`, "* Resource: @i-1@", "** of -two- one", "# second",
		"<code>ann@example.com</code>", "|_. fact |_. value |", "| cpu | 1.2 |", "a&#124;b", "<pre><code class=\"sh\">\naws", "<pre>\nplain *code*\n</pre>", "> quoted\n> twice",
	} {
		if !strings.Contains(textile, want) {
			t.Errorf("lacks %q:\n%s", want, textile)
		}
	}
	if back := markdownOf(textile); back != whole {
		t.Errorf("back:\n%s\nwas:\n%s", back, whole)
	}
	if again := textileOf(markdownOf(textile)); again != textile {
		t.Errorf("once more:\n%s\nwas:\n%s", again, textile)
	}
}

// Words of resources are full of marks.
func TestPlainWordsStayPlain(t *testing.T) {
	for md, want := range map[string]string{
		`\*not strong\*`:    "&#42;not strong*",
		"a -5 b -6 c":       "a -5 b -6 c",
		"so -this- is":      "so &#45;this- is",
		"mail @ann and@ so": "mail &#64;ann and@ so",
		"1.5%, 2%":          "1.5%, 2%",
		`\# of cores`:       "&#35; of cores",
		"{{toc}} [[wiki]]":  "&#123;{toc}} &#91;[wiki]]",
		"tags</pre>":        "tags&#60;/pre>",
		`"x":http://y "`:    `&#34;x":http://y "`,
		"AT&amp;T &copy":    "AT&T &copy",
	} {
		if got := textileOf(md); got != want {
			t.Errorf("%q: %q, want %q", md, got, want)
		}
	}
	for md, want := range map[string]string{`\*so\*`: `\*so*`, "so -this- is": "so -this- is", "a & b": "a & b"} {
		if got := markdownOf(textileOf(md)); got != want {
			t.Errorf("%q came back as %q, want %q", md, got, want)
		}
	}
}

// What people write by hand is read too.
func TestReadingTextile(t *testing.T) {
	for textile, want := range map[string]string{
		"h2. Plan":                               "## Plan",
		"*now*, _please_ -not- @x@":              "**now**, *please* ~~not~~ `x`",
		"<pre>one</pre>":                         "```\none\n```",
		"<pre>\na *b*\n</pre>\n*c*":              "```\na *b*\n```\n**c**",
		"*_both_*":                               "***both***",
		"5*3*2 and a_b_c":                        "5*3*2 and a_b_c",
		`"Look":https://x.example/a?b=1.`:        "[Look](https://x.example/a?b=1).",
		"## deep":                                "   1. deep",
		"|a|":                                    "| a |",
		"|":                                      "|",
		"p>. right":                              "p>. right",
		"<pre><code class=\"go\">x</code></pre>": "```go\nx\n```",
	} {
		if got := markdownOf(textile); got != want {
			t.Errorf("%q: %q, want %q", textile, got, want)
		}
	}
}

func TestCuts(t *testing.T) {
	if got := subjectOf("  one\n two\t" + strings.Repeat("é🙂", 400)); utf8.RuneCountInString(got) != maxSubject || !strings.HasPrefix(got, "one two é🙂") || !utf8.ValidString(got) {
		t.Errorf("%q", got)
	}
	for kind, f := range formats {
		for _, long := range []string{strings.Repeat("🙂 long\n\n", 12000), strings.Repeat("<a> ", 20000), strings.Repeat("🙂", 20000)} {
			got := f.write(long)
			if len(got) > maxText || len(got) < maxText/2 || !utf8.ValidString(got) {
				t.Errorf("%s: %d bytes", kind, len(got))
			}
		}
	}
}

func TestOrigin(t *testing.T) {
	o := origin{installation: installationWord("prod"), op: "op-7", labels: labelsOf([]string{"fin ops", "", "x", "x"})}
	if o.String() != "tt-inst-prod op-7 fin-ops x" {
		t.Errorf("%q", o)
	}
	for text, want := range map[string]string{
		o.String():          "prod/op-7/fin-ops x",
		"tt-inst-prod -":    "prod//",
		"x y":               "//x y",
		"":                  "//",
		"tt-inst-prod":      "//tt-inst-prod",
		"tt-inst-p - a a b": "p//a a b",
	} {
		got := readOrigin(text)
		if is := strings.TrimPrefix(got.installation, installationPrefix) + "/" + got.op + "/" + strings.Join(got.labels, " "); is != want {
			t.Errorf("%q: %q, want %q", text, is, want)
		}
	}
	if got := o.with([]string{"x", "new"}, []string{"fin-ops", "none"}).String(); got != "tt-inst-prod op-7 x new" {
		t.Errorf("%q", got)
	}
	if a, b := installationWord("a b"), installationWord("a-b"); a == b || strings.Contains(a, " ") {
		t.Errorf("%q, %q", a, b)
	}
	if long := installationWord(strings.Repeat("x", 200)); len(long) > 150 {
		t.Errorf("%d bytes", len(long))
	}
}
