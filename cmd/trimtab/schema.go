package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab/internal/app"
)

// schemaFolder is where init puts schemas, beside the deployment file: editors find
// them there without a network.
const schemaFolder = ".trimtab"

func newSchema(env *environment) *cobra.Command {
	var children []*cobra.Command
	for _, s := range app.Schemas() {
		children = append(children, &cobra.Command{
			Use: s.Name, Short: s.About, Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				data, err := s.Write()
				if err != nil {
					return err
				}
				_, err = env.out.Write(data)
				return err
			},
		})
	}
	return group("schema", "The JSON Schemas by which editors complete and check files", children...)
}

// schemaFiles are the schemas as init writes them.
func schemaFiles() ([]starterFile, error) {
	var files []starterFile
	for _, s := range app.Schemas() {
		data, err := s.Write()
		if err != nil {
			return nil, err
		}
		files = append(files, starterFile{filepath.Join(schemaFolder, s.Name+".schema.json"), data})
	}
	return files, nil
}
