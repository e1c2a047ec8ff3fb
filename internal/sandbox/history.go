package sandbox

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
)

// Jira's limits for histories fetched in bulk.
const (
	maxHistories = 1000 // issues
	maxFieldIDs  = 10
	maxHistory   = 10000 // entries on a page
)

// changelog pages through the history, oldest first.
func (j *Jira) changelog(w http.ResponseWriter, r *http.Request, i *Issue) {
	start, size := pageOf(r.URL.Query(), 100)
	shown := []any{}
	for _, c := range window(i.Changes, start, size) {
		shown = append(shown, j.shownChange(of(r), c))
	}
	reply(w, http.StatusOK, map[string]any{
		"self": of(r).self("issue", i.id(), "changelog"), "startAt": start, "maxResults": size, "total": len(i.Changes),
		"isLast": start+size >= len(i.Changes), "values": shown,
	})
}

// histories is a request for many histories.
type histories struct {
	IDs    []string `json:"issueIdsOrKeys"`
	Fields []string `json:"fieldIds"`
	Size   int      `json:"maxResults"`
	Token  string   `json:"nextPageToken"`
}

// row is one entry of one issue's history.
type row struct {
	issue  *Issue
	change Change
}

// bulkHistory reads the histories of up to 1000 issues at once, oldest entries
// first, of up to 10 fields if asked.
func (j *Jira) bulkHistory(w http.ResponseWriter, r *http.Request) {
	asked := histories{Size: 1000}
	if !ask(w, r, &asked) {
		return
	}
	text, err := base64.RawURLEncoding.DecodeString(asked.Token)
	start, bad := 0, error(nil)
	if asked.Token != "" {
		start, bad = strconv.Atoi(string(text))
	}
	if len(asked.IDs) == 0 || len(asked.IDs) > maxHistories || len(asked.Fields) > maxFieldIDs || err != nil || bad != nil || start < 0 {
		refuse(w, http.StatusBadRequest, "Between 1 and 1000 issues and at most 10 fields can be asked for, with a page token from here.")
		return
	}
	rows, size := j.rows(of(r), asked), min(max(asked.Size, 1), maxHistory)
	answer := map[string]any{"issueChangeLogs": j.grouped(of(r), window(rows, start, size))}
	if start+size < len(rows) {
		answer["nextPageToken"] = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(start + size)))
	}
	reply(w, http.StatusOK, answer)
}

// rows collects the entries that are asked for. Issues that are not there are
// left out without a word.
func (j *Jira) rows(s *scope, asked histories) []row {
	var rows []row
	seen := map[int64]bool{}
	for _, id := range asked.IDs {
		i := j.see(s, id)
		if i == nil || seen[i.ID] {
			continue
		}
		seen[i.ID] = true
		for _, c := range i.Changes {
			if len(asked.Fields) == 0 || slices.ContainsFunc(c.Items, func(f ChangedField) bool { return slices.Contains(asked.Fields, f.id()) }) {
				rows = append(rows, row{i, c})
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(a.change.At.Compare(b.change.At), cmp.Compare(a.change.ID, b.change.ID))
	})
	return rows
}

// grouped puts the entries of a page together by issue.
func (j *Jira) grouped(s *scope, rows []row) []any {
	at, all := map[int64]int{}, []any{}
	for _, one := range rows {
		n, known := at[one.issue.ID]
		if !known {
			n, at[one.issue.ID] = len(all), len(all)
			all = append(all, map[string]any{"issueId": one.issue.id(), "changeHistories": []any{}})
		}
		group := all[n].(map[string]any)
		group["changeHistories"] = append(group["changeHistories"].([]any), j.shownChange(s, one.change))
	}
	return all
}

// id is the field that an entry is about.
func (f ChangedField) id() string { return cmp.Or(f.ID, f.Field) }

// shownHistory is the history as a part of the issue: on Cloud at most the newest 40
// entries, the newest first, at Data Center all, the oldest first.
func (j *Jira) shownHistory(s *scope, i *Issue) any {
	entries := slices.Clone(i.Changes)
	if !s.server {
		slices.Reverse(entries)
		entries = entries[:min(len(entries), 40)]
	}
	shown := []any{}
	for _, c := range entries {
		shown = append(shown, j.shownChange(s, c))
	}
	return map[string]any{"startAt": 0, "maxResults": len(shown), "total": len(i.Changes), "histories": shown}
}

// shownChange shows an entry of the changelog. What the writer said of itself
// in historyMetadata comes back word for word.
func (j *Jira) shownChange(s *scope, c Change) any {
	items := []any{}
	// The real site has ids in from and to where there are some; here both pairs are
	// the words, but for people.
	for _, f := range c.Items {
		kind := "jira"
		if f.ID != "" {
			kind = "custom"
		}
		item := map[string]any{"field": f.Field, "fieldtype": kind, "from": f.From, "fromString": f.From, "to": f.To, "toString": f.To}
		if f.Field == "assignee" {
			item["fromString"], item["toString"] = j.nameOf(f.From), j.nameOf(f.To)
		}
		if !s.server {
			item["fieldId"] = f.id()
		}
		items = append(items, item)
	}
	shown := map[string]any{"id": strconv.FormatInt(c.ID, 10), "created": when(c.At), "items": items}
	// An entry of an account that is gone has no author at all.
	if author := j.shownUser(s, c.Author); author != nil {
		shown["author"] = author
	}
	if c.History != nil {
		shown["historyMetadata"] = c.History
	}
	return shown
}
