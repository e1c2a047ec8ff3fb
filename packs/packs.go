// Package packs holds the rule packs that come with Trimtab, as YAML inside the
// binary. A deployment names a folder of them as builtin:aws or
// builtin:governance and changes their thresholds with params, never by editing
// a pack.
package packs

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed */*.yaml
var files embed.FS

// File is one pack.
type File struct {
	Name string // as shown in messages: builtin:aws/compute.yaml
	Data []byte
}

// Open reads a file of the built-in packs, such as a table that lies beside one.
func Open(name string) ([]byte, error) { return files.ReadFile(name) }

// Names lists the built-in folders.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

// Folder gives the packs of a built-in folder, by name.
func Folder(name string) ([]File, error) {
	found, err := fs.Glob(files, path.Join(name, "*.yaml"))
	if err != nil || len(found) == 0 || strings.ContainsAny(name, "*?[/") {
		return nil, fmt.Errorf("there are no built-in packs %q: there are %s", name, strings.Join(Names(), ", "))
	}
	all := make([]File, 0, len(found))
	for _, f := range found {
		data, err := files.ReadFile(f)
		if err != nil {
			return nil, err
		}
		all = append(all, File{Name: "builtin:" + f, Data: data})
	}
	return all, nil
}
