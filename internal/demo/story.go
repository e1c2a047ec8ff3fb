package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/app"
	"github.com/trimtab/trimtab/internal/sandbox"
	"github.com/trimtab/trimtab/internal/scan"
	"github.com/trimtab/trimtab/internal/store"
)

// begin tells the first month, from the first scan to what was verified.
func (t *teller) begin(ctx context.Context) error {
	t.head("Acme, a company of %d accounts and %d resources, on %s", 2*len(teams)+1, len(t.company.resources), t.now().Format("2 January 2006"))
	if err := t.company.write(ctx, t.Dir, t.now()); err != nil {
		return err
	}
	t.say("%d days of cost lines (Parquet), an inventory, hourly CPU metrics, owners and exemptions lie in data/.", t.progress.Day)
	for _, chapter := range []func(context.Context) error{
		t.scanFirst, t.fileAndKill, t.tellTraps, t.peopleWork, t.monthLater, t.changeThreshold,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	t.progress.Month = 1
	return t.saveProgress()
}

// scanFirst says what is spent, what could be saved, and whose it is.
func (t *teller) scanFirst(ctx context.Context) error {
	return t.with(ctx, func(a *app.App) error {
		report, err := a.RunScan(ctx)
		if err != nil {
			return err
		}
		t.say("Spent: %s a month. Could be saved: %s gross, %s net (a volume is not both moved and deleted).",
			money(report.Spend), money(report.Gross), money(report.Net))
		t.head("The scan recommends %d things. Which board, which owner, and how the owner was found:", len(report.Recommendations))
		t.sayBoards(report)
		return nil
	})
}

// money joins the currencies that there are: they are never added up.
func money(by map[string]trimtab.Money) string {
	var all []string
	for _, m := range by {
		all = append(all, m.Display())
	}
	sort.Strings(all)
	return strings.Join(all, " + ")
}

// sayBoards counts the recommendations of each owner and how the owner was found.
func (t *teller) sayBoards(report *scan.Report) {
	type line struct {
		n       int
		savings trimtab.Money
		how     map[string]int
	}
	lines := map[string]*line{}
	for _, rec := range report.Recommendations {
		name := fmt.Sprintf("%-9s %s", rec.Board, rec.Owner.Name)
		l := lines[name]
		if l == nil {
			l = &line{how: map[string]int{}, savings: trimtab.Money{Currency: "USD"}}
			lines[name] = l
		}
		l.n++
		l.savings.Amount = l.savings.Amount.Add(rec.Savings.Amount)
		l.how[rec.Owner.Source]++
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		l := lines[name]
		var how []string
		for _, source := range slices.Sorted(maps.Keys(l.how)) {
			how = append(how, fmt.Sprintf("%d by %s", l.how[source], source))
		}
		t.say("%-34s %3d, %12s   (%s)", name, l.n, l.savings.Display(), strings.Join(how, ", "))
	}
}

// fileAndKill lets a distributor of its own file the tickets, kills it with
// SIGKILL while its second call is under way, and starts another.
func (t *teller) fileAndKill(ctx context.Context) error {
	t.head("A distributor files them in Jira, over HTTP, and is killed in the middle")
	if err := t.runKilled(ctx); err != nil {
		return err
	}
	noted, err := t.noted(ctx)
	if err != nil {
		return err
	}
	t.say("SIGKILL after Jira had made %d tickets; the distributor had noted %d of them. The outcome of the rest is unknown to it.", len(t.jira.Issues("")), noted)
	var out bytes.Buffer
	again := t.distributor(ctx)
	again.Stdout, again.Stderr = &out, &out
	if err := again.Run(); err != nil {
		return trimtab.Errorf(trimtab.Outside, "resume: %w: %s", err, out.String())
	}
	return t.countTickets(ctx, noted)
}

// runKilled runs a distributor until its second call has been carried out and
// not yet answered, and kills it there.
func (t *teller) runKilled(ctx context.Context) error {
	child, started := t.distributor(ctx), make(chan struct{})
	var calls atomic.Int32
	kill := func() {
		if calls.Add(1) == 2 {
			<-started
			_ = child.Process.Kill() // SIGKILL: it cannot clean up, and never hears the answer
		}
	}
	t.onCommit.Store(&kill)
	defer t.onCommit.Store(nil)
	if err := child.Start(); err != nil {
		return trimtab.Errorf(trimtab.Outside, "start a distributor: %w", err)
	}
	close(started)
	err := child.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != -1 { // -1: ended by a signal
		return trimtab.Errorf(trimtab.Internal, "the distributor should have been killed: %w", err)
	}
	return nil
}

// distributor is `trimtab distribute` as a process of its own.
func (t *teller) distributor(ctx context.Context) *exec.Cmd {
	args := append(append([]string{}, t.Command[1:]...), "distribute", "-c", t.path("trimtab.yaml"), "--now", t.now().Format(time.RFC3339))
	cmd := exec.CommandContext(ctx, t.Command[0], args...) //nolint:gosec // the program that tells this story
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	return cmd
}

// noted is how many tickets Trimtab knows of; the tracker may have more.
func (t *teller) noted(ctx context.Context) (n int, err error) {
	err = t.read(ctx, func(tx *store.Tx) error {
		views, err := tx.TicketViews()
		n = len(views)
		return err
	})
	return n, err
}

// read looks at the state as a command of its own would, beside any writer.
func (t *teller) read(ctx context.Context, fn func(*store.Tx) error) (err error) {
	s, err := app.OpenState(ctx, t.path("trimtab.yaml"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Read(ctx, fn)
}

// countTickets holds what Jira has against what Trimtab knows.
func (t *teller) countTickets(ctx context.Context, before int) error {
	perMarker := map[string]int{}
	for _, issue := range t.jira.Issues("") {
		for _, label := range issue.Labels {
			if strings.HasPrefix(label, "tt-") && !strings.HasPrefix(label, "tt-inst-") {
				perMarker[label]++
			}
		}
	}
	twice := 0
	for _, n := range perMarker {
		twice += n - 1
	}
	noted, err := t.noted(ctx)
	if err != nil {
		return err
	}
	t.say("Started again: it looked the unknown ones up by their markers. Noted now: %d (%d before the kill); in Jira: %d; filed twice: %d.",
		noted, before, len(t.jira.Issues("")), twice)
	if twice != 0 || noted != len(perMarker) {
		return trimtab.Errorf(trimtab.Internal, "%d tickets noted, %d in Jira, %d twice", noted, len(perMarker), twice)
	}
	return nil
}

// tellTraps names what looks like waste and got no ticket.
func (t *teller) tellTraps(ctx context.Context) error {
	t.head("What looks like waste and got no ticket, and why")
	return t.read(ctx, func(tx *store.Tx) error {
		gathered, err := tx.Gathered()
		if err != nil {
			return err
		}
		views, err := tx.RecommendationViews(true)
		if err != nil {
			return err
		}
		for _, id := range []string{nightlyVM, reservedVM, exemptVM} {
			for _, v := range views {
				if v.Resource == id && v.Action == "stop" {
					return trimtab.Errorf(trimtab.Internal, "%s was recommended after all", id)
				}
			}
		}
		cpu := fact(gathered, "Metric", "resource", nightlyVM)
		t.say("%s: on average it uses %s %% CPU, but its busiest hour uses %s %%: a nightly job. The maximum decides.", nightlyVM, short(cpu["avg"]), short(cpu["max"]))
		cost := fact(gathered, "ResourceCost", "resource", reservedVM)
		t.say("%s: idle, but a commitment pays for %s of its %s a month whether it runs or not.", reservedVM, short(cost["committed_cost"]), short(cost["monthly_cost"]))
		exemption := fact(gathered, "Exemption", "resource", exemptVM)
		t.say("%s: idle, and exempt until %.10s: %s (%s).", exemptVM, fmt.Sprint(exemption["until"]), exemption["reason"], exemption["approver"])
		return nil
	})
}

// fact finds a gathered fact by one of its fields; nil without one.
func fact(gathered []store.Gathered, typ, field, value string) map[string]any {
	for _, g := range gathered {
		for _, f := range g.Facts {
			if f.Type == typ && f.Fields[field] == value {
				return f.Fields
			}
		}
	}
	return nil
}

// short writes a number of a fact with at most two places.
func short(v any) string {
	text := fmt.Sprint(v)
	number, unit, _ := strings.Cut(text, " ")
	if dot := strings.IndexByte(number, '.'); dot >= 0 && len(number) > dot+3 {
		number = number[:dot+3]
	}
	return strings.TrimSpace(number + " " + unit)
}

// peopleWork lets the owners do what owners do, and pulls it back.
func (t *teller) peopleWork(ctx context.Context) error {
	t.progress.Day += 2
	t.moveClock(0)
	t.head("Two days later people have worked on their tickets, and the monitor has heard of it")
	acts := []struct {
		resource string
		do       func(sandbox.Issue) error
	}{
		{fixedVM, func(i sandbox.Issue) error {
			return errors.Join(t.jira.Transition(i.Key, "In Progress", "", "acc-shop"), t.jira.Transition(i.Key, "Done", "Done", "acc-shop"))
		}},
		{claimedVM, func(i sandbox.Issue) error { return t.jira.Transition(i.Key, "Done", "Done", "acc-data") }},
		{refusedVM, func(i sandbox.Issue) error { return t.jira.Transition(i.Key, "Done", "Won't Do", "acc-web") }},
		{movedVM, func(i sandbox.Issue) error {
			return errors.Join(t.jira.Assign(i.Key, "acc-data", "acc-platform"), t.jira.Transition(i.Key, "In Progress", "", "acc-data"))
		}},
	}
	for _, act := range acts {
		issue, err := t.ticketOf(act.resource)
		if err == nil {
			err = act.do(issue)
		}
		if err != nil {
			return err
		}
	}
	return t.with(ctx, func(a *app.App) error {
		report, err := a.RunMonitor(ctx)
		if err != nil {
			return err
		}
		for _, event := range report.Events {
			t.say("%s", event)
		}
		return nil
	})
}

// ticketOf finds a ticket as a person would, by its summary.
func (t *teller) ticketOf(resource string) (sandbox.Issue, error) {
	for _, issue := range t.jira.Issues("") {
		if strings.Contains(issue.Summary+" ", "Stop idle VM "+resource+" ") {
			return issue, nil
		}
	}
	return sandbox.Issue{}, trimtab.Errorf(trimtab.Internal, "there is no ticket about %s", resource)
}

// monthLater moves the clock on and scans again.
func (t *teller) monthLater(ctx context.Context) error {
	t.progress.Day += month
	t.moveClock(0)
	t.head("%s: a month later, another scan", t.now().Format("2 January 2006"))
	if err := t.company.write(ctx, t.Dir, t.now()); err != nil {
		return err
	}
	return t.with(ctx, func(a *app.App) error {
		tickets := len(t.jira.Issues(""))
		result, err := a.Run(ctx, false)
		if err != nil {
			return err
		}
		t.say("%d recommendations, %d of them repeats; new tickets: %d; other writes to tickets: %d.", len(result.Scan.Recommendations),
			result.Scan.Detail.Repeats, len(t.jira.Issues(""))-tickets, result.Distribute.Written)
		return t.sayOutcome(ctx, a)
	})
}

// sayOutcome says what became of the claims, from the ledger and the states.
func (t *teller) sayOutcome(ctx context.Context, a *app.App) error {
	return a.Store.Read(ctx, func(tx *store.Tx) error {
		ledger, err := tx.Ledger()
		if err != nil {
			return err
		}
		for _, s := range ledger {
			t.say("%-9s %s %s: it cost %s a month, now %s: %s a month saved (%s).", s.Kind+":", s.Action, s.Resource,
				s.Baseline.Display(), s.Observed.Display(), s.Realised.Display(), s.Basis)
		}
		views, err := tx.RecommendationViews(true)
		if err != nil {
			return err
		}
		for _, v := range views {
			switch {
			case v.Resource == claimedVM && v.Workflow == trimtab.InProgress:
				t.say("reopened: %s, said to be done, is still there: %s is %s again, with the evidence as a comment.", v.Resource, v.Ticket, v.Workflow)
			case v.Condition == trimtab.Unknown:
				t.say("unknown:  %s sends no metrics any more: nobody can tell, so %s stays open.", v.Resource, v.Ticket)
			case v.Resource == refusedVM && v.Action == "stop":
				t.say("left:     %s was refused (%s): %s stays as it is.", v.Resource, v.Reason, v.Ticket)
			}
		}
		return nil
	})
}
