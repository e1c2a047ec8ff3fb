package jira

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// Check implements [tracker.Tracker]: the token, each project, its permissions,
// its issue types, what a new issue must and can have, and the status mapping.
func (c *Client) Check(ctx context.Context, samples []tracker.Draft) ([]tracker.Problem, error) {
	k := call{method: http.MethodGet, path: "/rest/api/3/myself", reads: true}
	if err := c.do(ctx, k, nil); tracker.KindOf(err) == tracker.Unauthorized {
		return []tracker.Problem{{
			Fatal: true, Message: "Jira refuses the e-mail and token: " + err.Error(),
			Next: "make a new token at https://id.atlassian.com/manage-profile/security/api-tokens",
		}}, nil
	} else if err != nil {
		return nil, err
	}
	var problems []tracker.Problem
	seen := map[string]bool{}
	for _, sample := range samples {
		t := sample.Target
		// Boards of one project share its answers: each project is asked once, each
		// issue type by itself.
		ch := &checker{client: c, target: t}
		if !seen[t.Project] {
			if err := ch.project(ctx); err != nil {
				return nil, err
			}
		}
		seen[t.Project] = true
		// Without the project everything below would only fail again.
		if !ch.fatal() {
			if err := ch.kind(ctx); err != nil {
				return nil, err
			}
		}
		problems = append(problems, ch.problems...)
	}
	return problems, nil
}

// checker gathers the problems of one target.
type checker struct {
	client   *Client
	target   tracker.Target
	problems []tracker.Problem
}

// note adds a problem; a fatal one means that no ticket could be filed there.
func (ch *checker) note(fatal bool, message, next string) {
	ch.problems = append(ch.problems, tracker.Problem{Target: ch.target, Fatal: fatal, Message: message, Next: next})
}

func (ch *checker) fatal() bool {
	return slices.ContainsFunc(ch.problems, func(p tracker.Problem) bool { return p.Fatal })
}

// get asks for something; missing says that Jira does not show it.
func (ch *checker) get(ctx context.Context, path string, query url.Values, out any) (missing bool, err error) {
	err = ch.client.do(ctx, call{method: http.MethodGet, path: path, query: query, reads: true}, out)
	// These tell something about the target. All other failures tell about the
	// connection, and end the check instead of blaming a board.
	switch tracker.KindOf(err) {
	case tracker.Missing, tracker.Forbidden, tracker.Rejected:
		return true, nil
	}
	return false, err
}

// project checks what all issue types of a project share.
func (ch *checker) project(ctx context.Context) error {
	var project struct {
		Archived bool `json:"archived"`
	}
	key := ch.target.Project
	missing, err := ch.get(ctx, "/rest/api/3/project/"+url.PathEscape(key), nil, &project)
	switch {
	case err != nil:
		return err
	case missing:
		ch.note(true, fmt.Sprintf("there is no project %q that this account can see", key), "check the key, and that "+ch.client.cfg.Email+" may browse the project")
		return nil
	case project.Archived:
		ch.note(true, fmt.Sprintf("the project %s is archived", key), "restore it or route to another board")
		return nil
	}
	return errors.Join(ch.permissions(ctx), ch.mapping(ctx))
}

// wanted are the permissions that the client uses; the first two it cannot do
// without.
var wanted = []string{"BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS", "ASSIGN_ISSUES"}

// permissions asks Jira what the account may do, which is better than finding
// out by the first ticket of a Monday.
func (ch *checker) permissions(ctx context.Context) error {
	var mine struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	query := url.Values{"projectKey": {ch.target.Project}, "permissions": {strings.Join(wanted, ",")}}
	missing, err := ch.get(ctx, "/rest/api/3/mypermissions", query, &mine)
	if err != nil || missing {
		return err
	}
	for i, name := range wanted {
		if !mine.Permissions[name].Have {
			ch.note(i < 2, fmt.Sprintf("the account lacks the permission %s in project %s", name, ch.target.Project), "grant it in the project's permission scheme")
		}
	}
	return nil
}

