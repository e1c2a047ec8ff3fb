// Command bench measures Trimtab against what bounds it, in one run on one
// machine, and checks that the result is right: ratios to an anchor say
// something on any machine, seconds do not. Nothing here fails for being slow;
// a wrong count fails.
//
//	go run ./bench [-rows 1000000] [-runs 5]
//	go run ./bench -matcher [-quick] [-only b1,c] [-runs 5]
//	go run ./bench -durable [-runs 5]
//	go run ./bench -tickets [-n 10000]
//	go run ./bench -poll [-n 10000]
//
// The first measures gathering, scanning and filing. The second measures the
// matcher beside CLIPS, which must be installed (Debian's clips), and beside the
// same joins by hand. The third measures durable runs beside bare commits. The
// fourth counts the calls of filing, without trouble and with answers lost; the fifth those
// of following what was filed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// workload is one thing to be measured beside its anchor.
type workload struct {
	name, size string
	anchor     string                                                            // what the anchor is
	prepare    func(ctx context.Context, dir string) (run, bare step, err error) // bare is the anchor; nil where it is a number
}

// step does the work once and gives a figure other than time where the anchor
// is one (calls), else 0. It fails when the result is wrong.
type step func(ctx context.Context) (figure float64, err error)

// options are what the command line says.
type options struct {
	rows, n, runs    int
	matcher, quick   bool
	durable, tickets bool
	poll             bool
	only             string
}

func main() {
	var o options
	flag.IntVar(&o.rows, "rows", 1_000_000, "cost lines of the scan workloads")
	flag.BoolVar(&o.tickets, "tickets", false, "count the calls of filing tickets instead")
	flag.BoolVar(&o.poll, "poll", false, "count the calls of following tickets instead")
	flag.IntVar(&o.n, "n", 10000, "how many tickets those file")
	flag.IntVar(&o.runs, "runs", 5, "how often each is run, interleaved with its anchor")
	flag.BoolVar(&o.matcher, "matcher", false, "measure the matcher instead")
	flag.BoolVar(&o.durable, "durable", false, "measure durable runs instead")
	flag.BoolVar(&o.quick, "quick", false, "the matcher at small sizes only")
	flag.StringVar(&o.only, "only", "", "the matcher's workloads to measure, as b1,c")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if path := os.Getenv(resumedState); path != "" {
		_ = resumed(ctx, path) // it is killed
		return
	}
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // the signal handler dies with the process
	}
}

// run measures what is asked for.
func (o options) run(ctx context.Context) error {
	if o.durable {
		return durableTable(ctx, os.Stdout, max(1, o.runs))
	}
	if o.tickets {
		return ticketsTable(ctx, os.Stdout, max(1, o.n))
	}
	if o.poll {
		return pollTable(ctx, os.Stdout, max(1, o.n))
	}
	if o.matcher {
		all, err := matcherContests(o.quick, o.only)
		if err != nil {
			return err
		}
		return matcherTable(ctx, os.Stdout, all, max(1, o.runs))
	}
	fmt.Println("| workload | size | check | median CPU s | best CPU s | anchor | anchor median CPU s | ratio |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, w := range []workload{gatherWorkload(o.rows, "parquet"), gatherWorkload(o.rows, "csv"), scanWorkload(o.rows), ticketWorkload(1000)} {
		if err := measure(ctx, w, o.runs); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

// measure runs a workload and its anchor in turn, so that a machine that slows
// down slows both.
func measure(ctx context.Context, w workload, runs int) error {
	dir, err := os.MkdirTemp("", "trimtab-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	work, bare, err := w.prepare(ctx, dir)
	if err != nil {
		return err
	}
	var ours, theirs []float64
	var figure float64
	for range runs {
		spent, f, err := cpu(ctx, work)
		if err != nil {
			return err
		}
		ours, figure = append(ours, spent), f
		if bare == nil {
			continue
		}
		if spent, _, err = cpu(ctx, bare); err != nil {
			return err
		}
		theirs = append(theirs, spent)
	}
	if bare == nil {
		fmt.Printf("| %s | %s | ok | %.2f | %.2f | %s | | %.2f |\n", w.name, w.size, median(ours), slices.Min(ours), w.anchor, figure)
		return nil
	}
	fmt.Printf("| %s | %s | ok | %.2f | %.2f | %s | %.2f | %.2f |\n",
		w.name, w.size, median(ours), slices.Min(ours), w.anchor, median(theirs), median(ours)/median(theirs))
	return nil
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// cpu is the processor time, of all threads, that a step spends.
func cpu(ctx context.Context, s step) (seconds, figure float64, err error) {
	before, err := spent()
	if err != nil {
		return 0, 0, err
	}
	if figure, err = s(ctx); err != nil {
		return 0, 0, err
	}
	after, err := spent()
	return (after - before).Seconds(), figure, err
}

func spent() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
