package trimtab_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/trimtab/trimtab"

// layers says which of our packages each package may import; "" is the root
// package, "a/..." is a and everything below it. A package that is not listed
// fails the test: whoever adds one says where it stands.
var layers = map[string][]string{
	"":                             {},
	"rete":                         {"rete/internal/exact", "rete/internal/ordered", "rete/internal/draw"},
	"rete/internal/draw":           {},
	"rete/internal/exact":          {},
	"rete/internal/naive":          {"rete"},
	"rete/internal/ordered":        {},
	"internal/strictyaml":          {},
	"internal/clock":               {},
	"internal/schema":              {},
	"internal/schema/schematest":   {"internal/strictyaml"},
	"rule":                         {"", "rete", "internal/schema", "internal/strictyaml"},
	"source":                       {""},
	"source/internal/duck":         {""},
	"source/focus":                 {"", "source", "source/internal/duck"},
	"source/series":                {"", "source", "source/internal/duck"},
	"source/table":                 {"", "source", "source/internal/duck"},
	"source/sourcetest":            {"", "source"},
	"tracker":                      {""},
	"tracker/board":                {"", "tracker"},
	"tracker/board/boardtest":      {"", "internal/clock", "tracker", "tracker/board", "tracker/trackertest"},
	"tracker/jira":                 {"", "tracker", "tracker/internal/rest", "tracker/jira/governor", "tracker/jira/markup"},
	"tracker/internal/rest":        {"", "tracker"},
	"tracker/jira/governor":        {},
	"tracker/jira/markup":          {},
	"tracker/redmine":              {"", "tracker", "tracker/internal/rest"},
	"tracker/redmine/redminetest":  {},
	"tracker/trackertest":          {"", "tracker"},
	"packs":                        {"", "source", "internal/strictyaml"},
	"internal/lifecycle":           {"", "tracker"},
	"internal/merge":               {"", "tracker"},
	"internal/durable":             {"", "internal/clock"},
	"internal/durable/durabletest": {"", "internal/clock", "internal/durable"},
	"internal/store":               {"", "internal/durable", "internal/lifecycle", "internal/merge", "source", "tracker", "tracker/board"},
	"internal/store/sqlite":        {"", "internal/store"},
	"internal/store/postgres":      {"", "internal/store"},
	"internal/store/postgrestest":  {},
	"internal/store/storetest":     {"", "internal/clock", "internal/durable", "internal/durable/durabletest", "internal/lifecycle", "internal/store", "source", "tracker", "tracker/board"},
	"internal/scan":                {"", "rule", "source", "internal/clock", "internal/durable", "internal/lifecycle", "internal/store"},
	"internal/distribute":          {"", "tracker", "internal/clock", "internal/durable", "internal/lifecycle", "internal/merge", "internal/store"},
	"internal/monitor":             {"", "tracker", "internal/clock", "internal/durable", "internal/lifecycle", "internal/merge", "internal/store"},
	"internal/sandbox":             {},
	"internal/deploy":              {"", "internal/merge", "internal/schema", "internal/strictyaml"},
	"internal/web":                 {"", "internal/store"},
	"internal/app": {
		"", "rule", "source/...", "tracker/...", "packs", "internal/clock", "internal/deploy", "internal/distribute", "internal/durable", "internal/lifecycle",
		"internal/merge", "internal/monitor", "internal/scan", "internal/store/...", "internal/strictyaml", "internal/web",
	},
	"internal/demo": {"", "rule", "internal/app", "internal/clock", "internal/sandbox", "internal/scan", "internal/store"},
	"bench":         {"rete", "", "internal/app", "internal/clock", "internal/durable", "internal/store/sqlite", "internal/sandbox", "source/focus"},
	"cmd/trimtab": {
		"", "rule", "internal/app", "internal/clock", "internal/deploy", "internal/demo", "internal/distribute", "internal/durable", "internal/lifecycle", "internal/merge", "internal/monitor",
		"internal/sandbox", "internal/scan", "internal/store", "internal/strictyaml",
	},
}

