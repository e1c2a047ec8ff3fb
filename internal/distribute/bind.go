package distribute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/tracker"
)

// Binding ties a ticket that exists, whoever made it, to a recommendation.
type Binding struct {
	Recommendation int64  `json:"recommendation"`
	Ticket         string `json:"ticket"`          // its key
	Board          string `json:"board,omitempty"` // "" is the one whose project the key names
	Actor          string `json:"actor,omitempty"`
}

// Bound is a ticket that was tied to a recommendation, or let go.
type Bound struct {
	Recommendation int64            `json:"recommendation"`
	Resource       string           `json:"resource"`
	Ticket         string           `json:"ticket"`
	URL            string           `json:"url,omitempty"`
	Workflow       trimtab.Workflow `json:"workflow"`
}

// Bind ties a ticket to a recommendation that has none. What people wrote in it stays; our
// part is added to its description, and labels by which it is found.
func (j *Job) Bind(ctx context.Context, in Binding) (*Bound, error) {
	board, err := j.boardOf(in)
	if err != nil {
		return nil, err
	}
	read, err := j.Trackers[board.Tracker].Fetch(ctx, []string{in.Ticket})
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Outside, "read %s: %w", in.Ticket, err)
	}
	if len(read) != 1 {
		return nil, trimtab.Errorf(trimtab.NotFound, "there is no ticket %s on tracker %s, or it is hidden from us", in.Ticket, board.Tracker)
	}
	var bound *Bound
	err = j.Store.Write(ctx, func(tx *store.Tx) (err error) {
		bound, err = j.bind(tx, in, board, read[0])
		return err
	})
	return bound, err
}

// boardOf is the board to which a ticket belongs.
func (j *Job) boardOf(in Binding) (Board, error) {
	if in.Board != "" {
		board, ok := j.Boards[in.Board]
		if !ok {
			return board, trimtab.Errorf(trimtab.Invalid, "there is no board %q", in.Board).WithNext("the boards are %s", strings.Join(sortedKeys(j.Boards), ", "))
		}
		return board, nil
	}
	var fits []Board
	for _, name := range sortedKeys(j.Boards) {
		if project, _, ok := strings.Cut(in.Ticket, "-"); ok && j.Boards[name].Project == project {
			fits = append(fits, j.Boards[name])
		}
	}
	if len(fits) != 1 {
		return Board{}, trimtab.Errorf(trimtab.Invalid, "%d boards fit the ticket %s", len(fits), in.Ticket).WithNext("name one with --board: %s", strings.Join(sortedKeys(j.Boards), ", "))
	}
	return fits[0], nil
}

// bind writes the link, and what is to be written to the ticket.
func (j *Job) bind(tx *store.Tx, in Binding, board Board, issue tracker.Issue) (*Bound, error) {
	e, err := tx.EpisodeOf(in.Recommendation)
	if err != nil {
		return nil, err
	}
	if err := free(tx, e, board, issue); err != nil {
		return nil, err
	}
	marker, err := tx.MarkerFor(e)
	if err != nil {
		return nil, err
	}
	link := &store.Link{
		Episode: e.ID, Marker: marker, Tracker: board.Tracker, Board: board.Name, State: store.LinkFiled, RemoteID: issue.ID,
		Base: theirsAlone(issue), Updated: issue.Updated, Sync: store.Sync{Edit: newestEdit(issue), Comment: newestComment(issue)},
	}
	if err := tx.SaveLink(link); err != nil {
		return nil, err
	}
	now := j.Clock.Now()
	ticket := &store.Ticket{
		CreatedAt: issue.Created, Status: trimtab.TicketCreated, Tracker: board.Tracker, Board: board.Name, RemoteID: issue.ID, Key: issue.Key,
		URL: issue.URL, Assignee: issue.Assignee, UpdatedAt: issue.Updated,
	}
	if err := tx.AddTicket(ticket, link); err != nil {
		return nil, err
	}
	e.Ticket = ticket.ID
	_, err = tx.Advance(e, lifecycle.Linked{At: now, Status: issue.Status}, store.Step{Actor: actorOf(in.Actor), At: now, Policy: j.Life})
	err = errors.Join(err,
		tx.Note(e.ID, now, actorOf(in.Actor), "linked to "+issue.Key, issue.Summary),
		tx.PlanOp(&store.Op{Link: link.ID, Kind: store.OpStamp, CreatedAt: now, Released: true}),
		tx.PlanOp(&store.Op{Link: link.ID, Kind: store.OpRefresh, CreatedAt: now, Released: true}))
	return &Bound{Recommendation: e.First, Resource: e.Resource, Ticket: issue.Key, URL: issue.URL, Workflow: e.State.Workflow}, err
}

