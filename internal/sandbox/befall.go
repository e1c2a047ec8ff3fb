package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

// befall lets a request be answered, and something happen to an issue or the
// site before the caller has the answer.
func (j *Jira) befall(w http.ResponseWriter, r *http.Request, f *Fault, next http.Handler) {
	answer := &recorder{header: http.Header{}, code: http.StatusOK}
	next.ServeHTTP(answer, r)
	s := of(r)
	if i := j.victim(s, f); i != nil && answer.code < http.StatusMultipleChoices {
		// What cannot happen does not: an issue that is alone has no parent to go to.
		_ = j.happen(s, f, i)
	}
	answer.send(w)
}

// victim chooses the issue that a fault befalls; nil if there is none.
func (j *Jira) victim(s *scope, f *Fault) *Issue {
	j.mu.Lock()
	defer j.mu.Unlock()
	if f.Issue != "" {
		return j.find(f.Issue)
	}
	if len(s.touched) == 0 {
		return nil
	}
	j.faults.mu.Lock()
	defer j.faults.mu.Unlock()
	return j.issues[s.touched[j.faults.draws.IntN(len(s.touched))]]
}

// somebody is a person other than the account of the API, if there is one.
func (j *Jira) somebody(s *scope) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, u := range j.cfg.Users {
		if u.AccountID != s.account && !u.Inactive {
			return u.AccountID
		}
	}
	return s.account
}

// happen does to an issue what a fault says. It calls what people and
// administrators call.
func (j *Jira) happen(s *scope, f *Fault, i *Issue) error {
	who := j.somebody(s)
	switch f.Kind {
	case PersonEdits:
		if f.Act != nil {
			return f.Act(j, i.Key)
		}
		text := edited(i.Summary)
		return j.Edit(i.Key, Edited{Summary: &text}, who)
	case SameSecond:
		return j.unnoticed(i.Key, who)
	case Bump:
		return j.touchUp(i.Key)
	case MoveAway:
		return j.Move(i.Key, cmp.Or(f.Value, j.otherProject(i.Project)), who)
	case DeleteIssue:
		return j.Delete(i.Key)
	case ArchiveIssue:
		return j.Archive(i.Key)
	case ConvertIssue:
		return j.Convert(i.Key, j.otherIssue(i), who)
	case StripLabels:
		left := slices.DeleteFunc(slices.Clone(i.Labels), func(l string) bool { return strings.HasPrefix(l, f.Value) })
		return j.Edit(i.Key, Edited{Labels: append([]string{}, left...)}, who)
	case StripProperty:
		return j.stripProperties(i, f.Value)
	case AutoComment:
		return j.Comment(i.Key, "A rule has seen this change.", who)
	case AutoRevert:
		return j.answerBack(i.Key, who)
	}
	return j.administer(s, f, i)
}

// administer does to the site what a fault says.
func (j *Jira) administer(s *scope, f *Fault, i *Issue) error {
	switch f.Kind {
	case HideProject:
		j.Deny(i.Project, s.account, Browse)
	case ReadOnly:
		j.Deny(i.Project, s.account, EditIssues)
	case ProjectArchived:
		j.ArchiveProject(i.Project, true)
	case FieldOffCreate:
		j.HideField(i.Project, cmp.Or(f.Value, "labels"), onCreate)
	case FieldOffEdit:
		j.HideField(i.Project, cmp.Or(f.Value, "labels"), onEdit)
	case OptionGone:
		j.removeOptions(i.Project, f.Value)
	case UserGone:
		j.SetActive(cmp.Or(f.Value, i.Assignee), false)
	case TokenRevoked:
		j.Revoke(s.account)
		if s.grant != nil {
			j.RevokeGrants(s.grant.app, s.account)
		}
	case TokensExpired:
		j.ExpireAccess()
	case NewWorkflow, NoTransition, NeedsMore:
		return j.SetWorkflow(i.Project, j.changed(f, i.Project))
	}
	return nil
}

// changed is the workflow of a project after a fault.
func (j *Jira) changed(f *Fault, project string) Workflow {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.project(project).Workflow
	w.Transitions = slices.Clone(w.Transitions)
	switch f.Kind {
	case NewWorkflow:
		return w.rework()
	case NoTransition:
		w.Transitions = slices.DeleteFunc(w.Transitions, func(t Transition) bool { return t.To == f.Value || f.Value == "" && w.closes(t) })
	default:
		for n := range w.Transitions {
			t := &w.Transitions[n]
			if f.Value == "" {
				t.NeedsResolution = w.closes(*t)
			} else {
				t.Required = append(slices.Clone(t.Required), f.Value)
			}
		}
	}
	return w
}

// otherProject is a project that an issue can go to; "" if there is none.
func (j *Jira) otherProject(key string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range j.cfg.Projects {
		if p.Key != key {
			return p.Key
		}
	}
	return ""
}

// otherIssue is an issue of the same project, to be a parent; "" if there is none.
func (j *Jira) otherIssue(i *Issue) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, o := range j.live() {
		if o.ID != i.ID && o.Project == i.Project {
			return o.Key
		}
	}
	return ""
}

// stripProperties removes one property of an issue, or all.
func (j *Jira) stripProperties(i *Issue, key string) error {
	for name := range i.Properties {
		if key == "" || name == key {
			if err := j.DropProperty(i.Key, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeOptions takes an option from every field of a project that has some.
func (j *Jira) removeOptions(project, option string) {
	j.mu.Lock()
	fields := slices.Clone(j.project(project).Fields)
	j.mu.Unlock()
	for _, f := range fields {
		if len(f.Options) > 0 {
			j.RemoveOption(project, f.ID, cmp.Or(option, f.Options[0]))
		}
	}
}

// chosenElement is which element of a bulk creation a fault befalls.
func (f *Fault) chosenElement(n int) int {
	switch f.Value {
	case "first":
		return 0
	case "last":
		return n - 1
	}
	return n / 2
}

// pageToken is the page that a search asks for; "" is the first.
func pageToken(r *http.Request) string {
	if r.Method == http.MethodGet {
		return r.URL.Query().Get("nextPageToken")
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var q question
	if err != nil || json.Unmarshal(body, &q) != nil {
		return ""
	}
	return q.Token
}
