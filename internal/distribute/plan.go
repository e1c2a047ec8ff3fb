package distribute

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/store"
)

// Policy says which recommendations become tickets, and how carefully writes
// are made.
type Policy struct {
	// MinSavings is a month's; a proposal that saves nothing is held to the cost at
	// stake. Without a currency it holds for each.
	MinSavings      trimtab.Money
	Sightings       int // scans in a row before a ticket; at least 1
	Destructive     Destructive
	OpenPerOwner    int // open tickets of one owner; 0 is no limit
	NewPerBoardWeek int // new tickets on a board in seven days; 0 is no limit
	Brake           Brake
	Rollout         Rollout
	CloseTickets    bool          // move resolved tickets to their end status, not only comment
	MaxWait         time.Duration // how long a run waits for that itself
	MaxAttempts     int           // failed calls of one write before it is blocked
}

// Destructive names actions that cannot be taken back: they must be seen in more scans in
// a row.
type Destructive struct {
	Actions   []string
	Sightings int
}

// sightings is how often in a row a proposal of an action must have been seen.
func (p Policy) sightings(action string) int {
	if slices.Contains(p.Destructive.Actions, action) {
		return max(p.Sightings, p.Destructive.Sightings)
	}
	return p.Sightings
}

const week = 7 * 24 * time.Hour

// plan decides, in one transaction, which recommendations get a ticket and
// puts their creation into the outbox, largest savings first.
func (j *Job) plan(tx *store.Tx, run int64) (planned, error) {
	p := &planner{job: j, tx: tx, run: run, now: j.Clock.Now(), held: map[string]int{}}
	err := p.decideAll()
	return planned{Planned: p.planned, Held: p.held}, err
}

// Preview is what a run would file, without filing it.
type Preview struct {
	Episode *store.Episode
	Board   string
	Op      store.OpPayload
}

// Rehearse plans in a transaction that the caller rolls back: the tickets that
// a run would create, and why others are held.
func (j *Job) Rehearse(tx *store.Tx) ([]Preview, map[string]int, error) {
	p := &planner{job: j, tx: tx, now: j.Clock.Now(), held: map[string]int{}}
	err := p.decideAll()
	return p.granted, p.held, err
}

type planner struct {
	job        *Job
	tx         *store.Tx
	run        int64 // the durable run that decides; 0 in a rehearsal
	now        time.Time
	stops      *stops
	held       map[string]int // why → how many
	candidates []*store.Episode
	perOwner   map[string]int
	perBoard   map[string]int
	planned    int
	granted    []Preview             // of a rehearsal
	touched    map[int64]*store.Link // leads of checklists that something has joined
}

// decideAll decides about everything that waits.
func (p *planner) decideAll() error {
	if err := p.load(); err != nil {
		return err
	}
	p.touched = map[int64]*store.Link{}
	for _, e := range p.candidates {
		if err := p.decide(e); err != nil {
			return err
		}
	}
	return p.writeChecklists()
}

// load reads what waits for a ticket and what policy counts, once for all
// decisions: each decision moves the counts on.
func (p *planner) load() (err error) {
	open, err := p.tx.OpenEpisodes()
	if err != nil {
		return err
	}
	for _, e := range open {
		waiting := e.State.Workflow == trimtab.New || e.State.Workflow == trimtab.Held && !e.State.Gone
		if waiting && e.State.Condition == trimtab.Present {
			p.candidates = append(p.candidates, e)
		}
	}
	sort.SliceStable(p.candidates, func(i, k int) bool {
		return atStake(p.candidates[i]).Amount.GreaterThan(atStake(p.candidates[k]).Amount)
	})
	if p.perOwner, err = p.tx.OpenPerOwner(); err != nil {
		return err
	}
	if p.stops, err = p.job.loadStops(p.tx, p.now); err != nil {
		return err
	}
	p.perBoard, err = p.tx.FiledPerBoard(p.now.Add(-week))
	return err
}

