package jira

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/trimtab/trimtab/tracker/jira/markup"
)

// Edition is the kind of a Jira site.
type Edition string

// The editions.
const (
	Cloud      Edition = "cloud"      // REST v3
	DataCenter Edition = "datacenter" // REST v2; 8.4 and later
)

// edition is all that differs between the two, in one place.
type edition struct {
	api   string // the root of all paths
	text  format
	users userWords
	// fetch reads up to pageSize issues past the search index, those that are gone
	// left out.
	fetch func(c *Client, ctx context.Context, ids []string) ([]issue, error)
	// search reads all issues of a query, each once; latest reads the first of one.
	search func(c *Client, ctx context.Context, jql string) ([]issue, error)
	latest func(c *Client, ctx context.Context, jql string) ([]issue, error)
	// probe reads the issues of a project with numbers after a known one, past the
	// index, until all that is sought is found.
	probe func(c *Client, ctx context.Context, p *probing) error
	// credentials says where a person gets new ones.
	credentials string
}

// editions are those that there are.
var editions = map[Edition]*edition{
	Cloud: {
		api: "/rest/api/3", text: documents, users: userWords{id: func(u *user) string { return u.AccountID }, ref: "accountId", find: []string{"query", "accountId"}},
		fetch: (*Client).bulkFetch, search: (*Client).searchByToken, latest: (*Client).latestByToken, probe: (*Client).probeInBulk,
		credentials: "make a new token at https://id.atlassian.com/manage-profile/security/api-tokens",
	},
	DataCenter: {
		api: "/rest/api/2", text: wiki, users: userWords{id: func(u *user) string { return u.Login }, ref: "name", find: []string{"username"}},
		fetch: (*Client).fetchBySearch, search: (*Client).searchByStart, latest: (*Client).latestByStart, probe: (*Client).probeOneByOne,
		credentials: "make a new personal access token in the account's profile",
	},
}

// userWords are how an edition names people.
type userWords struct {
	id   func(*user) string
	ref  string   // the name of the id in what is written
	find []string // the parameters of a look-up, tried in order
}

// reference names a person in a field.
func (w userWords) reference(id string) map[string]string { return map[string]string{w.ref: id} }

// format is how an edition keeps the text that people write.
type format struct {
	write func(md string) any
	read  func(raw json.RawMessage) markup.Node
	// tree is what a Markdown text looks like when it is read back.
	tree func(md string) markup.Node
}

var documents = format{
	write: func(md string) any { return markup.Document(md) },
	read:  markup.Read,
	tree:  markup.Document,
}

var wiki = format{
	write: func(md string) any { return markup.WikiOf(md) },
	read: func(raw json.RawMessage) markup.Node {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return markup.Node{}
		}
		return markup.FromWiki(text)
	},
	tree: func(md string) markup.Node { return markup.FromWiki(markup.WikiOf(md)) },
}

// shown gives a text of Jira's as Markdown.
func (f format) shown(raw json.RawMessage) string { return markup.Markdown(f.read(raw)) }

// is reports whether a text of Jira's shows what a Markdown text would: Jira adds
// attributes of its own.
func (f format) is(md string, raw json.RawMessage) bool {
	return markup.Markdown(f.tree(md)) == f.shown(raw)
}

// path is the address of something below the root of the API.
func (c *Client) path(parts ...string) string {
	return c.edition.api + "/" + strings.Join(parts, "/")
}
