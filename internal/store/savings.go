package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// SavingsLife is what became of one recommendation, as far as its savings go.
type SavingsLife struct {
	Rule, Board, Owner, Account string

	Savings    trimtab.Money // estimated a month; as it was when somebody began to work on it
	Seen       time.Time     // at first
	Ticketed   time.Time     // when its ticket was created; zero without one
	Claimed    time.Time     // when somebody said that it is fixed; zero if nobody did, or it was taken back
	Superseded bool          // a better proposal for the same resource stands, or stood when it ended
	Booked     []Saving      // its rows of the ledger, oldest first
}

// SavingsBy says by what savings are summed.
type SavingsBy string

// By what savings can be summed. A team is known by its board.
const (
	ByTotal   SavingsBy = "total"
	ByTeam    SavingsBy = "team"
	ByMonth   SavingsBy = "month" // in which each thing happened
	ByRule    SavingsBy = "rule"
	ByBoard   SavingsBy = "board"
	ByAccount SavingsBy = "account"
	ByOwner   SavingsBy = "owner"
)

// AllSavingsBy are all of them, the default first.
func AllSavingsBy() []SavingsBy {
	return []SavingsBy{ByTotal, ByTeam, ByMonth, ByRule, ByBoard, ByAccount, ByOwner}
}

// SavingsSum is what one group comes to in one currency, a month. Amounts of two currencies
// are never added.
type SavingsSum struct {
	Group           string
	Currency        string
	Recommendations int           // identified
	Identified      trimtab.Money // gross: every proposal by itself
	Net             trimtab.Money // without what a better proposal for the same resource superseded
	Ticketed        trimtab.Money // of the net, what has or had a ticket
	Claimed         trimtab.Money // what people said they fixed
	Verified        trimtab.Money // what the data confirmed
	Regressed       trimtab.Money // what was verified and came back
}

// SumSavings adds up what happened since a time, which is looked at for each thing by itself:
// what was found last year can be verified in this.
func SumSavings(lives []SavingsLife, by SavingsBy, since time.Time) []SavingsSum {
	s := &savingsSums{by: by, since: since, sums: map[[2]string]*SavingsSum{}}
	for _, l := range lives {
		s.addLife(l)
	}
	sums := make([]SavingsSum, 0, len(s.sums))
	for _, sum := range s.sums {
		sums = append(sums, *sum)
	}
	slices.SortFunc(sums, func(a, b SavingsSum) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Currency, b.Currency))
	})
	return sums
}

type savingsSums struct {
	by    SavingsBy
	since time.Time
	sums  map[[2]string]*SavingsSum // by group and currency
}

func (s *savingsSums) addLife(l SavingsLife) {
	if sum := s.at(l, l.Seen, l.Savings.Currency); sum != nil {
		sum.Recommendations++
		add(&sum.Identified, l.Savings)
		if !l.Superseded {
			add(&sum.Net, l.Savings)
		}
	}
	if sum := s.at(l, l.Ticketed, l.Savings.Currency); sum != nil && !l.Superseded {
		add(&sum.Ticketed, l.Savings)
	}
	if sum := s.at(l, l.Claimed, l.Savings.Currency); sum != nil {
		add(&sum.Claimed, l.Savings)
	}
	var verified trimtab.Money
	for _, row := range l.Booked {
		if row.Kind == "verified" {
			verified = row.Realised
		}
		sum := s.at(l, row.At, verified.Currency)
		switch {
		case sum == nil:
		case row.Kind == "verified":
			add(&sum.Verified, verified)
		default: // what came back takes with it what was verified before
			add(&sum.Regressed, verified)
		}
	}
}

// at is the sum of the group to which something belongs that happened at a time; nil if it
// did not happen, or before.
func (s *savingsSums) at(l SavingsLife, at time.Time, currency string) *SavingsSum {
	if at.IsZero() || at.Before(s.since) {
		return nil
	}
	key := [2]string{s.group(l, at), currency}
	if s.sums[key] == nil {
		zero := trimtab.Money{Currency: currency}
		s.sums[key] = &SavingsSum{
			Group: key[0], Currency: currency, Identified: zero, Net: zero, Ticketed: zero, Claimed: zero, Verified: zero, Regressed: zero,
		}
	}
	return s.sums[key]
}

func (s *savingsSums) group(l SavingsLife, at time.Time) string {
	name := ""
	switch s.by {
	case ByMonth:
		name = at.UTC().Format("2006-01")
	case ByRule:
		name = l.Rule
	case ByTeam, ByBoard:
		name = l.Board
	case ByAccount:
		name = l.Account
	case ByOwner:
		name = l.Owner
	default:
		name = string(ByTotal)
	}
	return cmp.Or(name, "-")
}

// add is only called with amounts of the sum's currency.
func add(sum *trimtab.Money, m trimtab.Money) { sum.Amount = sum.Amount.Add(m.Amount) }

// SavingsLives reads what became of every recommendation, in the order of their beginning.
func (t *Tx) SavingsLives() ([]SavingsLife, error) {
	ledger, err := t.Ledger()
	if err != nil {
		return nil, err
	}
	booked := map[int64][]Saving{}
	for _, row := range ledger {
		booked[row.Episode] = append(booked[row.Episode], row)
	}
	return list(t, func(r scanner) (SavingsLife, error) {
		var id, ticketed int64
		var rules, state string
		var l SavingsLife
		err := r.Scan(&id, &rules, &l.Board, &l.Owner, &l.Account, &state, &ticketed)
		var e Episode
		if err = errors.Join(err, json.Unmarshal([]byte(state), &e.State)); err != nil {
			return l, err
		}
		l.Rule, _, _ = strings.Cut(rules, " ")
		l.Savings, l.Seen, l.Claimed, l.Superseded = e.State.Savings, e.State.FirstSeen, e.State.ClaimedAt, e.State.By != ""
		l.Ticketed, l.Booked = fromMillis(ticketed), booked[id]
		return l, nil
	}, `SELECT e.id, e.rules, e.board, e.owner, COALESCE(r.account, ''), e.state, COALESCE(k.created_at, 0)
		FROM episodes e LEFT JOIN recommendations r ON r.id = e.last_recommendation_id LEFT JOIN tickets k ON k.id = e.ticket_id ORDER BY e.id`)
}
