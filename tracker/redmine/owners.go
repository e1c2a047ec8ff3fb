package redmine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/tracker"
)

// maxPeople is how many members of a project are looked at one by one. Only an
// administrator's account can ask for a person by e-mail.
const maxPeople = 300

// person is an account. Its e-mail is empty where the person hides it, as Redmine has
// new accounts do, and the account that asks is no administrator's.
type person struct {
	ID    int    `json:"id"`
	Login string `json:"login"`
	First string `json:"firstname"`
	Last  string `json:"lastname"`
	Mail  string `json:"mail"`
}

// is reports whether a person is called so: by e-mail, login, number or whole name.
func (p person) is(name string) bool {
	return strings.EqualFold(p.Mail, name) || strings.EqualFold(p.Login, name) || strconv.Itoa(p.ID) == name ||
		strings.EqualFold(strings.TrimSpace(p.First+" "+p.Last), name)
}

// person reads an account; without a login where it is hidden or a group's.
func (c *Client) person(ctx context.Context, id int) (person, error) {
	return recall(ctx, c, "person/"+strconv.Itoa(id), func(ctx context.Context) (person, error) {
		var answer struct {
			User person `json:"user"`
		}
		_, err := c.do(ctx, get("/users/"+strconv.Itoa(id)+".json", nil), &answer)
		if refusedToShow(err) {
			return person{ID: id}, nil
		}
		return answer.User, err
	})
}

// ownerName is how an assignee is called in rules: as it is mapped, else by e-mail, else
// by login, else by name, as a group is.
func (c *Client) ownerName(ctx context.Context, assignee *ref) (string, error) {
	if assignee == nil {
		return "", nil
	}
	p, err := c.person(ctx, assignee.ID)
	if err != nil {
		return "", err
	}
	for _, owner := range slices.Sorted(maps.Keys(c.cfg.Users)) {
		if account := c.cfg.Users[owner]; account != "" && (p.is(account) || strings.EqualFold(assignee.Name, account)) {
			return owner, nil
		}
	}
	return cmp.Or(p.Mail, p.Login, assignee.Name, strconv.Itoa(assignee.ID)), nil
}

// members are the people and groups of a project, to whom its issues can be assigned if
// their roles allow it, which the first write tells.
func (c *Client) members(ctx context.Context, p *project) ([]ref, []ref, error) {
	type both struct{ people, groups []ref }
	m, err := recall(ctx, c, "members/"+p.Identifier, func(ctx context.Context) (m both, err error) {
		for offset := 0; offset < pageSize*maxPages; offset += pageSize {
			var page struct {
				Memberships []struct {
					User  *ref `json:"user"`
					Group *ref `json:"group"`
				} `json:"memberships"`
				Total int `json:"total_count"`
			}
			query := url.Values{"limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)}}
			if _, err := c.do(ctx, get("/projects/"+strconv.Itoa(p.ID)+"/memberships.json", query), &page); err != nil {
				return m, err
			}
			for _, one := range page.Memberships {
				if one.User != nil {
					m.people = append(m.people, *one.User)
				}
				if one.Group != nil {
					m.groups = append(m.groups, *one.Group)
				}
			}
			if len(page.Memberships) == 0 || offset+pageSize >= page.Total {
				break
			}
		}
		return m, nil
	})
	return m.people, m.groups, err
}

// owner finds the number of an owner in a project; 0 with a note where there is not
// exactly one. An owner whom Redmine does not know is no error.
func (c *Client) owner(ctx context.Context, p *project, name string) (id int, note string, err error) {
	sought := cmp.Or(c.cfg.Users[name], name)
	people, groups, err := c.members(ctx, p)
	if refusedToShow(err) {
		return 0, fmt.Sprintf("the owner %q cannot be looked up in project %s: %v", name, p.Identifier, err), nil
	}
	if err != nil {
		return 0, "", err
	}
	// Names are there without another question.
	if id, several := only(slices.Concat(people, groups), sought); id > 0 || several {
		return id, c.nobody(name, p, id), nil
	}
	if id, err = c.ask(ctx, people, sought); err != nil || id > 0 {
		return id, "", err
	}
	return 0, c.nobody(name, p, 0), nil
}

func (c *Client) nobody(name string, p *project, id int) string {
	if id > 0 {
		return ""
	}
	return fmt.Sprintf("no single member of project %s is known as %q; name the account under users", p.Identifier, name)
}

// only is the one that has a name or number. Two of the same name: better nobody than
// the wrong one.
func only(all []ref, name string) (id int, several bool) {
	for _, one := range all {
		if !strings.EqualFold(one.Name, name) && strconv.Itoa(one.ID) != name {
			continue
		}
		if id > 0 && id != one.ID {
			return 0, true
		}
		id = one.ID
	}
	return id, false
}

// ask looks for a member by login or e-mail, both of which are unique.
func (c *Client) ask(ctx context.Context, people []ref, name string) (int, error) {
	candidates, err := c.candidates(ctx, people, name)
	for _, one := range candidates {
		p, err := c.person(ctx, one.ID)
		if err != nil {
			return 0, err
		}
		if p.is(name) {
			return one.ID, nil
		}
	}
	return 0, err
}

// candidates narrows members to those whom Redmine's search for a name gives, if this
// account may search.
func (c *Client) candidates(ctx context.Context, people []ref, name string) ([]ref, error) {
	// That it may not is known of all names at once: each new ticket has an owner.
	barred, err := recall(ctx, c, "users", func(ctx context.Context) (bool, error) {
		_, err := c.search(ctx, name)
		if tracker.KindOf(err) == tracker.Forbidden {
			return true, nil
		}
		return false, err
	})
	if err != nil || barred {
		return people[:min(len(people), maxPeople)], err
	}
	found, err := c.search(ctx, name)
	return slices.DeleteFunc(slices.Clone(people), func(one ref) bool {
		return !slices.ContainsFunc(found, func(p person) bool { return p.ID == one.ID })
	}), err
}

// search asks for people by a part of a name, as administrators may.
func (c *Client) search(ctx context.Context, name string) ([]person, error) {
	return recall(ctx, c, "users/"+name, func(ctx context.Context) ([]person, error) {
		var answer struct {
			Users []person `json:"users"`
		}
		_, err := c.do(ctx, get("/users.json", url.Values{"name": {name}, "limit": {strconv.Itoa(pageSize)}}), &answer)
		return answer.Users, err
	})
}
