package durable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// Policy says how a step is carried out; the zero Policy tries it once, for as long as
// it takes.
type Policy struct {
	Retry   Retry
	Timeout time.Duration // of one attempt; 0 is none
	// Heartbeat is the longest time between two calls of [Beat]; then the attempt ends
	// with [ErrStalled]. 0 is none.
	Heartbeat time.Duration
}

// Step is a piece of work whose result is kept: it is done once, and what it gave is
// given again whenever the workflow asks. Input and output are written as JSON, so that
// any worker can go on with them.
type Step[In, Out any] struct {
	declared
	policy Policy
	inTx   bool
	call   func(context.Context, Tx, In) (Out, error)
}

// NewStep makes a step that acts outside of the state, or in transactions of its own.
// It may run again when its process dies before the result is kept. Writes to the
// state that are made with its context are fenced.
func NewStep[In, Out any](name string, fn func(context.Context, In) (Out, error)) *Step[In, Out] {
	return &Step[In, Out]{declared: declare[In, Out](name), call: func(ctx context.Context, _ Tx, in In) (Out, error) { return fn(ctx, in) }}
}

// NewStepTx makes a step that changes the state, in the one transaction that keeps its
// result too: it happens exactly once. T is the transaction as the rest of the program
// knows it ([Tx.Domain]).
func NewStepTx[T, In, Out any](name string, fn func(context.Context, T, In) (Out, error)) *Step[In, Out] {
	return &Step[In, Out]{declared: declare[In, Out](name), inTx: true, call: func(ctx context.Context, tx Tx, in In) (out Out, err error) {
		domain, ok := tx.Domain().(T)
		if !ok {
			return out, trimtab.Errorf(trimtab.Internal, "step %s wants %T, and the transaction is %T", name, domain, tx.Domain())
		}
		return fn(ctx, domain, in)
	}}
}

// With sets how the step is carried out and gives it back.
func (s *Step[In, Out]) With(p Policy) *Step[In, Out] {
	s.policy = p
	return s
}

// Do does the step, once in the life of the run. The error is the step's own, or says
// that the run goes on elsewhere or later; a workflow hands it on.
//
// A step whose error has the code [trimtab.Partial] counts as done: its result is kept
// with the error, and both are given.
func (s *Step[In, Out]) Do(f *Flow, in In) (Out, error) { return s.do(f, s.name, in) }

// Item is Do for one of many: the name of the item tells the results apart.
func (s *Step[In, Out]) Item(f *Flow, item string, in In) (Out, error) {
	return s.do(f, s.name+"["+item+"]", in)
}

func (s *Step[In, Out]) do(f *Flow, name string, in In) (out Out, err error) {
	input, err := json.Marshal(in)
	if err != nil {
		return out, trimtab.Errorf(trimtab.Internal, "write down the input of step %s: %w", name, err)
	}
	output, failure, err := f.perform(task{
		name: f.scope + name, base: s.name, shape: s.shape, input: input, policy: s.policy, inTx: s.inTx,
		call: func(ctx context.Context, tx Tx) (any, error) { return s.call(ctx, tx, in) },
	})
	if err != nil {
		return out, err
	}
	// Always what was written down: the first run and the replay must see the same.
	if len(output) > 0 {
		if err := json.Unmarshal(output, &out); err != nil {
			return out, trimtab.Errorf(trimtab.Internal, "read the output of step %s: %w", name, err)
		}
	}
	return out, failure.Err()
}

// Registered is a step as a workflow lists it: a [Step], or what [Declare] gives.
type Registered interface{ registered() declared }

// declared is what is known of a step without its function. The shape tells whether what
// was written down by other code can be read by this.
type declared struct{ name, shape string }

func (d declared) registered() declared { return d }

// Declare lists a step that the workflow makes while it runs, because its function needs
// what the run holds in memory.
func Declare[In, Out any](name string) Registered { return declare[In, Out](name) }

func declare[In, Out any](name string) declared {
	var b strings.Builder
	writeShape(&b, reflect.TypeFor[In](), nil)
	b.WriteString("→")
	writeShape(&b, reflect.TypeFor[Out](), nil)
	return declared{name, digest([]byte(b.String()))}
}

// writeShape writes a type as JSON sees it: kinds and names of fields.
func writeShape(b *strings.Builder, t reflect.Type, above []reflect.Type) {
	for _, seen := range above {
		if seen == t {
			b.WriteString("↑") // a type that holds itself
			return
		}
	}
	above = append(above, t)
	switch t.Kind() {
	case reflect.Pointer:
		writeShape(b, t.Elem(), above)
	case reflect.Slice, reflect.Array:
		b.WriteString("[]")
		writeShape(b, t.Elem(), above)
	case reflect.Map:
		b.WriteString("{}")
		writeShape(b, t.Elem(), above)
	case reflect.Struct:
		writeFields(b, t, above)
	default:
		b.WriteString(t.Kind().String())
	}
}

func writeFields(b *strings.Builder, t reflect.Type, above []reflect.Type) {
	// A type that writes itself is one word in JSON, whatever its fields.
	if t.Implements(reflect.TypeFor[json.Marshaler]()) {
		b.WriteString(t.String())
		return
	}
	b.WriteString("{")
	for _, field := range reflect.VisibleFields(t) {
		if !field.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fmt.Fprintf(b, "%s:", or(name, field.Name))
		writeShape(b, field.Type, above)
		b.WriteString(",")
	}
	b.WriteString("}")
}

// digest is a short fingerprint.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
