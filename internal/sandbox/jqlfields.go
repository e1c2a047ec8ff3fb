package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// operators lists what the sandbox has for each field. The real search has
// more; what nobody asks for here was never tried.
var operators = map[string]string{
	"labels": "list empty", "project": "list", "status": "list", "issuetype": "list", "assignee": "list empty", "reporter": "list", "creator": "list",
	"resolution": "list empty", "key": "list", "id": "list", "updated": "time", "created": "time", "statuscategory": "list", "text": "text",
}

// aliases are other names of fields.
var aliases = map[string]string{"issue": "key", "issuekey": "key", "type": "issuetype", "updateddate": "updated", "createddate": "created"}

// fieldName takes the name of a field.
func (p *jqlParser) fieldName() (string, error) {
	if !p.end() && !p.words[p.at].quoted {
		name := strings.ToLower(p.words[p.at].text)
		if other, ok := aliases[name]; ok {
			name = other
		}
		if operators[name] != "" {
			p.at++
			return name, nil
		}
	}
	return "", p.wrong("one of the fields that the sandbox searches by")
}

// condition reads a field, an operator that the field has, and the value.
func (p *jqlParser) condition() (condition, error) {
	field, err := p.fieldName()
	if err != nil {
		return condition{}, err
	}
	c := condition{field: field, op: "="}
	kinds := operators[field]
	switch kinds {
	case "time":
		return p.moment(c)
	case "text":
		return p.phrase(c)
	}
	switch {
	case p.accept("="), p.accept("!="):
		c.not = p.words[p.at-1].text == "!="
		value, err := p.value()
		c.values = []string{value}
		return c, err
	case p.accept("in"):
		return p.set(c)
	case p.accept("not"):
		c.not = true
		if p.accept("in") {
			return p.set(c)
		}
	case strings.Contains(kinds, "empty") && p.accept("is"):
		c.not, c.empty = p.accept("not"), true
		if p.accept("empty") || p.accept("null") {
			return c, nil
		}
	}
	return c, p.wrong("an operator that the sandbox has for " + field)
}

// moment reads a comparison with a time. Words of time are kept for bind, which
// knows whose zone they are in.
func (p *jqlParser) moment(c condition) (condition, error) {
	for _, op := range []string{">=", "<=", ">", "<"} {
		if !p.accept(op) {
			continue
		}
		text, err := p.value()
		if err != nil {
			return c, err
		}
		c.op = op
		if c.millis, err = strconv.ParseInt(text, 10, 64); err == nil {
			return c, nil
		}
		if _, ok := readMoment(text, time.Time{}); !ok {
			return c, refusedJQL("Date value '%s' for field '%s' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d'.", text, c.field)
		}
		c.values = []string{text}
		return c, nil
	}
	return c, p.wrong("an operator that the sandbox has for " + c.field)
}

// readMoment reads words of time: a date, a date with minutes and no more, or a
// period from now, which brings the zone along.
func readMoment(text string, now time.Time) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04", "2006/01/02 15:04", "2006-01-02", "2006/01/02"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, true
		}
	}
	if text == "" {
		return time.Time{}, false
	}
	unit := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
	n, err := strconv.Atoi(text[:len(text)-1])
	return now.Add(time.Duration(n) * unit), err == nil && unit != 0
}

// bind puts into a search what depends on who asks and on the site: the account
// itself, its time zone, and whether what is named is there. Jira refuses the
// whole search for one name that is not.
func (j *Jira) bind(s *scope, all []condition, strict bool) error {
	for n := range all {
		if err := j.bindOne(s, &all[n], strict); err != nil {
			return err
		}
	}
	return nil
}

func (j *Jira) bindOne(s *scope, c *condition, strict bool) error {
	switch {
	case len(c.any) > 0:
		return j.bind(s, c.any, strict)
	case operators[c.field] == "time" && len(c.values) > 0:
		now := j.now()
		if u := j.user(s.account); u != nil {
			now = now.In(u.zone())
		}
		t, _ := readMoment(c.values[0], now) // the parser has tried it
		c.millis = t.UnixMilli()
		return nil
	case c.field == "statuscategory":
		c.have = j.categoryOf
	}
	for v, value := range c.values {
		if value == currentUser {
			c.values[v] = s.account
		} else if u := j.called(value); s.server && u != nil && slices.Contains(people, c.field) {
			c.values[v] = u.AccountID
		}
		if why := j.unknownTo(s, c.field, value); why != "" && strict {
			return jqlError(why)
		}
		if p := j.projectNamed(s, value); c.field == "project" && p != nil {
			c.values[v] = p.Key
		}
	}
	return nil
}

