package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/durable"
)

// RunLog keeps durable runs in the state, so that a step's rows and its result can be
// one commit. It is a [durable.Log].
type RunLog struct {
	store *Store
	// Clock takes the place of the database's clock, for tests; nil is the database's.
	Clock func() time.Time
}

var _ durable.Log = (*RunLog)(nil)

// Runs gives durable runs their place in the state.
func (s *Store) Runs() *RunLog { return &RunLog{store: s} }

// Write implements [durable.Log].
func (l *RunLog) Write(ctx context.Context, fn func(durable.Tx) error) error {
	return l.store.commit(ctx, func(tx *Tx) error { return fn(&runTx{tx, l}) })
}

// Read implements [durable.Log].
func (l *RunLog) Read(ctx context.Context, fn func(durable.Tx) error) error {
	return l.store.Read(ctx, func(tx *Tx) error { return fn(&runTx{tx, l}) })
}

// Wait implements [durable.Log].
func (l *RunLog) Wait(ctx context.Context, d time.Duration) { l.store.news.Wait(ctx, d) }

// Exclusive implements [durable.Log].
func (l *RunLog) Exclusive() bool { return l.store.dialect.Exclusive }

// Lost implements [durable.Log].
func (l *RunLog) Lost(err error) bool {
	var dead interface{ Lost() bool } // what a test's jam says
	if errors.As(err, &dead) {
		return dead.Lost()
	}
	return err != nil && (errors.Is(err, sql.ErrConnDone) || l.store.dialect.Lost(err))
}

// RunTx gives the runs in a transaction of the state, for whoever starts a run together
// with what it is about.
func (t *Tx) RunTx() durable.Tx { return &runTx{t, &RunLog{store: t.store}} }

// runTx is a transaction as durable runs see it.
type runTx struct {
	*Tx
	log *RunLog
}

var _ durable.Tx = (*runTx)(nil)

// Domain implements [durable.Tx]: a *Tx, and from now on the only one that changes rows
// of the domain.
func (t *runTx) Domain() any {
	t.lockDomain()
	return t.Tx
}

// Now implements [durable.Tx].
func (t *runTx) Now() (time.Time, error) {
	if t.log.Clock != nil {
		return t.log.Clock().UTC().Truncate(time.Millisecond), nil
	}
	if t.dialect.Now == "" {
		return time.Now().UTC().Truncate(time.Millisecond), nil // the database is in this process
	}
	var ms int64
	err := t.row(t.dialect.Now).Scan(&ms)
	return fromMillis(ms), wrapSQL(t.dialect.Now, err)
}

const runColumns = `id, workflow, version, key, queue, input, output, error, status, reason, awaits, wake_at, cancel, epoch, owner, lease, crashes,
	progress, created_at, started_at, ended_at`

func readRun(r scanner) (*durable.Run, error) {
	run := &durable.Run{}
	var input, output, failure, progress string
	var wake, lease, created, started, ended int64
	var cancel int
	err := r.Scan(&run.ID, &run.Workflow, &run.Version, &run.Key, &run.Queue, &input, &output, &failure, &run.Status, &run.Reason, &run.Awaits,
		&wake, &cancel, &run.Epoch, &run.Owner, &lease, &run.Crashes, &progress, &created, &started, &ended)
	if err != nil {
		return nil, err
	}
	run.Input, run.Output, run.Cancel = rawOf(input), rawOf(output), cancel != 0
	run.WakeAt, run.Lease = fromMillis(wake), fromMillis(lease)
	run.CreatedAt, run.StartedAt, run.EndedAt = fromMillis(created), fromMillis(started), fromMillis(ended)
	if err := fromJSON(progress, &run.Progress); err != nil {
		return nil, err
	}
	return run, fromJSON(failure, &run.Error)
}

// runValues are a run's columns but the id, in order.
func runValues(r *durable.Run) ([]any, error) {
	failure, err := toJSON(r.Error, r.Error == nil)
	if err != nil {
		return nil, err
	}
	progress, err := toJSON(r.Progress, len(r.Progress) == 0)
	if err != nil {
		return nil, err
	}
	cancel := 0
	if r.Cancel {
		cancel = 1
	}
	return []any{
		r.Workflow, r.Version, r.Key, r.Queue, string(r.Input), string(r.Output), failure, string(r.Status), r.Reason, r.Awaits, millis(r.WakeAt),
		cancel, r.Epoch, r.Owner, millis(r.Lease), r.Crashes, progress, millis(r.CreatedAt), millis(r.StartedAt), millis(r.EndedAt),
	}, nil
}

