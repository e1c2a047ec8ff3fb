// Package rete is a production-rule engine: facts go in, productions match
// them, matches fire, and what they conclude is withdrawn again when its
// reasons are gone.
//
// A [Base] is a compiled, immutable set of types and productions that any
// number of sessions share. A [Session] is one working memory and belongs to
// one goroutine. Changes come in batches ([Session.Begin] or one firing); after
// each batch the match set equals what a naive evaluator computes from scratch.
// Nothing here reads a clock, starts a goroutine, logs or does I/O: time is set
// with [Session.SetClock] and what happens is told to a [Listener].
//
//	base, err := rete.Compile(types, productions)
//	s := rete.NewSession(base, rete.Config{})
//	tx := s.Begin()
//	tx.Assert("Thing", rete.Fields{"color": "red"})
//	err = tx.Commit()
//	report, err := s.Run(ctx)
//
// Values are kept once and named by 32-bit symbols; facts, tokens and matches are
// records without pointers in slabs (slab.go, symbol.go). Productions share alpha
// memories and joins by normalised tests; a join hears of a change only when it has
// something to say to it (unlink.go).
//
// The matcher follows Forgy, "Rete: A Fast Algorithm for the Many Pattern/Many
// Object Pattern Match Problem" (1982) and Doorenbos, "Production Matching for
// Large Learning Systems" (CMU-CS-95-113).
package rete
