package board

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/trackertest"
)

func TestMemory(t *testing.T) {
	trackertest.Run(t, func(*testing.T) trackertest.Site {
		now := clock.At(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC))
		rows := &Memory{}
		return trackertest.Site{
			Tracker: New(Config{Projects: []string{"FIN"}, Now: now.Now}, rows), Target: tracker.Target{Project: "FIN", Type: "Task"},
			Advance: now.Advance, Owner: "ann@example.com", Other: "ben@example.com",
			Delete: func(id string) {
				n, err := strconv.ParseInt(id, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				rows.rows = slices.DeleteFunc(rows.rows, func(r Row) bool { return r.ID == n })
			},
		}
	})
}
