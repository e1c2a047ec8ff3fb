package focus

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/internal/duck"
)

// Observe implements [source.Observer]: what each claimed resource has cost in
// the periods that begin at or after its claim.
func (s *Source) Observe(ctx context.Context, claims []source.Claim) ([]source.Observation, error) {
	answers := make([]source.Observation, len(claims))
	if len(claims) == 0 {
		return answers, nil
	}
	r, err := s.open(ctx, time.Unix(0, 0))
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.db.Close() }()
	starts, err := r.periods(ctx)
	if err != nil {
		return nil, s.failed(err)
	}
	for i, c := range claims {
		answers[i] = source.Observation{Until: r.until, Days: daysAfter(starts, c.Since, r.until)}
	}
	if err := r.sums(ctx, claims, answers); err != nil {
		return nil, s.failed(err)
	}
	return answers, nil
}

// periods lists the beginnings of all charge periods.
func (r *reading) periods(ctx context.Context) ([]time.Time, error) {
	rows, err := r.db.QueryContext(ctx, periods)
	if err != nil {
		return nil, duck.Readable(err)
	}
	defer func() { _ = rows.Close() }()
	var starts []time.Time
	for rows.Next() {
		var t time.Time
		if err := rows.Scan(&t); err != nil {
			return nil, duck.Readable(err)
		}
		starts = append(starts, t.UTC())
	}
	return starts, duck.Readable(rows.Err())
}

// daysAfter counts the days of data from the first period that begins at or
// after a moment.
func daysAfter(starts []time.Time, since, until time.Time) float64 {
	i := sort.Search(len(starts), func(i int) bool { return !starts[i].Before(since) })
	if i == len(starts) {
		return 0
	}
	return until.Sub(starts[i]).Hours() / 24
}

// sums fills in the run-rates, all claims in one query. A resource without a line
// since its claim keeps the zero rate: it costs nothing now.
func (r *reading) sums(ctx context.Context, claims []source.Claim, answers []source.Observation) error {
	values := make([]string, len(claims))
	for i, c := range claims {
		values[i] = fmt.Sprintf("(%d, %s, TIMESTAMP %s)", i, duck.Quote(c.Resource), duck.Quote(stamp(c.Since)))
	}
	rows, err := r.db.QueryContext(ctx, strings.Replace(observed, "{{claims}}", strings.Join(values, ", "), 1))
	if err != nil {
		return duck.Readable(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		var currency string
		var total duckdb.Decimal
		if err := rows.Scan(&n, &currency, &total); err != nil {
			return duck.Readable(err)
		}
		if want := claims[n].Currency; want != "" && currency != want {
			continue // billed in several currencies: only the baseline's can be compared
		}
		if answers[n].RunRate.Currency != "" {
			// Euros and dollars have no sum: it is as if there were no data.
			answers[n] = source.Observation{Until: answers[n].Until}
		}
		if answers[n].Days == 0 {
			continue
		}
		// Days of all data, not of the resource's lines: one that ran a day of fourteen
		// and was stopped has cost a fourteenth.
		over := time.Duration(answers[n].Days * 24 * float64(time.Hour))
		rate, err := monthly(duck.Decimal(total), max(over, time.Second))
		if err != nil {
			return err
		}
		answers[n].RunRate = trimtab.Money{Amount: rate, Currency: currency}
	}
	return duck.Readable(rows.Err())
}
