package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/store"
)

// lost tells errors of the server and of the way to it from those of a statement: whatever
// was asked for may be asked for again when they are over.
func lost(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false // whoever asked does not want it any more
	}
	if errors.As(err, new(*pgconn.ConnectError)) || errors.As(err, new(*networkError)) {
		return true
	}
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return passing(server.Code)
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed)
}

// passing reports whether a server's error goes away by itself, or when somebody mends the
// server (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func passing(code string) bool {
	for _, class := range []string{
		"08",  // connection
		"53",  // out of memory, disk, connections
		"57P", // shutdown, crash, starting up, a time-out of an idle session
		"58",  // the system under it
	} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	switch code {
	case "40001", "40P01", // undone in favour of another transaction
		"25006",          // a stand-by that is not the primary yet, or not any more
		"25P03",          // it was idle in a transaction for too long
		"55P03", "57014": // it waited for a lock, or ran, for too long
		return true
	}
	return false
}

// undefinedTable is that there are no tables yet.
const undefinedTable = "42P01"

// explain adds the next step to an error of opening a state.
func explain(err error) error {
	code, next := trimtab.Outside, "start the server, or mend `state:`; nothing is lost meanwhile"
	var server *pgconn.PgError
	if errors.As(err, &server) {
		code, next = advice(server.Code)
	} else if !lost(err) {
		return err
	}
	if next == "" {
		return err
	}
	if server != nil && server.Code == undefinedTable {
		return trimtab.Errorf(code, "%w in that database yet: %w", store.ErrNoState, err).WithNext("%s", next)
	}
	return trimtab.Errorf(code, "the state in PostgreSQL: %w", err).WithNext("%s", next)
}

// advice is what a person can do about a server's error; "" if nothing is known.
func advice(code string) (trimtab.Code, string) {
	switch code {
	case "28P01", "28000":
		return trimtab.Invalid, "mend the user or the password in `state:`, or pg_hba.conf on the server"
	case "3D000":
		return trimtab.NotFound, "CREATE DATABASE … OWNER … ENCODING 'UTF8', or name another in `state:`"
	case undefinedTable:
		return trimtab.NotFound, "run `trimtab run` first, or name the right database (or its search_path) in `state:`"
	case "42501", "3F000":
		return trimtab.Invalid, "make Trimtab's role the owner of the database, or GRANT CREATE, USAGE ON SCHEMA … TO it"
	}
	if passing(code) {
		return trimtab.Outside, "wait until the server answers again; nothing is lost meanwhile"
	}
	return trimtab.Outside, ""
}
