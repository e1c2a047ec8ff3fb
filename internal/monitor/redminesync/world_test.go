// Package redminesync runs the distributor and the monitor with a real state against a real
// Redmine, while people work on the same tickets, requests fail and processes die.
package redminesync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/distribute"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/monitor"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/sqlite"
	"github.com/trimtab/trimtab/tracker"
	"github.com/trimtab/trimtab/tracker/redmine"
	"github.com/trimtab/trimtab/tracker/redmine/redminetest"
)

const robotKey = "b000000000000000000000000000000000000000"

// setting is a Redmine with two projects that work in different ways: one as it comes,
// one with statuses and steps of its own. It also says how people edit.
const setting = `
$robots = Role.create!(name: "Robots", permissions: Role.find_by!(name: "Manager").permissions, assignable: false)
def new_account(login, key = nil)
  u = User.new(firstname: login.capitalize, lastname: "Test", mail: "#{login}@example.com", language: "en")
  u.login, u.password = login, "hush/hush@50%"
  u.save!
  u.pref.update!(hide_mail: false)
  Token.create!(user: u, action: "api", value: key).update_column(:value, key) if key
  u
end
$robot, $ann, $ben = new_account("robot", "` + robotKey + `"), new_account("ann"), new_account("ben")
$owners = [new_account("cy"), new_account("dee")]
$plain = Tracker.find_by!(name: "Feature")
own = [["Offen", false], ["In Arbeit", false], ["Erledigt", true], ["Abgelehnt", true]].map { |n, c| IssueStatus.create!(name: n, is_closed: c) }
$own = Tracker.create!(name: "Vorgang", default_status_id: own[0].id, core_fields: Tracker::CORE_FIELDS)
def allow_step(role, type, from, to)
  WorkflowTransition.create!(role_id: role.id, tracker_id: type.id, old_status_id: from.id, new_status_id: to.id) if from != to
end
staff = Role.find_by!(name: "Developer")
own.each { |a| own.each { |b| allow_step($robots, $own, a, b) } }
[[0, 1], [1, 2], [0, 3], [2, 0], [1, 0]].each { |a, b| allow_step(staff, $own, own[a], own[b]) }
few = IssueStatus.where(name: ["New", "In Progress", "Resolved", "Feedback", "Closed", "Rejected"]).to_a
few.each { |a| few.each { |b| allow_step($robots, $plain, a, b) } }
$projects = [["finops", $plain], ["ops", $own]].map do |name, type|
  p = Project.create!(name: name, identifier: name, is_public: false, trackers: [type])
  Member.create!(project: p, principal: $robot, roles: [$robots])
  [$ann, $ben, *$owners].each { |u| Member.create!(project: p, principal: u, roles: [staff]) }
  p
end
def our_field(name)
  IssueCustomField.create!(name: name, field_format: "string", is_filter: true, trackers: [$plain, $own], projects: $projects)
end
$marker, $origin = our_field("Trimtab marker"), our_field("Trimtab")

def by_hand(id, login, what, text)
  u = User.current = User.find_by_login(login)
  i = Issue.find(id)
  i.init_journal(u)
  case what
  when "summary" then i.subject = text
  when "assignee" then i.assigned_to = i.assigned_to == u ? nil : u
  when "status"
    others = i.new_statuses_allowed_to(u) - [i.status]
    return if others.empty?
    i.status = others[text.hash % others.size]
  when "below" then i.description = i.description.to_s + "\r\n\r\n" + text
  when "above" then i.description = text + "\r\n\r\n" + i.description.to_s
  when "inside" then i.description = i.description.to_s.sub(/^_Trimtab keeps what follows[^\r\n]*/) { |line| line + "\r\n\r\n" + text }
  when "labels" then i.custom_field_values = { $origin.id.to_s => i.custom_field_value($origin).to_s + " " + text.tr(" ", "-") }
  else i.notes = text
  end
  i.save!
end

def add_foreign(n)
  now = Time.now
  rows = (1..n).map { |i| { project_id: $projects[i % 2].id, tracker_id: [$plain, $own][i % 2].id, subject: "foreign #{i}", status_id: i % 2 == 0 ? 1 : $own.default_status_id,
    priority_id: IssuePriority.first.id, author_id: $ann.id, created_on: now, updated_on: now, lft: 1, rgt: 2, done_ratio: 0, is_private: false, lock_version: 0 } }
  Issue.insert_all(rows)
  Issue.connection.execute("UPDATE issues SET root_id = id")
  $foreign = Issue.where("subject LIKE 'foreign %'").pluck(:id)
end

# One in twenty is edited as a person does; of the others only the time moves, which is all that a search sees.
def be_busy(n)
  n.times do |k|
    id = $foreign[k * 7 % $foreign.size]
    k % 20 == 0 ? by_hand(id, "ben", "summary", "foreign #{k} #{Time.now.to_i}") : Issue.where(id: id).update_all(updated_on: Time.now, subject: "foreign #{k}")
  end
end
1
`

