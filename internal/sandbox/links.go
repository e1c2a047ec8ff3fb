package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// linkType is a kind of link and its words for either direction.
type linkType struct{ name, inward, outward string }

// linkTypes are those of a new site.
var linkTypes = []linkType{
	{"Blocks", "is blocked by", "blocks"},
	{"Cloners", "is cloned by", "clones"},
	{"Duplicate", "is duplicated by", "duplicates"},
	{"Relates", "relates to", "relates to"},
}

// shown shows a kind of link with its words.
func (t linkType) shown(s *scope) map[string]any {
	id := number("issueLinkType", t.name)
	return map[string]any{"self": s.self("issueLinkType", id), "id": id, "name": t.name, "inward": t.inward, "outward": t.outward}
}

// listLinkTypes lists the kinds of links.
func (j *Jira) listLinkTypes(w http.ResponseWriter, r *http.Request) {
	all := []any{}
	for _, t := range linkTypes {
		all = append(all, t.shown(of(r)))
	}
	reply(w, http.StatusOK, map[string]any{"issueLinkTypes": all})
}

// linkAsked is a link as a request asks for it. Between the two names goes the
// outward word: the inward issue blocks the outward one.
type linkAsked struct {
	Type    struct{ Name, ID string }
	Inward  struct{ ID, Key string } `json:"inwardIssue"`
	Outward struct{ ID, Key string } `json:"outwardIssue"`
}

// typeOf finds the link type that is asked for; nil if there is none.
func (a linkAsked) typeOf() *linkType {
	for i := range linkTypes {
		if t := &linkTypes[i]; t.name == a.Type.Name || a.Type.Name == "" && number("issueLinkType", t.name) == a.Type.ID {
			return t
		}
	}
	return nil
}

