package web

import (
	"context"
	"io"
	"net/http"

	"github.com/trimtab/trimtab"
)

// maxHook bounds a webhook: Jira sends the whole issue with it.
const maxHook = 4 << 20

// hook answers POST /webhooks/{tracker}. Only what is kept is answered with success; what
// could not be kept is asked for again (5xx), what is not to be believed is not (4xx).
func hook(take func(context.Context, string, http.Header, []byte) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
		if err != nil {
			refuse(w, http.StatusRequestEntityTooLarge, unreadable(err))
			return
		}
		err = take(r.Context(), r.PathValue("tracker"), r.Header, body)
		switch trimtab.CodeOf(err) {
		case "":
			answer(w, http.StatusOK, "kept", "")
		case trimtab.NotFound:
			refuse(w, http.StatusNotFound, err)
		case trimtab.Invalid:
			refuse(w, http.StatusUnauthorized, err)
		default:
			refuse(w, http.StatusServiceUnavailable, err)
		}
	}
}
