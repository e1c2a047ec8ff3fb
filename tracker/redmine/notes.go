package redmine

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// A note has no properties, so that its last line says what it is: "(trimtab op-7)".

// signature is the last line of a note.
func signature(words ...string) string { return "(trimtab " + strings.Join(words, " ") + ")" }

// signed finds the last note that ends with a signature.
func (i *issue) signed(signature string) (string, bool) {
	for _, j := range slices.Backward(i.Journals) {
		if text, ok := strings.CutSuffix(tidy(j.Notes), signature); ok && strings.HasSuffix(text, "\n") {
			return text, true
		}
	}
	return "", false
}

// unsigned takes the signature off a note, and tells which write it names.
func unsigned(note string) (text, op string) {
	at := strings.LastIndex(note, "\n")
	words, ok := strings.CutPrefix(note[at+1:], "(trimtab ")
	words, end := strings.CutSuffix(words, ")")
	if at < 0 || !ok || !end {
		return note, ""
	}
	return tidy(note[:at]), words
}

// say adds the comment, unless one of this write is there: then an earlier try got
// through although its answer did not.
func (w *writing) say(ctx context.Context) error {
	if w.change.Comment == "" {
		return nil
	}
	if w.change.Op == "" { // a write without a name cannot be told from another
		return w.note(ctx, w.change.Comment, "")
	}
	mark := signature(wordOf(w.change.Op))
	if _, said := w.before.signed(mark); said {
		return nil
	}
	return w.note(ctx, w.change.Comment, mark)
}

// note writes a note in Markdown and sees to it that it is there: to an account that
// may not add notes Redmine says 204 as well.
func (w *writing) note(ctx context.Context, md, mark string) error {
	text := w.client.text.write(md)
	if mark != "" {
		text = cutBytes(text, maxText-len(mark)-2) + "\n\n" + mark
	}
	if err := w.send(ctx, w.put(map[string]any{"notes": text})); err != nil {
		return err
	}
	count := func(i *issue) (n int) {
		for _, j := range i.Journals {
			if tidy(j.Notes) == tidy(text) {
				n++
			}
		}
		return n
	}
	if count(w.after) <= count(w.before) {
		return w.client.failed(w.put(nil), tracker.Rejected, 0, "Redmine accepted the note but did not add it: may the account add notes in this project?", nil)
	}
	return nil
}

// relations are what Redmine calls them.
var relations = map[tracker.Relation]string{tracker.Relates: "relates", tracker.Duplicates: "duplicates"}

// link ties the issue to another one. Redmine has one relation for two issues, whatever
// its kind: what is tied stays as it is.
func (w *writing) link(ctx context.Context) error {
	if w.change.Link.To == "" {
		return nil
	}
	to, err := strconv.Atoi(w.change.Link.To)
	k := call{method: http.MethodPost, path: fmt.Sprintf("/issues/%d/relations.json", w.before.ID)}
	if err != nil {
		return w.client.failed(k, tracker.Rejected, 0, fmt.Sprintf("not sent: %q is the id of no issue", w.change.Link.To), nil)
	}
	for _, r := range w.before.Relations {
		if r.From == to || r.To == to {
			return nil
		}
	}
	k.body = map[string]any{"relation": map[string]any{"issue_to_id": to, "relation_type": relations[w.change.Link.Relation]}}
	return w.send(ctx, k)
}

// leadBack says where the recommendation is, in a note, unless a field does.
func (w *writing) leadBack(ctx context.Context) error {
	back := w.change.Backlink
	if back.ID == "" || w.ours.backlink > 0 {
		return nil
	}
	mark := signature("link", wordOf(back.ID))
	text, said := w.before.signed(mark)
	if said && strings.Contains(text, back.URL) {
		return nil
	}
	return w.note(ctx, fmt.Sprintf("%s: %s", back.Title, back.URL), mark)
}