// linkIssues links two issues. The answer says nothing, not even the link's id.
func (j *Jira) linkIssues(w http.ResponseWriter, r *http.Request) {
	var asked linkAsked
	if !ask(w, r, &asked) {
		return
	}
	s := of(r)
	inward, outward, kind := j.see(s, asked.Inward.ID+asked.Inward.Key), j.see(s, asked.Outward.ID+asked.Outward.Key), asked.typeOf()
	switch {
	case kind == nil:
		refuse(w, http.StatusNotFound, "No issue link type with name '"+asked.Type.Name+"' found.")
		return
	case inward == nil || outward == nil || !j.project(inward.Project).may(s.account, LinkIssues):
		refuse(w, http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
		return
	case inward == outward:
		refuse(w, http.StatusBadRequest, "You cannot link an issue to itself.")
		return
	}
	from, to := inward.clone(), outward.clone()
	if j.link(s.account, kind, from, to) && !j.store(w, from, to) {
		return
	}
	// The document promises JSON; Data Center says nothing at all.
	if !s.server {
		reply(w, http.StatusCreated, map[string]any{})
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// link joins two issues and notes it in both histories; false means that they
// are joined like this already, which Jira takes without a word.
func (j *Jira) link(author string, kind *linkType, from, to *Issue) bool {
	if slices.ContainsFunc(from.Links, func(l Link) bool { return l.Type == kind.name && l.Other == to.ID && l.Outward }) {
		return false
	}
	id := j.nextID()
	from.Links = append(from.Links, Link{ID: id, Type: kind.name, Other: to.ID, Outward: true})
	to.Links = append(to.Links, Link{ID: id, Type: kind.name, Other: from.ID})
	for _, end := range []struct {
		issue *Issue
		word  string
	}{{from, "This issue " + kind.outward + " " + to.Key}, {to, "This issue " + kind.inward + " " + from.Key}} {
		c := Change{Author: author}
		c.note("Link", "", end.word)
		j.record(end.issue, c)
	}
	return true
}

// addLinks links the issue to others in the same request as other changes.
func (e *edit) addLinks(verbs []verb) {
	for _, v := range verbs {
		var asked linkAsked
		raw, ok := v["add"]
		if !ok || json.Unmarshal(raw, &asked) != nil || asked.typeOf() == nil {
			e.field("issuelinks", "Only adding a link of a known type is supported here.")
			continue
		}
		other := e.j.see(e.s, asked.Outward.ID+asked.Outward.Key+asked.Inward.ID+asked.Inward.Key)
		if other == nil || other.ID == e.issue.ID {
			e.field("issuelinks", "Issue does not exist or you do not have permission to see it.")
			continue
		}
		other = e.other(other)
		if asked.Outward.ID+asked.Outward.Key != "" {
			e.j.link(e.s.account, asked.typeOf(), e.issue, other)
		} else {
			e.j.link(e.s.account, asked.typeOf(), other, e.issue)
		}
	}
}

// other gives the copy of another issue that this request changes, one for
// all of its links.
func (e *edit) other(i *Issue) *Issue {
	for _, o := range e.others {
		if o.ID == i.ID {
			return o
		}
	}
	e.others = append(e.others, i.clone())
	return e.others[len(e.others)-1]
}

// shownLinks shows the links of an issue to issues that still exist.
func (j *Jira) shownLinks(s *scope, i *Issue) []any {
	all := []any{}
	for _, l := range i.Links {
		other, at := j.issues[l.Other], slices.IndexFunc(linkTypes, func(t linkType) bool { return t.name == l.Type })
		if other == nil || other.Deleted || at < 0 || !j.project(other.Project).may(s.account, Browse) {
			continue
		}
		end := "inwardIssue"
		if l.Outward {
			end = "outwardIssue"
		}
		id := strconv.FormatInt(l.ID, 10)
		all = append(all, map[string]any{"id": id, "self": s.self("issueLink", id), "type": linkTypes[at].shown(s), end: j.shownLinked(s, other)})
	}
	return all
}

// shownLinked is an issue as another one mentions it.
func (j *Jira) shownLinked(s *scope, i *Issue) map[string]any {
	p := j.project(i.Project)
	return map[string]any{"id": i.id(), "key": i.Key, "self": s.self("issue", i.id()), "fields": map[string]any{
		"summary": i.Summary, "status": j.shownStatus(s, &p.Workflow, i.Status), "issuetype": j.shownType(s, i.Type),
		"priority": shownNamed(s, "priority", i.Priority),
	}}
}

// remoteObject is where a remote link leads.
type remoteObject struct{ URL, Title string }

func (l RemoteLink) object() (o remoteObject) {
	_ = json.Unmarshal(l.Object, &o) // what is wrong is empty
	return o
}

// word is the link's word from this end.
func (l Link) word() string {
	for _, t := range linkTypes {
		if t.name == l.Type && l.Outward {
			return t.outward
		} else if t.name == l.Type {
			return t.inward
		}
	}
	return l.Type
}

// addRemoteLink makes a link to something outside, or replaces the one with
// the same globalId: a caller can repeat itself without harm.
func (j *Jira) addRemoteLink(w http.ResponseWriter, r *http.Request, i *Issue) {
	var given RemoteLink
	if !ask(w, r, &given) {
		return
	}
	object := given.object()
	s := of(r)
	switch {
	case object.URL == "" || object.Title == "":
		refuse(w, http.StatusBadRequest, "A remote link needs an object with a url and a title.")
		return
	case !j.project(i.Project).may(s.account, LinkIssues):
		refuse(w, http.StatusForbidden, "No Link Issue Permission for issue '"+i.Key+"'")
		return
	}
	given.Object, given.Application = compact(given.Object), compact(given.Application)
	at := slices.IndexFunc(i.Remote, func(l RemoteLink) bool { return l.GlobalID != "" && l.GlobalID == given.GlobalID })
	status := http.StatusOK
	if at < 0 {
		given.ID, status, at = j.nextID(), http.StatusCreated, len(i.Remote)
		i.Remote = append(i.Remote, given)
		c := Change{Author: s.account}
		c.note("RemoteIssueLink", "", "This issue links to \""+object.Title+"\"")
		j.record(i, c)
	} else {
		given.ID = i.Remote[at].ID
	}
	i.Remote[at] = given
	if j.store(w, i) {
		reply(w, status, map[string]any{"id": given.ID, "self": s.self("issue", i.id(), "remotelink", strconv.FormatInt(given.ID, 10))})
	}
}

// listRemoteLinks lists the links to outside; with a globalId that one alone,
// not in a list.
func (j *Jira) listRemoteLinks(w http.ResponseWriter, r *http.Request, i *Issue) {
	wanted, all := r.URL.Query().Get("globalId"), []any{}
	for _, l := range i.Remote {
		shown := map[string]any{"id": l.ID, "self": of(r).self("issue", i.id(), "remotelink", strconv.FormatInt(l.ID, 10)), "object": l.Object}
		for name, value := range map[string]string{"globalId": l.GlobalID, "relationship": l.Relationship} {
			if value != "" {
				shown[name] = value
			}
		}
		if l.Application != nil {
			shown["application"] = l.Application
		}
		if wanted != "" && l.GlobalID == wanted {
			reply(w, http.StatusOK, shown)
			return
		}
		all = append(all, shown)
	}
	if wanted != "" {
		refuse(w, http.StatusNotFound, "No remote issue link with the global id '"+wanted+"' exists for the issue.")
		return
	}
	reply(w, http.StatusOK, all)
}

// showProperty shows a property of an issue.
func (j *Jira) showProperty(w http.ResponseWriter, r *http.Request, i *Issue) {
	key := r.PathValue("key")
	value, ok := i.Properties[key]
	if !ok {
		refuse(w, http.StatusNotFound, "The property "+key+" does not exist.")
		return
	}
	reply(w, http.StatusOK, prop{Key: key, Value: value})
}

// setProperty stores a property: 201 if it is new, 200 if it was there. It
// stands in no changelog and does not move the issue on.
func (j *Jira) setProperty(w http.ResponseWriter, r *http.Request, i *Issue) {
	var value json.RawMessage
	if !ask(w, r, &value) {
		return
	}
	p, key := &problems{}, r.PathValue("key")
	old, status := i.Properties[key], http.StatusCreated
	p.setProperties(&i.Properties, []prop{{Key: key, Value: value}})
	switch {
	case !j.project(i.Project).may(of(r).account, EditIssues):
		refuse(w, http.StatusForbidden, "You do not have permission to edit this issue.")
		return
	case p.any():
		reply(w, http.StatusBadRequest, p.shown())
		return
	case old != nil:
		status = http.StatusOK
	}
	if bytes.Equal(old, i.Properties[key]) || j.store(w, i) {
		reply(w, status, map[string]any{})
	}
}

// deleteProperty removes a property.
func (j *Jira) deleteProperty(w http.ResponseWriter, r *http.Request, i *Issue) {
	key := r.PathValue("key")
	if i.Properties[key] == nil || !j.project(i.Project).may(of(r).account, EditIssues) {
		refuse(w, http.StatusNotFound, "The property "+key+" does not exist.")
		return
	}
	delete(i.Properties, key)
	if j.store(w, i) {
		w.WriteHeader(http.StatusNoContent)
	}
}
