package rule

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/debug"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

// trees are what the two parsers make of a text; nil where one refuses it.
func trees(t testing.TB, e *environment, text string) (quick, slow *ast.AST) {
	t.Helper()
	if a, issues := e.parseText(text); issues.Err() == nil {
		quick = a.NativeRep()
	}
	if a, issues := e.base.Parse(text); issues.Err() == nil {
		slow = a.NativeRep()
	}
	return quick, slow
}

var leadingDot = regexp.MustCompile(`(^|[^\w\])}])\s*\.`)

// offsets are where the parts of a tree begin.
func offsets(tree *ast.AST) []int {
	var out []int
	visit(tree.Expr(), func(x ast.Expr) { out = append(out, offsetOf(tree.SourceInfo(), x.ID())) })
	return out
}

// checkParsers reports whether a text was an expression to both parsers.
func checkParsers(t testing.TB, e *environment, text string) bool {
	t.Helper()
	quick, slow := trees(t, e, text)
	if (quick == nil) != (slow == nil) {
		t.Errorf("%q: quick %v, slow %v", text, quick != nil, slow != nil)
	}
	if quick == nil || slow == nil {
		return false
	}
	if a, b := debug.ToDebugString(quick.Expr()), debug.ToDebugString(slow.Expr()); a != b {
		t.Errorf("%q is to the quick parser\n%s\nand to the slow one\n%s", text, a, b)
	}
	// Of .x, which nobody writes, the one gives the place of the dot and the other that of the name.
	if a, b := offsets(quick), offsets(slow); !slices.Equal(a, b) && !leadingDot.MatchString(text) {
		t.Errorf("%q: parts begin at %v, and at %v", text, a, b)
	}
	if a, b := unparse(quick.Expr(), quick.SourceInfo(), "?"), unparse(slow.Expr(), slow.SourceInfo(), "?"); a != b {
		t.Errorf("%q is written again as %s and as %s", text, a, b)
	}
	return true
}

// scalars calls do for every text of a YAML file: the expressions are among them.
func scalars(n strictyaml.Node, do func(text string)) {
	for _, e := range n.Entries() {
		scalars(e.Value, do)
	}
	if n.Kind() == strictyaml.List {
		for _, item := range n.Items() {
			scalars(item, do)
		}
	}
	if n.Kind() == strictyaml.Scalar {
		do(n.Text())
	}
}

// TestParsersAgree: the quick parser, which compiles rules, gives the trees of the
// other, to the place of every part, and takes no text that the other refuses.
func TestParsersAgree(t *testing.T) {
	e, err := newEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{"testdata/*/*.yaml", "../packs/*/*.yaml", "../examples/*/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	agreed := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, root := strictyaml.Open(name, data)
		scalars(root, func(text string) {
			if checkParsers(t, e, text) {
				agreed++
			}
		})
	}
	if agreed < 500 {
		t.Errorf("%d texts of %d files are expressions", agreed, len(files))
	}
}

// tokens are what random texts are made of, some of which are expressions.
var tokens = strings.Fields("x y.z has( all( exists( map( [ ] { } ( ) . , ? : && || ! - + * / % == != < <= > >= in 1 2u 1.5 -3 1e3 0x1F .5 \"a\" 'é' r'\\d' b'x' " +
	"'''t''' \"\\u00e9\" \"\\n\" null true false x.f x.?f x[?0] [1,2] {'a':1} x.exists(y,y>1) has(x.f) cel.bind( `a-b` // as for import $ = ;")

func TestParsersAgreeOnRandomTexts(t *testing.T) {
	e, err := newEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		text := drawExpression(r, rapid.SampledFrom([]byte("BSIFDM")).Draw(r, "type"), 3)
		if rapid.Bool().Draw(r, "tokens") {
			text = strings.Join(rapid.SliceOfN(rapid.SampledFrom(tokens), 1, 9).Draw(r, "text"), " ")
		}
		checkParsers(t, e, text)
	})
}

// FuzzParsers: no text is taken by the quick parser alone, or read otherwise by it.
func FuzzParsers(f *testing.F) {
	e, err := newEnvironment()
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range tokens {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 500 {
			checkParsers(t, e, text)
		}
	})
}
