package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Kind is what goes wrong with a request.
type Kind int

// The kinds of faults. Those of an answer.
const (
	LoseAnswer   Kind = iota + 1 // acts, then drops the connection without an answer
	Refuse5xx                    // answers with Status (500 if 0) and does nothing
	TooMany                      // answers 429 with RetryAfter and Reason and does nothing
	Unauthorized                 // answers 401 and does nothing
	HTML                         // answers 200 with a login page and does nothing
	Slow                         // acts, then keeps the caller waiting until it gives up
	Reset                        // resets the connection and does nothing
	Truncate                     // acts, and breaks the answer off in its middle
	SlowCommit                   // keeps the caller waiting until it gives up, then acts
	Conflict                     // answers 409 and does nothing
	Huge                         // acts, and answers with 100 MB
	Redirect                     // answers 302 to Value, or to a host that does not exist
	WrongType                    // acts, and calls the JSON of its answer plain text
	NoOp                         // answers 204 and does nothing
	Refuse4xx                    // answers with Status (400 if 0) and does nothing
)

// Those within an answer.
const (
	PageInvalid   Kind = iota + 100 // a search with a page token is told that it is invalid or expired
	PageRepeat                      // the page leads to itself
	PageEmpty                       // the page is empty and leads to the one that it should have been
	PageCut                         // the page says that it is the last one
	RefuseElement                   // one element of a bulk creation (Value: first, middle, last) is refused with Status (400 if 0)
	MadeElement                     // one element is reported with Status (500 if 0), and made nevertheless
	BlindLabels                     // no search by labels finds anything
	StaleIndex                      // the search sees nothing of the last 24 hours
)

// Those that befall an issue, after the answer is made and before it is sent.
// The issue is Issue, or one of those that the request had to do with.
const (
	PersonEdits     Kind = iota + 200 // a person edits the summary, or does what Act says
	SameSecond                        // a person edits the summary, and updated stays as it was
	Bump                              // updated moves on and nothing has changed
	MoveAway                          // into the project Value, or the first other one
	DeleteIssue                       // for good
	ArchiveIssue                      //
	ConvertIssue                      // to a sub-task of another one
	StripLabels                       // of the labels that begin with Value
	StripProperty                     // the property Value, or all
	AutoComment                       // a rule comments on each write
	AutoRevert                        // a rule undoes each write
	HideProject                       // the caller may no longer browse the project
	ReadOnly                          // the caller may no longer edit in the project
	NewWorkflow                       // statuses have other names and transitions other ids
	NoTransition                      // the transitions into the status Value, or all into done ones, are gone
	NeedsMore                         // all transitions ask for the field Value, or a resolution
	FieldOffCreate                    // the field Value, or labels, is off the screen of creations
	FieldOffEdit                      // the field Value, or labels, is off the screen of edits
	OptionGone                        // the option Value, or the first of each field, is gone
	UserGone                          // the account Value, or the issue's assignee, is deactivated
	ProjectArchived                   //
	TokenRevoked                      // the caller's token or grant is revoked
	TokensExpired                     // all access tokens of apps end
)

// Those of deliveries; Method and Path are not looked at.
const (
	HookTwice   Kind = iota + 300 // comes twice with one identifier
	HookLater                     // comes 30 minutes late
	HookSwapped                   // comes after the one behind it
	HookLost                      // never comes
	HookForged                    // comes with a signature of another secret
)

// Fault is one thing that goes wrong, for requests that fit Method and Path.
type Fault struct {
	Kind       Kind
	Method     string // "" fits every method
	Path       string // prefix; "" fits every path
	Times      int    // how often; 0 is once, or for ever where For is set; negative is for ever
	After      int    // how many fitting requests pass unharmed before
	Status     int
	RetryAfter string // the header's text, as "3" or a date; "" leaves it out
	Reason     string // the header RateLimit-Reason, as jira-burst-based
	// Probability of befalling each request that fits; 0 is 1. It is drawn by the
	// site's seed.
	Probability float64
	// For ends the fault after this time of the site's clock; 0 is never.
	For time.Duration
	// Issue is the id or key of the one that is befallen; Value says more to some
	// kinds.
	Issue, Value string
	// Act, if set, is what PersonEdits does to the issue of this key.
	Act func(j *Jira, key string) error

	name  string
	until time.Time
}

