package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/robfig/cron/v3"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/monitor"
	"github.com/trimtab/trimtab/internal/web"
)

// serving is what Start made and Stop undoes.
type serving struct {
	cancel  context.CancelFunc
	done    sync.WaitGroup
	server  *http.Server
	addr    net.Addr
	metrics *web.Metrics
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
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics = web.NewMetrics(ctx, registry, a.Store)
	a.Distribute.Notify = func(e distribute.Event) {
		s.metrics.Ticket(e.Board, e.What)
		if a.Notify != nil {
			a.Notify(e)
		}
	}
	token, err := a.openControl(listener.Addr())
	if err != nil {
		cancel()
		return errors.Join(err, listener.Close())
	}
	s.server = &http.Server{
		Handler: web.New(web.Config{Store: a.Store, Registry: registry, Ready: a.ready, Runs: a.Engine, Act: a.act, Token: token, Hook: a.hook}), ReadHeaderTimeout: 5 * time.Second,
	}
	a.serving.Store(s)
	s.done.Go(func() { _ = s.server.Serve(listener) }) // ends with Stop
	a.Engine.Start(ctx, a.schedules(schedule)...)
	rules := newReloader(a)
	s.metrics.Rules(true)
	s.done.Go(func() { a.followRules(ctx, s, rules) })
	s.done.Go(func() { a.followHooks(ctx) })
	a.Log.Info("serving", "address", s.addr.String(), "scan", a.Deployment.Schedule.Scan.Text, "monitor", a.Deployment.Schedule.Monitor)
	return nil
}

// Addr is the address that is served, known after Start.
func (a *App) Addr() string { return a.serving.Load().addr.String() }

// Stop ends what Start began and waits for it; twice is once. Runs that are under way
// are given back and go on from their last step at the next start.
func (a *App) Stop(ctx context.Context) error {
	s := a.serving.Swap(nil)
	if s == nil {
		return nil
	}
	s.cancel()
	err := errors.Join(a.closeControl(), a.Engine.Stop(ctx), s.server.Shutdown(ctx))
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

// schedules are what is started while serving. A distribution comes before a pull: both
// are due at the same times, and the queue lets one at a time.
func (a *App) schedules(scan cron.Schedule) []durable.Schedule {
	every := a.Deployment.Schedule.Monitor
	all := []durable.Schedule{
		{Name: "scan", Spec: a.Deployment.Schedule.Scan.Text, Next: scan.Next, Make: request("scan")}, often("distribute", every, request("distribute")),
	}
	var rest []string // trackers without an interval of their own
	for _, t := range a.Deployment.Trackers {
		if t.Interval == 0 || t.Interval == every {
			rest = append(rest, t.Name)
			continue
		}
		all = append(all, often("monitor "+t.Name, t.Interval, pull(t.Name)))
	}
	if len(rest) == len(a.Deployment.Trackers) {
		return append(all, often("monitor", every, pull()))
	}
	if len(rest) > 0 {
		all = append(all, often("monitor", every, pull(rest...)))
	}
	return all
}

// often starts something at once, and again after each interval.
func often(name string, every time.Duration, ask func(time.Time) durable.Request) durable.Schedule {
	return durable.Schedule{
		Name: name, Spec: every.String(), AtOnce: true, Make: ask, Next: func(now time.Time) time.Time { return now.Add(every) },
	}
}

// pull asks for a pull of some trackers; none is all.
func pull(trackers ...string) func(time.Time) durable.Request {
	return func(time.Time) durable.Request {
		key := strings.TrimSpace("monitor " + strings.Join(trackers, " "))
		return durable.Request{Workflow: "monitor", Key: key, Queue: jobs, Input: monitor.Request{Trackers: trackers}}
	}
}

// request asks for a job that nobody has approved anything of.
func request(workflow string) func(time.Time) durable.Request {
	return func(time.Time) durable.Request {
		return durable.Request{Workflow: workflow, Key: workflow, Queue: jobs}
	}
}
