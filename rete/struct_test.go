package rete_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/rete"
)

type (
	state2 string
	cpu    float32
)

// price is of a kind that the engine does not know.
type price struct {
	Cents    int64
	Currency string
}

func (p price) ReteKey() string { return fmt.Sprint(p.Cents, p.Currency) }

func (p price) MarshalBinary() ([]byte, error) { return fmt.Append(nil, p.Cents, " ", p.Currency), nil }

// decodePrice is Config.DecodeValue for prices.
func decodePrice(typ string, data []byte) (any, error) {
	var p price
	if typ != "rete_test.price" {
		return nil, errors.New("no price")
	}
	_, err := fmt.Sscan(string(data), &p.Cents, &p.Currency)
	return p, err
}

// common is embedded in structs.
type common struct {
	ID      string `rete:",key"`
	Account string
}

// machine has a field of every kind.
type machine struct {
	common
	State       state2 `rete:"status"`
	MonthlyCost price
	CPU95       cpu
	Cores       uint16
	Idle        time.Duration
	SeenAt      time.Time
	Owner       *string
	Budget      *price
	Tags        map[state2]string
	Volumes     []state2
	Parts       [][]int8
	Raw         []byte `rete:",optional"`
	Spot        bool   `rete:",optional"`
	Extra       any
	Scratch     chan int `rete:"-"`
}

func full() machine {
	who := "ann"
	return machine{
		common: common{"i-1", "a"}, State: "on", MonthlyCost: price{5, "USD"}, CPU95: 1.1, Cores: 4, Idle: time.Hour,
		SeenAt: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Owner: &who, Budget: &price{7, "USD"},
		Tags: map[state2]string{"env": "prod"}, Volumes: []state2{"v1", "v2"}, Parts: [][]int8{{1}, {2, 3}},
		Raw: []byte{0, 1}, Spot: true, Extra: []any{int64(1), "x"},
	}
}

func newStructs(t testing.TB) *rete.Session {
	t.Helper()
	typ, err := rete.TypeOf[machine]()
	if err != nil {
		t.Fatal(err)
	}
	base, err := rete.Compile([]rete.Type{typ}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rete.NewSession(base, rete.Config{})
}

func TestTypeOfNamesFields(t *testing.T) {
	typ, err := rete.TypeOf[machine]()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range typ.Fields {
		if f.Optional {
			f.Name += "?"
		}
		names = append(names, f.Name)
	}
	got := fmt.Sprint(typ.Name, typ.Key, strings.Join(names, " "))
	want := "machine[id]id account status monthly_cost cpu95 cores idle seen_at owner? budget? tags volumes parts raw? spot? extra"
	if got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	typ, err = rete.TypeOf[machine]("account", "status")
	if err != nil || fmt.Sprint(typ.Key) != "[account status]" {
		t.Errorf("%v, %v", typ.Key, err)
	}
	if _, err := rete.TypeOf[machine]("nothing", "owner"); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("keys that are not there or may be absent: %v", err)
	}
	type names2 struct{ HTTPPort, X, URL, A1B, Éa int }
	typ, err = rete.TypeOf[names2]()
	if got := fmt.Sprint(typ.Fields[0].Name, typ.Fields[1].Name, typ.Fields[2].Name, typ.Fields[3].Name, typ.Fields[4].Name); got != "http_portxurla1_béa" || err != nil {
		t.Error(got, err)
	}
}

func TestStructsComeBack(t *testing.T) {
	for _, v := range []machine{full(), {Extra: int64(1)}, {Tags: map[state2]string{}, Volumes: []state2{}, Parts: [][]int8{{}}}} {
		s := newStructs(t)
		tx := s.Begin()
		h, err := rete.AssertStruct(tx, v)
		if err := errors.Join(err, tx.Commit()); err != nil {
			t.Fatal(err)
		}
		f, _ := s.Get(h)
		got, err := rete.As[machine](f)
		if err != nil {
			t.Fatal(err)
		}
		if v.Tags == nil { // nothing tells a list that is nil from an empty one
			v.Tags, v.Volumes, v.Parts = got.Tags, got.Volumes, got.Parts
		}
		if !reflect.DeepEqual(got, v) {
			t.Errorf("%+v\ncame back as\n%+v", v, got)
		}
	}
}

