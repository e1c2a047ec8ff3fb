// Package redminetest gives tests a real Redmine of their own: the program that Debian
// packages, on a copy of its SQLite database, on a free port of loopback. It is started
// when the first test of a binary asks for it, and ends with the binary however that
// ends. Its clock can be set on, and what only an administrator does, such as adding a
// custom field, is done in Ruby inside of it.
package redminetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a running Redmine.
type Server struct {
	URL string
	process
}

// shared is the server of the test binary.
var shared struct {
	sync.Mutex
	server *Server
	err    error
	begun  bool
}

// Start gives the Redmine of this test binary. Where there is none and none can be
// installed the test is skipped.
func Start(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.begun {
		shared.begun = true
		shared.server, shared.err = start()
	}
	if shared.err != nil {
		why := strings.Join(strings.Fields(shared.err.Error()), " ") // apt says much, in lines
		t.Skipf("SKIPPED: there is no Redmine to try: %.300s", why)
	}
	return shared.server
}

// Stop ends the server, for TestMain; it does nothing when no test has started it.
func Stop() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.stop()
		shared.server = nil
	}
}

// Ruby carries out statements inside the server and decodes the value of the last one
// into out, if it is not nil.
func (s *Server) Ruby(t testing.TB, code string, out any) {
	t.Helper()
	if err := s.ruby(code, out); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) ruby(code string, out any) error {
	req, err := http.NewRequest(http.MethodPost, s.URL+"/-/ruby", bytes.NewReader([]byte(code))) //nolint:noctx // it ends with the server
	if err != nil {
		return err
	}
	req.Header.Set("X-Test-Key", s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	err = errors.Join(err, resp.Body.Close())
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("HTTP %d: %.2000s", resp.StatusCode, text)
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// Advance sets the server's clock on.
func (s *Server) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	s.Ruby(t, fmt.Sprintf("Time.ahead = (Time.ahead || 0) + %d", int(d.Seconds())), nil)
}

// Clock is the server's time.
func (s *Server) Clock(t testing.TB) (now time.Time) {
	t.Helper()
	s.Ruby(t, `Time.now.utc`, &now)
	return now
}

// Empty removes all issues and sets the clock right.
func (s *Server) Empty(t testing.TB) {
	t.Helper()
	s.Ruby(t, `Time.ahead = 0; [Issue, Journal, JournalDetail, IssueRelation, Watcher].each(&:delete_all)
		CustomValue.where(customized_type: "Issue").delete_all`, nil)
}
