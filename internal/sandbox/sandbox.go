// Package sandbox is a Jira on loopback, for demos and tests: the parts of
// Cloud's REST API v3 and of Data Center's v2 that a tracker client needs, with
// workflows, screens, users, permissions, a search index that lags, webhooks,
// limits and history.
//
// It keeps its promises as the real one does, and breaks them as the real one
// does: requests that do not fit are refused field by field, and a [Fault] loses
// an answer, lets a person step in between, or changes the site on demand. Its
// state is a journal of changed issues, synced before an answer goes out, so that
// it survives being killed beside the program under test. Time is its own
// ([Jira.Advance]), and so is chance ([Config.Seed]). People work in it through
// methods (people.go, site.go) or its pages; docs/sandbox.md is the manual.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config describes a sandbox.
type Config struct {
	Projects []Project
	Users    []User
	// Email and Token are the credentials of the account that the API is used by.
	// It is made if no user has the e-mail. Other users may have tokens of their own.
	Email, Token string
	// Server leaves out the API of Cloud (version 3), as Data Center does. That of
	// Data Center (version 2) is always there.
	Server bool
	// Lag is how late the search index is; nil is never. What was there when the
	// sandbox started is in it.
	Lag Lag
	// Webhooks are those that an administrator has set up. They go to loopback only.
	Webhooks []Webhook
	// Limits are none unless they are set.
	Limits Limits
	// Seed makes what is drawn repeatable: lags, faults, pauses of deliveries.
	Seed uint64
	// Apps may act for users with OAuth 2.0, below /ex/jira/ and CloudID ("" is one
	// that the sandbox makes up).
	Apps    []App
	CloudID string
	Now     func() time.Time // the server's clock; nil is the system's
	Journal string           // file that keeps the state; "" keeps it in memory
	// OnCommit, if set, is called when a creation is committed and not yet
	// answered: the moment in which a caller can die with a ticket filed and
	// nobody knowing.
	OnCommit func(Request)
}

// Request is a request as a hook sees it.
type Request struct {
	Method, Path string
	Keys         []string // of the issues that it made
}

// Project is a project of the site.
type Project struct {
	Key, Name string
	Types     []string // issue types; nil is Task and Bug
	Workflow  Workflow // the zero one is To Do → In Progress → Done
	Archived  bool
	// Components are what the project's work is divided into, by name.
	Components []string
	// Fields are the project's custom fields.
	Fields []Field
	// Required names the fields that a creation must bring, beside those that every
	// issue has.
	Required []string
	// Hidden fields are on no screen of the project: setting one is refused.
	Hidden []string
	// Screens says of some fields on which screens they stand, "create" and "edit";
	// fields that it does not name are on both.
	Screens map[string][]string
	// Denied says what accounts may not do, by account id, with Jira's keys of
	// permissions. What stands under "" nobody may.
	Denied map[string][]string
	// Swallows lists fields that an edit accepts and does not set.
	Swallows []string
}

// Jira is a sandbox.
type Jira struct {
	cfg     Config
	self    string // id of the account of the API
	handler http.Handler
	faults  faults
	courier *http.Client // brings webhooks
	ahead   atomic.Int64 // nanoseconds that the clock was advanced by
	skew    atomic.Int64 // nanoseconds that shown times are off by
	// beforeWrite is called before an issue is changed over the API.
	beforeWrite atomic.Pointer[func(key string)]

	mu       sync.Mutex // guards what follows
	issues   map[int64]*Issue
	keys     map[string]int64 // ids by every key that an issue has or had
	order    []int64          // ids, ascending
	numbers  map[string]int64 // last number of each project
	lastID   int64
	oauth    oauth
	index    index
	used     used
	hooks    hooks
	pumped   chan struct{} // closed when deliveries have ended
	calls    map[string]int
	journal  *os.File
	server   *http.Server
	listener net.Listener
	served   chan struct{}
}

// firstID is the id before that of the first issue, entry and comment.
const firstID = 10000

// New makes a sandbox and replays its journal. It does not listen yet.
func New(cfg Config) (*Jira, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	// setUp fills gaps in; the caller's own lists stay as they are.
	cfg.Projects, cfg.Users = slices.Clone(cfg.Projects), slices.Clone(cfg.Users)
	j := &Jira{
		cfg: cfg, issues: map[int64]*Issue{}, keys: map[string]int64{}, numbers: map[string]int64{}, lastID: firstID, oauth: oauth{tokens: map[string]*grant{}},
		index: index{map[int64][]version{}, map[int64]uint64{}}, calls: map[string]int{},
		hooks: hooks{wake: make(chan struct{}, 1)}, courier: courier(),
		used: used{map[string]*level{}, map[int64]pastEvents{}, map[string]*hourly{}},
	}
	if err := j.setUp(); err != nil {
		return nil, err
	}
	for _, w := range cfg.Webhooks {
		h, err := j.newHook(w)
		if err != nil {
			return nil, fmt.Errorf("webhook to %s: %w", w.URL, err)
		}
		j.hooks.all = append(j.hooks.all, h)
	}
	j.faults.draws = j.draws("faults", 0)
	j.handler = j.routes()
	if err := j.openJournal(); err != nil {
		return nil, fmt.Errorf("sandbox journal %s: %w", cfg.Journal, err)
	}
	return j, nil
}

