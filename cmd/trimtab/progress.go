package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/durable"
)

// Progress is looked at this often; where nobody watches a terminal a line is written
// only every sayEvery.
const (
	lookEvery = 200 * time.Millisecond
	sayEvery  = 5 * time.Second
)

// meter shows how far a run is, on standard error.
type meter struct {
	env  *environment
	bar  *progressbar.ProgressBar
	said time.Time
	last string
}

// show brings the bar up to date on a terminal, and elsewhere writes a line now and then.
func (m *meter) show(p durable.Progress) {
	text := progressText(p)
	if text == "" || text == m.last {
		return
	}
	if !isTerminal(m.env.err) {
		if time.Since(m.said) >= sayEvery {
			fmt.Fprintln(m.env.err, text)
			m.said, m.last = time.Now(), text
		}
		return
	}
	m.last = text
	done, total := 0, 0
	for _, c := range p {
		done, total = done+c.Done, total+c.Total
	}
	if m.bar == nil {
		m.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(m.env.err), progressbar.OptionClearOnFinish(),
			progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""), progressbar.OptionSetWidth(30))
	}
	m.bar.Describe(text)
	m.bar.ChangeMax(total)
	_ = m.bar.Set(done) // a bar that cannot be drawn is no reason to end
}

// end takes the bar away: results follow.
func (m *meter) end() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}

// watch shows the progress of every run that the app is asked for until stop is called.
func (e *environment) watch(ctx context.Context, a *app.App) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var run atomic.Int64
	a.Began = func(id int64, resumed bool) {
		run.Store(id)
		if resumed {
			fmt.Fprintf(e.err, "run %d has not ended yet: it goes on, and this is its result\n", id)
		}
	}
	var done sync.WaitGroup
	done.Go(func() {
		m := &meter{env: e, said: time.Now()} // the first seconds need no word
		defer m.end()
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				m.show(a.Engine.Progress(run.Load()))
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// follow waits until a run has ended or is parked, and says how far it is meanwhile.
func (e *environment) follow(ctx context.Context, o durable.Operator, id int64) error {
	m := &meter{env: e}
	defer m.end()
	for {
		run, _, err := o.Show(ctx, id)
		if err != nil {
			return err
		}
		if run.Status.Ended() || run.Status == durable.Parked {
			return nil
		}
		m.show(run.Progress)
		o.Log.Wait(ctx, lookEvery)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
