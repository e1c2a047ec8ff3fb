package redminetest

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

//go:embed site.ru
var rackup []byte

// process is a server's folder and program.
type process struct {
	dir, key string
	cmd      *exec.Cmd
	alive    io.WriteCloser // the server's input, open as long as this process lives
	ended    chan struct{}  // closed when the server has
}

// patience is how long a server may take to answer: 5 s on a calm machine.
const patience = 3 * time.Minute

func start() (*Server, error) {
	program, err := programs()
	if err != nil {
		return nil, err
	}
	s := &Server{}
	if err := s.makeDir(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.up(program); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.ready(); err != nil {
		text, _ := os.ReadFile(s.logFile())
		s.stop()
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return s, nil
}

// makeDir makes the folder with what the server reads and writes.
func (p *process) makeDir() (err error) {
	p.key = rand.Text()
	if p.dir, err = os.MkdirTemp("", "trimtab-redmine-"); err != nil {
		return err
	}
	filled, err := os.ReadFile(database)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(p.file("site.db"), filled, 0o600), os.WriteFile(p.file("site.ru"), rackup, 0o600))
}

func (p *process) file(name string) string { return filepath.Join(p.dir, name) }

func (p *process) logFile() string { return p.file("log") }

// up starts the server, with one thread: two that write would meet at SQLite's lock.
func (s *Server) up(program string) (err error) {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
	out, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	s.cmd = exec.Command(program, "-e", "production", "-t", "1:1", "-w", "0", "-b", fmt.Sprintf("tcp://127.0.0.1:%d", port), s.file("site.ru")) //nolint:noctx // it ends with its input
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = home, out, out
	s.cmd.Env = append(os.Environ(), "RAILS_ENV=production", "X_DEBIAN_SITEID=default", "RAILS_LOG_TO_STDOUT=1", "DATABASE_URL=sqlite3:"+s.file("site.db"),
		"TRIMTAB_SITE="+s.dir, "TRIMTAB_KEY="+s.key)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt of the terminal is for the test alone
	if s.alive, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // that it ended is all there is to know
		close(s.ended)
	}()
	return nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // what was asked for
}

// ready waits until the server answers.
func (s *Server) ready() error {
	deadline := time.After(patience)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-s.ended:
			return errors.New("it ended while it started")
		case <-deadline:
			return fmt.Errorf("it did not answer within %s", patience)
		case <-again.C:
			if s.ruby(`1`, nil) == nil {
				http.DefaultClient.CloseIdleConnections()
				// Nobody misses what a crash would lose.
				return s.ruby(`ActiveRecord::Base.connection.execute("PRAGMA synchronous = OFF")`, nil)
			}
		}
	}
}

// stop ends the server, which removes its folder.
func (p *process) stop() {
	_ = p.alive.Close()
	<-p.ended
}
