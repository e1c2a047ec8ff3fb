// Package postgrestest gives tests a PostgreSQL server of their own: a new cluster in a
// temporary folder, on a free port of loopback, with every commit flushed. It is started
// when the first test of a binary asks for it, and ends with the binary however that ends.
package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Password is that of both roles. It has what an address needs escaped.
const Password = "hush/hush@50%:#?&="

// role is whom tests work as: the owner of its databases and nothing more.
const role, admin = "trimtab", "postgres"

// Server is a running server.
type Server struct {
	cluster

	mu       sync.Mutex
	made     int
	template string
}

// shared is the server of the test binary.
var shared struct {
	sync.Mutex
	server *Server
	err    error
	begun  bool
}

// Start gives the server of this test binary. Where there is none and none can be
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
		t.Skipf("there is no PostgreSQL to try: %v", shared.err)
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

func start() (*Server, error) {
	s := &Server{}
	if err := s.begin(); err != nil {
		return nil, err
	}
	err := s.do(fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD '%s'`, role, Password))
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// do carries out statements of the administrator.
func (s *Server) do(statements ...string) error {
	return do(s.address(admin, "postgres"), statements...)
}

// Exec carries out statements on a database, beside whatever else works on it.
func Exec(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	if err := do(dsn, statements...); err != nil {
		t.Fatal(err)
	}
}

func do(dsn string, statements ...string) error {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	for _, statement := range statements {
		if _, err := c.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", strings.ReplaceAll(statement, Password, "…"), err)
		}
	}
	return nil
}

// Template makes a database that [Server.Database] copies from then on; migrate fills it.
// Only the first call does anything.
func (s *Server) Template(t testing.TB, migrate func(dsn string) error) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.template != "" {
		return
	}
	if err := s.do(`CREATE DATABASE filled OWNER ` + role); err != nil {
		t.Fatal(err)
	}
	if err := migrate(s.address(role, "filled")); err != nil {
		t.Fatal(err)
	}
	s.template = "filled"
}

// Database makes a database for a test, a copy of the template if there is one, and gives
// its address. It goes with the test.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	template := s.template
	s.mu.Unlock()
	if template == "" {
		return s.Empty(t)
	}
	return s.create(t, ` TEMPLATE `+template)
}

// Empty is [Server.Database] without the template.
func (s *Server) Empty(t testing.TB) string {
	t.Helper()
	return s.create(t, "")
}

func (s *Server) create(t testing.TB, how string) string {
	t.Helper()
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("test%d", s.made)
	s.mu.Unlock()
	if err := s.do(`CREATE DATABASE ` + name + ` OWNER ` + role + how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.do(`DROP DATABASE ` + name + ` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	return s.address(role, name)
}

// Do carries out statements as the server's administrator.
func (s *Server) Do(t testing.TB, statements ...string) {
	t.Helper()
	if err := s.do(statements...); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) address(user, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, Password), Host: fmt.Sprintf("127.0.0.1:%d", s.port), Path: "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}