// world is a Redmine, a state, and the jobs between them.
type world struct {
	t      testing.TB
	site   *redminetest.Server
	clock  *clock.Manual
	wire   *wire
	store  *store.Store
	dist   *distribute.Job
	mon    *monitor.Job
	draws  *rand.Rand
	log    *os.File
	mortal mortal
	things int
	runs   int
	kills  int
	deadly int // doors at one of which a process may die; 0 is none
	edits  int // of people, on our tickets
	foes   int // of people, on others
	ours   int // recommendations that a scan saw change
}

func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	w := &world{t: t, site: redminetest.Start(t), clock: clock.At(time.Now().UTC()), draws: rand.New(rand.NewPCG(seed, 1))}
	w.site.Ruby(t, setting, nil)
	dir := t.TempDir()
	var err error
	if w.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		t.Fatal(err)
	}
	if w.store, err = sqlite.Open(t.Context(), filepath.Join(dir, "trimtab.db")); err != nil {
		t.Fatal(err)
	}
	w.wire = &wire{world: w, calls: map[string]int{}, faults: map[string]int{}}
	t.Cleanup(func() {
		if text, err := os.ReadFile(w.log.Name()); err == nil && t.Failed() {
			t.Logf("the end of the log:\n%s", text[max(0, len(text)-8000):])
		}
		_ = w.store.Close()
		_ = w.log.Close()
	})
	w.start()
	return w
}

