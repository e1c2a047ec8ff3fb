package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// ownerTTL is how long a look-up of an owner is believed.
const ownerTTL = 30 * time.Minute

// owner is the account of an owner; without an id, note says why there is none.
type owner struct{ id, note string }

// owner finds the account of an owner who can be assigned in a project. An
// owner whom Jira does not know is no error: the ticket goes out unassigned.
func (c *Client) owner(ctx context.Context, project, name string) (owner, error) {
	// Who is mapped needs no look-up; whether the account can be assigned is for Check.
	if id := c.cfg.Users[name]; id != "" {
		return owner{id: id}, nil
	}
	k := project + "\x00" + name // who can be assigned differs by project
	if found, ok := c.owners.get(k, c.cfg.Now()); ok {
		return found, nil
	}
	found, err := c.lookUp(ctx, project, name)
	var e *tracker.Error
	if errors.As(err, &e) && (e.Kind == tracker.Missing || e.Kind == tracker.Rejected || e.Kind == tracker.Forbidden) {
		// A person must set something right; until then tickets are worth more
		// than their assignees. Not kept, so that the repair shows at once.
		return owner{note: fmt.Sprintf("the owner %q cannot be looked up: %s", name, e.Message)}, nil
	}
	if err != nil {
		return owner{}, err
	}
	// That nobody was found is kept too, or fifty tickets would ask fifty times.
	c.owners.put(k, found, c.cfg.Now().Add(ownerTTL))
	return found, nil
}

// lookUp asks for an owner in the ways that the edition has: on Cloud by words,
// then as an account id, as an issue shows of a hidden profile.
func (c *Client) lookUp(ctx context.Context, project, name string) (owner, error) {
	for i, by := range c.edition.users.find {
		if i > 0 && strings.ContainsAny(name, "@ ") { // no id has these
			break
		}
		users, err := c.assignable(ctx, project, by, name)
		if err != nil {
			return owner{}, err
		}
		if one := c.pick(users, name); one != nil {
			return owner{id: c.edition.users.id(one)}, nil
		}
		if len(users) > 0 {
			break
		}
	}
	return owner{note: fmt.Sprintf("no single account for the owner %q can be assigned in project %s", name, project)}, nil
}

// assignable asks who can be assigned in a project, which needs no permission
// to browse users and leaves out those who cannot.
func (c *Client) assignable(ctx context.Context, project, by, value string) ([]user, error) {
	var users []user
	// More than 50 would not make the answer any clearer: one is wanted.
	query := url.Values{"project": {project}, by: {value}, "maxResults": {"50"}}
	err := c.do(ctx, call{method: http.MethodGet, path: c.path("user/assignable/search"), query: query, reads: true}, &users)
	return users, err
}

// pick chooses the one user who is meant: by e-mail, by whole name, by id, or as
// the only answer to a whole e-mail that a profile hides. Jira itself matches
// prefixes, and half a name must not decide who gets a ticket.
func (c *Client) pick(users []user, name string) *user {
	var match *user
	for i := range users {
		u := &users[i]
		hidden := len(users) == 1 && u.Email == "" && strings.Contains(name, "@")
		same := strings.EqualFold(u.Email, name) || strings.EqualFold(u.Name, name) || c.edition.users.id(u) == name
		if u.Active != nil && !*u.Active || !same && !hidden {
			continue
		}
		// Two of the same name: better nobody than the wrong one.
		if match != nil {
			return nil
		}
		match = u
	}
	return match
}
