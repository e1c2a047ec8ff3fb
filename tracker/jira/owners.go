package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/trimtab/trimtab/tracker"
)

// ownerTTL is how long a look-up of an owner is believed.
const ownerTTL = 30 * time.Minute

// ownerKey is an owner in a project: who can be assigned differs by project.
type ownerKey struct{ project, name string }

// owner is the account of an owner; without an id, note says why there is none.
type owner struct {
	id, note string
	until    time.Time
}

// owners remembers look-ups: a batch of fifty tickets has a handful of owners.
type owners struct {
	mu    sync.Mutex
	known map[ownerKey]owner
}

func (o *owners) get(k ownerKey, now time.Time) (owner, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, ok := o.known[k]
	return found, ok && now.Before(found.until)
}

func (o *owners) put(k ownerKey, found owner) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[k] = found
}

// owner finds the account of an owner who can be assigned in a project. An
// owner whom Jira does not know is no error: the ticket goes out unassigned.
func (c *Client) owner(ctx context.Context, project, name string) (owner, error) {
	k := ownerKey{project, name}
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
	found.until = c.cfg.Now().Add(ownerTTL)
	c.owners.put(k, found)
	return found, nil
}

// lookUp asks for an owner by words, then as an account id.
func (c *Client) lookUp(ctx context.Context, project, name string) (owner, error) {
	users, err := c.assignable(ctx, project, "query", name)
	if err != nil {
		return owner{}, err
	}
	if one := pick(users, name); one != nil {
		return owner{id: one.AccountID}, nil
	}
	if len(users) == 0 && !strings.ContainsAny(name, "@ ") { // perhaps an account id, as an issue shows of a hidden profile
		if users, err = c.assignable(ctx, project, "accountId", name); err != nil {
			return owner{}, err
		}
		if len(users) == 1 && users[0].AccountID == name {
			return owner{id: name}, nil
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
	err := c.do(ctx, call{method: http.MethodGet, path: "/rest/api/3/user/assignable/search", query: query, reads: true}, &users)
	return users, err
}

// pick chooses the one user who is meant: by e-mail, by whole name, or as the
// only answer to a whole e-mail that a profile hides. Jira itself matches
// prefixes, and half a name must not decide who gets a ticket.
func pick(users []user, name string) *user {
	var match *user
	for i := range users {
		u := &users[i]
		hidden := len(users) == 1 && u.Email == "" && strings.Contains(name, "@")
		if u.Active != nil && !*u.Active || !strings.EqualFold(u.Email, name) && !strings.EqualFold(u.Name, name) && !hidden {
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
