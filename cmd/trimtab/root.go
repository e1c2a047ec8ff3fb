package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/clock"
)

// environment is what every command works with.
type environment struct {
	in       io.Reader
	out, err io.Writer

	file    string // the deployment file
	output  string // table, json or csv
	verbose bool
	asOf    string // pretend that it is this time
}

// newRoot is the whole command line. Errors are printed by report alone, so cobra
// is told to keep quiet.
func newRoot(env *environment) *cobra.Command {
	root := group("trimtab", "Find what a cloud wastes, file it once, follow it until the saving is verified",
		newDemo(env), newInit(env), newCheck(env), newRun(env), newScan(env), newDistribute(env), newMonitor(env), newServe(env),
		newApprove(env), newPause(env), newResume(env), newRecall(env), newRecover(env), newGrant(env),
		newRecommendations(env), newTickets(env), newConflicts(env), newDrift(env), newSavings(env), newRuns(env), newRules(env), newSchema(env), newSandbox(env), newVersion(env),
	)
	root.SilenceErrors, root.SilenceUsage = true, true
	// Before every command, so that no job starts under a flag that means nothing.
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return env.check() }
	root.SetIn(env.in)
	root.SetOut(env.out)
	root.SetErr(env.err)
	flags := root.PersistentFlags()
	flags.StringVarP(&env.file, "config", "c", "trimtab.yaml", "the deployment file")
	flags.StringVarP(&env.output, "output", "o", "table", "table, json or csv")
	flags.BoolVarP(&env.verbose, "verbose", "v", false, "log what the jobs do")
	flags.StringVar(&env.asOf, "now", "", "pretend that it is this time (RFC 3339)")
	// A mistyped flag is the caller's mistake, with the exit code of one.
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return trimtab.Errorf(trimtab.Invalid, "%w", err).WithNext("`%s --help` lists the flags", c.CommandPath())
	})
	return root
}

// check refuses a bad global flag before anything is opened.
func (e *environment) check() error {
	switch e.output {
	case "table", "json", "csv":
	default:
		return trimtab.Errorf(trimtab.Invalid, "there is no output %q", e.output).WithNext("use -o table, -o json or -o csv")
	}
	_, err := e.clock()
	return err
}

// clock is the machine's, or one that was told what time it is.
func (e *environment) clock() (clock.Clock, error) {
	if e.asOf == "" {
		return clock.System{}, nil
	}
	t, err := time.Parse(time.RFC3339, e.asOf)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "--now %q is no time", e.asOf).WithNext("write it as 2026-11-20T10:00:00Z")
	}
	return clock.AsOf(t), nil
}

// log writes to standard error: warnings, or everything with --verbose.
func (e *environment) log() *slog.Logger {
	level := slog.LevelError + 1 // results and the final error say what people need
	if e.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: level}))
}

// open loads the deployment and opens its state; done gives it back.
func (e *environment) open(c *cobra.Command, log *slog.Logger) (a *app.App, done func(*error), err error) {
	plan, err := app.Load(e.file)
	if err != nil {
		return nil, nil, err
	}
	now, err := e.clock()
	if err != nil {
		return nil, nil, err
	}
	// Only now, since a deployment that cannot be loaded has worse to say.
	for _, w := range append(plan.Deployment.Warnings, plan.Rules.Warnings()...) {
		log.Warn(w.Headline())
	}
	a, err = app.Open(c.Context(), plan, now, log)
	if err != nil {
		return nil, nil, err
	}
	stop := e.watch(c.Context(), a)
	return a, func(err *error) {
		stop()
		// Closing may fail too, and then what was kept is in doubt: it joins the error.
		*err = errors.Join(*err, a.Close())
	}, nil
}

// group is a command that only holds others: alone it lists them, and a name
// that is none of them is a mistake, not a cry for help.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return trimtab.Errorf(trimtab.Invalid, "unknown command %q for %q", args[0], c.CommandPath()).WithNext("`%s --help` lists them", c.CommandPath())
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(children...)
	return c
}

// newVersion reads what the compiler put into the binary: there is no number to
// forget to raise.
func newVersion(env *environment) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "What this is", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t := table{names: []string{"version", "go", "platform"}}
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return trimtab.Errorf(trimtab.Internal, "the binary carries no build information")
			}
			t.add(info.Main.Version, info.GoVersion, settingOf(info, "GOOS")+"/"+settingOf(info, "GOARCH"))
			return env.print(t)
		},
	}
}

// settingOf finds what the build was told; "" if it was not.
func settingOf(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// isTerminal reports whether a writer is a person's screen.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