// categoryOf is the category of an issue's status, by the words that a search may use.
func (j *Jira) categoryOf(i *Issue) []string {
	status := j.project(i.Project).Workflow.status(i.Status)
	if status == nil { // a late index may know one that is gone
		return nil
	}
	known := categories[status.Category]
	return []string{status.Category, fmt.Sprint(known["name"]), fmt.Sprint(known["id"])}
}

// people are the fields that hold accounts.
var people = []string{"assignee", "reporter", "creator"}

// unknownTo says why a value of a field does not exist for who asks; "" if it
// does or need not.
func (j *Jira) unknownTo(s *scope, field, value string) string {
	switch field {
	case "project":
		if j.projectNamed(s, value) == nil {
			return fmt.Sprintf("The value '%s' does not exist for the field 'project'.", value)
		}
	case "key":
		if j.see(s, value) == nil {
			return fmt.Sprintf("An issue with key '%s' does not exist for field 'key'.", value)
		}
	case "id":
		if j.see(s, value) == nil {
			return fmt.Sprintf("A value with ID '%s' does not exist for the field 'id'.", value)
		}
	}
	return ""
}

// projectNamed finds a project by its key, name or id; nil if there is none
// that the account may see.
func (j *Jira) projectNamed(s *scope, value string) *Project {
	i := slices.IndexFunc(j.cfg.Projects, func(p Project) bool {
		return (strings.EqualFold(p.Key, value) || strings.EqualFold(p.Name, value) || number("project", p.Key) == value) && p.may(s.account, Browse)
	})
	if i < 0 {
		return nil
	}
	return &j.cfg.Projects[i]
}

// currentUser is the one function that the sandbox has.
const currentUser = "currentUser()"

// fits reports whether an issue meets every condition.
func (q *query) fits(i *Issue) bool {
	return !slices.ContainsFunc(q.conditions, func(c condition) bool { return !c.fits(i) })
}

func (c condition) fits(i *Issue) bool {
	switch c.field {
	case "updated":
		return c.compare(i.Updated)
	case "created":
		return c.compare(i.Created)
	case "text":
		return i.says(c.phrase)
	case "":
		return slices.ContainsFunc(c.any, func(one condition) bool { return one.fits(i) })
	}
	have := i.values(c.field)
	if c.have != nil {
		have = c.have(i)
	}
	if c.empty {
		return (len(have) == 0) != c.not
	}
	// What has no value is not unequal either: Jira leaves it out of both.
	if len(have) == 0 {
		return false
	}
	return c.not != slices.ContainsFunc(have, func(h string) bool {
		return slices.ContainsFunc(c.values, func(v string) bool { return h == v || c.field != "labels" && strings.EqualFold(h, v) })
	})
}

// compare goes by milliseconds. The moment itself counts in for >=: a client
// that asks from the last one that it saw gets that issue again and must bear it.
func (c condition) compare(t time.Time) bool {
	switch ms := t.UnixMilli(); c.op {
	case ">=":
		return ms >= c.millis
	case ">":
		return ms > c.millis
	case "<=":
		return ms <= c.millis
	default:
		return ms < c.millis
	}
}

// values are what an issue has for a field of a search; none if it is empty.
func (i *Issue) values(field string) []string {
	switch field {
	case "labels":
		return i.Labels
	case "project":
		return []string{i.Project, number("project", i.Project)}
	case "key":
		return append([]string{i.Key, i.id()}, i.OldKeys...)
	case "id":
		return []string{i.id(), i.Key}
	}
	value := map[string]string{
		"status": i.Status, "issuetype": i.Type, "assignee": i.Assignee, "reporter": i.Reporter, "creator": i.Reporter, "resolution": i.Resolution,
	}[field]
	if value == "" {
		return nil
	}
	return []string{value}
}
