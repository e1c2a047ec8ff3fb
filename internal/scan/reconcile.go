package scan

import (
	"cmp"
	"slices"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
)

// reconciler holds one scan's verdict against the open episodes: what was
// concluded is seen, what was not is missed or cannot be told.
type reconciler struct {
	tx      *store.Tx
	scan    int64
	job     *Job
	verdict *Verdict
	measure map[int64]lifecycle.Measurement // by episode

	open             map[trimtab.Key]*store.Episode
	seen             map[trimtab.Key]*store.Episode
	where            whereabouts // of what was not concluded
	repeats, unknown int
}

// run goes through what was concluded first, then through what was not, and ranks
// last, when every proposal of a resource is known.
func (r *reconciler) run() error {
	open, err := r.tx.OpenEpisodes()
	if err != nil {
		return err
	}
	r.open, r.seen = make(map[trimtab.Key]*store.Episode, len(open)), map[trimtab.Key]*store.Episode{}
	for _, e := range open {
		r.open[e.Key] = e
	}
	for _, rec := range r.verdict.Recommendations {
		if err := r.conclude(rec); err != nil {
			return err
		}
	}
	missing := map[string]bool{}
	for _, e := range open {
		if r.seen[e.Key] == nil {
			missing[e.Resource] = true
		}
	}
	r.where = find(r.verdict.batches, missing)
	for _, e := range open {
		if err := r.notConcluded(e); err != nil {
			return err
		}
	}
	if err := r.rank(); err != nil {
		return err
	}
	return r.tick(open)
}

// step says who moves the episodes, when, and by which numbers.
func (r *reconciler) step() store.Step {
	return store.Step{Actor: "scan", At: r.job.Clock.Now(), Policy: r.job.Policy}
}

// conclude writes a recommendation and moves its episode on, beginning one if
// the key has none, or none young enough to be reopened.
func (r *reconciler) conclude(rec *trimtab.Recommendation) error {
	rec.Key = trimtab.KeyOf(r.job.Store.Installation(), rec.Action, rec.Subject.Resource, rec.Variant)
	step := r.step()
	if rec.CreatedAt.IsZero() {
		rec.CreatedAt = step.At
	}
	e, err := r.episodeFor(rec)
	if err != nil {
		return err
	}
	if e.ID != 0 {
		r.repeats++
	}
	r.seen[rec.Key] = e
	before := e.Owner
	e.Owner, e.Rules = rec.Owner.Name, ruleIDs(rec)
	if !e.State.Filed {
		e.Board = rec.Board
	}
	event := lifecycle.Seen{
		At: rec.CreatedAt, Savings: rec.Savings, Cost: rec.MonthlyCost, Fingerprint: rec.Subject.State, Proposal: rec.Proposed,
		After: r.measure[e.ID],
	}
	if _, err := r.tx.Advance(e, event, step); err != nil {
		return err
	}
	if rec.ID, err = r.tx.AddRecommendation(rec, r.scan, e); err != nil {
		return err
	}
	if before != e.Owner && e.ID != 0 {
		if err := r.reassign(e, before); err != nil {
			return err
		}
	}
	return r.tx.SaveEpisode(e)
}

// reassign lets an open ticket follow when its resource has another owner, unless it is one
// of the owner before with a checklist of several things.
func (r *reconciler) reassign(e *store.Episode, before string) error {
	open := e.State.Workflow == trimtab.Ticketed || e.State.Workflow == trimtab.InProgress
	link, err := r.tx.LinkOf(e.ID)
	if err != nil || link == nil || !open || link.Group != "" {
		return err
	}
	now := r.job.Clock.Now()
	if err := r.tx.Note(e.ID, now, "scan", "it has another owner", before+" → "+e.Owner); err != nil {
		return err
	}
	return r.tx.RefreshOnce(&store.Op{Link: link.ID, CreatedAt: now})
}

