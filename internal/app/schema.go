package app

import (
	"github.com/trimtab/trimtab/internal/deploy"
	"github.com/trimtab/trimtab/rule"
)

// Schema is the JSON Schema of a kind of file.
type Schema struct {
	Name, About string
	Write       func() ([]byte, error)
}

// Schemas are those of the files that people write.
func Schemas() []Schema {
	return []Schema{
		{"config", "The JSON Schema of the deployment file", deploy.Schema},
		{"pack", "The JSON Schema of packs", rule.Schema},
	}
}
