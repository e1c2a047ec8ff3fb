package distribute

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// sender brings the outbox of one tracker to it.
type sender struct {
	job     *Job
	name    string
	tracker tracker.Tracker
	sent    sent
	total   int   // tickets that are asked for, as far as is known
	epoch   int64 // of the state
	log     *slog.Logger

	paused  map[string]store.Pause // boards to which nothing is written
	alone   map[string]bool        // projects that are filed on apart, to find the one that refuses
	refused map[string]error       // projects that refuse us; the next run asks again
}

// run is the protocol: take over what a dead process left, resolve what is
// unknown, file what is planned, write the rest, and look again at what became
// unknown on the way.
func (s *sender) run(ctx context.Context) error {
	s.alone, s.refused = map[string]bool{}, map[string]error{}
	if err := s.takeOver(ctx); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.rounds(ctx); err != nil {
		return err
	}
	return s.refusals()
}

// begin reads what holds for all that is sent, and asks the tracker whether this state is
// the one that filed last.
func (s *sender) begin(ctx context.Context) error {
	err := s.job.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if s.paused, err = pausedBoards(tx, s.job.Clock.Now()); err != nil {
			return err
		}
		s.epoch, _, err = tx.Epoch()
		return err
	})
	if err != nil {
		return err
	}
	waits := false
	err = s.job.Store.Read(ctx, func(tx *store.Tx) error {
		q := s.queue(endOfTime)
		n, err := tx.CountCreations(q)
		if err != nil || n > 0 {
			waits = n > 0
			return err
		}
		writes, err := tx.DueWrites(q)
		waits = len(writes) > 0
		return err
	})
	if err != nil || !waits {
		return err
	}
	return s.witness(ctx)
}