// mapping looks for mapped statuses that the project does not have.
func (ch *checker) mapping(ctx context.Context) error {
	mapped := ch.client.cfg.Status[ch.target.Project]
	if len(mapped) == 0 {
		return nil
	}
	var kinds []struct {
		Statuses []named `json:"statuses"`
	}
	missing, err := ch.get(ctx, "/rest/api/3/project/"+url.PathEscape(ch.target.Project)+"/statuses", nil, &kinds)
	if err != nil || missing {
		return err
	}
	// Each issue type may have a workflow of its own; one that has the status is
	// enough. Jira does not mind the case of names.
	names := map[string]string{}
	for _, kind := range kinds {
		for _, s := range kind.Statuses {
			names[strings.ToLower(s.Name)] = s.Name
		}
	}
	// Sorted, so that two checks of one site read the same.
	for _, canonical := range slices.Sorted(maps.Keys(mapped)) {
		name := ch.client.goal(ch.target.Project, tracker.Status(canonical)).name
		if names[strings.ToLower(name)] == "" {
			ch.note(false, fmt.Sprintf("project %s has no status %q, to which %s is mapped", ch.target.Project, name, canonical),
				"its statuses are "+strings.Join(slices.Sorted(maps.Values(names)), ", "))
		}
	}
	return nil
}

// kind checks the issue type and what a new issue of it needs.
func (ch *checker) kind(ctx context.Context) error {
	var page struct {
		Types []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"issueTypes"`
	}
	path := "/rest/api/3/issue/createmeta/" + url.PathEscape(ch.target.Project) + "/issuetypes"
	// What cannot be seen leaves the list empty, and is noted below.
	if _, err := ch.get(ctx, path, url.Values{"maxResults": {"200"}}, &page); err != nil {
		return err
	}
	names := make([]string, len(page.Types))
	for i, t := range page.Types {
		names[i] = t.Name
		if strings.EqualFold(t.Name, typeOf(ch.target)) {
			return ch.fields(ctx, path+"/"+url.PathEscape(t.ID))
		}
	}
	ch.note(true, fmt.Sprintf("project %s has no issue type %q that this account can create", ch.target.Project, typeOf(ch.target)),
		"its types are: "+strings.Join(names, ", "))
	return nil
}

// typeOf is the issue type of a target; boards that name none want the one
// that every project has.
func typeOf(t tracker.Target) string {
	if t.Type == "" {
		return "Task"
	}
	return t.Type
}

// ours are the fields that the client sets on a new issue.
var ours = []string{"project", "issuetype", "summary", "description", "labels", "assignee", "priority"}

// fields reads the create screen of an issue type: what it demands that we do
// not set, and what we set that it lacks.
func (ch *checker) fields(ctx context.Context, path string) error {
	var page struct {
		Fields []struct {
			ID         string `json:"fieldId"`
			Name       string `json:"name"`
			Required   bool   `json:"required"`
			HasDefault bool   `json:"hasDefaultValue"`
		} `json:"fields"`
	}
	missing, err := ch.get(ctx, path, url.Values{"maxResults": {"200"}}, &page)
	if err != nil || missing || len(page.Fields) == 0 {
		return err
	}
	present := map[string]bool{}
	for _, f := range page.Fields {
		present[f.ID] = true
		// Jira sets the reporter from the account of the token.
		settable := slices.Contains(ours, f.ID) || f.ID == "reporter"
		if f.Required && !f.HasDefault && !settable {
			ch.note(true, fmt.Sprintf("a new %s in project %s needs the field %q, which Trimtab does not set", typeOf(ch.target), ch.target.Project, f.Name),
				"give the field a default or make it optional")
		}
	}
	for _, name := range ours[2:5] { // without them a ticket cannot be found again or says nothing
		if !present[name] {
			ch.note(true, fmt.Sprintf("the field %s is not on the screen where a %s of project %s is created", name, typeOf(ch.target), ch.target.Project),
				"add it to the project's create screen")
		}
	}
	return nil
}