// free refuses what has a ticket, and a ticket that is about something.
func free(tx *store.Tx, e *store.Episode, board Board, issue tracker.Issue) error {
	has, err := tx.LinkOf(e.ID)
	if err != nil {
		return err
	}
	if has != nil && has.Ticket == 0 {
		return trimtab.Errorf(trimtab.Invalid, "a ticket for recommendation %d is on its way", e.First).WithNext("`trimtab tickets list` shows it when it is there")
	}
	if has != nil {
		ticket, err := tx.Ticket(has.Ticket)
		if err != nil {
			return err
		}
		return trimtab.Errorf(trimtab.Invalid, "recommendation %d has ticket %s", e.First, ticket.Key).WithNext("`trimtab tickets unlink %s` lets it go", ticket.Key)
	}
	other, err := tx.LinkByRemote(board.Tracker, issue.ID)
	if err != nil || other == nil {
		return err
	}
	about, err := tx.Episode(other.Episode)
	if err != nil {
		return err
	}
	return trimtab.Errorf(trimtab.Invalid, "%s is about recommendation %d, %s %s", issue.Key, about.First, about.Action, about.Resource)
}

// theirsAlone is the base of a ticket that people made: all that it says is their word, but
// for the part of its description that is to be ours.
func theirsAlone(issue tracker.Issue) map[string]merge.Agreed {
	base := merge.AgreedOn(issue)
	for _, field := range []string{merge.Summary, merge.Assignee, merge.Priority} {
		base[field] = merge.Agreed{Ours: base[field].Ours, Theirs: base[field].Theirs, Taken: true}
	}
	base[merge.Labels] = merge.Agreed{Theirs: base[merge.Labels].Theirs}
	return base
}

func newestEdit(issue tracker.Issue) string {
	if n := len(issue.Edits); n > 0 {
		return issue.Edits[n-1].ID
	}
	return store.Unheard
}

func newestComment(issue tracker.Issue) string {
	if n := len(issue.Comments); n > 0 {
		return issue.Comments[n-1].ID
	}
	return store.Unheard
}

// Unbinding lets a ticket go without deleting it.
type Unbinding struct {
	Ticket string `json:"ticket"`
	Then   string `json:"then,omitempty"` // leave, recreate, dismiss: what becomes of the recommendation
	Actor  string `json:"actor,omitempty"`
	Why    string `json:"why,omitempty"`
}

// Unbind ends the link between a ticket and what it is about. The ticket stays as it is, but
// for the labels by which it was found.
func (j *Job) Unbind(ctx context.Context, in Unbinding) (all []Bound, err error) {
	err = j.Store.Write(ctx, func(tx *store.Tx) error {
		link, err := tx.LinkByKey(in.Ticket)
		if err != nil {
			return err
		}
		if link == nil {
			return trimtab.Errorf(trimtab.NotFound, "%s is no ticket of ours", in.Ticket).WithNext("`trimtab tickets list` shows the keys")
		}
		about, err := tx.About(link)
		if err != nil {
			return err
		}
		now, actor := j.Clock.Now(), actorOf(in.Actor)
		err = errors.Join(tx.LetGo(link, "unlinked by "+actor),
			tx.PlanOp(&store.Op{Link: link.ID, Kind: store.OpRelease, CreatedAt: now, Released: true}))
		for _, e := range about {
			e.Ticket = 0
			_, moved := tx.Advance(e, lifecycle.Unlinked{At: now, Policy: lifecycle.WhenGone(in.Then)}, store.Step{Actor: actor, At: now, Policy: j.Life})
			err = errors.Join(err, moved, tx.Note(e.ID, now, actor, "unlinked from "+in.Ticket, in.Why))
			all = append(all, Bound{Recommendation: e.First, Resource: e.Resource, Ticket: in.Ticket, Workflow: e.State.Workflow})
		}
		return err
	})
	return all, err
}

// Refile lets a recommendation be filed again whose ticket is gone.
func (j *Job) Refile(ctx context.Context, recommendation int64, actor string) (bound *Bound, err error) {
	err = j.Store.Write(ctx, func(tx *store.Tx) error {
		e, err := tx.EpisodeOf(recommendation)
		if err != nil {
			return err
		}
		if !e.State.Gone {
			return trimtab.Errorf(trimtab.Invalid, "the ticket of recommendation %d is not gone: it is %s", recommendation, e.State.Workflow)
		}
		now := j.Clock.Now()
		_, err = tx.Advance(e, lifecycle.Refile{At: now}, store.Step{Actor: actorOf(actor), At: now, Policy: j.Life})
		bound = &Bound{Recommendation: e.First, Resource: e.Resource, Workflow: e.State.Workflow}
		return err
	})
	return bound, err
}