// FaultInfo describes a fault that has a name.
type FaultInfo struct {
	Name string `json:"name"`
	Does string `json:"does"` // what happens, in one sentence
	kind Fault
	odds int // how often chaos picks it, against the others
}

// faultTable has every fault by its name.
var faultTable = []FaultInfo{
	{"lose-answer", "The request is carried out and its answer lost.", Fault{Kind: LoseAnswer}, 4},
	{"reset", "The connection is reset before anything is done.", Fault{Kind: Reset}, 3},
	{"slow", "The request is carried out, and the caller waits until it gives up.", Fault{Kind: Slow}, 0},
	{"slow-commit", "The caller waits until it gives up, and then the request is carried out.", Fault{Kind: SlowCommit}, 0},
	{"error-500", "500 and nothing is done.", Fault{Kind: Refuse5xx}, 2},
	{"error-502", "502 from a gateway, in HTML.", Fault{Kind: Refuse5xx, Status: http.StatusBadGateway}, 1},
	{"error-503", "503 without a pause.", Fault{Kind: Refuse5xx, Status: http.StatusServiceUnavailable}, 1},
	{"error-503-pause", "503 that asks for a pause of 30 s.", Fault{Kind: Refuse5xx, Status: http.StatusServiceUnavailable, RetryAfter: "30"}, 1},
	{"error-504", "504 and nothing is done.", Fault{Kind: Refuse5xx, Status: http.StatusGatewayTimeout}, 1},
	{"maintenance", "503 in HTML for everything, for an hour.", Fault{Kind: Refuse5xx, Status: http.StatusServiceUnavailable, RetryAfter: "600", Value: "html", For: time.Hour}, 0},
	{"limit-burst", "429 of an endpoint's burst, for 1 s.", Fault{Kind: TooMany, RetryAfter: "1", Reason: "jira-burst-based"}, 2},
	{"limit-issue", "429 of one issue's writes, for 2 s.", Fault{Kind: TooMany, RetryAfter: "2", Reason: "jira-per-issue-on-write"}, 1},
	{"limit-global", "429 of the app's hour.", Fault{Kind: TooMany, RetryAfter: "600", Reason: "jira-quota-global-based"}, 0},
	{"limit-tenant", "429 of the site's hour, for an hour.", Fault{Kind: TooMany, RetryAfter: "3600", Reason: "jira-quota-tenant-based"}, 0},
	{"limit-zero", "429 that asks for a pause of 0 s.", Fault{Kind: TooMany, RetryAfter: "0", Reason: "jira-burst-based"}, 1},
	{"limit-bare", "429 of a gateway, with neither pause nor reason.", Fault{Kind: TooMany}, 1},
	{"unauthorized", "401 for one request that has the right credentials.", Fault{Kind: Unauthorized}, 0},
	{"bad-request", "400 for a request that is in order.", Fault{Kind: Refuse4xx}, 0},
	{"forbidden", "403 for a request that is in order.", Fault{Kind: Refuse4xx, Status: http.StatusForbidden}, 0},
	{"conflict", "409: the issue is being updated by somebody else.", Fault{Kind: Conflict}, 1},
	{"html", "200 with a login page.", Fault{Kind: HTML}, 1},
	{"truncated", "The request is carried out and its answer breaks off.", Fault{Kind: Truncate}, 2},
	{"huge", "The request is carried out and answered with 100 MB.", Fault{Kind: Huge}, 0},
	{"redirect", "A redirect to another host, which would get the credentials.", Fault{Kind: Redirect}, 0},
	{"wrong-type", "The answer calls itself plain text.", Fault{Kind: WrongType}, 1},
	{"no-op", "204, and nothing was written.", Fault{Kind: NoOp}, 1},

	{"page-invalid", "The page token is refused as invalid or expired.", Fault{Kind: PageInvalid}, 1},
	{"page-repeat", "A page of a search leads to itself.", Fault{Kind: PageRepeat}, 1},
	{"page-empty", "A page of a search is empty and leads on.", Fault{Kind: PageEmpty}, 1},
	{"page-cut", "A page of a search says that it is the last.", Fault{Kind: PageCut}, 1},
	{"element-first", "The first element of a bulk creation is refused.", Fault{Kind: RefuseElement, Value: "first"}, 1},
	{"element-middle", "The middle element of a bulk creation is refused.", Fault{Kind: RefuseElement, Value: "middle"}, 1},
	{"element-last", "The last element of a bulk creation is refused.", Fault{Kind: RefuseElement, Value: "last"}, 1},
	{"element-limited", "One element of a bulk creation is refused with 429.", Fault{Kind: RefuseElement, Value: "middle", Status: http.StatusTooManyRequests}, 1},
	{"element-made", "One element of a bulk creation is reported with 500, and made.", Fault{Kind: MadeElement, Value: "middle"}, 1},
	{"blind-labels", "The index finds nothing by labels.", Fault{Kind: BlindLabels}, 1},
	{"stale-index", "Searches see nothing that is newer than a day.", Fault{Kind: StaleIndex}, 1},

	{"human-edit", "A person edits the summary between the caller's read and its write.", Fault{Kind: PersonEdits}, 3},
	{"same-second", "A person edits the summary, and updated stays the same.", Fault{Kind: SameSecond}, 1},
	{"bump", "Updated moves on though nothing has changed.", Fault{Kind: Bump}, 1},
	{"issue-moved", "The issue goes to another project: another key, the same id.", Fault{Kind: MoveAway}, 0},
	{"issue-deleted", "The issue is deleted.", Fault{Kind: DeleteIssue}, 0},
	{"issue-archived", "The issue is archived: it can be read, not found, not changed.", Fault{Kind: ArchiveIssue}, 0},
	{"issue-converted", "The issue becomes a sub-task of another one.", Fault{Kind: ConvertIssue}, 0},
	{"label-stripped", "A person removes the issue's labels.", Fault{Kind: StripLabels}, 1},
	{"property-deleted", "The issue's properties are deleted.", Fault{Kind: StripProperty}, 1},
	{"automation-comment", "A rule answers each write with a comment.", Fault{Kind: AutoComment, Times: -1}, 0},
	{"automation-revert", "A rule undoes each write.", Fault{Kind: AutoRevert, Times: -1}, 0},
	{"project-hidden", "The caller may no longer see the project.", Fault{Kind: HideProject}, 0},
	{"project-read-only", "The caller may no longer edit in the project.", Fault{Kind: ReadOnly}, 0},
	{"project-archived", "The project is archived.", Fault{Kind: ProjectArchived}, 0},
	{"workflow-changed", "All statuses have other names and all transitions other ids.", Fault{Kind: NewWorkflow}, 0},
	{"transition-absent", "No transition leads into a closed status any more.", Fault{Kind: NoTransition}, 0},
	{"transition-field", "Every transition asks for the field in value.", Fault{Kind: NeedsMore}, 0},
	{"field-off-create", "A field is off the screen of creations.", Fault{Kind: FieldOffCreate}, 0},
	{"field-off-edit", "A field is off the screen of edits.", Fault{Kind: FieldOffEdit}, 0},
	{"option-removed", "An option of a custom field is gone.", Fault{Kind: OptionGone}, 0},
	{"user-deactivated", "The issue's assignee is deactivated.", Fault{Kind: UserGone}, 0},
	{"token-revoked", "The caller's token is revoked.", Fault{Kind: TokenRevoked}, 0},
	{"token-expired", "Access tokens of apps end.", Fault{Kind: TokensExpired}, 0},

	{"hook-duplicated", "A webhook comes twice.", Fault{Kind: HookTwice}, 0},
	{"hook-delayed", "A webhook comes 30 minutes late.", Fault{Kind: HookLater}, 0},
	{"hook-reordered", "A webhook comes after the next one.", Fault{Kind: HookSwapped}, 0},
	{"hook-lost", "A webhook never comes.", Fault{Kind: HookLost}, 0},
	{"hook-forged", "A webhook comes with a wrong signature.", Fault{Kind: HookForged}, 0},
}

// Faults lists every fault that has a name.
func Faults() []FaultInfo { return slices.Clone(faultTable) }

// NamedFault finds a fault by its name, to be narrowed down and injected.
func NamedFault(name string) (Fault, error) {
	for _, info := range faultTable {
		if info.Name == name {
			f := info.kind
			f.name = name
			return f, nil
		}
	}
	return Fault{}, fmt.Errorf("there is no fault %q", name)
}

// nameOf is what a fault is called; a number for one that has no name.
func (f *Fault) nameOf() string {
	for _, info := range faultTable {
		if info.kind.Kind == f.Kind && f.name == "" {
			return info.Name
		}
	}
	return cmp.Or(f.name, fmt.Sprint(int(f.Kind)))
}
