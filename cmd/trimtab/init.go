package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
)

// What init writes: a deployment file, a pack of one's own, and a little data,
// so that the first run shows something. The schemas come beside them.
var (
	//go:embed starter/trimtab.yaml
	starterDeployment []byte
	//go:embed starter/rules/first.yaml
	starterPack []byte
	//go:embed starter/data/billing.csv
	starterBilling []byte
)

// starterFile is a file that init writes.
type starterFile struct {
	name string
	data []byte
}

// starter is all that init writes: the starter's own files, and the schemas that
// their first lines name.
func starter() ([]starterFile, error) {
	schemas, err := schemaFiles()
	return append([]starterFile{
		{"trimtab.yaml", starterDeployment},
		{filepath.Join("rules", "first.yaml"), starterPack},
		{filepath.Join("data", "billing.csv"), starterBilling},
	}, schemas...), err
}

// newInit writes what a first run needs, and names the next two commands.
func newInit(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "init [DIR]", Short: "Write a commented starter", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			files, err := starter()
			if err != nil {
				return err
			}
			t := table{names: []string{"wrote"}}
			for _, f := range files {
				// One after the other: a name that is taken ends it, and what stands is kept.
				if err := writeNew(filepath.Join(dir, f.name), f.data); err != nil {
					return err
				}
				t.add(filepath.Join(dir, f.name))
			}
			t.more = fmt.Sprintf("next: trimtab check -c %[1]s, then trimtab run -c %[1]s", filepath.Join(dir, "trimtab.yaml"))
			return env.print(t)
		},
	}
}

// writeNew never overwrites.
func writeNew(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return trimtab.Errorf(trimtab.Invalid, "make the folder: %w", err)
	}
	// One step that looks and creates: nothing can come in between.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return trimtab.Errorf(trimtab.Invalid, "%s exists; it was left as it is", path).WithNext("name another folder: trimtab init DIR")
	}
	if err != nil {
		return trimtab.Errorf(trimtab.Invalid, "write the starter: %w", err)
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// newCheck shows all findings before it fails: a person mends them in one go.
func newCheck(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Everything that can be checked before a run", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			plan, err := app.Load(env.file)
			if err != nil {
				return err
			}
			now, err := env.clock()
			if err != nil {
				return err
			}
			findings, err := app.Check(c.Context(), plan, now)
			if err != nil {
				return err
			}
			t := table{names: []string{"part", "ok", "message", "next"}}
			bad := 0
			for _, f := range findings {
				t.add(f.Part, f.OK, f.Message, f.Next)
				if !f.OK {
					bad++
				}
			}
			if err := env.print(t); err != nil || bad == 0 {
				return err
			}
			return trimtab.Errorf(trimtab.Invalid, "%d of %d checks failed; nothing was changed", bad, len(findings))
		},
	}
}
