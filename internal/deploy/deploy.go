// Package deploy reads the deployment file, trimtab.yaml: which state, packs,
// sources, trackers, boards, owners, routes and policies an installation has.
//
// It reads words and checks them against each other; of what they name it opens
// secrets, tables of teams and texts of tickets, which are a part of the file. All mistakes come at once, each with file, line, column and, where a
// name is misspelt, the nearest one. What a later version will read is refused
// with a sentence, never ignored.
package deploy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/strictyaml"
)

// Deployment is a deployment file, read and checked.
type Deployment struct {
	Path     string // of the file
	Dir      string // that its relative paths start from
	State    string // path of the SQLite file, or address of the PostgreSQL database
	Packs    []Named
	Params   map[string]map[string]any // pack → parameter → value
	Sources  []Source
	Trackers []Tracker
	Boards   []Board
	Owners   []Owner
	Routes   []Route
	Policy   Policy
	Sync     Sync
	Schedule Schedule
	Runs     Runs
	Listen   string
	Page     string // where people open Trimtab's pages; "" for nowhere
	Warnings strictyaml.Diagnostics

	file *strictyaml.File
}

// Named is a text with its place in the file, for later complaints about it.
type Named struct {
	Text string
	Node strictyaml.Node
}

// Source configures one source.
type Source struct {
	Name, Kind string
	Path       string // file or glob, absolute
	Fact       string
	Query      string
	Until      string        // column whose greatest value is how far the data reach
	Window     time.Duration // of a cost source: how much of the end of the data makes the run-rate; of a series: how much counts
	Current    time.Duration // of a cost source: a resource without a charge in this last span has gone
	Map        []Mapping
	// Of a series: the metric's name, the columns of time, value and resource, and
	// the one resource where no column says it.
	Metric, Time, Value, Column, Resource string

	Node strictyaml.Node
}

// Mapping gives a fact's field an expression over a row's columns.
type Mapping struct {
	Field string
	Expr  Named
}

// Tracker configures one tracker instance.
type Tracker struct {
	Name, Kind, URL string
	Auth            Auth
	CloudID         string
	Users           map[string]string // owner → account
	Webhook         Webhook
	// Of a Redmine: custom fields, by name or number, and how the site formats text.
	Marker, Origin, Backlink, Markup string
	Interval                         time.Duration // how often its tickets are asked for; 0 is as all
	Settle                           time.Duration // how long an unknown outcome is left before sending again
	Node                             strictyaml.Node
}

// Webhook says how webhooks come: set up by an administrator, with a secret, or registered
// by the app, for an address.
type Webhook struct{ Secret, URL string }

// Auth is who Trimtab is on a tracker: by a token, or as an OAuth app.
type Auth struct {
	Email, Token           string
	ClientID, ClientSecret string
	Service                bool // the app is a service account's
}

// Board is a project on a tracker.
type Board struct {
	Name, Tracker, Project, Type string
	Labels                       []string
	Status                       map[string]string // canonical status → the board's word
	CannotTell                   bool              // it has no way to say "won't do"
	Components                   []string
	Parent                       string         // key of the epic above its tickets
	Due                          time.Duration  // from the day on which a ticket is filed
	Fields                       map[string]any // further fields of its tickets
	Screens                      map[string]any // what transitions ask for
	Checklist                    bool           // one ticket for each owner and rule
	Open                         int            // the most open tickets; 0 is no limit
	Lead                         string         // who owns what nobody else does
	Freeze                       []Span         // when it takes no new tickets
	Template                     string         // path of the text of its tickets
	Claims                       Claims         // what goes there before the last route
	Node                         strictyaml.Node
}

// Claims is what belongs to a team, by its row in a table of teams.
type Claims struct {
	Accounts []string
	Tags     map[string]string
}

// Span is from the beginning of From to the end of To, both days in UTC.
type Span struct{ From, To time.Time }

// Owner is one link of the owner chain; exactly one of Tag, Fact, Fallback is set.
type Owner struct{ Tag, Fact, By, Fallback string }

// Route sends recommendations to a board; When is empty for all of them.
type Route struct {
	When  Named
	Board Named
}

// Policy says which recommendations become tickets.
type Policy struct {
	MinSavings      trimtab.Money
	Sightings       int
	OpenPerOwner    int
	NewPerBoardWeek int
	BrakeTickets    int
	BrakeShare      decimal.Decimal
	// Destructive are the actions that need DestructiveSightings scans in a row.
	Destructive          []string
	DestructiveSightings int
	RolloutNew           string   // where new rules begin: shadow, canary, live
	Canary               []string // boards
	Close                string   // "comment" or "transition"
	Gone                 string   // "leave", "recreate" or "dismiss"
	VerifyState          float64  // days
	VerifyCost           float64  // days
}

// Sync says how tickets are followed.
type Sync struct {
	Interval, Overlap time.Duration
	Fields            map[string]merge.Rule
	Values            map[string]Named             // expressions of what a field should say
	Words             map[string]map[string]string // by field: the tracker's words for ours
	Status            map[string]string            // of boards without words of their own
}

// Runs says how durable runs are kept and taken over.
type Runs struct {
	Lease   time.Duration // how long a worker has a run without a sign of life
	Crashes int           // workers lost in a row before a run is parked
	Keep    time.Duration // after its end
}

// Schedule says when serve works: Scan is a cron expression.
type Schedule struct {
	Scan    Named
	Monitor time.Duration
}

// Read is [Parse] of the file at path.
func Read(path string) (*Deployment, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, readFailed(path, err)
	}
	return Parse(path, data)
}

// Parse reads a deployment file's text; relative paths start from the folder
// of path. Mistakes are kept for [Deployment.Err], so that those who check what
// the file names can add theirs and all come at once.
func Parse(path string, data []byte) (*Deployment, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "find %s: %w", path, err)
	}
	f, root := strictyaml.Open(path, data)
	r := &reader{d: &Deployment{Path: path, Dir: filepath.Dir(abs), file: f}}
	r.read(root)
	r.d.Warnings = f.Diagnostics().Of(strictyaml.Warning)
	return r.d, nil
}

// StatePath reads from the file at path only where the state is: for commands
// that look at it and need neither rules nor the secrets of trackers.
func StatePath(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", readFailed(path, err)
	}
	_, root := strictyaml.Open(path, data)
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", readFailed(path, err)
	}
	d := &Deployment{Path: path, Dir: filepath.Dir(abs)}
	for _, e := range root.Entries() {
		if e.Key.Text() != "state" {
			continue
		}
		state, err := d.location(e.Value.Text())
		if err != nil {
			return "", trimtab.Errorf(trimtab.Invalid, "state: %w", err).WithNext("set it, or name the right deployment file with -c")
		}
		return state, nil
	}
	return d.location("")
}

func readFailed(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return trimtab.Errorf(trimtab.Invalid, "there is no deployment file %s", path).
			WithNext("`trimtab init` writes one; -c names another")
	}
	return trimtab.Errorf(trimtab.Invalid, "read the deployment file: %w", err)
}

// Err is everything that is wrong with the deployment: what reading it found,
// and what those noted who checked what it names.
func (d *Deployment) Err() error {
	if err := d.file.Err(); err != nil {
		return &trimtab.Error{Code: trimtab.Invalid, Err: err, Next: "mend the file; `trimtab check` reads it again"}
	}
	return nil
}

// Resolve makes a path of the file absolute.
func (d *Deployment) Resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.Dir, path)
}
