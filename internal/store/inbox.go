package store

import (
	"fmt"
	"time"
)

// keepHints is how long a hint is known after it came. Jira repeats a webhook for about
// an hour (https://developer.atlassian.com/cloud/jira/platform/webhooks).
const keepHints = 24 * time.Hour

// Receive keeps a hint that an issue may have changed; fresh says that its delivery was
// not known.
func (t *Tx) Receive(tracker, delivery, issue string, at time.Time) (fresh bool, err error) {
	known, err := list(t, readString, `SELECT delivery FROM inbox WHERE tracker = ? AND delivery = ?`, tracker, delivery)
	if err != nil || len(known) > 0 {
		return false, err
	}
	return true, t.exec(`INSERT INTO inbox (tracker, delivery, issue, received_at) VALUES (?, ?, ?, ?)`, tracker, delivery, issue, millis(at))
}

// Hint asks the next pull to look at an issue again.
func (t *Tx) Hint(tracker, issue string, at time.Time) error {
	_, err := t.Receive(tracker, fmt.Sprintf("own %s %d", issue, at.UnixNano()), issue, at)
	return err
}

// Hints lists the linked issues of a tracker that hints are about which nobody has
// followed yet. Most of what webhooks tell is about other people's issues.
func (t *Tx) Hints(tracker string) ([]string, error) {
	return list(t, readString, `SELECT DISTINCT i.issue FROM inbox i JOIN links l ON l.tracker = i.tracker AND l.remote_id = i.issue
		WHERE i.tracker = ? AND i.heard = 0 ORDER BY i.issue`, tracker)
}

// Heard notes that all hints up to a time were followed, and forgets old ones.
func (t *Tx) Heard(tracker string, upTo time.Time) error {
	if err := t.exec(`UPDATE inbox SET heard = 1 WHERE tracker = ? AND received_at <= ?`, tracker, millis(upTo)); err != nil {
		return err
	}
	return t.exec(`DELETE FROM inbox WHERE tracker = ? AND heard = 1 AND received_at < ?`, tracker, millis(upTo.Add(-keepHints)))
}
