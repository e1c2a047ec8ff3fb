package strictyaml

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// readDeployment reads the shape that the golden files are written in.
func readDeployment(root Node) {
	top := root.Fields("state", "interval", "tries", "share", "dry", "mode", "packs", "params", "board")
	top.Need("state").Text()
	top.Get("interval").Duration()
	top.Get("tries").Int()
	top.Get("share").Float()
	top.Get("dry").Bool()
	top.Get("mode").OneOf("depth", "breadth")
	top.Get("packs").Texts()
	for _, e := range top.Get("params").Entries() {
		e.Value.Plain()
	}
	board := top.Get("board").Fields("name", "labels")
	board.Need("name").Text()
	if board.Has("labels") {
		board.Key("labels").Warnf("labels are not used yet").WithHint("leave them out")
	}
}

// TestGolden reads every file of testdata and compares what is said about it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, root := Open(filepath.Base(name), data)
			readDeployment(root)
			compare(t, strings.TrimSuffix(name, ".yaml")+".txt", f.Diagnostics().Error()+"\n")
		})
	}
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\ngot:\n%s\nwant:\n%s", golden, got, want)
	}
}

func TestValues(t *testing.T) {
	f, root := Open("a.yaml", []byte("\ufeffs: 012\nd: 14d\nb: true\ni: -3\nx: 2.5\nl: [a, b]\none: a\nm: {k: [1, 2.5, true, ~, s, 99999999999999999999]}\n"))
	top := root.Fields("s", "d", "b", "i", "x", "l", "one", "m", "none")
	if err := f.Err(); err != nil {
		t.Fatal(err)
	}
	if s := top.Get("s").Text(); s != "012" {
		t.Errorf("Text = %q", s)
	}
	if d := top.Get("d").Duration(); d != 14*24*time.Hour {
		t.Errorf("Duration = %v", d)
	}
	if !top.Get("b").Bool() || top.Get("i").Int() != -3 || top.Get("x").Float() != 2.5 {
		t.Error("Bool, Int or Float is wrong")
	}
	if l := top.Get("l").Texts(); strings.Join(l, " ") != "a b" {
		t.Errorf("Texts = %q", l)
	}
	if l := top.Get("one").Texts(); strings.Join(l, " ") != "a" {
		t.Errorf("Texts of one = %q", l)
	}
	plain, err := json.Marshal(top.Get("m").Plain())
	if want := `{"k":[1,2.5,true,null,"s","99999999999999999999"]}`; err != nil || string(plain) != want {
		t.Errorf("Plain = %s, want %s (%v)", plain, want, err)
	}
	if got := strings.Join(top.Names(), ""); got != "sdbixlonem" {
		t.Errorf("Names = %q", got)
	}
}

// TestAbsent holds an absent node to saying nothing, whatever is asked of it.
func TestAbsent(t *testing.T) {
	var n Node
	n.Errorf("x").Suggest("a", nil).WithHint("h")
	n.ErrorfAt(3, "x")
	fs := n.Fields("a")
	if fs.Need("a").Text() != "" || n.Bool() || n.Int() != 0 || n.Items() != nil || n.Plain() != nil || n.Float() != 0 {
		t.Error("an absent node has a value")
	}
	if line, col := n.Pos(); line != 0 || col != 0 || n.Kind() != None || n.Tag() != "" || n.Duration() != 0 || n.OneOf("a") != "" {
		t.Error("an absent node has a place")
	}
}