// rounds works through the outbox until nothing is left that this run can wait for.
func (s *sender) rounds(ctx context.Context) error {
	deadline := s.job.Clock.Now().Add(s.job.Policy.MaxWait)
	for wait := time.Second; ; wait = min(2*wait, 20*time.Second) {
		left, err := s.round(ctx)
		if err != nil {
			return err
		}
		if left == 0 || s.job.Clock.Now().Add(wait).After(deadline) {
			return nil
		}
		if err := s.job.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// round works once through the outbox and tells how many creations are left:
// those that are not settled, and those that the tracker put off.
func (s *sender) round(ctx context.Context) (int, error) {
	left, err := s.resolve(ctx)
	if err != nil {
		return 0, err
	}
	if err := s.create(ctx); err != nil {
		return 0, err
	}
	if err := s.write(ctx); err != nil {
		return 0, err
	}
	unknown, err := s.unknown(ctx)
	if err != nil {
		return 0, err
	}
	unknown = slices.DeleteFunc(unknown, s.hidden) // no waiting helps
	planned, err := s.creations(ctx, endOfTime)
	return max(left, len(unknown)+planned), err
}

// takeOver sets aside every write that was under way when its process died: it
// holds the state's lock, so nobody else can be sending.
func (s *sender) takeOver(ctx context.Context) error {
	return s.job.Store.Write(ctx, func(tx *store.Tx) error {
		sent, err := tx.Ops(s.name, store.OpSent, s.job.Clock.Now())
		if err != nil {
			return err
		}
		for _, op := range sent {
			op.State, op.SettledAt = store.OpUnknown, s.job.Clock.Now()
			if err := tx.SaveOp(op); err != nil {
				return err
			}
		}
		if len(sent) > 0 {
			s.log.Warn("taking over writes whose outcome is not known", "writes", len(sent))
		}
		return nil
	})
}

// endOfTime is when every write is due.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// unknown reads the writes whose outcome is not known.
func (s *sender) unknown(ctx context.Context) (ops []*store.Op, err error) {
	err = s.job.Store.Read(ctx, func(tx *store.Tx) (err error) {
		ops, err = tx.Ops(s.name, store.OpUnknown, endOfTime)
		return err
	})
	return ops, err
}

// queue is what may be written until a time, on boards that take it.
func (s *sender) queue(until time.Time) store.Queue {
	q := store.Queue{Tracker: s.name, Until: until, Stopped: slices.Sorted(maps.Keys(s.paused))}
	for _, name := range slices.Sorted(maps.Keys(s.job.Boards)) {
		if s.refused[s.job.Boards[name].Project] != nil {
			q.Stopped = append(q.Stopped, name)
		}
	}
	return q
}

// creations counts those that are to be sent until a time.
func (s *sender) creations(ctx context.Context, until time.Time) (n int, err error) {
	err = s.job.Store.Read(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.CountCreations(s.queue(until))
		return err
	})
	return n, err
}

// stopped reports whether a write has to wait for a later run.
func (s *sender) stopped(op *store.Op) bool {
	_, paused := s.paused[op.Board]
	return paused || s.refused[s.project(op)] != nil
}

// project is where a write goes.
func (s *sender) project(op *store.Op) string { return s.job.Boards[op.Board].Project }

// refusals tells of the projects that refused us. What is for them waits in the outbox.
func (s *sender) refusals() error {
	var all []error
	for _, project := range slices.Sorted(maps.Keys(s.refused)) {
		all = append(all, fmt.Errorf("project %s: %w", project, s.refused[project]))
	}
	return errors.Join(all...)
}

// save writes how far some writes have come, in one transaction.
func (s *sender) save(ctx context.Context, ops ...*store.Op) error {
	return s.job.Store.Write(ctx, func(tx *store.Tx) error {
		for _, op := range ops {
			if err := tx.SaveOp(op); err != nil {
				return err
			}
		}
		return nil
	})
}

// create files what is planned, a batch at a time.
func (s *sender) create(ctx context.Context) error {
	planned, err := s.creations(ctx, s.job.Clock.Now())
	if err != nil {
		return err
	}
	s.total = max(s.total, s.sent.Filed+s.sent.Adopted+planned)
	for {
		batch, err := s.batch(ctx)
		if err != nil || len(batch) == 0 {
			return err
		}
		if batch, err = s.adopt(ctx, batch); err != nil {
			return err
		}
		if err := s.createBatch(ctx, batch); err != nil {
			return err
		}
	}
}

// batch takes the first creations that are due, as many as go into one call. Projects
// share calls until one of them refuses.
func (s *sender) batch(ctx context.Context) ([]*store.Op, error) {
	var due []*store.Op
	err := s.job.Store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.DueCreations(s.queue(s.job.Clock.Now()), 4*tracker.MaxBatch)
		return err
	})
	due = slices.DeleteFunc(due, s.stopped) // of a board that is not configured any more
	if err != nil || len(due) == 0 {
		return nil, err
	}
	first := s.project(due[0])
	batch := slices.DeleteFunc(due, func(op *store.Op) bool {
		project := s.project(op)
		return project != first && (s.alone[project] || s.alone[first])
	})
	return batch[:min(len(batch), tracker.MaxBatch)], nil
}

