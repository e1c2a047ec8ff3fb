package app

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/internal/strictyaml"
	"github.com/trimtab/trimtab/packs"
	"github.com/trimtab/trimtab/rule"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/focus"
)

// packFiles reads the packs that a deployment names; those that are not there
// are noted in the file.
func packFiles(d *deploy.Deployment) []rule.File {
	var files []rule.File
	for _, p := range d.Packs {
		found, err := PackFiles(p.Text, d.Dir)
		if err != nil {
			p.Node.Errorf("%v", err).WithHint("%s", trimtab.NextOf(err))
		}
		files = append(files, found...)
	}
	return files
}

// LoadPacks compiles packs by their paths alone, as `trimtab rules` does; every
// fact type that a source can give is known.
func LoadPacks(paths []string) (*rule.Set, error) {
	var files []rule.File
	var errs []error
	for _, p := range paths {
		found, err := PackFiles(p, ".")
		errs = append(errs, err)
		files = append(files, found...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return compile(files, nil, "", nil)
}

// compile is the one way from files to rules, so that every command says the same
// about the same pack.
func compile(files []rule.File, params map[string]map[string]any, paramsFile string, sources []source.Source) (*rule.Set, error) {
	types, err := typeDecls(files, sources)
	if err != nil {
		return nil, err
	}
	set, err := rule.Load(rule.Options{Files: files, Params: params, ParamsFile: paramsFile, Types: types, Open: openBeside})
	if err != nil {
		return nil, &trimtab.Error{Code: trimtab.Invalid, Err: err, Next: "mend the rules; `trimtab rules test` reads them again"}
	}
	return set, nil
}

// openBeside reads a file that lies beside a pack or below.
func openBeside(pack, name string) ([]byte, error) {
	if builtin, ok := strings.CutPrefix(pack, "builtin:"); ok {
		return packs.Open(path.Join(path.Dir(builtin), name))
	}
	return os.ReadFile(filepath.Join(filepath.Dir(pack), filepath.FromSlash(name)))
}

// ownerType says who owns what: a company's table of owners needs no pack to
// declare it. Which field it is found by is the owner chain's to say.
var ownerType = rule.TypeDecl{Name: "Owner", Fields: []rule.FieldDecl{
	{Name: "account", Type: "string?"},
	{Name: "resource", Type: "string?"},
	{Name: "region", Type: "string?"},
	{Name: "service", Type: "string?"},
	{Name: "environment", Type: "string?"},
	{Name: "provider", Type: "string?"},
	{Name: "team", Type: "string?"},
	{Name: "name", Type: "string?"},
	{Name: "owner", Type: "string?"},
	{Name: "email", Type: "string?"},
}, Doc: "Who owns what; a field that the owner chain names says of what.", From: "the deployment's table of owners"}

// typeDecls are the fact types that packs need not declare: the owners, those
// that the built-in packs share when one of them is loaded, and those of the
// sources. Those of cost files are always among them, so that a pack about costs
// loads without its data.
func typeDecls(files []rule.File, sources []source.Source) ([]rule.TypeDecl, error) {
	decls := []rule.TypeDecl{ownerType}
	seen := map[string]bool{ownerType.Name: true}
	add := func(t source.Type, from string) {
		if !seen[t.Name] {
			seen[t.Name] = true
			decls = append(decls, declOf(t, from))
		}
	}
	if hasBuiltin(files) {
		shared, err := packs.Types()
		if err != nil {
			return nil, err
		}
		for _, t := range shared {
			add(t, "the built-in packs")
		}
	}
	for _, t := range focus.New(focus.Config{}).Types() {
		add(t, "cost files")
	}
	for _, s := range sources {
		if typed, ok := s.(source.Typed); ok {
			for _, t := range typed.Types() {
				add(t, "source "+s.Name())
			}
		}
	}
	return decls, nil
}

// declOf says a source's type to the rule language.
func declOf(t source.Type, from string) rule.TypeDecl {
	decl := rule.TypeDecl{Name: t.Name, Key: t.Key, Doc: t.Doc, From: from}
	for _, f := range t.Fields {
		decl.Fields = append(decl.Fields, rule.FieldDecl(f))
	}
	return decl
}

// hasBuiltin reports whether a built-in pack is among the files. Without one the
// shared types are not there: a company's own Resource is its own.
func hasBuiltin(files []rule.File) bool {
	return slices.ContainsFunc(files, func(f rule.File) bool { return strings.HasPrefix(f.Name, "builtin:") })
}

// lacking are the built-in tables that stand in where a rule reads prices or
// machine sizes and no source of the deployment gives them.
func lacking(files []rule.File, rules *rule.Set, sources []source.Source) []source.Source {
	if !hasBuiltin(files) {
		return nil
	}
	var all []source.Source
	for _, table := range []source.Source{packs.Prices(), packs.InstanceTypes()} {
		fact := table.Facts()[0]
		given := slices.ContainsFunc(sources, func(s source.Source) bool { return slices.Contains(s.Facts(), fact) })
		read := slices.ContainsFunc(rules.Rules(), func(r *rule.Rule) bool { return r.Enabled && slices.Contains(r.Reads(), fact) })
		if read && !given {
			all = append(all, table)
		}
	}
	return all
}

// PackFiles reads what a pack's name stands for: builtin:FOLDER, a file, or all
// YAML files of a folder and those below it.
func PackFiles(name, dir string) ([]rule.File, error) {
	if folder, ok := strings.CutPrefix(name, "builtin:"); ok {
		return builtin(folder)
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "there are no rules at %s", name).WithNext("name a file, a folder, or builtin:%s", strings.Join(packs.Names(), ", builtin:"))
	}
	if !info.IsDir() {
		return readPack(path)
	}
	return folder(path)
}

func builtin(name string) ([]rule.File, error) {
	found, err := packs.Folder(name)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "%w", err)
	}
	files := make([]rule.File, len(found))
	for i, f := range found {
		files[i] = rule.File{Name: f.Name, Data: f.Data}
	}
	return files, nil
}

