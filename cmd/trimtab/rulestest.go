package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/rule"
)

// testFlags are the flags of rules test.
type testFlags struct {
	cover bool
	watch bool
	junit string
}

// newRulesTest ends with its own exit code if tests fail, after all have run.
func newRulesTest(env *environment) *cobra.Command {
	var flags testFlags
	c := &cobra.Command{
		Use: "test [PATHS]", Short: "Run the tests that stand beside the rules",
		RunE: func(c *cobra.Command, args []string) error {
			if flags.watch {
				return env.watchTests(c.Context(), args, flags)
			}
			return env.testOnce(c.Context(), args, flags)
		},
	}
	c.Flags().BoolVar(&flags.cover, "cover", false, "tell which conditions no test has seen true, or false")
	c.Flags().BoolVar(&flags.watch, "watch", false, "run them again whenever a file changes")
	c.Flags().StringVar(&flags.junit, "junit", "", "write the results to a file as JUnit XML")
	return c
}

// tested loads the rules as their tests see them: the named packs, or those of the
// deployment.
func (e *environment) tested(paths []string) (*rule.Set, error) {
	if len(paths) > 0 {
		return app.LoadPacks(paths)
	}
	plan, err := app.Load(e.file)
	if err != nil {
		return nil, err
	}
	return plan.Tested()
}

// testOnce runs the tests and prints what they came to.
func (e *environment) testOnce(ctx context.Context, paths []string, flags testFlags) error {
	set, err := e.tested(paths)
	if err != nil {
		return e.refused(err)
	}
	var results []rule.TestResult
	var covered []rule.Covered
	if flags.cover {
		results, covered, err = set.Cover(ctx)
	} else {
		results, err = set.Test(ctx)
	}
	if err != nil {
		return err
	}
	if flags.junit != "" {
		if err := writeJUnit(flags.junit, results); err != nil {
			return err
		}
	}
	if flags.cover {
		return e.covered(results, covered)
	}
	return e.testResults(results)
}

// testResults prints each test, then the count.
func (e *environment) testResults(results []rule.TestResult) error {
	t := table{names: []string{"rule", "test", "passed", "failures"}}
	failed := 0
	for _, r := range results {
		if !r.Passed() {
			failed++
		}
		t.add(r.Rule, r.Name, r.Passed(), strings.Join(r.Failures, "; "))
	}
	t.more = fmt.Sprintf("%d passed, %d failed", len(results)-failed, failed)
	if err := e.print(t); err != nil || failed == 0 {
		return err
	}
	// The table above says which; a pipeline goes by the exit code.
	return trimtab.Errorf(trimtab.Partial, "%d of %d rule tests failed", failed, len(results))
}

// covered prints the conditions that the tests have not seen both ways; JSON and CSV
// have them all.
func (e *environment) covered(results []rule.TestResult, covered []rule.Covered) error {
	t := table{names: []string{"rule", "place", "condition", "seen_true", "seen_false"}}
	sides := 0
	for _, c := range covered {
		if c.True {
			sides++
		}
		if c.False {
			sides++
		}
		if !c.Whole() || e.output != "table" {
			t.add(c.Rule, fmt.Sprintf("%s:%d", c.File, c.Line), strings.Join(strings.Fields(c.Text), " "), c.True, c.False)
		}
	}
	failed := 0
	for _, r := range results {
		if !r.Passed() {
			failed++
			fmt.Fprintf(e.err, "%s: %s: %s\n", r.Rule, r.Name, strings.Join(r.Failures, "; "))
		}
	}
	t.more = fmt.Sprintf("%d passed, %d failed; %d conditions, %.1f %% of their two sides seen", len(results)-failed, failed,
		len(covered), 100*float64(sides)/float64(max(2*len(covered), 1)))
	if err := e.print(t); err != nil || failed == 0 {
		return err
	}
	return trimtab.Errorf(trimtab.Partial, "%d of %d rule tests failed", failed, len(results))
}

// junitSuites, junitSuite and junitCase are JUnit's XML, as build servers read it.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes one suite a rule.
func writeJUnit(path string, results []rule.TestResult) error {
	var all junitSuites
	for _, r := range results {
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != r.Rule {
			all.Suites = append(all.Suites, junitSuite{Name: r.Rule})
		}
		s := &all.Suites[len(all.Suites)-1]
		c := junitCase{Class: r.Rule, Name: r.Name, File: r.File, Line: r.Line}
		if !r.Passed() {
			s.Failures++
			c.Failure = &junitFailure{Message: r.Failures[0], Text: strings.Join(r.Failures, "\n")}
		}
		s.Tests++
		s.Cases = append(s.Cases, c)
	}
	data, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), append(data, '\n')...), 0o644); err != nil {
		return trimtab.Errorf(trimtab.Invalid, "write the results: %w", err)
	}
	return nil
}

// watchEvery is how often files are looked at.
const watchEvery = 300 * time.Millisecond

// watchTests runs the tests at once and after every change, until it is interrupted.
func (e *environment) watchTests(ctx context.Context, paths []string, flags testFlags) error {
	names := paths
	if len(names) == 0 {
		names = []string{e.file}
		if plan, err := app.Load(e.file); err == nil {
			for _, p := range plan.Deployment.Packs {
				names = append(names, p.Text)
			}
		}
	}
	seen := ""
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if now := stamp(names); now != seen {
			seen = now
			e.report(e.testOnce(ctx, paths, flags))
			fmt.Fprintln(e.err, "watching for changes")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// stamp is the text of all files, which a change changes.
func stamp(names []string) string {
	var b strings.Builder
	for _, name := range names {
		files, err := app.PackFiles(name, ".")
		if err != nil {
			b.WriteString(err.Error())
		}
		for _, f := range files {
			b.WriteString(f.Name + "\x00")
			b.Write(f.Data)
		}
	}
	return b.String()
}
