package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/robfig/cron/v3"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/web"
)

// serving is what Start made and Stop undoes.
type serving struct {
	cancel  context.CancelFunc
	done    sync.WaitGroup
	server  *http.Server
	addr    net.Addr
	metrics *web.Metrics
	working sync.Mutex // one job at a time: they share the state and the trackers
}

// Start serves health, readiness and metrics and begins the schedules; it
// returns as soon as the address is open. [App.Stop] ends it.
func (a *App) Start(ctx context.Context) error {
	schedule, err := cron.ParseStandard(a.Deployment.Schedule.Scan.Text)
	if err != nil {
		return trimtab.Errorf(trimtab.Invalid, "schedule.scan: %w", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", a.Deployment.Listen)
	if err != nil {
		return trimtab.Errorf(trimtab.Outside, "listen on %s: %w", a.Deployment.Listen, err).
			WithNext("stop what uses the address, or change `listen:`")
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &serving{cancel: cancel, addr: listener.Addr()}
	a.serving = s
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics = web.NewMetrics(ctx, registry, a.Store)
	a.Distribute.Notify = func(e distribute.Event) {
		s.metrics.Ticket(e.Board, e.What)
		if a.Notify != nil {
			a.Notify(e)
		}
	}
	s.server = &http.Server{
		Handler: web.New(web.Config{Store: a.Store, Registry: registry, Ready: a.ready}), ReadHeaderTimeout: 5 * time.Second,
	}
	s.done.Go(func() { _ = s.server.Serve(listener) }) // ends with Stop
	s.done.Go(func() { a.follow(ctx, s) })
	s.done.Go(func() { a.scanOn(ctx, s, schedule) })
	rules := newReloader(a)
	s.metrics.Rules(true)
	s.done.Go(func() { a.followRules(ctx, s, rules) })
	a.Log.Info("serving", "address", s.addr.String(), "scan", a.Deployment.Schedule.Scan.Text, "monitor", a.Deployment.Schedule.Monitor)
	return nil
}

// Addr is the address that is served, known after Start.
func (a *App) Addr() string { return a.serving.addr.String() }

// Stop ends what Start began and waits for it; twice is once.
func (a *App) Stop(ctx context.Context) error {
	s := a.serving
	if s == nil {
		return nil
	}
	a.serving = nil
	s.cancel()
	err := s.server.Shutdown(ctx)
	s.done.Wait()
	return err
}

// ready says why the process cannot work: its state does not answer.
func (a *App) ready(ctx context.Context) error {
	if err := a.Store.Ping(ctx); err != nil {
		return fmt.Errorf("the state does not answer: %w", err)
	}
	return nil
}

// follow brings the outbox out and pulls the trackers, at once and then at the
// interval, until the context ends.
func (a *App) follow(ctx context.Context, s *serving) {
	for {
		a.work(ctx, s, "distribute", func(ctx context.Context) error {
			_, err := a.Distribute.Run(ctx, false)
			return err
		})
		a.work(ctx, s, "monitor", func(ctx context.Context) error {
			_, err := a.Monitor.Run(ctx)
			return err
		})
		if a.Clock.Sleep(ctx, a.Deployment.Schedule.Monitor) != nil {
			return
		}
	}
}

// scanOn scans whenever the schedule says so. A start that was missed while the
// process was down is not made up for: the next one sees the same data.
func (a *App) scanOn(ctx context.Context, s *serving, schedule cron.Schedule) {
	for {
		now := a.Clock.Now()
		if a.Clock.Sleep(ctx, schedule.Next(now).Sub(now)) != nil {
			return
		}
		a.work(ctx, s, "scan", func(ctx context.Context) error {
			_, err := a.Scan.Run(ctx)
			return err
		})
	}
}

// work runs one job, counts it and logs how it ended.
func (a *App) work(ctx context.Context, s *serving, job string, run func(context.Context) error) {
	if ctx.Err() != nil {
		return
	}
	s.working.Lock()
	defer s.working.Unlock()
	began := time.Now()
	err := run(ctx)
	outcome := "ok"
	switch {
	case errors.Is(err, context.Canceled):
		return
	case trimtab.CodeOf(err) == trimtab.Partial:
		outcome = "partial"
	case err != nil:
		outcome = "failed"
	}
	s.metrics.Ran(job, outcome, time.Since(began))
	if err != nil {
		a.Log.Error("job ended with errors", "job", job, "outcome", outcome, "error", err, "next", trimtab.NextOf(err))
	}
}