// atStake is what a proposal is weighed by: its savings, or for one that saves
// nothing by itself (a missing tag) the cost that it is about.
func atStake(e *store.Episode) trimtab.Money {
	if e.State.Savings.Amount.IsPositive() {
		return e.State.Savings
	}
	return e.State.Cost
}

// decide grants or holds one recommendation; the reason for holding is kept and
// shown, never only counted.
func (p *planner) decide(e *store.Episode) error {
	step := store.Step{Actor: "distribute", At: p.now, Policy: p.job.Life}
	lead, err := p.joins(e)
	if err != nil {
		return err
	}
	if why := p.refuse(e, lead != nil); why != "" {
		p.held[why]++
		_, err := p.tx.Advance(e, lifecycle.Denied{At: p.now, Why: why}, step)
		return err
	}
	effects, err := p.tx.Advance(e, lifecycle.Granted{At: p.now}, step)
	if err != nil {
		return err
	}
	for _, effect := range effects {
		if effect.Kind == lifecycle.File {
			if err := p.file(e, lead); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuse gives the rule of policy that keeps a recommendation back, or "". What joins an
// open ticket is no new one.
func (p *planner) refuse(e *store.Episode, joins bool) string {
	policy, stake := p.job.Policy, atStake(e)
	if e.Board == "" {
		return "no route leads to a board"
	}
	if _, ok := p.job.Boards[e.Board]; !ok {
		return fmt.Sprintf("there is no board %q", e.Board)
	}
	if least := policy.MinSavings; (least.Currency == stake.Currency || least.Currency == "") && stake.Amount.LessThan(least.Amount) {
		return "below the minimum of " + least.Display()
	}
	if need := policy.sightings(e.Action); e.State.Streak < need {
		return fmt.Sprintf("seen in fewer than %d scans in a row", need)
	}
	if why := p.stops.refuse(e, p.job.Boards[e.Board], p.now, joins); why != "" {
		return why
	}
	if joins {
		return ""
	}
	if policy.OpenPerOwner > 0 && p.perOwner[e.Owner] >= policy.OpenPerOwner {
		return fmt.Sprintf("its owner has %d open tickets", policy.OpenPerOwner)
	}
	if policy.NewPerBoardWeek > 0 && p.perBoard[e.Board] >= policy.NewPerBoardWeek {
		return fmt.Sprintf("its board got %d tickets this week", policy.NewPerBoardWeek)
	}
	return ""
}

// file writes the intent: the link with its marker, and the creation.
func (p *planner) file(e *store.Episode, lead *store.Link) error {
	board := p.job.Boards[e.Board]
	marker, err := p.tx.MarkerFor(e)
	if err != nil {
		return err
	}
	link := &store.Link{
		Episode: e.ID, Marker: marker, Tracker: board.Tracker, Board: board.Name, State: store.LinkWanted, Base: map[string]merge.Agreed{},
	}
	if lead == nil {
		p.perOwner[e.Owner]++
		p.perBoard[e.Board]++
		p.stops.open[e.Board]++
	}
	if board.Checklist {
		return p.gather(link, e, lead)
	}
	rec, err := p.tx.Recommendation(e.Last)
	if err != nil {
		return err
	}
	payload, err := render(rec, board)
	if err != nil {
		return err
	}
	payload.Due = p.due(e.Board)
	if err := p.tx.SaveLink(link); err != nil {
		return err
	}
	p.grant(Preview{Episode: e, Board: board.Name, Op: payload})
	return p.tx.PlanOp(&store.Op{Link: link.ID, Kind: store.OpCreate, Payload: payload, CreatedAt: p.now, Run: p.run})
}

// due is the day by which a ticket of a board should be done; "" for none.
func (p *planner) due(board string) string {
	if span := p.job.Boards[board].Due; span > 0 {
		return p.now.Add(span).UTC().Format(time.DateOnly)
	}
	return ""
}

// grant counts what is filed. Only a rehearsal shows it; there can be very much of it.
func (p *planner) grant(one Preview) {
	p.planned++
	if p.run == 0 {
		p.granted = append(p.granted, one)
	}
}
