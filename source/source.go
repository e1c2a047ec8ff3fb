// Package source says what a source is: a place that cost, usage and inventory
// data come from, turned into facts.
//
// A source gathers whole: its batch is everything it knows now, so a key that
// is missing from a complete batch is gone. A source that cannot deliver says
// so with an error, and the facts it would have given are unknown, never
// absent. focus reads cost files in the FOCUS format, table reads anything
// with rows and columns.
package source

import (
	"context"
	"time"

	"github.com/trimtab/trimtab"
)

// Source is one configured source.
type Source interface {
	// Name is the source's name in the deployment file.
	Name() string
	// Facts names the fact types that the source gives, whether or not its next
	// batch has any: when it fails, these are what cannot be told.
	Facts() []string
	// Gather reads everything as of now. It gives the batch whole or an error
	// that says what, where and what to do.
	Gather(ctx context.Context, now time.Time) (*Batch, error)
}

// Fact is one typed record. Values are those of the rule language: bool,
// int64, float64, string, time.Time, trimtab.Money, trimtab.Decimal,
// map[string]string, or nil for an absent one.
type Fact struct {
	Type   string         `json:"type"`
	Fields map[string]any `json:"fields"`
}

// Batch is all that a source knows at one moment.
type Batch struct {
	Facts []Fact
	// Until is the end of the last period that the data cover: nothing can be
	// said about what came later. Zero for data that are true as of the reading.
	Until time.Time
	// Warnings are oddities of the data that did not stop the reading, each a
	// sentence.
	Warnings []string
	// Rows counts the records read.
	Rows int64
}

// Observer is a source that can say what a resource cost after a moment: how a
// claimed saving is verified.
type Observer interface {
	// Observe gives an observation for each claim, in their order.
	Observe(ctx context.Context, claims []Claim) ([]Observation, error)
}

// Claim asks what a resource has cost in periods that begin at or after Since.
type Claim struct {
	Resource string
	Since    time.Time
	Currency string // of the baseline that the answer is compared with; "" for the only one
}

// Observation answers a claim.
type Observation struct {
	// Until is the end of the source's data; Days of data lie between the claim's
	// Since and it. With none, nothing can be said.
	Until time.Time
	Days  float64
	// RunRate is the resource's cost per month of 30.4375 days in that span.
	RunRate trimtab.Money
}

// DaysPerMonth turns a cost per day into one per month: 365.25 / 12.
const DaysPerMonth = "30.4375"

// Type describes the facts of one name that a source gives, in the words of
// the rule language, so that packs can use them without declaring them.
type Type struct {
	Name   string
	Key    []string
	Fields []Field
	Doc    string // what a fact of the type says
}

// Field is one field of a type: "money", "string", "map(string, string)?" …
type Field struct {
	Name, Type string
	Doc        string // what the field says; may be empty
}

// Typed is a source whose fact types are its own, not the deployment's.
type Typed interface {
	Types() []Type
}
