package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// adminRoutes are the ways to play the site itself, without credentials. They
// and the pages are for this machine only.
func (j *Jira) adminRoutes(all *http.ServeMux) {
	for pattern, answer := range map[string]http.HandlerFunc{
		"GET /{$}":                  j.showBoards,
		"GET /browse/{key}":         j.browse,
		"POST /browse/{key}":        j.play,
		"GET /sandbox/state":        j.state,
		"GET /sandbox/faults":       j.adminFaults,
		"POST /sandbox/faults":      j.adminInject,
		"DELETE /sandbox/faults":    j.adminClear,
		"GET /sandbox/clock":        j.adminClock,
		"POST /sandbox/clock":       j.adminAdvance,
		"GET /sandbox/chaos":        j.adminDrawn,
		"POST /sandbox/chaos":       j.adminChaos,
		"GET /sandbox/calls":        j.adminCalls,
		"DELETE /sandbox/calls":     j.adminForget,
		"POST /sandbox/people":      j.adminPeople,
		"POST /sandbox/accounts":    j.adminAccounts,
		"POST /sandbox/permissions": j.adminPermissions,
		"POST /sandbox/authorize":   j.adminAuthorize,
		"POST /sandbox/deliver":     j.adminDeliver,
	} {
		all.Handle(pattern, local(answer))
	}
}

// local lets requests through that come from this machine and that no page from
// elsewhere has made a browser send.
func local(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A name that leads to this machine need not be its own: who can point one here
		// could otherwise read the answers in a browser.
		if !loopback(r.RemoteAddr) || !loopback(r.Host) {
			refuse(w, http.StatusForbidden, "The sandbox is played from this machine only.")
			return
		}
		site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
		foreign := site != "" && site != "same-origin" && site != "none" || origin != "" && origin != "http://"+r.Host
		if r.Method != http.MethodGet && foreign {
			refuse(w, http.StatusForbidden, "The request comes from another site's page.")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		next(w, r)
	})
}

// loopback reports whether an address, with or without a port, is this machine.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// state tells what the site is like now.
func (j *Jira) state(w http.ResponseWriter, _ *http.Request) {
	pending := j.PendingFaults()
	j.mu.Lock()
	defer j.mu.Unlock()
	projects, users := map[string]int{}, []any{}
	for _, p := range j.cfg.Projects {
		projects[p.Key] = 0
	}
	for _, i := range j.live() {
		projects[i.Project]++
	}
	for _, u := range j.cfg.Users {
		users = append(users, map[string]any{"account": u.AccountID, "name": u.Name, "email": u.Email, "username": u.login(), "active": !u.Inactive, "api": u.Token != ""})
	}
	reply(w, http.StatusOK, map[string]any{
		"clock": j.clock().Format(time.RFC3339), "skew": time.Duration(j.skew.Load()).String(), "issues": projects, "users": users,
		"faults": pending, "webhooks": len(j.hooks.all), "waiting": len(j.hooks.queue),
	})
}

// adminFaults lists the faults that there are and those that are to come.
func (j *Jira) adminFaults(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"faults": Faults(), "pending": j.PendingFaults()})
}

// injected is a fault as the admin endpoint takes it.
type injected struct {
	Fault       string  `json:"fault"`
	Method      string  `json:"method"`
	Path        string  `json:"path"`
	Times       int     `json:"times"`
	After       int     `json:"after"`
	Probability float64 `json:"probability"`
	For         string  `json:"for"`
	Issue       string  `json:"issue"`
	Value       string  `json:"value"`
	Status      int     `json:"status"`
	RetryAfter  *string `json:"retryAfter"`
	Reason      string  `json:"reason"`
	Now         bool    `json:"now"` // at once, to the issue, without a request
}

// fault puts together what the name says and what is asked beside it.
func (in injected) fault() (Fault, error) {
	f, err := NamedFault(in.Fault)
	if err != nil {
		return f, err
	}
	f.Method, f.Path, f.After, f.Probability, f.Issue = in.Method, in.Path, in.After, in.Probability, in.Issue
	if in.Times != 0 {
		f.Times = in.Times
	}
	if in.Value != "" {
		f.Value = in.Value
	}
	if in.Status != 0 {
		f.Status = in.Status
	}
	if in.RetryAfter != nil {
		f.RetryAfter = *in.RetryAfter
	}
	if in.Reason != "" {
		f.Reason = in.Reason
	}
	if in.For != "" {
		f.For, err = time.ParseDuration(in.For)
	}
	return f, err
}

// adminInject adds a fault, or lets it happen now.
func (j *Jira) adminInject(w http.ResponseWriter, r *http.Request) {
	var in injected
	if !told(w, r, &in) {
		return
	}
	f, err := in.fault()
	if err == nil && in.Now {
		err = j.Befall(f)
	} else if err == nil {
		j.Inject(f)
	}
	j.answer(w, err)
}

// Befall lets a fault that befalls an issue happen to f.Issue at once, as if a
// request of the API's account had met it.
func (j *Jira) Befall(f Fault) error {
	if f.Kind < PersonEdits || f.Kind >= HookTwice {
		return fmt.Errorf("%s needs a request to befall", f.nameOf())
	}
	s := &scope{account: j.self}
	i := j.victim(s, &f)
	if i == nil {
		return fmt.Errorf("there is no issue %q", f.Issue)
	}
	return j.happen(s, &f, i)
}