// Insert implements [durable.Runs].
func (t *runTx) Insert(r *durable.Run) (bool, error) {
	if r.Key != "" {
		other, err := t.unfinished(r.Key)
		if err != nil || other != 0 {
			r.ID = other
			return false, err
		}
	}
	values, err := runValues(r)
	if err != nil {
		return false, err
	}
	r.ID, err = t.insert(`INSERT INTO runs (workflow, version, key, queue, input, output, error, status, reason, awaits, wake_at, cancel, epoch, owner,
		lease, crashes, progress, created_at, started_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, values...)
	t.woke = true
	return err == nil, err
}

// unfinished finds the run that has a key and has not ended; 0 is none. It is asked for
// first, since a constraint that fails ends the transaction of some databases, and under a
// lock, so that two of one key do not both find nothing.
func (t *runTx) unfinished(key string) (id int64, err error) {
	if err := t.lock("key " + key); err != nil {
		return 0, err
	}
	const query = `SELECT id FROM runs WHERE key = ? AND NOT ` + ended
	err = t.row(query, key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, wrapSQL(query, err)
}

// Run implements [durable.Runs].
func (t *runTx) Run(id int64) (*durable.Run, error) {
	run, err := readRun(t.row(`SELECT `+runColumns+` FROM runs WHERE id = ?`+t.forUpdate(""), id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, durable.ErrNoRun
	}
	return run, wrapSQL("SELECT … FROM runs WHERE id = ?", err)
}

// forUpdate locks the rows that a writing transaction reads, where the database needs
// to be told.
func (t *runTx) forUpdate(how string) string {
	if !t.writing || t.dialect.ForUpdate == "" {
		return ""
	}
	return t.dialect.ForUpdate + how
}

// Save implements [durable.Runs].
func (t *runTx) Save(r *durable.Run) error {
	if r.Key != "" && !r.Status.Ended() {
		other, err := t.unfinished(r.Key)
		if err != nil {
			return err
		}
		if other != 0 && other != r.ID {
			return durable.ErrKeyTaken
		}
	}
	values, err := runValues(r)
	if err != nil {
		return err
	}
	// Renewals and progress are news to nobody.
	t.woke = t.woke || r.Status != durable.Running || r.Cancel
	return t.exec(`UPDATE runs SET workflow = ?, version = ?, key = ?, queue = ?, input = ?, output = ?, error = ?, status = ?, reason = ?, awaits = ?,
		wake_at = ?, cancel = ?, epoch = ?, owner = ?, lease = ?, crashes = ?, progress = ?, created_at = ?, started_at = ?, ended_at = ? WHERE id = ?`,
		append(values, r.ID)...)
}

// Due implements [durable.Runs].
func (t *runTx) Due(q durable.DueQuery) ([]*durable.Run, error) {
	w := where{}
	w.either(func(w *where) {
		w.and(`status IN ('pending', 'waiting') AND wake_at <= ?`, millis(q.Now)).none("queue", anys(q.Full))
	},
		func(w *where) {
			if w.and(`status = 'running'`); !q.Void {
				w.and(`(owner = ? OR lease <= ?)`, q.Worker, millis(q.Now))
			}
		})
	w.none("id", anys(q.Except))
	if q.Only != 0 {
		w.and(`id = ?`, q.Only)
	}
	var known []func(*where)
	for _, k := range q.Known {
		known = append(known, func(w *where) { w.and(`workflow = ? AND version <= ?`, k.Workflow, k.Version) })
	}
	w.either(known...)
	return list(t.Tx, readRun, `SELECT `+runColumns+` FROM runs WHERE `+w.String()+` ORDER BY wake_at, id LIMIT ?`+t.forUpdate(" SKIP LOCKED"),
		append(w.args, q.Limit)...)
}

// where is a condition in the making: parts that all hold.
type where struct {
	parts []string
	args  []any
}

// and adds a part.
func (w *where) and(part string, args ...any) *where {
	w.parts, w.args = append(w.parts, part), append(w.args, args...)
	return w
}

// none adds that a column has none of some values.
func (w *where) none(column string, values []any) *where {
	if len(values) == 0 {
		return w
	}
	return w.and(column+` NOT IN (`+marks(len(values))+`)`, values...)
}

// either adds that one of several conditions holds; none of no conditions does.
func (w *where) either(conditions ...func(*where)) {
	parts := []string{}
	for _, c := range conditions {
		var one where
		c(&one)
		parts, w.args = append(parts, "("+one.String()+")"), append(w.args, one.args...)
	}
	if len(parts) == 0 {
		parts = []string{"1 = 0"}
	}
	w.parts = append(w.parts, "("+strings.Join(parts, " OR ")+")")
}

// String is the condition as SQL; without parts it always holds.
func (w *where) String() string { return strings.Join(append([]string{"1 = 1"}, w.parts...), " AND ") }

// anys are values as arguments of a statement.
func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// marks are n placeholders.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// Find implements [durable.Runs].
func (t *runTx) Find(f durable.Filter) ([]*durable.Run, error) {
	var w where
	for _, c := range []struct{ column, value string }{{"workflow", f.Workflow}, {"key", f.Key}, {"queue", f.Queue}, {"owner", f.Owner}} {
		if c.value != "" {
			w.and(c.column+` = ?`, c.value)
		}
	}
	if len(f.Statuses) > 0 {
		w.and(`status IN (`+marks(len(f.Statuses))+`)`, anys(f.Statuses)...)
	}
	limit := f.Limit
	if limit == 0 {
		limit = 1000
	}
	return list(t.Tx, readRun, `SELECT `+runColumns+` FROM runs WHERE `+w.String()+` ORDER BY id DESC LIMIT ?`, append(w.args, limit)...)
}

const ended = `status IN ('done', 'partial', 'failed', 'cancelled')`

// Prune implements [durable.Runs].
func (t *runTx) Prune(before time.Time) (int, error) {
	err := t.exec(`DELETE FROM run_records WHERE run_id IN (SELECT id FROM runs WHERE `+ended+` AND ended_at < ?)`, millis(before))
	if err != nil {
		return 0, err
	}
	const query = `DELETE FROM runs WHERE ` + ended + ` AND ended_at < ?`
	result, err := t.tx.ExecContext(t.ctx, t.dialect.rebind(query), millis(before))
	if err != nil {
		return 0, wrapSQL(query, err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// Records implements [durable.Records].
func (t *runTx) Records(run int64) ([]*durable.Record, error) {
	return list(t.Tx, readRecord, `SELECT run_id, name, kind, outcome, seq, after, shape, hash, input, output, error, attempts, next_at, started_at, ended_at
		FROM run_records WHERE run_id = ? ORDER BY seq`, run)
}

func readRecord(r scanner) (*durable.Record, error) {
	rec := &durable.Record{}
	var after, input, output, failure string
	var next, started, ended int64
	err := r.Scan(&rec.Run, &rec.Name, &rec.Kind, &rec.Outcome, &rec.Seq, &after, &rec.Shape, &rec.Hash, &input, &output, &failure, &rec.Attempts,
		&next, &started, &ended)
	if err != nil {
		return nil, err
	}
	rec.Input, rec.Output = rawOf(input), rawOf(output)
	rec.NextAt, rec.StartedAt, rec.EndedAt = fromMillis(next), fromMillis(started), fromMillis(ended)
	if err := fromJSON(after, &rec.After); err != nil {
		return nil, err
	}
	return rec, fromJSON(failure, &rec.Error)
}

// SaveRecord implements [durable.Records].
func (t *runTx) SaveRecord(r *durable.Record) error {
	failure, err := toJSON(r.Error, r.Error == nil)
	if err != nil {
		return err
	}
	after, err := toJSON(r.After, len(r.After) == 0)
	if err != nil {
		return err
	}
	const query = `INSERT INTO run_records (run_id, name, kind, outcome, after, shape, hash, input, output, error, attempts, next_at, started_at, ended_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (run_id, name) DO UPDATE SET kind = excluded.kind, outcome = excluded.outcome, after = excluded.after, shape = excluded.shape,
		hash = excluded.hash, input = excluded.input, output = excluded.output, error = excluded.error, attempts = excluded.attempts,
		next_at = excluded.next_at, started_at = excluded.started_at, ended_at = excluded.ended_at RETURNING seq`
	r.Seq, err = t.insert(query, r.Run, r.Name, string(r.Kind), string(r.Outcome), after, r.Shape, r.Hash, string(r.Input), string(r.Output), failure,
		r.Attempts, millis(r.NextAt), millis(r.StartedAt), millis(r.EndedAt))
	return err
}

// DropRecords implements [durable.Records].
func (t *runTx) DropRecords(run int64, names []string) error {
	for _, name := range names {
		if err := t.exec(`DELETE FROM run_records WHERE run_id = ? AND name = ?`, run, name); err != nil {
			return err
		}
	}
	return nil
}

// Mark implements [durable.Marks].
func (t *runTx) Mark(name string) (value int64, err error) {
	if err := t.lock("mark " + name); err != nil {
		return 0, err
	}
	err = t.row(`SELECT value FROM marks WHERE name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return value, wrapSQL("SELECT value FROM marks", err)
}

// SetMark implements [durable.Marks].
func (t *runTx) SetMark(name string, value int64) error {
	return t.exec(`INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}

// rawOf is a JSON text, nil for none.
func rawOf(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// toJSON writes a value; none is the empty text.
func toJSON(v any, none bool) (string, error) {
	if none {
		return "", nil
	}
	data, err := json.Marshal(v)
	return string(data), err
}

func fromJSON(text string, into any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}