// client is Redmine as a process sees it that has just begun.
func (w *world) client(wire http.RoundTripper) *redmine.Client {
	own := map[string]string{"open": "Offen", "in_progress": "In Arbeit", "done": "Erledigt", "wont_do": "Abgelehnt"}
	c, err := redmine.New(redmine.Config{URL: w.site.URL, Key: robotKey, Status: map[string]map[string]string{"ops": own}, HTTP: &http.Client{Transport: wire}})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// start is a fresh process over what the last one left.
func (w *world) start() {
	w.mortal.reset()
	w.store.Jam(func(store.Door) error { return w.mortal.cross() })
	log := slog.New(slog.NewTextHandler(w.log, nil))
	trackers := map[string]tracker.Tracker{"desk": w.client(w.wire)}
	w.dist = &distribute.Job{
		Store: w.store, Trackers: trackers, Clock: w.clock, Log: log, Life: lifecycle.DefaultPolicy(),
		Boards: map[string]distribute.Board{
			"fin": {Name: "fin", Tracker: "desk", Project: "finops", Type: "Feature", Labels: []string{"saving"}},
			"ops": {Name: "ops", Tracker: "desk", Project: "ops", Type: "Vorgang", Labels: []string{"saving"}},
		},
		Policy: distribute.Policy{Sightings: 1, MaxAttempts: 8, MaxWait: 30 * time.Second, CloseTickets: true},
		Settle: map[string]time.Duration{"desk": time.Minute},
	}
	w.mon = &monitor.Job{
		Store: w.store, Trackers: trackers, Overlap: 5 * time.Minute, Clock: w.clock, Log: log, Life: lifecycle.DefaultPolicy(), Sayings: w.dist.Sayings,
		Boards: map[string]monitor.Board{"fin": {Tracker: "desk", Project: "finops"}, "ops": {Tracker: "desk", Project: "ops"}},
	}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// advance moves both clocks on.
func (w *world) advance(d time.Duration) {
	w.clock.Advance(d)
	w.site.Advance(w.t, d)
}

func resourceOf(i int) string { return fmt.Sprintf("vm-%04d", i) }

func keyOf(i int) trimtab.Key { return trimtab.KeyOf("i", "stop", resourceOf(i), "") }

// conclude lets a scan see a recommendation, for the first time or again.
func (w *world) conclude(tx *store.Tx, i, savings int, owner string) error {
	resource, now := resourceOf(i), w.clock.Now()
	e, err := tx.LatestEpisode(keyOf(i))
	if err != nil {
		return err
	}
	cost := trimtab.Money{Amount: decimal.NewFromInt(int64(savings)), Currency: "USD"}
	rec := &trimtab.Recommendation{
		CreatedAt: now, Action: "stop", Subject: trimtab.Subject{Resource: resource}, Title: "Stop " + resource, Savings: cost, MonthlyCost: cost,
		Board: []string{"fin", "ops"}[i%2], Owner: trimtab.Owner{Name: owner, Source: "tag owner"}, Reasons: []trimtab.Reason{{Rule: "p/r"}},
	}
	if e == nil {
		e = &store.Episode{Key: keyOf(i), Number: 1, Action: "stop", Resource: resource, Owner: owner, Board: rec.Board, Rules: []string{"p/r"}}
	}
	seen := lifecycle.Seen{At: now, Savings: cost, Cost: cost}
	if _, err := tx.Advance(e, seen, store.Step{Actor: "scan", At: now, Policy: lifecycle.DefaultPolicy()}); err != nil {
		return err
	}
	if _, err := tx.AddRecommendation(rec, 1, e); err != nil {
		return err
	}
	return tx.SaveEpisode(e)
}

// scan looks at everything again: of one in three the savings or the owner have changed, or
// they are gone. Nobody assigns a ticket to an owner by hand: where both sides say the same
// by chance, a later owner is no loss, and could not be told from one.
func (w *world) scan(round int) {
	w.store.Jam(nil)
	w.clock.Advance(time.Minute)
	now := w.clock.Now()
	w.check(w.store.Write(context.Background(), func(tx *store.Tx) error {
		for i := range w.things {
			savings, owner := 100, "cy@example.com"
			switch turn := (i + round) % 10; {
			case turn == 0 || turn == 5:
				savings = 100 + 100*round
				w.ours++
			case turn == 1:
				owner = "dee@example.com"
				w.ours++
			case turn == 2 && round%2 == 1:
				w.ours++
				e, err := tx.LatestEpisode(keyOf(i))
				if err != nil {
					return err
				}
				missed := lifecycle.Missed{At: now, Reason: "condition_cleared"}
				if _, err := tx.Advance(e, missed, store.Step{Actor: "scan", At: now, Policy: lifecycle.DefaultPolicy()}); err != nil {
					return err
				}
				continue
			}
			if err := w.conclude(tx, i, savings, owner); err != nil {
				return err
			}
		}
		return nil
	}))
	w.store.Jam(func(store.Door) error { return w.mortal.cross() })
}

// see lets a scan conclude n new recommendations.
func (w *world) see(n int) {
	w.check(w.store.Write(context.Background(), func(tx *store.Tx) error {
		for i := range n {
			if err := w.conclude(tx, i, 100, "cy@example.com"); err != nil {
				return err
			}
		}
		return nil
	}))
	w.things = n
}

// whats are what people do to tickets.
var whats = []string{"summary", "assignee", "status", "below", "above", "inside", "labels", "note", "status", "summary"}

// people edit some tickets, and twenty times as many of others.
func (w *world) people(n int) {
	ids := w.tickets()
	if len(ids) == 0 {
		return
	}
	var code strings.Builder
	for range n {
		code.WriteString(w.byHand(ids[w.draws.IntN(len(ids))]))
	}
	fmt.Fprintf(&code, "be_busy(%d); 1", 20*n)
	w.site.Ruby(w.t, code.String(), nil)
	w.foes += 20 * n
}

// byHand is the edit of one ticket by somebody.
func (w *world) byHand(id string) string {
	w.edits++
	who := []string{"ann", "ben"}[w.draws.IntN(2)]
	return fmt.Sprintf("by_hand(%s, %q, %q, %q)\n", id, who, whats[w.draws.IntN(len(whats))], fmt.Sprintf("by %s %d", who, w.edits))
}

// tickets are the ids of those that the state knows.
func (w *world) tickets() (ids []string) {
	w.store.Jam(nil)
	w.check(w.store.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT remote_id FROM links WHERE remote_id <> '' ORDER BY id`)
		for _, row := range rows {
			ids = append(ids, fmt.Sprint(row[0]))
		}
		return err
	}))
	w.store.Jam(func(store.Door) error { return w.mortal.cross() })
	return ids
}

// walk runs the distributor and then the monitor, as `trimtab run` does.
func (w *world) walk() {
	w.live(func(ctx context.Context) error { _, err := w.dist.Run(ctx, true); return err })
	w.live(func(ctx context.Context) error { _, err := w.mon.Run(ctx); return err })
	w.advance(10 * time.Minute)
}

// unblock lets what was tried too often be tried again, as a person does.
func (w *world) unblock() {
	w.mortal.reset()
	_, err := w.dist.Unblock(w.t.Context())
	w.check(err)
}

// live runs a job in a process that may die in its middle.
func (w *world) live(job func(context.Context) error) {
	if w.deadly > 0 && w.draws.IntN(3) < 2 {
		w.mortal.dieAt(1 + w.draws.IntN(w.deadly))
	}
	w.runs++
	if err := job(w.t.Context()); err != nil {
		_, _ = fmt.Fprintln(w.log, "job:", err)
	}
	if w.mortal.isDead() {
		w.kills++
		w.start()
	}
	w.mortal.reset()
}

var (
	errKilled = errors.New("killed")
	errReset  = errors.New("connection reset")
)

// mortal counts the places at which a process may die: before and after each call and
// each commit. From its last one on nothing gets through.
type mortal struct {
	mu           sync.Mutex
	passed, last int
	dead         bool
}

func (m *mortal) cross() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.passed++; m.dead || m.passed == m.last {
		m.dead = true
		return errKilled
	}
	return nil
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed, m.last, m.dead = 0, 0, false
}

func (m *mortal) dieAt(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed, m.last = 0, n
}

// wire carries requests, counts them, and loses some. Before a write somebody may be
// quicker.
type wire struct {
	world  *world
	mu     sync.Mutex
	calls  map[string]int
	faults map[string]int
	wild   bool
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.world.mortal.cross(); err != nil {
		return nil, err
	}
	fate := 1.0
	if w.wild {
		fate = w.world.draws.Float64()
	}
	w.calls[r.Method]++
	if fate < 0.01 {
		w.faults["reset before"]++
		return nil, errReset
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/issues/"); ok && r.Method == http.MethodPut && fate > 0.6 && fate < 1 {
		w.faults["edit in between"]++
		w.world.site.Ruby(w.world.t, w.world.byHand(strings.TrimSuffix(id, ".json")), nil)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	died := w.world.mortal.cross()
	if fate < 0.02 && died == nil {
		w.faults["answer lost"]++
		died = errReset
	}
	if died != nil {
		_ = resp.Body.Close()
		return nil, died
	}
	if fate > 0.02 && fate < 0.03 && r.Method == http.MethodGet {
		w.faults["500"]++
		resp.StatusCode = http.StatusInternalServerError
	}
	return resp, nil
}

func (w *wire) writes() int { return w.calls[http.MethodPut] + w.calls[http.MethodPost] }

// entry is a line of a ticket's history, as Redmine keeps it.
type entry struct {
	Issue    int
	User     string
	Field    string
	Old, New string
}

// history reads all that was ever changed on tickets with a marker, in order.
func (w *world) history() (all []entry) {
	w.site.Ruby(w.t, `JournalDetail.joins(:journal).where(journals: { journalized_id: CustomValue.where(custom_field_id: $marker.id).where.not(value: [nil, ""]).pluck(:customized_id) })
		.order("journals.id, journal_details.id").map { |d| { Issue: d.journal.journalized_id, User: d.journal.user.login,
			Field: d.property == "cf" ? (d.prop_key.to_i == $origin.id ? "labels" : "marker") : d.prop_key, Old: d.old_value.to_s, New: d.value.to_s } }`, &all)
	return all
}

// stand is what moves when anything is written.
func (w *world) stand() string {
	var rows []json.RawMessage
	w.site.Ruby(w.t, `Issue.order(:id).map { |i| [i.id, i.updated_on.to_f] } + [Journal.count, IssueRelation.count]`, &rows)
	text, err := json.Marshal(rows)
	w.check(err)
	return string(text)
}