// onlyHere names the packages that alone may import something.
var onlyHere = map[string][]string{
	"cel.dev/cel-go":                        {"rule"},
	"github.com/mattn/go-sqlite3":           {"internal/store/sqlite", "bench"},
	"github.com/jackc/pgx":                  {"internal/store/postgres", "internal/store/postgrestest"},
	"github.com/duckdb/duckdb-go":           {"source/...", "internal/demo", "bench"},
	"github.com/spf13/cobra":                {"cmd/trimtab"},
	"github.com/prometheus/":                {"internal/web", "internal/app"},
	"go.yaml.in/yaml":                       {"internal/strictyaml"},
	"github.com/getkin/kin-openapi":         {},
	"github.com/santhosh-tekuri/jsonschema": {"internal/schema/schematest"},
}

// standardOnly are the packages that import nothing but the standard library.
var standardOnly = []string{"rete", "rete/internal/draw", "rete/internal/exact", "rete/internal/ordered"}

func TestLayers(t *testing.T) {
	for dir, files := range ownPackages(t) {
		allowed, listed := layers[dir]
		if !listed {
			t.Errorf("package %q has no place in layers_test.go", dir)
			continue
		}
		for _, imported := range imports(files) {
			checkImport(t, dir, imported, allowed)
		}
	}
}

func checkImport(t *testing.T, dir, imported string, allowed []string) {
	t.Helper()
	if own, ok := ownPath(imported); ok {
		if own != dir && !covers(allowed, own) {
			t.Errorf("%s may not import %s", dir, imported)
		}
		return
	}
	if slices.Contains(standardOnly, dir) && strings.Contains(strings.Split(imported, "/")[0], ".") {
		t.Errorf("%s imports %s: the standard library only", dir, imported)
	}
	for prefix, where := range onlyHere {
		if strings.HasPrefix(imported, prefix) && !covers(where, dir) {
			t.Errorf("%s imports %s, which belongs to %v", dir, imported, where)
		}
	}
}

func ownPath(imported string) (string, bool) {
	if imported == module {
		return "", true
	}
	return strings.CutPrefix(imported, module+"/")
}

func covers(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		base, below := strings.CutSuffix(p, "/...")
		return p == dir || below && (dir == base || strings.HasPrefix(dir, base+"/"))
	})
}

// ownPackages parses every package of this module, tests left out.
func ownPackages(t *testing.T) map[string][]*ast.File {
	t.Helper()
	packages := map[string][]*ast.File{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools" || name == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		dir := path.Dir(filepath.ToSlash(file))
		packages[strings.TrimPrefix(dir, ".")] = append(packages[strings.TrimPrefix(dir, ".")], parsed)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

func imports(files []*ast.File) []string {
	var all []string
	for _, f := range files {
		for _, spec := range f.Imports {
			if p, err := strconv.Unquote(spec.Path.Value); err == nil {
				all = append(all, p)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestEverythingIsDocumented: a comment on every package and every exported
// name.
func TestEverythingIsDocumented(t *testing.T) {
	for dir, files := range ownPackages(t) {
		if !slices.ContainsFunc(files, func(f *ast.File) bool { return f.Doc.Text() != "" }) {
			t.Errorf("package %q has no doc comment", dir)
		}
		for _, f := range files {
			for _, decl := range f.Decls {
				checkDoc(t, dir, decl)
			}
		}
	}
}

func checkDoc(t *testing.T, dir string, decl ast.Decl) {
	t.Helper()
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) && d.Doc.Text() == "" {
			t.Errorf("%s: %s has no doc comment", dir, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			checkSpec(t, dir, d, spec)
		}
	}
}

func checkSpec(t *testing.T, dir string, group *ast.GenDecl, spec ast.Spec) {
	t.Helper()
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc.Text() == "" && group.Doc.Text() == "" {
			t.Errorf("%s: type %s has no doc comment", dir, s.Name.Name)
		}
	case *ast.ValueSpec:
		if s.Names[0].IsExported() && s.Doc.Text() == "" && s.Comment.Text() == "" && group.Doc.Text() == "" {
			t.Errorf("%s: %s has no doc comment", dir, s.Names[0].Name)
		}
	}
}

// exportedReceiver reports whether a method is one of an exported type, or the
// function has no receiver.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}