// TestStructsSpeakForAllFields: a pointer that is nil clears what was there, and a
// field of the type that the struct lacks stays.
func TestStructsSpeakForAllFields(t *testing.T) {
	type part struct {
		ID    string `rete:",key"`
		Owner *string
	}
	base, err := rete.Compile([]rete.Type{{Name: "part", Key: []string{"id"}, Fields: []rete.Field{{Name: "id"}, opt("x"), opt("owner")}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := rete.NewSession(base, rete.Config{})
	h := state(t, s, "part", rete.Fields{"id": "a", "x": 1, "owner": "ann"})
	bob := "bob"
	for _, step := range []func(tx *rete.Tx) error{
		func(tx *rete.Tx) error { return rete.UpdateStruct(tx, h, part{"a", &bob}) },
		func(tx *rete.Tx) error { _, err := rete.AssertStruct(tx, part{"a", nil}); return err },
		func(tx *rete.Tx) error { return rete.UpdateStruct(tx, h, part{"a", nil}) },
	} {
		change(t, s, step)
		f, _ := s.Get(h)
		t.Log(f)
		if x, _ := f.Get("x"); x != int64(1) {
			t.Errorf("x is %v", x)
		}
	}
	f, _ := s.Get(h)
	if owner, ok := f.Get("owner"); ok {
		t.Errorf("still owned by %v", owner)
	}
	tx := s.Begin()
	if err := rete.UpdateStruct(tx, h, part{"b", nil}); !errors.Is(err, rete.ErrKeyField) {
		t.Error(err)
	}
	tx.Rollback()
	if _, err := rete.AssertStruct(tx, part{"b", nil}); !errors.Is(err, rete.ErrClosed) {
		t.Error(err)
	}
}

// TestStructMistakes are told all at once.
func TestStructMistakes(t *testing.T) {
	type inner struct{ X int }
	type bad struct {
		Func  func() `rete:"f,key,often"`
		Ptr   **int
		Arr   [2]int
		Map   map[int]string
		Inner inner
		List  []inner
		Same  int `rete:"arr"`
	}
	_, err := rete.TypeOf[bad]()
	if err == nil {
		t.Fatal("no mistake found")
	}
	for _, text := range []string{`no such option as "often"`, "Func", "Ptr", "Arr", "Map", "Inner", "List"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not said in\n%v", text, err)
		}
	}
	var ce *rete.CompileError
	if !errors.As(err, &ce) || ce.Type != "bad" {
		t.Error(err)
	}
	type twice struct {
		A int `rete:"x"`
		B int `rete:"x"`
	}
	_, errTwice := rete.TypeOf[twice]()
	_, errNone := rete.TypeOf[int]()
	_, errName := rete.TypeOf[struct{ X int }]()
	if errTwice == nil || errNone == nil || errName == nil {
		t.Error(errTwice, errNone, errName)
	}
	s := newStructs(t)
	tx := s.Begin()
	if _, err := rete.AssertStruct(tx, inner{1}); !errors.Is(err, rete.ErrUnknownType) {
		t.Error(err)
	}
	v := full()
	v.Extra = struct{}{}
	if _, err := rete.AssertStruct(tx, v); !errors.Is(err, rete.ErrKind) {
		t.Error(err)
	}
	tx.Rollback()
}

// TestAsConvertsWithoutLoss: a number fits a field of another kind if it is the same
// number there.
func TestAsConvertsWithoutLoss(t *testing.T) {
	type box struct{ X any }
	base, err := rete.Compile([]rete.Type{{Name: "box", Fields: []rete.Field{{Name: "x"}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := rete.NewSession(base, rete.Config{})
	as := func(x any, read func(rete.Fact) (any, error)) string {
		h := state(t, s, "box", rete.Fields{"x": x})
		f, _ := s.Get(h)
		v, err := read(f)
		change(t, s, func(tx *rete.Tx) error { return tx.Retract(h) })
		if err != nil {
			return errors.Unwrap(errors.Unwrap(err)).Error()
		}
		return fmt.Sprintf("%v", v)
	}
	no := rete.ErrShape.Error()
	for _, c := range []struct {
		x                            any
		i8, u, f32, i, str, duration string
	}{
		{1, "{1}", "{1}", "{1}", "{1}", no, no},
		{-1, "{-1}", no, "{-1}", "{-1}", no, no},
		{300, no, "{300}", "{300}", "{300}", no, no},
		{math.MaxInt64, no, "{9223372036854775807}", no, "{9223372036854775807}", no, no},
		{2.0, "{2}", "{2}", "{2}", "{2}", no, no},
		{0.5, no, no, "{0.5}", no, no, no},
		{0.1, no, no, no, no, no, no},
		{"a", no, no, no, no, "{a}", no},
		{nil, no, no, no, no, no, no},
		{true, no, no, no, no, no, no},
		{time.Second, no, no, no, no, no, "{1s}"},
		{[]any{1}, no, no, no, no, no, no},
	} {
		got := []string{as(c.x, read1[int8]), as(c.x, read1[uint]), as(c.x, read1[float32]), as(c.x, read1[int]), as(c.x, read1[string]), as(c.x, read1[time.Duration])}
		want := []string{c.i8, c.u, c.f32, c.i, c.str, c.duration}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v (%T): %q, want %q", c.x, c.x, got, want)
		}
	}
	f := rete.Fact{}
	if _, err := rete.As[box](f); !errors.Is(err, rete.ErrNoFact) {
		t.Error(err)
	}
}

// boxOf is a struct of one field whose facts are called box.
type boxOf[T any] struct{ X T }

func (boxOf[T]) ReteType() string { return "box" }

func read1[T any](f rete.Fact) (any, error) {
	v, err := rete.As[boxOf[T]](f)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// TestFactsAreCopies: what a struct holds and what comes back share nothing.
func TestFactsAreCopies(t *testing.T) {
	s := newStructs(t)
	v := full()
	change(t, s, func(tx *rete.Tx) error { _, err := rete.AssertStruct(tx, v); return err })
	v.Raw[0], v.Tags["env"], v.Volumes[0] = 9, "changed", "changed"
	f, _ := s.Lookup("machine", rete.Fields{"id": "i-1"})
	got, err := rete.As[machine](f)
	if err != nil || !reflect.DeepEqual(got, full()) {
		t.Errorf("%+v, %v", got, err)
	}
	got.Raw[0], got.Extra.([]any)[0] = 9, "changed"
	if again, _ := rete.As[machine](f); !reflect.DeepEqual(again, full()) {
		t.Errorf("%+v", again)
	}
}

// TestStructsInFirings: a production asserts and derives structs.
func TestStructsInFirings(t *testing.T) {
	type order struct {
		ID    int `rete:",key"`
		Total float64
	}
	type big struct {
		Order int
		By    float64
	}
	var types []rete.Type
	var errs []error
	for _, of := range []func(...string) (rete.Type, error){rete.TypeOf[order], rete.TypeOf[big]} {
		typ, err := of()
		types, errs = append(types, typ), append(errs, err)
	}
	base, err := rete.Compile(types, []rete.Production{{
		ID: "big", When: []rete.Element{rete.Match("order", "o", rete.Greater("total", 100))},
		Then: func(c *rete.Firing) error {
			f, _ := c.Fact("o")
			o, err := rete.As[order](f)
			if err != nil {
				return err
			}
			_, err = rete.DeriveStruct(c, big{o.ID, o.Total - 100})
			return err
		},
	}})
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	s := rete.NewSession(base, rete.Config{})
	for _, total := range []float64{150, 170, 50} {
		change(t, s, func(tx *rete.Tx) error { _, err := rete.AssertStruct(tx, order{1, total}); return err })
		runAll(t, s)
		var got []big
		for f := range s.FactsOf("big") {
			b, err := rete.As[big](f)
			if err != nil || !f.Derived() {
				t.Fatal(f, err)
			}
			got = append(got, b)
		}
		if want := max(total-100, 0); len(got) > 1 || (len(got) == 1) != (want > 0) || len(got) == 1 && got[0] != (big{1, want}) {
			t.Errorf("%v follows from %v", got, total)
		}
	}
}

// TestStructsNeedNoMap: beyond the struct itself an assert of what is there allocates
// nothing.
func TestStructsNeedNoMap(t *testing.T) {
	type pixel struct {
		X     int `rete:",key"`
		Y     int `rete:",key"`
		Color string
	}
	typ, err := rete.TypeOf[pixel]()
	if err != nil {
		t.Fatal(err)
	}
	base, err := rete.Compile([]rete.Type{typ}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := rete.NewSession(base, rete.Config{})
	tx := s.Begin()
	i := 0
	allocs := testing.AllocsPerRun(1000, func() {
		i++
		if _, err := rete.AssertStruct(tx, pixel{i % 10, 1, "red"}); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 1 {
		t.Errorf("%.1f allocations", allocs)
	}
}

func ExampleTypeOf() {
	type VM struct {
		ID          string `rete:",key"`
		MonthlyCost float64
		Owner       *string
	}
	typ, _ := rete.TypeOf[VM]()
	base, _ := rete.Compile([]rete.Type{typ}, []rete.Production{{
		ID: "unowned",
		When: []rete.Element{
			rete.Match("VM", "vm", rete.Greater("monthly_cost", 10)),
			rete.Not(rete.Match("VM", "", rete.JoinEq("id", "vm", "id"), rete.Ne("owner", ""))),
		},
		Then: func(c *rete.Firing) error {
			f, _ := c.Fact("vm")
			vm, err := rete.As[VM](f)
			if err != nil {
				return err
			}
			fmt.Println("nobody owns", vm.ID)
			nobody := "nobody"
			vm.Owner = &nobody
			return rete.UpdateStruct(c, f.Handle(), vm)
		},
	}})
	s := rete.NewSession(base, rete.Config{})
	ann := "ann"
	tx := s.Begin()
	_, _ = rete.AssertStruct(tx, VM{ID: "i-1", MonthlyCost: 30, Owner: &ann})
	_, _ = rete.AssertStruct(tx, VM{ID: "i-2", MonthlyCost: 20})
	_ = tx.Commit()
	_, _ = s.Run(context.Background())
	for f := range s.FactsOf("VM") {
		fmt.Println(f.Fields())
	}
	// Output:
	// nobody owns i-2
	// map[id:i-1 monthly_cost:30 owner:ann]
	// map[id:i-2 monthly_cost:20 owner:nobody]
}
