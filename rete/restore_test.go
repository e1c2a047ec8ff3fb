package rete_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/rete"
)

// snapshotRules are rules whose sessions have something of everything.
var snapshotRules = []rete.Production{
	{ID: "a-own", Priority: 2, Version: "1", When: anyItem, Then: owning("owner", "a")},
	{ID: "b-own", Priority: 1, Version: "1", When: anyItem, Then: owning("owner", "b")},
	{ID: "c-first", Version: "1", When: anyItem, Exclusive: rete.Exclusive{Group: "one"}, Then: logIt},
	{ID: "d-late", Version: "1", Group: "late", When: anyItem, Salience: rete.Read("i", "x"), Then: func(c *rete.Firing) error { c.Focus("late"); return nil }},
	{ID: "e-many", Version: "1", When: []rete.Element{rete.Accumulate(rete.Accumulation{
		From: anyItem, By: []rete.Group{{Name: "x", Of: rete.Read("i", "x")}}, Let: []rete.Aggregate{{Name: "n", Op: rete.Count}},
	})}, Then: func(c *rete.Firing) error {
		x, _ := c.Value("x")
		n, _ := c.Value("n")
		_, err := c.Derive("tag", rete.Fields{"id": x, "text": n})
		return err
	}},
}

// snapshotSession stops in the middle of everything.
func snapshotSession(t testing.TB, cfg rete.Config) (*rete.Base, *rete.Session) {
	t.Helper()
	base, err := rete.Compile(transcriptTypes, snapshotRules)
	if err != nil {
		t.Fatal(err)
	}
	s := rete.NewSession(base, cfg)
	if err := s.SetClock(time.Date(2026, 11, 20, 10, 0, 0, 5, time.FixedZone("CET", 3600))); err != nil {
		t.Fatal(err)
	}
	tx := s.Begin()
	var handles []rete.Handle
	for i := range 4 {
		h, err1 := tx.Assert("item", rete.Fields{"id": i, "x": i / 2, "y": "text"})
		_, err2 := tx.Assert("tag", rete.Fields{"id": i})
		handles, err = append(handles, h), errors.Join(err, err1, err2)
	}
	tag, _ := s.Lookup("tag", rete.Fields{"id": 0})
	err = errors.Join(err, tx.ExpireAt(handles[0], s.Now().Add(time.Hour)), tx.Update(tag.Handle(), rete.Fields{"id": 3}), tx.Retract(handles[2]), tx.Commit())
	if _, err2 := s.RunLimit(context.TODO(), 6); errors.Join(err, err2) != nil {
		t.Fatal(err, err2)
	}
	return base, s
}

func TestSnapshotInTheMiddle(t *testing.T) {
	for strategy := range rete.Random + 1 {
		cfg := rete.Config{Strategy: strategy, Groups: []string{"late"}}
		base, s := snapshotSession(t, cfg)
		restored := restore(t, base, cfg, snapshotOf(t, s))
		if got := restored.Now(); got.String() != s.Now().String() {
			t.Errorf("now %v, was %v", got, s.Now())
		}
		var traces [2]string
		for i, s := range []*rete.Session{s, restored} {
			for _, hours := range []time.Duration{0, 2} {
				change(t, s, func(tx *rete.Tx) error { _, err := tx.Assert("item", rete.Fields{"id": hours, "x": 9}); return err })
				if err := s.SetClock(s.Now().Add(hours * time.Hour)); err != nil {
					t.Fatal(err)
				}
				r := runAll(t, s)
				traces[i] += fmt.Sprint(r.Fired, r.Derived, r.Withdrawn, r.Logs, described(s))
			}
		}
		if traces[0] != traces[1] {
			t.Errorf("%v goes on\n%s\nrestored\n%s", strategy, traces[0], traces[1])
		}
	}
}

