package deploy

import (
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/strictyaml"
)

func (r *reader) trackers(n strictyaml.Node) {
	var names []string
	for _, item := range n.Items() {
		f := item.Fields(trackerMapping.Names()...)
		t := Tracker{Name: name(f.Need("name"), names, "trackers"), Node: item}
		names = append(names, t.Name)
		t.Kind = kindOf(f.Need("kind"), words(trackerMapping, "kind"), nil)
		only(f, trackerMapping, t.Kind)
		t.Interval = orDuration(f.Get("interval"), 0)
		switch t.Kind {
		case "jira", "jira-dc":
			r.remote(f, &t)
			t.CloudID, t.Webhook = r.text(f.Get("cloud_id")), r.webhook(f.Get("webhook"), t.Auth)
		case "redmine":
			r.remote(f, &t)
			r.redmine(f, &t)
		}
		r.d.Trackers = append(r.d.Trackers, t)
	}
}

// redmine reads what only a Redmine has. Its account is a key alone.
func (r *reader) redmine(f strictyaml.Fields, t *Tracker) {
	t.Marker, t.Origin, t.Backlink = f.Get("marker").Text(), f.Get("origin").Text(), f.Get("backlink").Text()
	t.Markup = "textile"
	if n := f.Get("markup"); !n.IsZero() {
		t.Markup = n.OneOf(words(trackerMapping, "markup")...)
	}
	if t.Auth.Email+t.Auth.ClientID != "" {
		f.Get("auth").Errorf("an account on Redmine is known by its key alone").WithHint("auth: {token: '${REDMINE_KEY}'}")
	}
}

// remote reads what every tracker has that is reached over the net.
func (r *reader) remote(f strictyaml.Fields, t *Tracker) {
	t.URL, t.Auth = strings.TrimRight(r.text(f.Need("url")), "/"), r.auth(f.Need("auth"))
	t.Settle = orDuration(f.Get("settle"), 5*time.Minute)
	t.Users = map[string]string{}
	for _, e := range f.Get("users").Entries() {
		t.Users[e.Key.Text()] = e.Value.Text()
	}
}

// webhook reads how webhooks come. Only an app can register one.
func (r *reader) webhook(n strictyaml.Node, a Auth) (w Webhook) {
	if n.IsZero() {
		return w
	}
	f := n.Fields(webhookMapping.Names()...)
	switch {
	case f.Has("secret") == f.Has("url"):
		n.Errorf("a webhook has exactly one of secret and url")
	case f.Has("secret"):
		w.Secret = r.secret(f.Need("secret"))
	default:
		if w.URL = r.text(f.Need("url")); a.ClientID == "" {
			f.Key("url").Errorf("only an OAuth app registers webhooks").WithHint("let an administrator set one up, and give its secret here")
		}
	}
	return w
}

// auth reads an account. By which keys it is known decides what else it needs.
func (r *reader) auth(n strictyaml.Node) (a Auth) {
	f := n.Fields(authMapping.Names()...)
	if f.Has("token") == f.Has("client_id") {
		n.Errorf("an auth has exactly one of token and client_id").WithHint("auth: {email: '${JIRA_EMAIL}', token: '${JIRA_TOKEN}'}")
		return a
	}
	if f.Has("token") {
		misplaced(f, "token", "client_secret", "service")
		a.Email, a.Token = r.text(f.Get("email")), r.secret(f.Need("token"))
		return a
	}
	misplaced(f, "client_id", "email")
	a.ClientID, a.ClientSecret = r.text(f.Get("client_id")), r.secret(f.Need("client_secret"))
	a.Service = !f.Get("service").IsZero() && f.Get("service").Bool()
	return a
}

// misplaced refuses keys that have no meaning beside another.
func misplaced(f strictyaml.Fields, beside string, keys ...string) {
	for _, key := range keys {
		if f.Has(key) {
			f.Key(key).Errorf("%q has no meaning beside %s", key, beside)
		}
	}
}

// secret reads a text that should not stand in the file.
func (r *reader) secret(n strictyaml.Node) string {
	if s := n.Text(); s != "" && !strings.Contains(s, "${") {
		n.Warnf("a secret stands here in clear").WithHint("write ${NAME} and set it in the environment, or ${file:/path}")
	}
	return r.text(n)
}

