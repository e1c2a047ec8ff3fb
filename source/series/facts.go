package series

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/trimtab/trimtab/source"
	"github.com/trimtab/trimtab/source/internal/duck"
)

// halfDay is how many hours of a month's last day must have data for the window
// to count as one with a month's end in it: jobs that close the books take hours,
// and an export often ends in the middle of a day.
const halfDay = 12

// perResource folds samples to hours and hours to one row a resource. What is
// computed from doubles is rounded to 9 places, since a sum in another order
// differs in the last ones.
const perResource = `
WITH hourly AS (
  SELECT resource, date_trunc('hour', taken) AS hour, avg(value) AS mean, max(value) AS peak
  FROM samples WHERE value IS NOT NULL AND taken >= CAST($1 AS TIMESTAMP) AND taken <= getvariable('now') GROUP BY ALL
), last_days AS (
  SELECT resource, CAST(hour AS DATE) AS day, count(*) AS hours FROM hourly WHERE CAST(hour AS DATE) = last_day(hour) GROUP BY ALL
), ends AS (
  SELECT resource, max(hours) AS hours FROM last_days GROUP BY resource
)
SELECT resource, round(max(mean), 9), round(avg(mean), 9), round(quantile_disc(mean, 0.95), 9), round(quantile_disc(mean, 0.99), 9),
  max(peak), count(*), min(hour), max(hour) + INTERVAL 1 HOUR, COALESCE(max(ends.hours), 0)
FROM hourly LEFT JOIN ends USING (resource) GROUP BY resource ORDER BY resource`

// collect makes the facts. The window is that many whole hours before the run's,
// and what there is of the running one.
func (s *Source) collect(ctx context.Context, db *duck.DB, batch *source.Batch, now time.Time) error {
	begin := now.UTC().Truncate(time.Hour).Add(-s.cfg.Window)
	rows, err := db.QueryContext(ctx, perResource, begin.Format("2006-01-02 15:04:05"))
	if err != nil {
		return duck.Readable(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		fact, err := s.fact(rows)
		if err != nil {
			return fmt.Errorf("read the aggregate: %w", err)
		}
		batch.Facts = append(batch.Facts, fact)
	}
	if len(batch.Facts) == 0 {
		batch.Warnings = append(batch.Warnings, fmt.Sprintf("no sample lies in the window since %s: the data end at %s",
			begin.Format(time.RFC3339), batch.Until.Format(time.RFC3339)))
	}
	return duck.Readable(rows.Err())
}

// fact makes a fact of a row of perResource; the order is its columns'.
func (s *Source) fact(rows *sql.Rows) (source.Fact, error) {
	var resource string
	var high, mean, p95, p99, peak float64
	var hours, lastDay int64
	var from, until time.Time
	if err := rows.Scan(&resource, &high, &mean, &p95, &p99, &peak, &hours, &from, &until, &lastDay); err != nil {
		return source.Fact{}, err
	}
	// The running hour may be one too many.
	coverage := min(1, float64(hours)/float64(s.cfg.Window/time.Hour))
	return source.Fact{Type: "Metric", Fields: map[string]any{
		"resource": resource, "name": s.cfg.Metric, "max": high, "avg": mean, "p95": p95, "p99": p99, "peak": peak,
		"coverage": coverage, "hours": hours, "from": from.UTC(), "until": until.UTC(), "month_end": lastDay >= halfDay,
	}}, nil
}
