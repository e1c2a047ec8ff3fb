package sandbox

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"
)

// User is an account of the site.
type User struct {
	AccountID, Email, Name string
	HideEmail              bool // the profile shows the e-mail to nobody
	Inactive               bool
	// Username is the name at Data Center; "" is the account id, which is also the
	// user's key there.
	Username string
	// TimeZone is an IANA name, in which searches read dates; "" is Etc/UTC.
	TimeZone string
	// Token lets the account use the API: beside the e-mail on Cloud, as a personal
	// access token at Data Center. An account without one cannot.
	Token string
}

// login is the account's name at Data Center.
func (u *User) login() string { return cmp.Or(u.Username, u.AccountID) }

// zone is where the account lives; New has refused unknown ones.
func (u *User) zone() *time.Location {
	zone, err := time.LoadLocation(cmp.Or(u.TimeZone, "Etc/UTC"))
	if err != nil { // the machine lost its table
		return time.UTC
	}
	return zone
}

// user finds an account; nil if there is none.
func (j *Jira) user(accountID string) *User {
	for i := range j.cfg.Users {
		if j.cfg.Users[i].AccountID == accountID {
			return &j.cfg.Users[i]
		}
	}
	return nil
}

// called finds an account by its name at Data Center; nil if there is none.
func (j *Jira) called(name string) *User {
	i := slices.IndexFunc(j.cfg.Users, func(u User) bool { return u.login() == name })
	if i < 0 {
		return nil
	}
	return &j.cfg.Users[i]
}

// same compares a secret without telling by its time how much of it was right.
func same(a, b string) bool { return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// identify finds whose credentials a request brings.
func (j *Jira) identify(r *http.Request, s *scope) *User {
	bearer, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	email, token, _ := r.BasicAuth()
	for i := range j.cfg.Users {
		u := &j.cfg.Users[i]
		// The case of an e-mail does not matter to Jira, that of a token does. Data Center
		// from 11.0 on has basic authentication off by default.
		basic := !s.server && !isBearer && strings.EqualFold(email, u.Email) && same(token, u.Token)
		if basic || s.server && isBearer && same(bearer, u.Token) {
			return u
		}
	}
	return nil
}

// known lets requests through that bring the right credentials.
func (j *Jira) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := of(r)
		j.mu.Lock()
		u := j.identify(r, s)
		if s.grant != nil { // the access token was looked at already
			u = j.user(s.grant.account)
		}
		ok := u != nil && !u.Inactive
		if ok {
			s.account = u.AccountID
		}
		j.mu.Unlock()
		if !ok {
			// Jira marks a failed login with it, also where it goes on as with a stranger.
			w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
			refuse(w, http.StatusUnauthorized, "Client must be authenticated to access this resource.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Revoke takes an account's token away: what it asks from now on is answered
// with 401. Access tokens of apps are revoked with their grants.
func (j *Jira) Revoke(accountID string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if u := j.user(accountID); u != nil {
		u.Token = ""
	}
}

// GiveToken gives an account a token, in the place of the one that it had.
func (j *Jira) GiveToken(accountID, token string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if u := j.user(accountID); u != nil {
		u.Token = token
	}
}

// SetActive lets an account in or shuts it out. An inactive one can neither use
// the API nor be assigned anything; what it has stays its own.
func (j *Jira) SetActive(accountID string, active bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if u := j.user(accountID); u != nil {
		u.Inactive = !active
	}
}

// The permissions that the sandbox asks for, with Jira's keys. What they allow
// is in Atlassian's document of the API, under each operation.
const (
	Browse     = "BROWSE_PROJECTS"
	Create     = "CREATE_ISSUES"
	EditIssues = "EDIT_ISSUES"
	Move       = "TRANSITION_ISSUES"
	AssignTo   = "ASSIGN_ISSUES"
	Assignable = "ASSIGNABLE_USER"
	Say        = "ADD_COMMENTS"
	LinkIssues = "LINK_ISSUES"
	SeeUsers   = "USER_PICKER" // global
)

// everyPermission has Jira's permissions as far as they mean something here.
var everyPermission = []string{Browse, Create, EditIssues, Move, AssignTo, Assignable, Say, LinkIssues, SeeUsers}

// Deny takes permissions from an account on a project, or from everybody if
// accountID is "".
func (j *Jira) Deny(project, accountID string, permissions ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.project(project); p != nil {
		p.Denied[accountID] = append(p.Denied[accountID], permissions...)
	}
}

// Allow gives back what Deny has taken.
func (j *Jira) Allow(project, accountID string, permissions ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.project(project); p != nil {
		p.Denied[accountID] = slices.DeleteFunc(p.Denied[accountID], func(d string) bool { return slices.Contains(permissions, d) })
	}
}

// may reports whether an account has a permission on the project.
func (p *Project) may(account, permission string) bool {
	return !slices.Contains(p.Denied[account], permission) && !slices.Contains(p.Denied[""], permission)
}

// assignableTo reports whether an account can be given issues of a project.
func (u *User) assignableTo(p *Project) bool { return !u.Inactive && p.may(u.AccountID, Assignable) }
