package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/durable"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/internal/web"
)

// control is how commands reach the process that serves: it alone may write to the state,
// so what changes runs is asked of it. It lies beside the state, for its owner only.
type control struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

func controlPath(state string) string { return state + ".serve" }

// openControl says where this process can be reached, and by which token.
func (a *App) openControl(addr net.Addr) (token string, err error) {
	if !a.Store.Exclusive() {
		return "", nil // commands write to the state themselves
	}
	c := control{URL: "http://" + addr.String(), Token: rand.Text()}
	data, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	path := controlPath(a.Deployment.State)
	// A file that a dead process left may be anybody's to read: a new one is made.
	if err := errors.Join(ignoreMissing(os.Remove(path)), os.WriteFile(path, data, 0o600)); err != nil {
		return "", trimtab.Errorf(trimtab.Outside, "say where this process can be reached: %w", err)
	}
	return c.Token, nil
}

// closeControl takes the word back.
func (a *App) closeControl() error {
	if !a.Store.Exclusive() {
		return nil
	}
	return ignoreMissing(os.Remove(controlPath(a.Deployment.State)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Operated is what acts on the runs of a deployment: its own app, or the process that
// serves.
type Operated struct {
	web.Operator
	actor
	App *App // nil if another process serves
}

// actor does what people ask for beside runs.
type actor interface {
	// Act does what name says with in, and reads what came of it into out.
	Act(ctx context.Context, name string, in, out any) error
}

// Operate finds who may change the runs of a deployment's state. Close what was opened
// with App.Close.
func Operate(open func() (*App, error), state string) (Operated, error) {
	a, err := open()
	if err == nil {
		return Operated{Operator: a.Engine, actor: a, App: a}, nil
	}
	if trimtab.CodeOf(err) != trimtab.Busy {
		return Operated{}, err
	}
	data, readErr := os.ReadFile(controlPath(state))
	var c control
	if readErr != nil || json.Unmarshal(data, &c) != nil {
		return Operated{}, err // a command is at work, and ends by itself
	}
	r := remote{c, &http.Client{Timeout: 30 * time.Second}}
	return Operated{Operator: r, actor: r}, nil
}

// remote asks the process that serves.
type remote struct {
	control
	http *http.Client
}

// Cancel implements [web.Operator].
func (r remote) Cancel(ctx context.Context, id int64) error {
	return r.post(ctx, id, "cancel", web.RunAction{})
}

// Resume implements [web.Operator].
func (r remote) Resume(ctx context.Context, id int64) error {
	return r.post(ctx, id, "resume", web.RunAction{})
}

// Retry implements [web.Operator].
func (r remote) Retry(ctx context.Context, id int64, step string) error {
	return r.post(ctx, id, "retry", web.RunAction{Step: step})
}

// Signal implements [web.Operator]. Whether it was the first of its name is not told.
func (r remote) Signal(ctx context.Context, id int64, name string, payload any) (bool, error) {
	written, err := json.Marshal(payload)
	if err != nil {
		return false, trimtab.Errorf(trimtab.Invalid, "write down the signal: %w", err)
	}
	return true, r.post(ctx, id, "signal", web.RunAction{Name: name, Payload: written})
}

func (r remote) post(ctx context.Context, id int64, action string, in web.RunAction) error {
	return r.ask(ctx, fmt.Sprintf("runs/%d/%s", id, action), in, nil)
}

// Act implements [actor].
func (r remote) Act(ctx context.Context, name string, in, out any) error {
	return r.ask(ctx, "acts/"+name, in, out)
}

// ask posts a request and reads its answer into out, unless that is nil.
func (r remote) ask(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/api/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.Token)
	resp, err := r.http.Do(req)
	if err != nil {
		return trimtab.Errorf(trimtab.Outside, "ask the process that serves: %w", err).WithNext("is `trimtab serve` still running?")
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusOK {
		return readAnswer(resp.Body, out)
	}
	var no web.Refusal
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&no); err != nil || no.Message == "" {
		return trimtab.Errorf(trimtab.Outside, "the process that serves answers with HTTP %d", resp.StatusCode)
	}
	e := trimtab.Errorf(no.Code, "%s", no.Message)
	e.Next = no.Next
	return e
}

func readAnswer(r io.Reader, out any) error {
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(r).Decode(out); err != nil {
		return trimtab.Errorf(trimtab.Outside, "read the answer of the process that serves: %w", err)
	}
	return nil
}

// Runs reads the runs of a state, beside whoever writes to it.
func Runs(s *store.Store) durable.Operator { return durable.Operator{Log: s.Runs()} }
