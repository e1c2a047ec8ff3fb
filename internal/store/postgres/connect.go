package postgres

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/trimtab/trimtab"
)

// settings of every session, unless the address has others. They bound how long a process
// that has stopped, or whose machine is gone, can keep others from working.
var settings = map[string]string{
	"application_name": "trimtab",
	// Between two statements of a transaction there is only arithmetic.
	"idle_in_transaction_session_timeout": "120s",
	// Longer than the one before: who waits outlives who is stuck.
	"lock_timeout":      "180s",
	"statement_timeout": "600s",
	// The server notices a client whose machine is gone.
	"tcp_keepalives_idle": "15", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4", "tcp_user_timeout": "35s",
}

// configure reads an address. What the driver says of one that it cannot read may repeat
// parts of a password (as the port, say), so nothing of it is passed on.
func configure(dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return nil, trimtab.Errorf(trimtab.Invalid, "the address of the state names a file that cannot be read: %w", file).
			WithNext("mend sslrootcert, sslcert or sslkey in `state:`")
	case err != nil || strings.Contains(cfg.Host+cfg.Database, "@"):
		return nil, trimtab.Errorf(trimtab.Invalid, "the address of the state is none that PostgreSQL knows").
			WithNext("write postgres://user:${PASSWORD}@host:5432/database?sslmode=verify-full; a password in clear has %%40 for @, %%2F for / and so on")
	}
	for name, value := range settings {
		if _, given := cfg.RuntimeParams[name]; !given && !strings.Contains(cfg.RuntimeParams["options"], name) {
			cfg.RuntimeParams[name] = value
		}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 10 * time.Second
	}
	cfg.DialFunc = dialer(cfg.ConnectTimeout).DialContext
	cfg.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, c net.Conn) (net.Conn, error) { return conn{c}, nil }
	return cfg, nil
}

// dead is after how long without an answer to a packet the other side counts as gone.
const dead = 35 * time.Second

// dialer notices a server whose machine is gone: keepalives while nothing is under way,
// and a limit to what is sent and never acknowledged.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4},
		Control:         limitUnacknowledged,
	}
}

// tcpUserTimeout is TCP_USER_TIMEOUT of Linux, tcp(7), which package syscall lacks.
const tcpUserTimeout = 18

// limitUnacknowledged sets the limit where there is one to set; elsewhere the system's own
// holds, which is longer.
func limitUnacknowledged(network, _ string, raw syscall.RawConn) error {
	if runtime.GOOS != "linux" || !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(dead.Milliseconds()))
	})
	return errors.Join(err, failed)
}

// conn marks the errors of the network as those of this database: a step that fails to
// reach a tracker has errors of the same types.
type conn struct{ net.Conn }

// Read implements [net.Conn].
func (c conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, marked(err)
}

// Write implements [net.Conn].
func (c conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, marked(err)
}

// networkError is an error of the way to the database.
type networkError struct{ error }

// Unwrap gives the error itself.
func (e *networkError) Unwrap() error { return e.error }

func marked(err error) error {
	if err == nil {
		return nil
	}
	return &networkError{err}
}
