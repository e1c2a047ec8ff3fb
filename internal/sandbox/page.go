package sandbox

import (
	"cmp"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The pages need neither script nor network: a demo may run offline. The
// templates escape what people wrote.
//
//go:embed pages
var files embed.FS

var (
	pages = template.Must(template.ParseFS(files, "pages/*.html"))
	style = template.CSS(must(files.ReadFile("pages/style.css")))
)

// must gives a file that was embedded when the program was built.
func must(text []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(text)
}

// card is an issue on a board.
type card struct {
	Key, Summary, Assignee, Category string
	Labels                           []string
}

// column is a status of a board with its issues, oldest first.
type column struct {
	Name  string
	Cards []card
}

// board is a project by status.
type board struct {
	Key, Name string
	Archived  bool
	Columns   []column
}

// showBoards shows every project as a board.
func (j *Jira) showBoards(w http.ResponseWriter, _ *http.Request) {
	j.mu.Lock()
	view := struct {
		Style  template.CSS
		Clock  string
		Count  int
		Boards []board
	}{Style: style, Clock: readable(j.now()), Count: len(j.live())}
	for p := range j.cfg.Projects {
		view.Boards = append(view.Boards, j.boardOf(&j.cfg.Projects[p]))
	}
	j.mu.Unlock()
	render(w, "boards.html", view)
}

// boardOf puts the issues of a project into the columns of its workflow.
func (j *Jira) boardOf(p *Project) board {
	b := board{Key: p.Key, Name: p.Name, Archived: p.Archived}
	at := map[string]int{}
	for n, s := range p.Workflow.Statuses {
		b.Columns, at[s.Name] = append(b.Columns, column{Name: s.Name}), n
	}
	for _, i := range j.live() {
		if i.Project != p.Key || i.Archived {
			continue
		}
		c := &b.Columns[at[i.Status]]
		c.Cards = append(c.Cards, card{i.Key, i.Summary, j.nameOf(i.Assignee), p.Workflow.status(i.Status).Category, i.Labels})
	}
	return b
}

// nameOf is how people call an account.
func (j *Jira) nameOf(accountID string) string {
	if u := j.user(accountID); u != nil {
		return u.Name
	}
	return ""
}

// readable is a time as people read it.
func readable(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") }

// render shows a page. Nothing else may come into it.
func render(w http.ResponseWriter, name string, view any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	_ = pages.ExecuteTemplate(w, name, view) // who hung up does not want it
}

// The parts of an issue's page.
type (
	option struct {
		ID, Name string
		Chosen   bool
	}
	fact   struct{ Name, Value string }
	remark struct {
		Who, At string
		Text    template.HTML
	}
	past struct {
		Who, At string
		Items   []ChangedField
	}
	link struct{ Word, Address, Title string }
)

// issueView is what an issue's page shows.
type issueView struct {
	Style template.CSS
	Issue
	Wrong, ProjectName, Category, LabelText string
	Text                                    template.HTML
	Facts                                   []fact
	Said                                    []remark
	History                                 []past
	Links                                   []link
	People, Owners                          []option
	Ways                                    []edge
	Closes                                  bool
	Resolutions                             []string
}

// browse shows an issue to people who follow its address. Moved ones are found
// by the keys that they had.
func (j *Jira) browse(w http.ResponseWriter, r *http.Request) { j.showPage(w, r, "") }

// showPage shows the page of an issue, with what went wrong above it.
func (j *Jira) showPage(w http.ResponseWriter, r *http.Request, wrong string) {
	j.mu.Lock()
	i := j.find(r.PathValue("key"))
	if i == nil {
		j.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	view := j.viewOf(i.clone(), player(r))
	j.mu.Unlock()
	view.Wrong = wrong
	render(w, "issue.html", view)
}

// viewOf gathers what the page of an issue shows.
func (j *Jira) viewOf(i *Issue, who string) issueView {
	p := j.project(i.Project)
	v := issueView{
		Style: style, Issue: *i, ProjectName: p.Name, Category: p.Workflow.status(i.Status).Category, LabelText: strings.Join(i.Labels, " "),
		Text: shownText(i.Description), Ways: p.Workflow.from(i.Status), Resolutions: p.Workflow.Resolutions, Facts: j.factsOf(i, p), Links: j.linksOf(i),
	}
	v.Closes = len(v.Resolutions) > 0 && slices.ContainsFunc(v.Ways, func(e edge) bool { return p.Workflow.closes(e.Transition) })
	for _, c := range i.Comments {
		v.Said = append(v.Said, remark{j.nameOf(c.Author), readable(c.Created), shownText(c.Body)})
	}
	for _, c := range slices.Backward(i.Changes) {
		v.History = append(v.History, past{j.nameOf(c.Author), readable(c.At), j.withNames(c.Items)})
	}
	for _, u := range j.cfg.Users {
		if u.Inactive {
			continue
		}
		v.People = append(v.People, option{u.AccountID, u.Name, u.AccountID == who})
		if u.assignableTo(p) {
			v.Owners = append(v.Owners, option{u.AccountID, u.Name, u.AccountID == i.Assignee})
		}
	}
	return v
}

// withNames puts names where the changelog has account ids.
func (j *Jira) withNames(items []ChangedField) []ChangedField {
	items = slices.Clone(items)
	for n := range items {
		i := &items[n]
		i.From, i.To = cmp.Or(j.nameOf(i.From), i.From), cmp.Or(j.nameOf(i.To), i.To)
	}
	return items
}

// factsOf lists what else is known of an issue.
func (j *Jira) factsOf(i *Issue, p *Project) []fact {
	facts := []fact{
		{"Type", i.Type},
		{"Priority", i.Priority},
		{"Assignee", cmp.Or(j.nameOf(i.Assignee), "nobody")},
		{"Reporter", j.nameOf(i.Reporter)},
		{"Components", strings.Join(i.Components, ", ")},
		{"Due", i.Due},
		{"Parent", j.keyOf(i.Parent)},
	}
	for f := range p.Fields {
		facts = append(facts, fact{p.Fields[f].Name, p.Fields[f].text(i.Custom[p.Fields[f].ID])})
	}
	facts = append(facts, fact{"Created", readable(i.Created)}, fact{"Updated", readable(i.Updated)}, fact{"Id", i.id()}, fact{"Old keys", strings.Join(i.OldKeys, ", ")})
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
}

// linksOf lists the links to other issues and to outside.
func (j *Jira) linksOf(i *Issue) []link {
	var all []link
	for _, l := range i.Links {
		if key := j.keyOf(l.Other); key != "" {
			all = append(all, link{l.word(), "/browse/" + key, key + " " + j.issues[l.Other].Summary})
		}
	}
	for _, l := range i.Remote {
		object := l.object()
		all = append(all, link{cmp.Or(l.Relationship, "links to"), object.URL, object.Title})
	}
	return all
}

// cookie keeps who plays from one page to the next.
const cookie = "player"

// player is who plays: as the form says, or as the last one did.
func player(r *http.Request) string {
	if who := r.PostFormValue("as"); who != "" {
		return who
	}
	c, err := r.Cookie(cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// play lets a person do something to an issue by the forms of its page.
func (j *Jira) play(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	who, key := r.PostFormValue("as"), r.PathValue("key")
	err := j.act(key, who, r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		j.showPage(w, r, err.Error())
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: who, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	// Seen again by GET: whoever reloads the page does nothing twice.
	http.Redirect(w, r, "/browse/"+key, http.StatusSeeOther)
}

// act does what the pressed button says.
func (j *Jira) act(key, who string, r *http.Request) error {
	j.mu.Lock()
	u := j.user(who)
	j.mu.Unlock()
	if u == nil {
		return errors.New("choose who you are")
	}
	do, id, _ := strings.Cut(r.PostFormValue("do"), " ")
	switch do {
	case "move":
		return j.moveAlong(key, id, r.PostFormValue("resolution"), who)
	case "assign":
		return j.Assign(key, r.PostFormValue("assignee"), who)
	case "comment":
		text := strings.TrimSpace(r.PostFormValue("comment"))
		if text == "" {
			return errors.New("a comment has some words")
		}
		return j.Comment(key, strings.ReplaceAll(text, "\r", ""), who)
	case "summary":
		text := strings.TrimSpace(r.PostFormValue("summary"))
		if text == "" || units(text) > maxSummary {
			return errors.New("a summary has between 1 and " + strconv.Itoa(maxSummary) + " characters")
		}
		return j.Edit(key, Edited{Summary: &text}, who)
	case "labels":
		return j.Edit(key, Edited{Labels: append([]string{}, strings.Fields(r.PostFormValue("labels"))...)}, who)
	}
	return errors.New("there is nothing called " + strconv.Quote(do) + " to do")
}
