package rete_test

import (
	"context"
	"fmt"
	"time"

	"github.com/trimtab/trimtab/rete"
)

func Example() {
	base, _ := rete.Compile([]rete.Type{{Name: "Thing", Fields: []rete.Field{{Name: "color"}}}}, []rete.Production{{
		ID:   "alert-red",
		When: []rete.Element{rete.Match("Thing", "t", rete.Eq("color", "red"))},
		Then: func(c *rete.Firing) error { fmt.Println("found", c.Bind()["t"]); return nil },
	}})
	s := rete.NewSession(base, rete.Config{})
	tx := s.Begin()
	_, _ = tx.Assert("Thing", rete.Fields{"color": "red"})
	_ = tx.Commit()
	_, _ = s.Run(context.Background())
	// Output: found f-1
}

// A shop gives 20 % to whoever is logged in and 30 % for more than two products, and
// nothing on Fridays. The best discount wins: it is derived by several rules, and the
// one with the highest priority words it. When its reason goes, the next best stands.
func Example_discounts() {
	types := []rete.Type{
		{Name: "Cart", Key: []string{"customer"}, Fields: []rete.Field{{Name: "customer"}, {Name: "weekday"}, {Name: "loggedIn"}}},
		{Name: "Item", Fields: []rete.Field{{Name: "customer"}, {Name: "product"}}},
		{Name: "Discount", Key: []string{"customer"}, Contested: true, Fields: []rete.Field{{Name: "customer"}, {Name: "percent"}}},
	}
	discount := func(percent int) func(*rete.Firing) error {
		return func(f *rete.Firing) error {
			cart, _ := f.Fact("cart")
			customer, _ := cart.Get("customer")
			_, err := f.Derive("Discount", rete.Fields{"customer": customer, "percent": percent})
			return err
		}
	}
	cart := func(tests ...rete.Test) rete.Element {
		return rete.Match("Cart", "cart", append(tests, rete.Ne("weekday", "Friday"))...)
	}
	base, err := rete.Compile(types, []rete.Production{
		{ID: "logged-in", Priority: 20, When: []rete.Element{cart(rete.Eq("loggedIn", true))}, Then: discount(20)},
		{ID: "many-products", Priority: 30, When: []rete.Element{
			cart(),
			rete.Accumulate(rete.Accumulation{
				From: []rete.Element{rete.Match("Item", "item", rete.JoinEq("customer", "cart", "customer"))},
				Let:  []rete.Aggregate{{Name: "products", Op: rete.Count}},
			}),
			rete.Having("products", rete.Greater("", 2)),
		}, Then: discount(30)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := rete.NewSession(base, rete.Config{})
	change := func(text string, do func(tx *rete.Tx)) {
		tx := s.Begin()
		do(tx)
		_ = tx.Commit()
		_, _ = s.Run(context.Background())
		percent := any(0)
		if d, ok := s.Lookup("Discount", rete.Fields{"customer": "ann"}); ok {
			percent, _ = d.Get("percent")
		}
		fmt.Printf("%s: %v %%\n", text, percent)
	}
	var third rete.Handle
	change("two products, not logged in", func(tx *rete.Tx) {
		_, _ = tx.Assert("Cart", rete.Fields{"customer": "ann", "weekday": "Monday", "loggedIn": false})
		_, _ = tx.Assert("Item", rete.Fields{"customer": "ann", "product": "tea"})
		_, _ = tx.Assert("Item", rete.Fields{"customer": "ann", "product": "cup"})
	})
	change("logged in", func(tx *rete.Tx) { _, _ = tx.Assert("Cart", rete.Fields{"customer": "ann", "loggedIn": true}) })
	change("a third product", func(tx *rete.Tx) {
		third, _ = tx.Assert("Item", rete.Fields{"customer": "ann", "product": "pot"})
	})
	change("put back", func(tx *rete.Tx) { _ = tx.Retract(third) })
	change("on Friday", func(tx *rete.Tx) { _, _ = tx.Assert("Cart", rete.Fields{"customer": "ann", "weekday": "Friday"}) })
	// Output:
	// two products, not logged in: 0 %
	// logged in: 20 %
	// a third product: 30 %
	// put back: 20 %
	// on Friday: 0 %
}

// Conditions can look at the clock, which is the session's: it stands still until it
// is set. Facts can expire by it.
func ExampleTx_ExpireAt() {
	base, _ := rete.Compile([]rete.Type{{Name: "Alarm", Fields: []rete.Field{{Name: "text"}}}}, []rete.Production{{
		ID:   "quiet",
		When: []rete.Element{rete.Not(rete.Match("Alarm", ""))},
		Then: func(f *rete.Firing) error { fmt.Println("quiet at", f.Now().Format(time.TimeOnly)); return nil },
	}})
	s := rete.NewSession(base, rete.Config{})
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	_ = s.SetClock(noon)
	tx := s.Begin()
	h, _ := tx.Assert("Alarm", rete.Fields{"text": "too hot"})
	_ = tx.ExpireAt(h, noon.Add(time.Hour))
	_ = tx.Commit()
	_, _ = s.Run(context.Background())
	_ = s.SetClock(noon.Add(2 * time.Hour))
	_, _ = s.Run(context.Background())
	// Output: quiet at 14:00:00
}