// adminClear forgets the faults that are to come, and ends chaos.
func (j *Jira) adminClear(w http.ResponseWriter, _ *http.Request) {
	j.ClearFaults()
	j.answer(w, nil)
}

// adminClock tells the time.
func (j *Jira) adminClock(w http.ResponseWriter, _ *http.Request) { j.answer(w, nil) }

// adminAdvance moves the clock on, or sets it wrong.
func (j *Jira) adminAdvance(w http.ResponseWriter, r *http.Request) {
	var in struct{ Advance, Skew string }
	if !told(w, r, &in) {
		return
	}
	for text, act := range map[string]func(time.Duration){in.Advance: j.Advance, in.Skew: j.Skew} {
		if text == "" {
			continue
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			j.answer(w, err)
			return
		}
		act(d)
	}
	j.answer(w, nil)
}

// adminChaos begins chaos, or ends it with an intensity of 0.
func (j *Jira) adminChaos(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Seed      uint64
		Intensity float64
	}
	if told(w, r, &in) {
		j.Chaos(in.Seed, in.Intensity)
		j.answer(w, nil)
	}
}

// adminDrawn lists what chaos has drawn: with the seed, enough to have it again.
func (j *Jira) adminDrawn(w http.ResponseWriter, _ *http.Request) {
	drawn := j.Drawn()
	if drawn == nil {
		drawn = []Drawn{}
	}
	reply(w, http.StatusOK, drawn)
}

// adminCalls tells how many calls there were.
func (j *Jira) adminCalls(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, j.Calls())
}

// adminForget begins counting calls anew.
func (j *Jira) adminForget(w http.ResponseWriter, _ *http.Request) {
	j.ForgetCalls()
	j.answer(w, nil)
}

// deed is what a person is to do.
type deed struct {
	Issue, Do, As                string
	Status, Resolution, Assignee string
	Text, Summary, Project       string
	Priority, Due                string
	Document                     json.RawMessage
	Labels, Add, Remove          []string
}

// adminPeople lets a person do something.
func (j *Jira) adminPeople(w http.ResponseWriter, r *http.Request) {
	var d deed
	if told(w, r, &d) {
		j.answer(w, j.perform(d))
	}
}

// perform lets a person do something.
func (j *Jira) perform(d deed) error {
	switch d.Do {
	case "transition":
		return j.Transition(d.Issue, d.Status, d.Resolution, d.As)
	case "assign":
		return j.Assign(d.Issue, d.Assignee, d.As)
	case "comment":
		return j.Comment(d.Issue, d.Text, d.As)
	case "edit":
		return j.Edit(d.Issue, d.edited(), d.As)
	case "file":
		_, err := j.File(d.Project, d.Summary, d.Text, d.As)
		return err
	case "move":
		return j.Move(d.Issue, d.Project, d.As)
	case "archive":
		return j.Archive(d.Issue)
	case "delete":
		return j.Delete(d.Issue)
	}
	return fmt.Errorf("a person can file, transition, assign, comment, edit, move, archive or delete, not %q", d.Do)
}

// edited is what a person edits; what is not said stays.
func (d *deed) edited() Edited {
	e := Edited{Labels: d.Labels, Add: d.Add, Remove: d.Remove, Document: d.Document}
	for text, field := range map[*string]**string{&d.Summary: &e.Summary, &d.Text: &e.Description, &d.Priority: &e.Priority, &d.Due: &e.Due} {
		if *text != "" {
			*field = text
		}
	}
	return e
}

// adminAccounts lets accounts in or shuts them out, and revokes tokens.
func (j *Jira) adminAccounts(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Account string
		Active  *bool
		Revoke  bool
	}
	if !told(w, r, &in) {
		return
	}
	if in.Active != nil {
		j.SetActive(in.Account, *in.Active)
	}
	if in.Revoke {
		j.Revoke(in.Account)
	}
	j.answer(w, nil)
}

// adminPermissions takes permissions away and gives them back.
func (j *Jira) adminPermissions(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Project, Account string
		Deny, Allow      []string
	}
	if !told(w, r, &in) {
		return
	}
	for _, name := range slices.Concat(in.Deny, in.Allow) {
		if !slices.Contains(everyPermission, name) {
			j.answer(w, fmt.Errorf("there is no permission %q", name))
			return
		}
	}
	j.Deny(in.Project, in.Account, in.Deny...)
	j.Allow(in.Project, in.Account, in.Allow...)
	j.answer(w, nil)
}

// adminAuthorize gives an app its first tokens, which a person would consent to in the browser.
func (j *Jira) adminAuthorize(w http.ResponseWriter, r *http.Request) {
	var in struct{ App, Account string }
	if !told(w, r, &in) {
		return
	}
	tokens, err := j.Authorize(in.App, in.Account)
	if err != nil {
		j.answer(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]string{"access_token": tokens.Access, "refresh_token": tokens.Refresh, "cloud_id": j.cloudID()})
}

// adminDeliver sends the webhooks that are due, without waiting for whoever does.
func (j *Jira) adminDeliver(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, map[string]int{"tries": j.Deliver(r.Context())})
}

// told reads a request; a word that nothing here knows refuses it.
func told(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

// answer says that all went well, and what time it is; or what went wrong.
func (j *Jira) answer(w http.ResponseWriter, err error) {
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"clock": j.clock().Format(time.RFC3339Nano)})
}
