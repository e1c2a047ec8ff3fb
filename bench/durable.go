package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	_ "github.com/mattn/go-sqlite3" // the anchor: bare commits

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/store/sqlite"
)

// Sizes of benchmarks.md, "steps".
const (
	durableRuns  = 1000
	stepsOfOne   = 5
	bareCommits  = 2000
	resumedState = "TRIMTAB_BENCH_RESUME" // makes this program one that resumes
)

// durableTable measures steps a second beside the bare commits of the same database, and
// how long a killed process takes to go on. Both are wall clock: disks are waited for.
func durableTable(ctx context.Context, out io.Writer, runs int) error {
	dir, err := os.MkdirTemp("", "trimtab-durable")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var steps, bare, alone, ratios []float64
	for i := range runs {
		s, one, err := stepRates(ctx, filepath.Join(dir, fmt.Sprintf("steps%d.db", i)))
		if err != nil {
			return err
		}
		b, err := commitRate(ctx, filepath.Join(dir, fmt.Sprintf("bare%d.db", i)))
		if err != nil {
			return err
		}
		steps, bare, alone, ratios = append(steps, s), append(bare, b), append(alone, one/b), append(ratios, s/b)
	}
	fmt.Fprintf(out, "steps: %d runs of %d no-op steps, SQLite, WAL, FULL: %.0f steps/s (best %.0f); bare commits %.0f/s; ratio %.2f (best %.2f); one run alone %.2f\n",
		durableRuns, stepsOfOne, median(steps), slices.Max(steps), median(bare), median(ratios), slices.Max(ratios), median(alone))
	var resumes []float64
	for i := range max(runs, 5) {
		took, err := resume(ctx, filepath.Join(dir, fmt.Sprintf("resume%d.db", i)))
		if err != nil {
			return err
		}
		resumes = append(resumes, took.Seconds()*1000)
	}
	fmt.Fprintf(out, "resume: killed with SIGKILL, started again; the next step is at work after %.0f ms (best %.0f ms), of the process's start on\n",
		median(resumes), slices.Min(resumes))
	return nil
}

// noop is a workflow of steps that do nothing.
func noop(count *atomic.Int64) durable.Workflow {
	step := durable.NewStep("noop", func(context.Context, int) (int, error) {
		count.Add(1)
		return 0, nil
	})
	return durable.NewWorkflow("noop", 1, func(f *durable.Flow, n int) (int, error) {
		for i := range n {
			if _, err := step.Item(f, fmt.Sprint(i), i); err != nil {
				return 0, err
			}
		}
		return n, nil
	}, step)
}

// stepRates are steps a second of many runs at once, and of one alone.
func stepRates(ctx context.Context, path string) (many, one float64, err error) {
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = s.Close() }()
	var count atomic.Int64
	e, err := durable.New(durable.Config{Log: s.Runs(), Clock: clock.System{}, Worker: durable.Name(), Slots: 64}, noop(&count))
	if err != nil {
		return 0, 0, err
	}
	measure := func(runs, steps int) (float64, error) {
		for range runs {
			if _, _, err := e.Submit(ctx, durable.Request{Workflow: "noop", Input: steps}); err != nil {
				return 0, err
			}
		}
		began := time.Now()
		if err := drain(ctx, e); err != nil {
			return 0, err
		}
		return float64(runs*steps) / time.Since(began).Seconds(), nil
	}
	if many, err = measure(durableRuns, stepsOfOne); err != nil {
		return 0, 0, err
	}
	if one, err = measure(1, 500); err != nil {
		return 0, 0, err
	}
	if n := count.Load(); n != durableRuns*stepsOfOne+500 {
		return 0, 0, fmt.Errorf("%d steps were done", n)
	}
	done, err := e.List(ctx, durable.Filter{Statuses: []durable.Status{durable.Done}, Limit: 2 * durableRuns})
	if err == nil && len(done) != durableRuns+1 {
		err = fmt.Errorf("%d runs are done", len(done))
	}
	return many, one, err
}

// drain works as serve does until nothing is left.
func drain(ctx context.Context, e *durable.Engine) error {
	e.Start(ctx)
	for {
		left, err := e.List(ctx, durable.Filter{Statuses: []durable.Status{durable.Pending, durable.Running, durable.Waiting}, Limit: 1})
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return e.Stop(ctx)
		}
		e.Log.Wait(ctx, 20*time.Millisecond)
	}
}

// commitRate is the least that a step costs: a row and a flush.
func commitRate(ctx context.Context, path string) (float64, error) {
	q := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite3", "file:"+path+"?"+q.Encode())
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)`); err != nil {
		return 0, err
	}
	began := time.Now()
	for range bareCommits {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO t (v) VALUES ('x')`); err != nil {
			return 0, err
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	return bareCommits / time.Since(began).Seconds(), nil
}

// resume kills a process in the middle of a run and tells how long its successor takes,
// from its start on, until the next step is at work.
func resume(ctx context.Context, path string) (time.Duration, error) {
	first, lines, err := resumer(ctx, path)
	if err != nil {
		return 0, err
	}
	if err := heard(lines, "step 0"); err != nil {
		return 0, err
	}
	_ = first.Process.Kill() // in its second step
	_ = first.Wait()
	began := time.Now()
	second, lines, err := resumer(ctx, path)
	if err != nil {
		return 0, err
	}
	err = heard(lines, "step 1")
	took := time.Since(began)
	_ = second.Process.Kill()
	_ = second.Wait()
	return took, err
}

// heard reads a line.
func heard(lines *bufio.Scanner, want string) error {
	if !lines.Scan() || lines.Text() != want {
		return fmt.Errorf("the process says %q, not %q", lines.Text(), want)
	}
	return nil
}

// resumer starts this program as one that works on a run.
func resumer(ctx context.Context, path string) (*exec.Cmd, *bufio.Scanner, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	c := exec.CommandContext(ctx, self)
	c.Env = append(os.Environ(), resumedState+"="+path)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return c, bufio.NewScanner(out), c.Start()
}

// resumed works on a run whose first step ends and whose second one does not.
func resumed(ctx context.Context, path string) error {
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	_, err = durable.Once[int](ctx, s.Runs(), clock.System{}, halting(), nil)
	return err
}

// halting is that run; its second step tells whether it was gone on with.
func halting() durable.Workflow {
	first := durable.NewStep("first", func(context.Context, int) (int, error) { return 1, nil })
	second := durable.NewStep("second", func(ctx context.Context, n int) (int, error) {
		fmt.Printf("step %d\n", n)
		<-ctx.Done()
		return 0, ctx.Err()
	})
	return durable.NewWorkflow("halting", 1, func(f *durable.Flow, _ *int) (int, error) {
		if _, err := first.Do(f, 0); err != nil {
			return 0, err
		}
		claims := 0
		if f.Resumed() {
			claims = 1
		}
		return second.Do(f, claims)
	}, first, second)
}
