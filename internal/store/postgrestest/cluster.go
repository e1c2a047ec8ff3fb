package postgrestest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// cluster is a server's folder and processes.
type cluster struct {
	bin, dir string
	port     int
	owner    *syscall.Credential // nil is who runs the test
	alive    io.WriteCloser      // the watcher's input, open as long as this process lives
	watcher  *exec.Cmd
}

// begin makes the cluster and starts its server.
func (c *cluster) begin() (err error) {
	if c.bin, err = programs(); err != nil {
		return err
	}
	if c.owner, err = unprivileged(); err != nil {
		return err
	}
	if err = c.makeDir(); err != nil {
		return err
	}
	err = c.run("initdb", "--pgdata="+c.data(), "--username="+admin, "--pwfile="+filepath.Join(c.dir, "password"), "--auth=scram-sha-256",
		"--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions")
	if err == nil {
		err = c.startServer()
	}
	if err != nil {
		_ = os.RemoveAll(c.dir)
	}
	return err
}

// makeDir makes the folder, which only the server's owner reads.
func (c *cluster) makeDir() (err error) {
	if c.dir, err = os.MkdirTemp("", "trimtab-postgres-"); err != nil {
		return err
	}
	password := filepath.Join(c.dir, "password")
	if err := os.WriteFile(password, []byte(Password), 0o600); err != nil || c.owner == nil {
		return err
	}
	uid, gid := int(c.owner.Uid), int(c.owner.Gid)
	return errors.Join(os.Chown(c.dir, uid, gid), os.Chown(password, uid, gid))
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// startServer starts the server on a free port. Another process may take the port between
// the look and the start, so a few are tried.
func (c *cluster) startServer() (err error) {
	for range 5 {
		if c.port, err = freePort(); err != nil {
			return err
		}
		if err = c.up(); err == nil {
			return c.watch()
		}
	}
	text, _ := os.ReadFile(c.logFile())
	return fmt.Errorf("%w\n%s", err, text)
}

func (c *cluster) up() error {
	options := fmt.Sprintf("-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories= -c fsync=on -c synchronous_commit=on "+
		"-c max_connections=300 -c shared_buffers=64MB -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off", c.port)
	return c.run("pg_ctl", "start", "--wait", "--pgdata="+c.data(), "--log="+c.logFile(), "--options="+options)
}

func (c *cluster) down() error {
	return c.run("pg_ctl", "stop", "--wait", "--mode=immediate", "--pgdata="+c.data())
}

func (c *cluster) logFile() string { return filepath.Join(c.dir, "log") }

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // what was asked for
}

// watch starts what ends the server when this process dies without having done so.
func (c *cluster) watch() (err error) {
	c.watcher = c.command("/bin/sh", "-c", `read -r word || "$0" stop --mode=immediate --pgdata="$1"; rm -rf "$2"`,
		filepath.Join(c.bin, "pg_ctl"), c.data(), c.dir)
	if c.alive, err = c.watcher.StdinPipe(); err != nil {
		return err
	}
	return c.watcher.Start()
}

// stop ends the server and removes its folder.
func (c *cluster) stop() {
	if c.watcher != nil {
		_ = c.alive.Close() // the watcher does the rest
		_ = c.watcher.Wait()
	}
}

// Crash ends the server as a crash would.
func (c *cluster) Crash(t testing.TB) {
	t.Helper()
	if err := c.down(); err != nil {
		t.Error(err)
	}
}

// Recover starts it again at the same address.
func (c *cluster) Recover(t testing.TB) {
	t.Helper()
	if err := c.up(); err != nil {
		t.Error(err)
	}
}

// Restart is [cluster.Crash] and [cluster.Recover].
func (c *cluster) Restart(t testing.TB) {
	t.Helper()
	c.Crash(t)
	c.Recover(t)
}

func (c *cluster) run(program string, args ...string) error {
	// To a file: the server would keep a pipe open for as long as it lives.
	out, err := os.CreateTemp("", "trimtab-postgres-out-")
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(out.Close(), os.Remove(out.Name())) }()
	cmd := c.command(filepath.Join(c.bin, program), args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w\n%s", program, err, text)
	}
	return nil
}

// command is a program of the cluster's owner.
func (c *cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...) //nolint:noctx // it ends by itself
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt of the terminal is for the test alone
	if c.owner != nil {
		cmd.SysProcAttr.Credential = c.owner
	}
	return cmd
}

// unprivileged is whom the server runs as, since it refuses root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
	}
	return nil, errors.New("neither a user postgres nor nobody")
}
