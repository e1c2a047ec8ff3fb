package store

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/trimtab/trimtab/source"
)

// Gathered is the last complete batch of a source.
type Gathered struct {
	Source string
	At     time.Time
	Until  time.Time
	Facts  []source.Fact
}

// Stage keeps what a scan has gathered from a source until it is judged. Values are
// written as the rule language reads them: exact amounts as text.
func (t *Tx) Stage(scan int64, g Gathered) error {
	var buf bytes.Buffer
	if err := writeFacts(&buf, g.Facts); err != nil {
		return fmt.Errorf("keep what %s gathered: %w", g.Source, err)
	}
	return t.exec(`INSERT INTO staged (scan_id, source, at, until, facts) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (scan_id, source) DO UPDATE SET at = excluded.at, until = excluded.until, facts = excluded.facts`,
		scan, g.Source, millis(g.At), millis(g.Until), buf.Bytes())
}

// Staged reads what a scan has gathered from a source. The error is sql.ErrNoRows when
// there is nothing.
func (t *Tx) Staged(scan int64, source string) (Gathered, error) {
	return readGathered(t.row(`SELECT source, at, until, facts FROM staged WHERE scan_id = ? AND source = ?`, scan, source))
}

// Promote puts the staged batch of a source in place of the one gathered before.
func (t *Tx) Promote(scan int64, source string) error {
	return t.exec(`INSERT INTO gathered (source, at, until, facts) SELECT source, at, until, facts FROM staged WHERE scan_id = ? AND source = ?
		ON CONFLICT (source) DO UPDATE SET at = excluded.at, until = excluded.until, facts = excluded.facts`, scan, source)
}

// Unstage forgets everything that is staged: of the scan that was judged, and of earlier
// ones that never were.
func (t *Tx) Unstage() error { return t.exec(`DELETE FROM staged`) }

// SaveGathered keeps a source's complete batch in place of the one before.
func (t *Tx) SaveGathered(g Gathered) error {
	const scan = 0 // no scan has this number
	if err := t.Stage(scan, g); err != nil {
		return err
	}
	if err := t.Promote(scan, g.Source); err != nil {
		return err
	}
	return t.exec(`DELETE FROM staged WHERE scan_id = ?`, scan)
}

// writeFacts writes one JSON object a line, so that nobody holds the text of all.
// Fast compression: every scan writes them anew.
func writeFacts(w io.Writer, facts []source.Fact) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(z)
	for _, f := range facts {
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	return z.Close()
}

// Gathered reads the last complete batch of every source, by name.
func (t *Tx) Gathered() ([]Gathered, error) {
	return list(t, readGathered, `SELECT source, at, until, facts FROM gathered ORDER BY source`)
}

// readGathered fails on damaged facts rather than give those before the damage: a
// part would be taken for the whole, and the rest for gone.
func readGathered(r scanner) (g Gathered, err error) {
	var at, until int64
	var packed []byte
	if err := r.Scan(&g.Source, &at, &until, &packed); err != nil {
		return g, err
	}
	g.At, g.Until = fromMillis(at), fromMillis(until)
	if g.Facts, err = readFacts(packed); err != nil {
		return g, fmt.Errorf("facts of %s: %w", g.Source, err)
	}
	return g, nil
}

func readFacts(packed []byte) ([]source.Fact, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bufio.NewReader(z))
	// A float64 would round whole numbers beyond 2^53.
	dec.UseNumber()
	var facts []source.Fact
	for {
		var f source.Fact
		err := dec.Decode(&f)
		if errors.Is(err, io.EOF) {
			return facts, nil
		}
		if err != nil {
			return nil, err
		}
		facts = append(facts, f)
	}
}

// Watermark is the last successful pull from a tracker.
type Watermark struct {
	At   time.Time         // on the tracker's clock
	Seen map[string]string // issue id → version, for what lies within the overlap
}

// Watermark reads a scope's watermark; the zero value if there is none.
func (t *Tx) Watermark(scope string) (w Watermark, err error) {
	marks, err := list(t, func(r scanner) (w Watermark, err error) {
		var at int64
		var seen string
		if err := r.Scan(&at, &seen); err != nil {
			return w, err
		}
		w.At = fromMillis(at)
		return w, json.Unmarshal([]byte(seen), &w.Seen)
	}, `SELECT at, seen FROM watermarks WHERE scope = ?`, scope)
	if len(marks) == 1 {
		w = marks[0]
	}
	return w, err
}

// SaveWatermark writes a scope's watermark.
func (t *Tx) SaveWatermark(scope string, w Watermark) error {
	seen, err := json.Marshal(w.Seen)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO watermarks (scope, at, seen) VALUES (?, ?, ?)
		ON CONFLICT (scope) DO UPDATE SET at = excluded.at, seen = excluded.seen`, scope, millis(w.At), string(seen))
}
