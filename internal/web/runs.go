package web

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// Operator does to durable runs what people ask for.
type Operator interface {
	Cancel(ctx context.Context, id int64) error
	Resume(ctx context.Context, id int64) error
	Retry(ctx context.Context, id int64, step string) error
	Signal(ctx context.Context, id int64, name string, payload any) (added bool, err error)
}

// RunAction is the body of a request that acts on a run.
type RunAction struct {
	Step    string          `json:"step,omitempty"`    // of retry
	Name    string          `json:"name,omitempty"`    // of signal
	Payload json.RawMessage `json:"payload,omitempty"` // likewise
}

// Refusal is the body of an answer that is no success.
type Refusal struct {
	Code    trimtab.Code `json:"code"`
	Message string       `json:"message"`
	Next    string       `json:"next,omitempty"`
}

// maxAction bounds the body of a request.
const maxAction = 64 << 10

// trusted lets those through who have the token: it keeps other users of the machine, and
// pages in a browser, from acting.
func trusted(token string, next func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token == "" || subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			refuse(w, http.StatusUnauthorized, trimtab.Errorf(trimtab.Invalid, "the token is wrong"))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAction))
		if err != nil {
			refuse(w, http.StatusBadRequest, unreadable(err))
			return
		}
		next(w, r, body)
	}
}

func unreadable(err error) error {
	return trimtab.Errorf(trimtab.Invalid, "the request cannot be read: %w", err)
}

// acts answers POST /api/acts/{name} with what came of it.
func acts(do func(context.Context, string, json.RawMessage) (any, error)) func(http.ResponseWriter, *http.Request, []byte) {
	return func(w http.ResponseWriter, r *http.Request, body []byte) {
		out, err := do(r.Context(), r.PathValue("name"), body)
		if err != nil {
			refuse(w, statusOf(err), err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the reader has gone if this fails
	}
}

// runs answers POST /api/runs/{id}/{action}.
func runs(o Operator) func(http.ResponseWriter, *http.Request, []byte) {
	return func(w http.ResponseWriter, r *http.Request, body []byte) {
		var in RunAction
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err == nil && len(body) > 0 {
			err = json.Unmarshal(body, &in)
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, unreadable(err))
			return
		}
		if err := act(r.Context(), o, id, r.PathValue("action"), in); err != nil {
			refuse(w, statusOf(err), err)
			return
		}
		answer(w, http.StatusOK, "done", "")
	}
}

// act does what is asked for.
func act(ctx context.Context, o Operator, id int64, action string, in RunAction) error {
	switch action {
	case "cancel":
		return o.Cancel(ctx, id)
	case "resume":
		return o.Resume(ctx, id)
	case "retry":
		return o.Retry(ctx, id, in.Step)
	case "signal":
		_, err := o.Signal(ctx, id, in.Name, in.Payload)
		return err
	}
	return trimtab.Errorf(trimtab.NotFound, "there is no action %q", action).WithNext("cancel, resume, retry or signal")
}

// statusOf is the HTTP status of an error.
func statusOf(err error) int {
	switch trimtab.CodeOf(err) {
	case trimtab.NotFound:
		return http.StatusNotFound
	case trimtab.Invalid:
		return http.StatusConflict
	case trimtab.Outside, trimtab.Busy:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Refusal{trimtab.CodeOf(err), err.Error(), trimtab.NextOf(err)}) // the reader has gone if this fails
}
