package app

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/clock"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/store/postgrestest"
)

// newPostgresSite is a deployment whose state is a database of its own. The password comes
// from a file, as it is.
func newPostgresSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.dsn = postgrestest.Start(t).Database(t)
	u, err := url.Parse(s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	s.write("password", postgrestest.Password+"\n")
	s.write("trimtab.yaml", small+fmt.Sprintf("state: 'postgres://%s:${file:%s}@%s%s?%s'\n",
		u.User.Username(), filepath.Join(s.dir, "password"), u.Host, u.Path, u.RawQuery))
	return s
}

// lapse lets the leases of dead processes run out, which the server's clock would take
// half a minute for. A file has a lock in place of leases.
func (s *site) lapse() {
	if s.dsn != "" {
		postgrestest.Exec(s.t, s.dsn, `UPDATE runs SET lease = 0`)
	}
}

// The whole walk on PostgreSQL comes to what it comes to on SQLite, killed or not.
func TestPostgresKilled(t *testing.T) {
	calm := newPostgresSite(t)
	doors := calm.walk(0)
	want := calm.picture()
	file := newSite(t)
	file.walk(0)
	if got := file.picture(); shown(got) != shown(want) {
		t.Errorf("on SQLite\n%v\non PostgreSQL\n%v", shown(got), shown(want))
	}
	killAtEach(t, doors, newPostgresSite, want)
}

// shown is a picture with the truth values of both databases written alike.
func shown(picture map[string][][]any) string {
	return strings.NewReplacer("true", "1", "false", "0").Replace(fmt.Sprint(picture))
}

// Two processes that run at once file each ticket once.
func TestTwoProcesses(t *testing.T) {
	s := newPostgresSite(t)
	first, second := s.open(), s.open()
	var both sync.WaitGroup
	for _, a := range []*App{first, second} {
		both.Go(func() {
			if _, err := a.Run(t.Context(), false); err != nil {
				t.Error(err)
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	s.look(func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT COUNT(*), COUNT(DISTINCT marker) FROM board_issues`)
		if err == nil && (rows[0][0] != int64(2) || rows[0][1] != int64(2)) {
			t.Errorf("%v tickets with %v markers", rows[0][0], rows[0][1])
		}
		return err
	})
}

// A check says whether the state answers, before there is one and after, and never the
// password.
func TestCheckState(t *testing.T) {
	s := newPostgresSite(t)
	check := func() Finding {
		t.Helper()
		plan, err := Load(filepath.Join(s.dir, "trimtab.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		findings, err := Check(t.Context(), plan, clock.System{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if strings.Contains(f.Message+f.Next, "hush") {
				t.Errorf("the password is in %+v", f)
			}
			if f.Part == "state" {
				return f
			}
		}
		return Finding{}
	}
	if f := check(); !f.OK || !strings.Contains(f.Message, "none yet") {
		t.Errorf("before the first run: %+v", f)
	}
	if _, err := s.run(); err != nil {
		t.Fatal(err)
	}
	if f := check(); !f.OK || f.Message != "answers" {
		t.Errorf("after it: %+v", f)
	}
	s.write("password", "hush-wrong")
	if f := check(); f.OK || f.Next == "" {
		t.Errorf("a wrong password: %+v", f)
	}
	_, err := OpenState(t.Context(), filepath.Join(s.dir, "trimtab.yaml"))
	if trimtab.CodeOf(err) != trimtab.Invalid || strings.Contains(err.Error(), "hush") {
		t.Errorf("%v", err)
	}
}
