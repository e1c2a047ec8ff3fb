package rete_test

import (
	"context"
	"fmt"
	"os"

	"github.com/trimtab/trimtab/rete"
)

func Example() {
	base, _ := rete.Compile([]rete.Type{{Name: "Thing", Fields: []rete.Field{{Name: "color"}}}}, []rete.Production{{
		ID:   "alert-red",
		When: []rete.Element{rete.Match("Thing", "t", rete.Eq("color", "red"))},
		Then: func(c *rete.Firing) error {
			t, _ := c.Fact("t")
			fmt.Println("found", t.Fields())
			return nil
		},
	}})
	s := rete.NewSession(base, rete.Config{})
	tx := s.Begin()
	_, _ = tx.Assert("Thing", rete.Fields{"color": "red"})
	_ = tx.Commit()
	report, _ := s.Run(exampleContext)
	fmt.Fprintln(os.Stdout, report.Firings, "firing")
	// Output:
	// found map[color:red]
	// 1 firing
}

var exampleContext = context.TODO()