func readPack(path string) ([]rule.File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "read rules: %w", err)
	}
	return []rule.File{{Name: path, Data: data}}, nil
}

// folder reads the packs of a folder in the order of their names: what a run says
// must not depend on the file system.
func folder(dir string) ([]rule.File, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && (strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "read rules: %w", err)
	}
	slices.Sort(paths)
	var files []rule.File
	for _, path := range paths {
		found, err := readPack(path)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// LoadRules compiles the rules of a path: a pack, a folder of packs, built-in
// ones, or those of a deployment file with its parameters.
func LoadRules(path string) (*rule.Set, error) {
	if !isDeployment(path) {
		return LoadPacks([]string{path})
	}
	plan, err := Load(path)
	if err != nil {
		return nil, err
	}
	return plan.Rules, nil
}

// isDeployment tells a deployment file from a pack by what it is made of.
func isDeployment(path string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	_, root := strictyaml.Open(path, data)
	return root.Kind() == strictyaml.Mapping && slices.ContainsFunc(root.Entries(), func(e strictyaml.Entry) bool { return e.Key.Text() == "packs" })
}

// LoadRulesWith compiles a deployment's rules with some parameters changed,
// each given as PACK.PARAM=VALUE.
func LoadRulesWith(path string, changes []string) (*rule.Set, error) {
	d, err := deploy.Read(path)
	if err != nil {
		return nil, err
	}
	for _, change := range changes {
		if err := setParam(d.Params, change); err != nil {
			return nil, err
		}
	}
	plan, err := Prepare(d)
	if err != nil {
		return nil, err
	}
	return plan.Rules, nil
}

// setParam reads PACK.PARAM=VALUE; the value is written as in YAML. A pack's
// name may have dots, a parameter's has none.
func setParam(params map[string]map[string]any, change string) error {
	name, value, ok := strings.Cut(change, "=")
	dot := strings.LastIndex(name, ".")
	if !ok || dot < 0 {
		return trimtab.Errorf(trimtab.Invalid, "--set %s cannot be read", change).WithNext("write PACK.PARAM=VALUE, as aws.compute.max_cpu=3.0")
	}
	pack, param := name[:dot], name[dot+1:]
	if params[pack] == nil {
		params[pack] = map[string]any{}
	}
	_, root := strictyaml.Open("--set", []byte(value))
	params[pack][param] = root.Plain()
	return nil
}
