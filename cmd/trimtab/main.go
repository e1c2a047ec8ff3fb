// Command trimtab finds what a cloud wastes and follows each finding to a
// verified saving. `trimtab demo` tells the whole story on generated data;
// `trimtab help` lists the commands.
//
// Results go to standard output, progress and logs to standard error. Exit
// codes: 0 done, 1 a mistake of the caller or of a file (nothing was changed),
// 2 the outside failed (resumable), 3 finished with errors that are listed,
// 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/trimtab/trimtab"
)

func main() { os.Exit(Main()) }

// Main is the command, with its exit code; a test calls it in place of a
// process.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	env := &environment{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	root := newRoot(env)
	root.SetArgs(os.Args[1:])
	err := root.ExecuteContext(ctx)
	env.report(err)
	// Both: a command may have finished before the signal, or failed by itself.
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	return exitCode(err)
}

// The exit codes.
const (
	exitDone        = 0
	exitMistake     = 1
	exitOutside     = 2
	exitPartial     = 3
	exitInterrupted = 130
)

// exitCode is what scripts go by; docs/operations.md lists the codes.
func exitCode(err error) int {
	switch trimtab.CodeOf(err) {
	case "":
		return exitDone
	case trimtab.Outside, trimtab.Busy:
		return exitOutside
	case trimtab.Partial:
		return exitPartial
	}
	return exitMistake
}

// report writes an error for people: what happened, and what to try next.
func (e *environment) report(err error) {
	if err == nil || errors.Is(err, errQuiet) {
		return
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(e.err, "interrupted; what was begun goes on with the next run")
		return
	}
	fmt.Fprintln(e.err, "trimtab:", strings.TrimSpace(err.Error()))
	if next := trimtab.NextOf(err); next != "" {
		fmt.Fprintln(e.err, "next:", next)
	}
}

// errQuiet ends a command whose results already say what is wrong.
var errQuiet = errors.New("said already")
