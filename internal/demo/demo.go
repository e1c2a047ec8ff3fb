// Package demo tells Trimtab's whole story on a generated company, in one
// folder and some twenty seconds: what is spent, what could be saved, which
// ticket goes to whom; a distributor that is killed in the middle and loses
// nothing; people who work, refuse and only claim to have worked; a month later
// what was verified and what came back; and a changed threshold, tried without
// writing anything.
//
// Nothing in it is staged: the jobs are the product's own, the tracker is a
// Jira on loopback spoken to over HTTP, the killed distributor is a process of
// its own, and every number printed is read from where it was written.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/sandbox"
)

// Config says where and for whom the story is told.
type Config struct {
	Dir     string
	Command []string // how trimtab is started, for the process that is killed
	Name    string   // how the reader starts it, for the commands that the story ends with
	Out     io.Writer
	Log     *slog.Logger
}

// progress is how far the story of a folder has come; it is written after each
// chapter.
type progress struct {
	Day   int `json:"day"`   // days since Day0 that have passed
	Month int `json:"month"` // months told so far
}

const (
	firstScan = 60 // day of the first scan
	month     = 30
)

// teller tells the story.
type teller struct {
	Config
	company  *company
	jira     *sandbox.Jira
	progress progress
	theirs   atomic.Pointer[clock.System] // the tracker's clock, the story's
	onCommit atomic.Pointer[func()]       // called while the answer to a creation is due
}

// Run tells the story from its beginning, or in a folder where it has been
// told, the next month of it.
func Run(ctx context.Context, cfg Config) (err error) {
	t := &teller{Config: cfg, company: newCompany()}
	if t.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return trimtab.Errorf(trimtab.Invalid, "find %s: %w", cfg.Dir, err)
	}
	if err := t.readProgress(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(t.Dir, "rules"), 0o755); err != nil {
		return trimtab.Errorf(trimtab.Outside, "make the demo's folder: %w", err)
	}
	if err := t.openJira(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.jira.Stop(context.WithoutCancel(ctx))) }()
	if err := t.writeDeployment(); err != nil {
		return err
	}
	if t.progress.Month == 0 {
		err = t.begin(ctx)
	} else {
		err = t.nextMonth(ctx)
	}
	if err != nil {
		return err
	}
	t.farewell()
	return nil
}

func (t *teller) path(name string) string { return filepath.Join(t.Dir, name) }

// now is six in the morning of the story's day.
func (t *teller) now() time.Time { return Day0.AddDate(0, 0, t.progress.Day).Add(6 * time.Hour) }

// readProgress reads how far the story has come; a new folder stands at its beginning.
func (t *teller) readProgress() error {
	data, err := os.ReadFile(t.path("demo.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.progress = progress{Day: firstScan}
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &t.progress)
	}
	if err != nil {
		return trimtab.Errorf(trimtab.Invalid, "read how far the demo has come: %w", err).WithNext("remove %s and begin anew", t.Dir)
	}
	return nil
}

// saveProgress comes last: a story that broke off is told again from there.
func (t *teller) saveProgress() error {
	data, err := json.Marshal(t.progress)
	if err == nil {
		err = os.WriteFile(t.path("demo.json"), data, 0o600)
	}
	if err != nil {
		return trimtab.Errorf(trimtab.Outside, "write how far the demo has come: %w", err)
	}
	return nil
}

// say writes a line of the story; head begins a chapter.
func (t *teller) say(format string, args ...any) { fmt.Fprintf(t.Out, "  "+format+"\n", args...) }

func (t *teller) head(format string, args ...any) {
	fmt.Fprintf(t.Out, "\n%s\n", fmt.Sprintf(format, args...))
}

// moveClock sets the tracker's clock to the story's, or a while after it. A tracker's clock
// does not go back, whatever time it took to tell the month before.
func (t *teller) moveClock(after time.Duration) {
	now := clock.AsOf(t.now().Add(after))
	t.theirs.Store(&now)
}

// with runs a chapter on the opened deployment as of the story's day.
func (t *teller) with(ctx context.Context, chapter func(*app.App) error) (err error) {
	plan, err := app.Load(t.path("trimtab.yaml"))
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, plan, clock.AsOf(t.now()), t.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return chapter(a)
}

// farewell says where everything lies and how to look at it.
func (t *teller) farewell() {
	t.head("Everything lies in %s, the state in trimtab.db there. Look at it:", t.Dir)
	for _, c := range []string{
		"recommendations list", "recommendations show 1", "tickets list", "savings --by month", "savings ledger", "rules list", "rules explain vm-data-dev-07", "runs list", "runs show 1",
		"rules diff --set aws.compute.max_cpu=1.0", "recommendations list -o json",
	} {
		fmt.Fprintf(t.Out, "  %s %s -c %s\n", t.Name, c, t.path("trimtab.yaml"))
	}
	if _, err := exec.LookPath("sqlite3"); err == nil {
		fmt.Fprintf(t.Out, "  sqlite3 %s 'SELECT * FROM recommendation_ticket_map'\n", t.path("trimtab.db"))
	}
	t.head("%s demo, again, tells the next month.", t.Name)
}
