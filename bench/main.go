// Command bench measures Trimtab against what bounds it, in one run on one
// machine, and checks that the result is right: ratios to an anchor say
// something on any machine, seconds do not. Nothing here fails for being slow;
// a wrong count fails.
//
//	go run ./bench [-rows 1000000] [-tickets 1000] [-runs 5]
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

func main() {
	rows := flag.Int("rows", 1_000_000, "cost lines of the scan workloads")
	tickets := flag.Int("tickets", 1000, "tickets of the distribution workload")
	runs := flag.Int("runs", 5, "how often each is run, interleaved with its anchor")
	matcher := flag.Bool("matcher", false, "measure the matcher instead")
	quick := flag.Bool("quick", false, "the matcher at small sizes")
	only := flag.String("only", "", "workloads of the matcher to measure, by commas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *matcher {
		if err := matcherTable(ctx, os.Stdout, matcherContests(*quick, *only), *runs); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	fmt.Println("| workload | size | check | median CPU s | best CPU s | anchor | anchor median CPU s | ratio |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, w := range []workload{gatherWorkload(*rows, "parquet"), gatherWorkload(*rows, "csv"), scanWorkload(*rows), ticketWorkload(*tickets)} {
		if err := measure(ctx, w, *runs); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", w.name+":", err)
			os.Exit(1) //nolint:gocritic // the signal handler dies with the process
		}
	}
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
