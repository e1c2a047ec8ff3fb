// Command skipped reads the output of `go test -json` and fails when a test was
// skipped: a skipped test is one that nobody knows to pass.
//
//	go run ./skipped test.json
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	f, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer func() { _ = f.Close() }()
	skipped := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var event struct{ Action, Package, Test string }
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.Action == "skip" && event.Test != "" {
			fmt.Printf("SKIPPED %s %s\n", event.Package, event.Test)
			skipped++
		}
	}
	if skipped > 0 && os.Getenv("CI") != "" {
		fmt.Printf("%d tests were skipped; CI wants them run\n", skipped)
		os.Exit(1) //nolint:gocritic // the file was only read
	}
}