// createBatch files one batch: "sent" is committed first, then the call is made,
// then each ticket is noted. A process that dies in between leaves "sent" behind,
// which its successor looks up by marker.
func (s *sender) createBatch(ctx context.Context, batch []*store.Op) error {
	if len(batch) == 0 {
		return nil
	}
	links, err := s.linksOf(ctx, batch)
	if err != nil {
		return err
	}
	if err := s.markSent(ctx, batch); err != nil {
		return err
	}
	drafts := make([]tracker.Draft, len(batch))
	for i, op := range batch {
		drafts[i] = s.draft(op, links[op.ID])
	}
	results, err := s.tracker.Create(ctx, drafts)
	if err != nil {
		return s.callFailed(ctx, batch, err)
	}
	for i, op := range batch {
		if results[i].Err != nil {
			err = s.elementFailed(ctx, op, results[i].Err)
		} else {
			s.sent.Filed++
			err = s.filed(ctx, op, links[op.ID], results[i].Issue, "filed", results[i].Notes)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// markSent commits that a call is about to be made, before it is.
func (s *sender) markSent(ctx context.Context, batch []*store.Op) error {
	for _, op := range batch {
		op.State, op.SentAt = store.OpSent, s.job.Clock.Now()
	}
	return s.save(ctx, batch...)
}

// draft puts the stored intent and the marker together. Nothing is rendered anew:
// what was decided is what is filed.
func (s *sender) draft(op *store.Op, link *store.Link) tracker.Draft {
	p := op.Payload
	return tracker.Draft{
		Target: tracker.Target{Project: p.Project, Type: p.Type}, Marker: link.Marker,
		Installation: s.job.Store.Installation(), Op: s.opID(op), Summary: p.Summary, Description: tracker.Managed(p.Description),
		Labels: p.Labels, Assignee: p.Assignee, Priority: p.Priority, Components: p.Components, Parent: p.Parent, Fields: p.Fields,
		Due: dayOf(p.Due),
	}
}

// dayOf reads what was written down; the zero time is none.
func dayOf(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// filedAs is what both sides agree on of a new ticket: what was filed. People and automations
// may have worked on it before it was read: the monitor is to hear that.
func filedAs(p store.OpPayload, issue tracker.Issue) map[string]merge.Agreed {
	base := merge.AgreedOn(issue)
	for field, ours := range sayings(p) {
		base[field] = merge.Agreed{Ours: ours, Theirs: base[field].Theirs}
	}
	base[merge.Status] = merge.Agreed{Ours: string(tracker.Open), Theirs: string(tracker.Open)}
	if !strings.HasPrefix(p.Summary, strings.TrimSuffix(issue.Summary, "…")) { // a tracker cuts it, and nothing else
		base[merge.Summary] = merge.Agreed{Ours: p.Summary, Theirs: p.Summary}
	}
	return base
}

// beat says that one more ticket is there.
func (s *sender) beat(ctx context.Context) {
	s.total = max(s.total, s.sent.Filed+s.sent.Adopted)
	durable.Beat(ctx, "tickets of "+s.name, s.sent.Filed+s.sent.Adopted, s.total)
}

// foundAgain is said of a ticket whose making we had not heard of.
const foundAgain = "found again"

// filed notes that a ticket exists: it, the link, the op in one transaction.
func (s *sender) filed(ctx context.Context, op *store.Op, link *store.Link, issue tracker.Issue, what string, notes []string) error {
	board := s.job.Boards[link.Board]
	s.beat(ctx)
	var recommendation int64
	err := s.job.Store.Write(ctx, func(tx *store.Tx) error {
		e, err := tx.Episode(link.Episode)
		if err != nil {
			return err
		}
		recommendation = e.First
		link.Base, link.Updated = filedAs(op.Payload, issue), issue.Updated
		link.Sync.Edit, link.Sync.Comment = store.Unheard, store.Unheard
		ticket := &store.Ticket{
			CreatedAt: issue.Created, Status: trimtab.TicketCreated, Tracker: s.name, Board: board.Name, RemoteID: issue.ID,
			Key: issue.Key, URL: issue.URL, Assignee: issue.Assignee, UpdatedAt: issue.Updated,
		}
		if err := tx.AddTicket(ticket, link); err != nil {
			return err
		}
		op.State, op.Error = store.OpDone, ""
		if err := errors.Join(tx.SaveOp(op), s.planLinks(tx, e, link)); err != nil {
			return err
		}
		return tx.Note(link.Episode, s.job.Clock.Now(), "distribute", what+" as "+issue.Key, strings.Join(notes, "; "))
	})
	if err != nil {
		return err
	}
	s.log.Info("ticket "+what, "ticket", issue.Key, "recommendation", recommendation, "board", link.Board)
	if s.job.Notify != nil {
		s.job.Notify(Event{What: what, Key: issue.Key, URL: issue.URL, Board: link.Board, Notes: notes})
	}
	return nil
}