// setUp fills in what the configuration leaves out.
func (j *Jira) setUp() error {
	if j.cfg.Email == "" || j.cfg.Token == "" {
		return errors.New("a sandbox needs the e-mail and the token that it is to ask for")
	}
	keys := map[string]bool{}
	for i := range j.cfg.Projects {
		p := &j.cfg.Projects[i]
		// The number of an issue is what follows the first dash of its key.
		if p.Key == "" || strings.ContainsAny(p.Key, "- ") || keys[p.Key] {
			return fmt.Errorf("project %d: the key %q is empty, not a word or taken", i+1, p.Key)
		}
		keys[p.Key] = true
		if p.Name == "" {
			p.Name = p.Key
		}
		if len(p.Types) == 0 {
			p.Types = []string{"Task", "Bug"}
		}
		if err := errors.Join(p.Workflow.setUp(), p.setUpFields()); err != nil {
			return fmt.Errorf("project %s: %w", p.Key, err)
		}
		p.Denied = cloneLists(p.Denied)
	}
	return j.setUpUsers()
}

// setUpUsers makes sure that there is an account for the API. It may be one of
// the people, as at small companies.
func (j *Jira) setUpUsers() error {
	for i := range j.cfg.Users {
		u := &j.cfg.Users[i]
		if _, err := time.LoadLocation(u.TimeZone); err != nil {
			return fmt.Errorf("user %s: %w", u.AccountID, err)
		}
		if strings.EqualFold(u.Email, j.cfg.Email) {
			j.self, u.Token = u.AccountID, j.cfg.Token
		}
	}
	if j.self == "" {
		j.self = "sandbox-account"
		j.cfg.Users = append(j.cfg.Users, User{AccountID: j.self, Email: j.cfg.Email, Name: "Trimtab", Token: j.cfg.Token})
	}
	return nil
}

// cloneLists copies a table of lists, and makes an empty one of none.
func cloneLists(table map[string][]string) map[string][]string {
	c := map[string][]string{}
	for key, list := range table {
		c[key] = slices.Clone(list)
	}
	return c
}

// Handler is the site's web server, to be served by the caller.
func (j *Jira) Handler() http.Handler { return j.handler }

// Start listens on a loopback address, as 127.0.0.1:0, and serves until Stop.
func (j *Jira) Start(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	// Asked of the listener, since a name may lead anywhere. There is no TLS: the
	// token must not leave the machine.
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return errors.Join(fmt.Errorf("a sandbox listens on loopback only, not on %s", addr), listener.Close())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.server != nil {
		return errors.Join(errors.New("the sandbox is started already"), listener.Close())
	}
	server := &http.Server{Handler: j.handler, ReadHeaderTimeout: 10 * time.Second}
	served, pumped := make(chan struct{}), make(chan struct{})
	j.server, j.listener, j.served, j.pumped = server, listener, served, pumped
	go func() {
		defer close(pumped)
		j.pump()
	}()
	go func() {
		defer close(served)
		_ = server.Serve(listener) // it always ends with an error: Stop closed it
	}()
	return nil
}

// URL is the address of a started sandbox, "" of one that is not.
func (j *Jira) URL() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.listener == nil {
		return ""
	}
	return "http://" + j.listener.Addr().String()
}

// Stop ends the server, lets running requests finish until the context ends,
// and closes the journal. It may be called twice.
func (j *Jira) Stop(ctx context.Context) error {
	// First, or Shutdown would wait for those who are kept waiting.
	j.faults.release()
	j.mu.Lock()
	// The lock is not held during Shutdown: running requests need it to end.
	server, served, pumped := j.server, j.served, j.pumped
	j.server, j.listener = nil, nil
	j.mu.Unlock()
	var err error
	if server != nil {
		if err = server.Shutdown(ctx); err != nil {
			err = server.Close() // the context has ended: who still waits is cut off
		}
		<-served
		<-pumped
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	// Last, because those requests still had something to store.
	if j.journal != nil {
		err = errors.Join(err, j.journal.Close())
		j.journal = nil
	}
	return err
}

// project finds a project by its key; nil if there is none.
func (j *Jira) project(key string) *Project {
	for i := range j.cfg.Projects {
		if j.cfg.Projects[i].Key == key {
			return &j.cfg.Projects[i]
		}
	}
	return nil
}
