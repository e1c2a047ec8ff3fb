package jira

import (
	"net"
	"net/http/httptrace"
	"sync"
)

// gate keeps a write back when the right to write is lost while it waits for a connection.
// A connection that is open already is written to at once, by another goroutine, and to
// cancel then may come too late. So the last question is asked while the first header is
// put down; before that has left this process the connection can still be closed.
type gate struct {
	permitted func() error
	shut      func() // ends the call, so that it is not sent over another connection

	mu    sync.Mutex
	conn  net.Conn
	asked bool  // over this connection
	lost  error // why the right is lost
	sent  bool  // Jira has something that it could act on
}

// trace is how the transport tells how far it is.
func (g *gate) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.conn, g.asked = got.Conn, false
		},
		WroteHeaderField: func(string, []string) { g.ask() },
		WroteHeaders: func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.sent = g.sent || g.lost == nil
		},
	}
}

// ask asks once for each connection.
func (g *gate) ask() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked {
		return
	}
	g.asked = true
	if g.lost = g.permitted(); g.lost == nil {
		return
	}
	g.shut()
	if g.conn != nil {
		_ = g.conn.Close() // what is not written stays unwritten, whatever the error
	}
}

// state tells whether something was sent, and else why it must not be.
func (g *gate) state() (sent bool, lost error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sent {
		return true, nil
	}
	return false, g.lost
}
