package jira

import (
	"context"
	"encoding/json"
	"strings"
	"time"

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
	fetch func(c *Client, ctx context.Context, ids []string, e extent) ([]issue, error)
	// search reads all issues of a query, each once; latest reads the first of one.
	search func(c *Client, ctx context.Context, q query) ([]issue, error)
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

// extent is how much of an issue is read.
type extent bool

const (
	slim  extent = false // its fields
	whole extent = true  // with its newest edits and comments
)

// fields are the names of those that are read.
func (e extent) fields() []string {
	if e == whole {
		return append(issueFields[:len(issueFields):len(issueFields)], "comment")
	}
	return issueFields
}

// history is the word by which the edits come along.
const history = "changelog"

// query is a search. clock, if not nil, is set to a time on Jira's clock before it began;
// it stays as it is where no answer has one.
type query struct {
	jql    string
	extent extent
	clock  *time.Time
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
	// split takes a text apart, join puts pieces in the place of a text's; pieces makes
	// some of Markdown, merge reads some. words are those of a piece that can be one of
	// the lines around our part.
	split  func(raw json.RawMessage) pieces
	join   func(raw json.RawMessage, all pieces) any
	pieces func(md string) pieces
	merge  func(all pieces) markup.Node
	words  func(piece string) string
}

var documents = format{
	write: func(md string) any { return markup.Document(md) },
	read:  markup.Read,
	split: nodesOf, join: joinNodes, merge: mergeNodes, words: paragraphWords,
	pieces: func(md string) pieces { return nodes(markup.Document(md).Content) },
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
	split: linesOf, join: joinLines, merge: mergeLines, words: lineWords, pieces: wikiPieces,
}

// shown gives a text of Jira's as Markdown.
func (f format) shown(raw json.RawMessage) string { return markup.Markdown(f.read(raw)) }

// path is the address of something below the root of the API.
func (c *Client) path(parts ...string) string {
	return c.edition.api + "/" + strings.Join(parts, "/")
}