func TestNearest(t *testing.T) {
	known := []string{"where", "when", "match", "monthly_cost", "not"}
	for name, want := range map[string]string{
		"wher": "where", "hwen": "when", "Match": "match", "montly_cots": "monthly_cost",
		"zebra": "", "": "", "noot": "not", strings.Repeat("w", 100): "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestBounds(t *testing.T) {
	for name, data := range map[string]string{
		"bytes":         strings.Repeat("#", MaxBytes+1),
		"max depth":     strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1),
		"aliases are":   "a: &x 1\nb: *x\n",
		"merge keys":    "a:\n  <<: {b: 1}\n",
		"second YAML":   "a: 1\n---\nb: 1\n",
		"the file is e": "# nothing\n",
	} {
		f, root := Open("x.yaml", []byte(data))
		root.Fields("a", "b").Get("a").Fields("b")
		if err := f.Err(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJSON(t *testing.T) {
	f, root := Open("x.yaml", []byte("stat: 1\n"))
	root.Fields("state")
	got, err := json.Marshal(f.Diagnostics())
	want := `[{"file":"x.yaml","line":1,"column":1,"severity":"error","message":"unknown key \"stat\"","nearest":"state","excerpt":"stat: 1","caret":1}]`
	if err != nil || string(got) != want {
		t.Errorf("got %s (%v)", got, err)
	}
}

// TestLongLine shows only the part of a line around the fault.
func TestLongLine(t *testing.T) {
	f, root := Open("x.yaml", []byte("a: '"+strings.Repeat("é", 500)+"x"+strings.Repeat("é", 500)+"'\n"))
	d := root.Fields("a").Get("a").ErrorfAt(500, "here")
	if r := []rune(d.Excerpt); len(r) != excerptWidth+2 || r[d.Caret-1] != 'x' {
		t.Errorf("the caret stands at %d of %q", d.Caret, d.Excerpt)
	}
	if f.Err() == nil || !strings.HasSuffix(f.Err().Error(), "^") {
		t.Error("no caret")
	}
}

// positions are scalars in every style; see TestPosAt.
var positions = []string{
	`a: plain text of é words`,
	"a: plain text\n  that goes\n\n  on and on",
	"a: 'it''s quoted'",
	"a: 'quoted ''and''\n  folded  over\n\n  lines'",
	`a: "double \"quoted\" \x41\u00e9\U0001F600 \n end"`,
	"a: \"double \\\n   joined\n   folded \\\n  x\"",
	"a: |\n  first && x\n    second\n\n  third",
	"a: |2\n    lead\n  x",
	"a: >-\n  folded into\n  one line\n\n  and another\n",
	"a:\n  - b: >\n      deeper text\n      goes on",
	"a: !!str tagged",
	"a: {b: 'flow value', c: x}",
	"a: |\r\n  crlf\r\n  two\r\n",
}

// TestPosAt holds every visible character of a value to be found in the file
// where it stands, but for those that an escape spells.
func TestPosAt(t *testing.T) {
	for _, src := range positions {
		f, root := Open("x.yaml", []byte(src))
		if f.Err() != nil {
			t.Fatalf("%q: %v", src, f.Err())
		}
		eachScalar(root, func(n Node) { checkPositions(t, f, n) })
	}
}

func eachScalar(n Node, do func(Node)) {
	switch n.Kind() {
	case Mapping:
		for _, e := range n.Entries() {
			do(e.Key)
			eachScalar(e.Value, do)
		}
	case List:
		for _, item := range n.Items() {
			eachScalar(item, do)
		}
	case Scalar:
		do(n)
	}
}

func checkPositions(t *testing.T, f *File, n Node) {
	t.Helper()
	for i, r := range []rune(n.Text()) {
		line, col := n.PosAt(i)
		if strings.ContainsRune(" \n\t", r) {
			continue
		}
		source := []rune(f.Line(line))
		if col > len(source) {
			t.Errorf("%q: character %d (%c) is said to be at %d:%d, past the line", n.Text(), i, r, line, col)
			continue
		}
		if got := source[col-1]; got != r && got != '\\' {
			t.Errorf("%q: character %d (%c) is said to be at %d:%d, where %c is", n.Text(), i, r, line, col, got)
		}
	}
}

// FuzzOpen reads anything as a deployment and asks for every position: no
// panic, and every diagnostic has its place inside the file.
func FuzzOpen(f *testing.F) {
	for _, src := range positions {
		f.Add([]byte(src))
	}
	f.Add([]byte("state: x\nboard: {nam: 1, labels: [a]}\nparams: {a: {b: ~}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<9 {
			return
		}
		file, root := Open("x.yaml", data)
		readDeployment(root)
		eachScalar(root, func(n Node) {
			for i := range len(n.Text()) + 1 {
				n.PosAt(i)
			}
			n.ErrorfAt(len(n.Text()), "end")
		})
		_ = file.Diagnostics().Error()
	})
}