func TestSnapshotValues(t *testing.T) {
	values := []any{
		nil, true, false, 0, -1, math.MaxInt64, math.MinInt64, 1 << 30, 0.5, math.Copysign(0, -1), math.NaN(), math.Inf(-1), "", "text",
		time.Time{},
		time.Unix(0, 1).UTC(), time.Date(9999, 1, 1, 0, 0, 0, 0, time.FixedZone("X", -3600)), time.Hour,
		[]byte{},
		[]byte{0, 255},
		[]any{},
		[]any{1, "text", []any{nil, 1.5}, rete.Absent},
		map[string]any{},
		map[string]any{"b": 1, "a": []any{price{1, "USD"}}},
		price{5, "EUR"},
		state2("named"),
	}
	base, err := rete.Compile([]rete.Type{{Name: "v", Bag: true, Fields: []rete.Field{{Name: "n"}, opt("v")}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := rete.NewSession(base, rete.Config{})
	change(t, s, func(tx *rete.Tx) (err error) {
		for i, v := range slices.Concat(values, values) {
			_, err1 := tx.Assert("v", rete.Fields{"n": i, "v": v})
			err = errors.Join(err, err1)
		}
		return err
	})
	snapshot := snapshotOf(t, s)
	restored := restore(t, base, rete.Config{DecodeValue: decodePrice}, snapshot)
	var a, b []rete.Fact
	a, b = slices.Collect(s.Facts()), slices.Collect(restored.Facts())
	for i := range a {
		x, _ := a[i].Get("v")
		y, _ := b[i].Get("v")
		if !reflect.DeepEqual(fmt.Sprintf("%T %v", x, x), fmt.Sprintf("%T %v", y, y)) || a[i].Handle() != b[i].Handle() {
			t.Errorf("%T %v came back as %T %v", x, x, y, y)
		}
	}
	if again := snapshotOf(t, restored); !bytes.Equal(again, snapshot) {
		t.Error("other bytes")
	}
	for name, decode := range map[string]func(string, []byte) (any, error){
		"none": nil, "no keyer": func(string, []byte) (any, error) { return 1, nil },
		"another": func(string, []byte) (any, error) { return price{}, nil },
	} {
		if _, err := rete.Restore(base, rete.Config{DecodeValue: decode}, bytes.NewReader(snapshot)); !errors.Is(err, rete.ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fail := errors.New("fail")
	decode := func(string, []byte) (any, error) { return nil, fail }
	if _, err := rete.Restore(base, rete.Config{DecodeValue: decode}, bytes.NewReader(snapshot)); !errors.Is(err, fail) {
		t.Error(err)
	}
}

// silent is a value that cannot be written.
type silent struct{}

func (silent) ReteKey() string { return "silent" }

func TestSnapshotFails(t *testing.T) {
	_, s := snapshotSession(t, rete.Config{})
	tx := s.Begin()
	if err := s.Snapshot(io.Discard); !errors.Is(err, rete.ErrBusy) {
		t.Error(err)
	}
	deep := any(1)
	for range 1100 {
		deep = []any{deep}
	}
	tx.Rollback()
	for _, v := range []any{silent{}, deep} {
		h := state(t, s, "item", rete.Fields{"id": 100, "x": []any{v}})
		var fe *rete.FactError
		if err := s.Snapshot(io.Discard); !errors.Is(err, rete.ErrKind) || !errors.As(err, &fe) {
			t.Error(err)
		}
		change(t, s, func(tx *rete.Tx) error { return tx.Retract(h) })
	}
	if err := s.Snapshot(failing{}); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Snapshot(io.Discard); !errors.Is(err, rete.ErrSessionClosed) {
		t.Error(err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestRestoreRefuses(t *testing.T) {
	base, s := snapshotSession(t, rete.Config{})
	snapshot := snapshotOf(t, s)
	refuse := func(data []byte, want error) {
		t.Helper()
		if s, err := rete.Restore(base, rete.Config{}, bytes.NewReader(data)); !errors.Is(err, want) || s != nil {
			t.Errorf("%v, want %v", err, want)
		}
	}
	for n := range snapshot {
		refuse(snapshot[:n], rete.ErrDamaged)
	}
	for i := range snapshot {
		damaged := slices.Clone(snapshot)
		damaged[i] ^= 4
		want := rete.ErrDamaged
		if v := i - len("trimtab rete snapshot\n"); v == 0 || v == 1 {
			want = rete.ErrVersion
		}
		refuse(damaged, want)
	}
	if _, err := rete.Restore(base, rete.Config{Strategy: rete.Lex}, bytes.NewReader(snapshot)); !errors.Is(err, rete.ErrStrategy) {
		t.Error(err)
	}
	var le *rete.LimitError
	if _, err := rete.Restore(base, rete.Config{Limits: rete.Limits{Facts: 3}}, bytes.NewReader(snapshot)); !errors.As(err, &le) {
		t.Error(err)
	}
	types := slices.Clone(transcriptTypes)
	types[0].Fields, types[1].Bag = types[0].Fields[:2], true
	other, err := rete.Compile(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = rete.Restore(other, rete.Config{}, bytes.NewReader(snapshot))
	if err == nil || !strings.Contains(err.Error(), "type item") || !strings.Contains(err.Error(), "type tag") || strings.Contains(err.Error(), "type owner") {
		t.Error(err)
	}
	if _, err := rete.Restore(base, rete.Config{}, failingReader{}); !errors.Is(err, io.ErrNoProgress) || errors.Is(err, rete.ErrDamaged) {
		t.Error(err)
	}
	// one after the other in a stream
	in := bytes.NewReader(slices.Concat(snapshot, snapshot))
	for range 2 {
		if _, err := rete.Restore(base, rete.Config{}, in); err != nil {
			t.Error(err)
		}
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// TestRestoreInAnotherBase: what a removed or changed production derived falls,
// changed and new ones fire, and what stayed does not fire again.
func TestRestoreInAnotherBase(t *testing.T) {
	_, s := snapshotSession(t, rete.Config{})
	runAll(t, s)
	rules := slices.Clone(snapshotRules[1:]) // a-own is gone, and the next best stands
	rules[3].Version = "2"                   // e-many derives its tags again
	rules = append(rules, rete.Production{ID: "new", When: []rete.Element{rete.Match("owner", "o", rete.Eq("who", "a"))}, Then: logIt},
		rete.Production{ID: "new-b", When: []rete.Element{rete.Match("owner", "o", rete.Eq("who", "b"))}, Then: logIt})
	base, err := rete.Compile(transcriptTypes, rules)
	if err != nil {
		t.Fatal(err)
	}
	var events []rete.Event
	listener := rete.ListenerFunc(func(e rete.Event) { events = append(events, e) })
	restored := restore(t, base, rete.Config{Listener: listener}, snapshotOf(t, s))
	if len(events) > 0 {
		t.Errorf("the listener was told %v", events)
	}
	r := runAll(t, restored)
	if got := fmt.Sprint(r.Fired.Map(), r.Withdrawn, r.Derived); got != "map[e-many:2 new-b:3] 2 2" {
		t.Error(got)
	}
	if len(events) == 0 {
		t.Error("the listener is told nothing afterwards")
	}
	adopting, err := rete.Compile(transcriptTypes, rules)
	if err := errors.Join(err, s.Adopt(adopting)); err != nil {
		t.Fatal(err)
	}
	runAll(t, s)
	withoutHandles := func(s *rete.Session) string {
		var list []string
		for f := range s.Facts() {
			list = append(list, fmt.Sprint(f.Type(), f.Fields(), f.Derived()))
		}
		slices.Sort(list)
		return strings.Join(list, "\n")
	}
	if a, b := withoutHandles(s), withoutHandles(restored); a != b {
		t.Errorf("adopted\n%s\nrestored\n%s", a, b)
	}
}

// TestRestoreWithoutTheHolder: the match that held a lock is no more, so that the
// next may fire.
func TestRestoreWithoutTheHolder(t *testing.T) {
	one := rete.Exclusive{Group: "one"}
	rules := []rete.Production{
		{ID: "first", Priority: 1, When: anyItem, Exclusive: one, Then: logIt},
		{ID: "second", When: anyItem, Exclusive: one, Then: logIt},
	}
	s := newRules(t, rete.Config{}, rules...)
	state(t, s, "item", rete.Fields{"id": 1})
	runAll(t, s)
	base, err := rete.Compile(transcriptTypes, rules[1:])
	if err != nil {
		t.Fatal(err)
	}
	if r := runAll(t, restore(t, base, rete.Config{}, snapshotOf(t, s))); r.Fired.Of("second") != 1 {
		t.Error(r.Fired)
	}
	if r := runAll(t, restore(t, s.Base(), rete.Config{}, snapshotOf(t, s))); r.Firings != 0 {
		t.Error(r.Fired)
	}
}

func ExampleRestore() {
	base, _ := rete.Compile([]rete.Type{{Name: "Job", Fields: []rete.Field{{Name: "n"}}}}, []rete.Production{{
		ID: "work", Version: "1", When: []rete.Element{rete.Match("Job", "job")},
		Then: func(c *rete.Firing) error {
			job, _ := c.Fact("job")
			fmt.Println("work on", job.Fields())
			return nil
		},
	}})
	s := rete.NewSession(base, rete.Config{Strategy: rete.Breadth})
	tx := s.Begin()
	for n := range 3 {
		_, _ = tx.Assert("Job", rete.Fields{"n": n})
	}
	_ = tx.Commit()
	_, _ = s.RunLimit(context.Background(), 1)
	var file bytes.Buffer
	_ = s.Snapshot(&file)

	fmt.Println("the machine restarts")
	s, _ = rete.Restore(base, rete.Config{Strategy: rete.Breadth}, &file)
	_, _ = s.Run(context.Background())
	// Output:
	// work on map[n:0]
	// the machine restarts
	// work on map[n:1]
	// work on map[n:2]
}

// FuzzRestore: no bytes make it panic, with a checksum that is right or wrong, and
// what it makes of them can run.
func FuzzRestore(f *testing.F) {
	for _, strategy := range []rete.Strategy{rete.Depth, rete.Lex} {
		_, s := snapshotSession(f, rete.Config{Strategy: strategy})
		snapshot := snapshotOf(f, s)
		f.Add(snapshot, false, byte(strategy))
		f.Add(snapshot[31:len(snapshot)-32], true, byte(strategy))
		if _, err := s.Run(f.Context()); err != nil {
			f.Fatal(err)
		}
		snapshot = snapshotOf(f, s)
		f.Add(snapshot[31:len(snapshot)-32], true, byte(strategy))
	}
	base, err := rete.Compile(transcriptTypes, snapshotRules)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, sign bool, strategy byte) {
		if sign {
			data = signed(data)
		}
		s, err := rete.Restore(base, rete.Config{Strategy: rete.Strategy(strategy)}, bytes.NewReader(data))
		if err != nil {
			return
		}
		_, _ = s.RunLimit(t.Context(), 20)
		_ = s.SetClock(s.Now().Add(time.Hour))
		tx := s.Begin()
		for fact := range s.Facts() {
			_ = tx.Retract(fact.Handle())
		}
		_ = tx.Commit()
		if err := s.Snapshot(io.Discard); err != nil {
			t.Error(err)
		}
	})
}

// signed makes a snapshot of what would be in it.
func signed(data []byte) []byte {
	head := []byte("trimtab rete snapshot\n\x00\x01")
	head = binary.BigEndian.AppendUint64(head, uint64(len(data)))
	all := append(head, data...)
	sum := sha256.Sum256(all)
	return append(all, sum[:]...)
}

func BenchmarkSnapshot(b *testing.B) {
	const n = 100_000
	base, err := rete.Compile(transcriptTypes, snapshotRules[:2])
	if err != nil {
		b.Fatal(err)
	}
	s := rete.NewSession(base, rete.Config{})
	tx := s.Begin()
	for i := range n {
		if _, err := tx.Assert("item", rete.Fields{"id": fmt.Sprint("item-", i), "x": i % 100, "y": "text"}); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	if _, err := s.RunLimit(b.Context(), n); err != nil {
		b.Fatal(err)
	}
	snapshot := snapshotOf(b, s)
	perMatch := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2*n), "ns/match")
		b.ReportMetric(float64(len(snapshot))/(2*n), "bytes/match")
	}
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			snapshotOf(b, s)
		}
		perMatch(b)
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := rete.Restore(base, rete.Config{}, bytes.NewReader(snapshot)); err != nil {
				b.Fatal(err)
			}
		}
		perMatch(b)
	})
}
