package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// What says that the database could not be used, and what is about something else.
func TestLost(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&pgconn.PgError{Code: "08006"}, true},
		{&pgconn.PgError{Code: "57P01"}, true},
		{&pgconn.PgError{Code: "57P03"}, true},
		{&pgconn.PgError{Code: "53300"}, true},
		{&pgconn.PgError{Code: "40001"}, true},
		{&pgconn.PgError{Code: "40P01"}, true},
		{&pgconn.PgError{Code: "58030"}, true},
		{&pgconn.PgError{Code: "25006"}, true},
		{&pgconn.PgError{Code: "23505"}, false},
		{&pgconn.PgError{Code: "22021"}, false},
		{&pgconn.PgError{Code: "42601"}, false},
		{&networkError{io.EOF}, true},
		{&pgconn.ConnectError{}, true},
		{pgconn.ErrConnClosed, true},
		{sql.ErrNoRows, false},
		{errors.Join(context.Canceled, &networkError{io.EOF}), false},
		// A tracker's, which a step of its own answers for.
		{io.EOF, false},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, false},
	} {
		if got := lost(fmt.Errorf("state: %w", c.err)); got != c.want {
			t.Errorf("%T %v: %t", c.err, c.err, got)
		}
	}
}

// What an address says of a setting counts.
func TestSettings(t *testing.T) {
	cfg, err := configure("postgres://u@localhost/db?lock_timeout=7s&options=-c%20statement_timeout%3D9s&connect_timeout=3")
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.RuntimeParams
	if p["lock_timeout"] != "7s" || p["statement_timeout"] != "" || p["idle_in_transaction_session_timeout"] == "" || cfg.ConnectTimeout.Seconds() != 3 {
		t.Errorf("%v, %s", p, cfg.ConnectTimeout)
	}
}