func (r *reader) boards(n strictyaml.Node) {
	for _, item := range n.Items() {
		f := item.Fields(boardMapping.Names()...)
		if f.Has("project") == f.Has("from") {
			item.Errorf("a board has exactly one of project and from")
			continue
		}
		b := r.board(f, item)
		if f.Has("from") {
			misplaced(f, "from", "name")
			r.teams(f.Get("from"), b)
			continue
		}
		b.Name = name(f.Need("name"), r.boardNames(), "boards")
		b.Project = f.Get("project").Text()
		r.d.Boards = append(r.d.Boards, b)
	}
}

func (r *reader) boardNames() (names []string) {
	for _, b := range r.d.Boards {
		names = append(names, b.Name)
	}
	return names
}

// board reads what a board has besides its name and its project.
func (r *reader) board(f strictyaml.Fields, item strictyaml.Node) Board {
	b := Board{
		Tracker: r.trackerOf(f.Need("tracker")), Type: orText(f.Get("type").Text(), "Task"), Labels: f.Get("labels").Texts(),
		CannotTell: !f.Get("cannot_tell").IsZero() && f.Get("cannot_tell").Bool(), Components: f.Get("components").Texts(),
		Parent: f.Get("parent").Text(), Due: orDuration(f.Get("due"), 0), Fields: plain(f.Get("fields")), Screens: plain(f.Get("screens")),
		Open: count(f.Get("open"), 0), Lead: r.text(f.Get("lead")), Status: map[string]string{}, Node: item,
	}
	r.labels(f.Get("labels"))
	r.status(f.Get("status"), b.Status)
	if kind := f.Get("tickets"); !kind.IsZero() {
		b.Checklist = kind.OneOf(words(boardMapping, "tickets")...) == "checklist"
	}
	for _, span := range f.Get("freeze").Items() {
		b.Freeze = append(b.Freeze, readSpan(span))
	}
	if t := f.Get("template"); !t.IsZero() {
		b.Template = r.d.Resolve(r.text(t))
	}
	return b
}

// plain reads free keys with values of any kind.
func plain(n strictyaml.Node) map[string]any {
	if n.IsZero() {
		return nil
	}
	values := map[string]any{}
	for _, e := range n.Entries() {
		values[e.Key.Text()] = e.Value.Plain()
	}
	return values
}

// readSpan reads a day, or two with a slash between.
func readSpan(n strictyaml.Node) (s Span) {
	from, to, two := strings.Cut(n.Text(), "/")
	if !two {
		to = from
	}
	var fromErr, toErr error
	s.From, fromErr = time.Parse(time.DateOnly, from)
	s.To, toErr = time.Parse(time.DateOnly, to)
	switch {
	case n.Text() == "": // said already, if it is no text
	case fromErr != nil || toErr != nil:
		n.Errorf("%q is no day and no span of days", n.Text()).WithHint("write 2026-12-24, or 2026-12-20/2027-01-03")
	case s.To.Before(s.From):
		n.Errorf("%s ends before it begins", n.Text())
	}
	return s
}

// labels refuses spaces, which Jira refuses too, but only when a ticket is filed.
func (r *reader) labels(n strictyaml.Node) {
	for _, l := range n.Items() {
		if strings.ContainsAny(l.Text(), " \t") {
			l.Errorf("a label has no spaces: %q", l.Text())
		}
	}
}

// status reads which of the board's words stand for a canonical status.
func (r *reader) status(n strictyaml.Node, into map[string]string) {
	f := n.Fields(statusMapping.Names()...)
	for _, key := range f.Names() {
		into[key] = f.Get(key).Text()
	}
}

// trackerOf reads a reference to a tracker of this file.
func (r *reader) trackerOf(n strictyaml.Node) string {
	var known []string
	for _, t := range r.d.Trackers {
		known = append(known, t.Name)
	}
	s := n.Text()
	if s != "" && !slices.Contains(known, s) {
		d := n.Errorf("there is no tracker %q", s).Suggest(s, known)
		if d.Nearest == "" {
			d.WithHint("add it under `trackers:`, or use {name: %s, kind: board} for a board in the state itself", s)
		}
	}
	return s
}