// Candidate is a ticket of a board that seems to be about a recommendation without one.
type Candidate struct {
	Recommendation int64  `json:"recommendation"`
	Action         string `json:"action"`
	Resource       string `json:"resource"`
	Board          string `json:"board"`
	Ticket         string `json:"ticket"`
	Summary        string `json:"summary"`
	URL            string `json:"url,omitempty"`
	Alone          bool   `json:"alone"` // no other ticket says the resource, and this one says no other resource
	Linked         bool   `json:"linked"`
}

// Backfill looks on the boards for tickets that people have made already about what is to be
// filed: those that say a resource by its name. With bind those that fit alone are tied.
func (j *Job) Backfill(ctx context.Context, board string, bind bool, actor string) ([]Candidate, error) {
	var all []Candidate
	for _, name := range sortedKeys(j.Boards) {
		if board != "" && board != name {
			continue
		}
		some, err := j.candidates(ctx, j.Boards[name])
		if err != nil {
			return nil, trimtab.Errorf(trimtab.Outside, "board %s: %w", name, err)
		}
		all = append(all, some...)
	}
	if !bind {
		return all, nil
	}
	for i := range all {
		c := &all[i]
		if !c.Alone {
			continue
		}
		if _, err := j.Bind(ctx, Binding{Recommendation: c.Recommendation, Ticket: c.Ticket, Board: c.Board, Actor: actor}); err != nil {
			return all, fmt.Errorf("link %s: %w", c.Ticket, err)
		}
		c.Linked = true
	}
	return all, nil
}

// candidates are those of a board.
func (j *Job) candidates(ctx context.Context, board Board) ([]Candidate, error) {
	waiting := map[string][]*store.Episode{} // by what a ticket would say
	err := j.Store.Read(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenEpisodes()
		for _, e := range open {
			if e.Board == board.Name && !e.State.Filed && e.State.Condition == trimtab.Present {
				name := e.Resource[strings.LastIndexAny(e.Resource, "/:")+1:]
				waiting[cmp.Or(name, e.Resource)] = append(waiting[cmp.Or(name, e.Resource)], e)
			}
		}
		return err
	})
	if err != nil || len(waiting) == 0 {
		return nil, err
	}
	issues, err := j.Trackers[board.Tracker].Mentioning(ctx, board.Project, slices.Sorted(maps.Keys(waiting)))
	if err != nil {
		return nil, err
	}
	var all []Candidate
	err = j.Store.Read(ctx, func(tx *store.Tx) error {
		for _, issue := range issues {
			if link, err := tx.LinkByRemote(board.Tracker, issue.ID); err != nil || link != nil {
				if err != nil {
					return err
				}
				continue
			}
			all = append(all, mentioned(board, issue, waiting)...)
		}
		return nil
	})
	alone(all)
	return all, err
}

// mentioned are the recommendations whose resource a ticket says.
func mentioned(board Board, issue tracker.Issue, waiting map[string][]*store.Episode) []Candidate {
	var all []Candidate
	for _, name := range sortedKeys(waiting) {
		if !says(issue.Summary+"\n"+issue.Description, name) {
			continue
		}
		for _, e := range waiting[name] {
			all = append(all, Candidate{
				Recommendation: e.First, Action: e.Action, Resource: e.Resource, Board: board.Name, Ticket: issue.Key, Summary: issue.Summary, URL: issue.URL,
			})
		}
	}
	return all
}

// says reports whether a text has a name as a word of its own: vm-1 is not vm-10.
func says(text, name string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		before, after := text[:at+i], text[at+i+len(name):]
		if !joins(before[max(0, len(before)-1):]) && !joins(after[:min(1, len(after))]) {
			return true
		}
		at += i + 1
	}
}

func joins(char string) bool {
	return char != "" && (char[0] == '-' || char[0] == '_' || char[0] >= '0' && char[0] <= '9' || char[0]|0x20 >= 'a' && char[0]|0x20 <= 'z')
}

// alone marks the pairs that leave no choice.
func alone(all []Candidate) {
	tickets, recommendations := map[string]int{}, map[int64]int{}
	for _, c := range all {
		tickets[c.Ticket]++
		recommendations[c.Recommendation]++
	}
	for i := range all {
		all[i].Alone = tickets[all[i].Ticket] == 1 && recommendations[all[i].Recommendation] == 1
	}
}
