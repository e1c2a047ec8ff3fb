package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// App is an OAuth 2.0 app of the site's users.
type App struct{ ID, Secret string }

// Tokens are what an app holds of a grant. The access token is good for an hour
// of the site's clock, the refresh token for one use.
type Tokens struct{ Access, Refresh string }

// accessLife is how long Atlassian's access tokens live.
const accessLife = time.Hour

// defaultCloudID names the site below /ex/jira/.
const defaultCloudID = "5a2d0b0e-0000-4000-8000-000000000001"

// grant is what an account has allowed an app.
type grant struct {
	app, account string
	access       string
	expires      time.Time
	refresh      string
	revoked      bool
}

// oauth is what the site knows of grants. Access and refresh tokens stay in the
// table when they are used up: an old refresh token must be recognised.
type oauth struct {
	tokens map[string]*grant
	count  int
}

// Authorize lets an app act for an account, as after the consent of a person
// in the browser. It is an error if there is no such app or account.
func (j *Jira) Authorize(app, accountID string) (Tokens, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.app(app) == nil || j.user(accountID) == nil {
		return Tokens{}, fmt.Errorf("there is no app %q or no account %q", app, accountID)
	}
	return j.renew(&grant{app: app, account: accountID}), nil
}

// app finds an app; nil if there is none.
func (j *Jira) app(id string) *App {
	for i := range j.cfg.Apps {
		if j.cfg.Apps[i].ID == id {
			return &j.cfg.Apps[i]
		}
	}
	return nil
}

// renew gives a grant its next pair of tokens.
func (j *Jira) renew(g *grant) Tokens {
	// The old access token ends with its hour, not with the refresh.
	j.oauth.count++
	g.access, g.refresh = fmt.Sprintf("access-%d-%s", j.oauth.count, g.account), fmt.Sprintf("refresh-%d-%s", j.oauth.count, g.account)
	g.expires = j.clock().Add(accessLife)
	j.oauth.tokens[g.access], j.oauth.tokens[g.refresh] = g, g
	return Tokens{Access: g.access, Refresh: g.refresh}
}

// ExpireAccess ends every access token now, as its hour would.
func (j *Jira) ExpireAccess() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, g := range j.oauth.tokens {
		g.expires = j.clock()
	}
}

// RevokeGrants takes back all that an account has allowed an app.
func (j *Jira) RevokeGrants(app, accountID string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, g := range j.oauth.tokens {
		if g.app == app && g.account == accountID {
			g.revoked = true
		}
	}
}

// token is the OAuth server's one endpoint: it trades a refresh token for the
// next pair of tokens. A refresh token that comes a second time was stolen or
// raced for; either way nobody can tell who holds the right one, and the whole
// grant ends.
func (j *Jira) token(w http.ResponseWriter, r *http.Request) {
	asked := readGrant(r)
	j.mu.Lock()
	defer j.mu.Unlock()
	app, g := j.app(asked.Client), j.oauth.tokens[asked.Refresh]
	switch {
	case asked.Type != "refresh_token":
		refuseGrant(w, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant type")
	case app == nil || !same(asked.Secret, app.Secret):
		refuseGrant(w, http.StatusUnauthorized, "access_denied", "Unauthorized")
	case g == nil || g.app != app.ID || g.revoked || g.refresh != asked.Refresh:
		if g != nil && g.access != asked.Refresh {
			g.revoked = true
		}
		refuseGrant(w, http.StatusForbidden, "unauthorized_client", "refresh_token is invalid")
	default:
		next := j.renew(g)
		reply(w, http.StatusOK, map[string]any{
			"access_token": next.Access, "refresh_token": next.Refresh, "expires_in": int(accessLife.Seconds()), "token_type": "Bearer",
			"scope": "read:jira-work write:jira-work read:jira-user offline_access",
		})
	}
}

// grantAsked is a request for tokens, as JSON or as a form.
type grantAsked struct {
	Type    string `json:"grant_type"`
	Client  string `json:"client_id"`
	Secret  string `json:"client_secret"`
	Refresh string `json:"refresh_token"`
}

// readGrant reads a request for tokens, in either form that Atlassian takes.
func readGrant(r *http.Request) (asked grantAsked) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		_ = json.NewDecoder(r.Body).Decode(&asked) // what is wrong is empty, and refused
		return asked
	}
	return grantAsked{r.PostFormValue("grant_type"), r.PostFormValue("client_id"), r.PostFormValue("client_secret"), r.PostFormValue("refresh_token")}
}

// refuseGrant answers in the shape of OAuth, not of Jira.
func refuseGrant(w http.ResponseWriter, status int, code, why string) {
	reply(w, status, map[string]string{"error": code, "error_description": why})
}

// resources lists the one site that an access token leads to.
func (j *Jira) resources(w http.ResponseWriter, r *http.Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.granted(r) == nil {
		refuse(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	reply(w, http.StatusOK, []any{map[string]any{
		"id": j.cloudID(), "url": "http://" + r.Host, "name": "sandbox", "scopes": []string{"read:jira-work", "write:jira-work"}, "avatarUrl": "",
	}})
}

// cloudID is the name of the site below /ex/jira/.
func (j *Jira) cloudID() string { return cmp.Or(j.cfg.CloudID, defaultCloudID) }

// granted finds the grant of a request's access token; nil if it has none that
// is still good.
func (j *Jira) granted(r *http.Request) *grant {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g := j.oauth.tokens[token]
	// A refresh token is no access token, and of the access tokens only the latest
	// has a time of its own here.
	if !ok || g == nil || g.access != token || g.revoked || !j.clock().Before(g.expires) {
		return nil
	}
	return g
}

// gateway serves the API of Cloud below /ex/jira/{cloudId}, where apps and
// service accounts have to call it.
func (j *Jira) gateway(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix := "/ex/jira/" + j.cloudID()
		if !strings.HasPrefix(r.URL.Path, prefix+cloudAPI+"/") {
			refuse(w, http.StatusNotFound, "No site with this id.")
			return
		}
		s := of(r)
		s.base = "http://" + r.Host + prefix + cloudAPI
		j.mu.Lock()
		s.grant = j.granted(r)
		j.mu.Unlock()
		http.StripPrefix(prefix, api).ServeHTTP(w, r)
	})
}