// episodeFor finds the episode that a conclusion belongs to: the open one, one
// that closed a short while ago and is reopened, or a new one.
func (r *reconciler) episodeFor(rec *trimtab.Recommendation) (*store.Episode, error) {
	if e := r.open[rec.Key]; e != nil {
		return e, nil
	}
	last, err := r.tx.LatestEpisode(rec.Key)
	if err != nil {
		return nil, err
	}
	if last != nil && lifecycle.WithinReopen(last.State, rec.CreatedAt, r.job.Policy) {
		return last, nil
	}
	e := &store.Episode{Key: rec.Key, Number: 1, Action: rec.Action, Resource: rec.Subject.Resource, Variant: rec.Variant}
	if last != nil {
		e.Number = last.Number + 1
	}
	return e, nil
}

func ruleIDs(rec *trimtab.Recommendation) []string {
	ids := make([]string, len(rec.Reasons))
	for i, reason := range rec.Reasons {
		ids[i] = reason.Rule
	}
	return ids
}

// notConcluded tells an open episode that was not seen why: unknown as soon as
// one of its rules could not be answered, missed only when all of them were.
func (r *reconciler) notConcluded(e *store.Episode) error {
	if r.seen[e.Key] != nil {
		return nil
	}
	step := r.step()
	if why, untold := r.verdict.untold(e); untold {
		r.unknown++
		_, err := r.tx.Advance(e, lifecycle.Untold{At: step.At, Why: why}, step)
		return err
	}
	last, err := r.tx.Recommendation(e.Last)
	if err != nil {
		return err
	}
	_, err = r.tx.Advance(e, lifecycle.Missed{At: step.At, Reason: r.verdict.gone(e, last, r.where), After: r.measure[e.ID]}, step)
	return err
}

// rank lets the best proposal of each resource stand and the others wait behind
// it. What a person has put off does not compete. One that cannot be told now
// keeps its rank, so that its rivals are not filed beside it, and is itself
// neither raised nor closed.
func (r *reconciler) rank() error {
	unknown := r.unknownByResource()
	for _, group := range byResource(r.verdict.Recommendations) {
		rivals := r.rivals(group, unknown[group[0].Subject.Resource])
		for i, e := range rivals {
			if e.State.Condition == trimtab.Unknown {
				continue
			}
			step := r.step()
			var event lifecycle.Event = lifecycle.Unrivalled{At: step.At}
			if i > 0 {
				event = lifecycle.Outranked{At: step.At, By: rivals[0].Key}
			}
			if _, err := r.tx.Advance(e, event, step); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknownByResource gives the open proposals that could not be told in this scan.
func (r *reconciler) unknownByResource() map[string][]*store.Episode {
	unknown := map[string][]*store.Episode{}
	for _, e := range r.open {
		if e.State.Condition == trimtab.Unknown {
			unknown[e.Resource] = append(unknown[e.Resource], e)
		}
	}
	return unknown
}

// rivals gives the episodes of one resource that save money, best first.
func (r *reconciler) rivals(group []*trimtab.Recommendation, unknown []*store.Episode) []*store.Episode {
	all := unknown
	for _, rec := range group {
		all = append(all, r.seen[rec.Key])
	}
	rivals := slices.DeleteFunc(all, func(e *store.Episode) bool {
		resting := e.State.Workflow == trimtab.Dismissed || e.State.Workflow == trimtab.Snoozed
		return resting || !e.State.Savings.Amount.IsPositive()
	})
	slices.SortStableFunc(rivals, func(a, b *store.Episode) int {
		return cmp.Or(b.State.Savings.Amount.Cmp(a.State.Savings.Amount), cmp.Compare(actionRank(a.Action), actionRank(b.Action)), cmp.Compare(a.Key, b.Key))
	})
	return rivals
}

// actionRank orders proposals of equal savings: the one that does more first.
func actionRank(action string) int {
	for i, a := range []string{"delete", "stop", "schedule", "tier", "upgrade", "resize"} {
		if a == action {
			return i
		}
	}
	return 99
}

// tick lets the time pass for dismissals and snoozes. It comes after the sightings,
// so that what expires today is judged by today's data.
func (r *reconciler) tick(open []*store.Episode) error {
	for _, e := range open {
		step := r.step()
		if _, err := r.tx.Advance(e, lifecycle.Tick{At: step.At}, step); err != nil {
			return err
		}
	}
	return nil
}
