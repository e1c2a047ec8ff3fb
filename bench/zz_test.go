package main

import (
	"os"
	"testing"
)

func TestZZ(t *testing.T) {
	name := os.Getenv("ZZ")
	if name == "" {
		t.Skip()
	}
	for _, c := range everyContest(false) {
		if c.name+" "+c.size != name {
			continue
		}
		p := c.ours()
		for range 3 {
			if err := p.prepare(); err != nil {
				t.Fatal(err)
			}
			s, err := p.play(c.changes)
			t.Log(c.name, c.size, s, err)
		}
	}
}
