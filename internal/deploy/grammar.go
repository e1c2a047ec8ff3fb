package deploy

import (
	"github.com/trimtab/trimtab/internal/schema"
)

// What a deployment file may say. These tables are the only lists of keys: the
// reader reads by them, and the JSON Schema ([Schema]) is made of them.

var fileMapping = schema.Mapping{Name: "deployment", Doc: "A deployment of Trimtab.", Keys: []schema.Key{
	{Name: "apiVersion", Doc: "The version of this file.", Value: schema.Word(apiVersion), Need: true},
	{Name: "state", Doc: "Where everything that Trimtab knows is kept: an SQLite file, or postgres://user:${PASSWORD}@host/database.", Value: schema.Text, Default: "trimtab.db"},
	{Name: "packs", Doc: "Rules: built-in folders (builtin:aws) and files or folders of your own.", Value: schema.List(schema.Text, 1), Need: true},
	{Name: "params", Doc: "Values of parameters, by pack; those of one rule as RULE.PARAM.", Value: schema.Entries(schema.Entries(schema.Any))},
	{Name: "sources", Doc: "Where data come from.", Value: schema.List(schema.Ref("source"), 0)},
	{Name: "trackers", Doc: "Where tickets are filed.", Value: schema.List(schema.Ref("tracker"), 0)},
	{Name: "boards", Doc: "Projects on trackers.", Value: schema.List(schema.Ref("board"), 0)},
	{Name: "owners", Doc: "Who owns a resource: the first link that answers.", Value: schema.List(schema.Ref("owner"), 0)},
	{Name: "routes", Doc: "Which board a recommendation goes to: the first that holds.", Value: schema.List(schema.Ref("route"), 0)},
	{Name: "policy", Doc: "Which recommendations become tickets, and how many.", Value: schema.Ref("policy")},
	{Name: "sync", Doc: "How tickets are followed.", Value: schema.Ref("sync")},
	{Name: "schedule", Doc: "When serve works.", Value: schema.Ref("schedule")},
	{Name: "runs", Doc: "How durable runs are kept and taken over.", Value: schema.Ref("runs")},
	{Name: "listen", Doc: "The address of serve, on loopback.", Value: schema.Text, Default: "127.0.0.1:8080"},
	{Name: "page", Doc: "Where people open Trimtab's pages; tickets link back to it.", Value: schema.Text},
}}

// laterSources are kinds that come later: they are refused with a word of their own.
var laterSources = []string{"sql", "prometheus", "httpjson"}

var sourceMapping = schema.Mapping{Name: "source", Doc: "A source of facts.", By: "kind", Apart: []string{"column", "resource"}, Keys: []schema.Key{
	{Name: "name", Doc: "The source's name, unique.", Value: schema.Text, Need: true},
	{Name: "kind", Doc: "focus reads FOCUS cost files, table rows and columns, series samples of a metric.", Value: schema.Word("focus", "table", "series"), Need: true},
	{Name: "path", Doc: "The file, or several by wildcards; relative to this file.", Value: schema.Text, Need: true, With: []string{"focus", "table", "series"}},
	{Name: "fact", Doc: "The fact type that each row becomes.", Value: schema.Text, Need: true, With: []string{"table"}},
	{Name: "map", Doc: "An expression over the columns for each field of the fact.", Value: schema.Entries(schema.Expression("")), Need: true, With: []string{"table"}},
	{Name: "query", Doc: "A SELECT over the file as the table data.", Value: schema.Text, With: []string{"table"}},
	{Name: "until", Doc: "The column whose greatest value is how far the data reach.", Value: schema.Text, With: []string{"table"}},
	{Name: "window", Doc: "How much of the end of the data counts: 30d of costs, 32d of a series unless it is said.", Value: schema.Duration, With: []string{"focus", "series"}},
	{Name: "current", Doc: "A resource without a charge in this last span has gone.", Value: schema.Duration, Default: "3d", With: []string{"focus"}},
	{Name: "metric", Doc: "The metric's name, as cpu_30d.", Value: schema.Text, Need: true, With: []string{"series"}},
	{Name: "time", Doc: "The column of the samples' times.", Value: schema.Text, Default: "timestamp", With: []string{"series"}},
	{Name: "value", Doc: "The column of the samples' values.", Value: schema.Text, Default: "value", With: []string{"series"}},
	{Name: "column", Doc: "The column of the resource; without it the file's name says it.", Value: schema.Text, With: []string{"series"}},
	{Name: "resource", Doc: "The one resource of all rows.", Value: schema.Text, With: []string{"series"}},
	{Name: "dsn", Later: true},
	{Name: "url", Later: true},
}}

var trackerMapping = schema.Mapping{Name: "tracker", Doc: "A tracker.", By: "kind", Keys: []schema.Key{
	{Name: "name", Doc: "The tracker's name, unique.", Value: schema.Text, Need: true},
	{Name: "kind", Doc: "jira is Jira Cloud, jira-dc Jira Data Center, redmine Redmine, board a board in the state itself.", Value: schema.Word("jira", "jira-dc", "redmine", "board"), Need: true},
	{Name: "url", Doc: "The address, as https://corp.atlassian.net.", Value: schema.Text, Need: true, With: []string{"jira", "jira-dc", "redmine"}},
	{Name: "auth", Doc: "Who Trimtab is there.", Value: schema.Ref("auth"), Need: true, With: []string{"jira", "jira-dc", "redmine"}},
	{Name: "cloud_id", Doc: "The site's cloud id, which OAuth and service accounts need.", Value: schema.Text, With: []string{"jira"}},
	{Name: "users", Doc: "Accounts of owners whom the tracker cannot be asked for: an owner's name or e-mail to an account id, on Data Center to a user name, on Redmine to a login.", Value: schema.Entries(schema.Text), With: []string{"jira", "jira-dc", "redmine"}},
	{Name: "webhook", Doc: "Webhooks tell at once what a pull would find later; they come to /webhooks/NAME of serve.", Value: schema.Ref("webhook"), With: []string{"jira", "jira-dc"}},
	{Name: "interval", Doc: "How often its tickets are asked for; the interval of sync unless it is said.", Value: schema.Duration},
	{Name: "settle", Doc: "How long an unknown outcome is left before it is sent again.", Value: schema.Duration, Default: "5m", With: []string{"jira", "jira-dc", "redmine"}},
	{Name: "marker", Doc: "The custom field that tickets are found by, by name or number.", Value: schema.Text, Default: "Trimtab marker", With: []string{"redmine"}},
	{Name: "origin", Doc: "The custom field of the installation and the labels, by name or number.", Value: schema.Text, Default: "Trimtab", With: []string{"redmine"}},
	{Name: "backlink", Doc: "A custom field for the address of the recommendation, by name or number; without it a note says it.", Value: schema.Text, With: []string{"redmine"}},
	{Name: "markup", Doc: "How the site formats text (Administration, Settings, General); markdown is also CommonMark.", Value: schema.Word("textile", "markdown"), Default: "textile", With: []string{"redmine"}},
}}

var authMapping = schema.Mapping{Name: "auth", Doc: "An account: by a token, or as an OAuth app.", OneOf: []string{"token", "client_id"}, Keys: []schema.Key{
	{Name: "token", Doc: "An API token (Cloud), a personal access token (Data Center) or an API access key (Redmine): ${NAME} of the environment, or ${file:/path}; never in clear.", Value: schema.Text},
	{Name: "email", Doc: "The account's address, on Data Center its user name; a personal access token needs none.", Value: schema.Text, With: []string{"token"}},
	{Name: "client_id", Doc: "The id of an OAuth app.", Value: schema.Text},
	{Name: "client_secret", Doc: "Its secret: ${NAME} of the environment, or ${file:/path}; never in clear.", Value: schema.Text, Need: true, With: []string{"client_id"}},
	{Name: "service", Doc: "The app is a service account's: its secret is enough. Otherwise a person grants access, `trimtab grant`.", Value: schema.Bool, Default: false, With: []string{"client_id"}},
}}

var webhookMapping = schema.Mapping{Name: "webhook", Doc: "How webhooks come: one that an administrator has set up, or one that the OAuth app registers.", OneOf: []string{"secret", "url"}, Keys: []schema.Key{
	{Name: "secret", Doc: "The secret of a webhook that an administrator has set up: ${NAME}, or ${file:/path}; never in clear.", Value: schema.Text},
	{Name: "url", Doc: "The public address of /webhooks/NAME, which the app registers and renews.", Value: schema.Text},
}}

var boardMapping = schema.Mapping{Name: "board", Doc: "A project on a tracker, or a table of teams with a project each.", OneOf: []string{"project", "from"}, Keys: []schema.Key{
	{Name: "name", Doc: "The board's name, unique.", Value: schema.Text, Need: true, With: []string{"project"}},
	{Name: "tracker", Doc: "The name of its tracker.", Value: schema.Text, Need: true},
	{Name: "project", Doc: "The project's key.", Value: schema.Text},
	{Name: "from", Doc: "A CSV file: team, project, and if need be lead, accounts, tags, cap. Each row is a board; what belongs to its accounts or tags goes there.", Value: schema.Text},
	{Name: "type", Doc: "The type of its tickets.", Value: schema.Text, Default: "Task"},
	{Name: "labels", Doc: "Labels of its tickets, without spaces.", Value: schema.List(schema.Text, 0)},
	{Name: "status", Doc: "The board's own words for statuses.", Value: schema.Ref("status")},
	{Name: "cannot_tell", Doc: "The board has no way to say won't do.", Value: schema.Bool, Default: false},
	{Name: "components", Doc: "Components of its tickets.", Value: schema.Texts},
	{Name: "parent", Doc: "The key of the epic above its tickets.", Value: schema.Text},
	{Name: "due", Doc: "When its tickets are due, from the day they are filed.", Value: schema.Duration},
	{Name: "fields", Doc: "Further fields of its tickets, by the names that people see.", Value: schema.Entries(schema.Any)},
	{Name: "screens", Doc: "What transitions of its workflow ask for, by the names of fields.", Value: schema.Entries(schema.Any)},
	{Name: "tickets", Doc: "One for each resource, or one for each owner and rule with a checklist.", Value: schema.Word("one", "checklist"), Default: "one"},
	{Name: "open", Doc: "The most open tickets that it has; 0 is no limit.", Value: schema.Int, Default: 0},
	{Name: "lead", Doc: "Who owns what nobody else does, here.", Value: schema.Text},
	{Name: "freeze", Doc: "Days on which it takes no new tickets, as 2026-12-20/2027-01-03.", Value: schema.List(schema.Pattern(spanPattern), 0)},
	{Name: "template", Doc: "A file with the text of its tickets, instead of the built-in one.", Value: schema.Text},
}}

// spanPattern is a day, or two with a slash between.
const spanPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}(/[0-9]{4}-[0-9]{2}-[0-9]{2})?$`

var statusMapping = schema.Mapping{Name: "status", Doc: "Statuses, each with the board's word for it.", Keys: []schema.Key{
	{Name: "open", Doc: "Not begun.", Value: schema.Text},
	{Name: "in_progress", Doc: "Begun.", Value: schema.Text},
	{Name: "done", Doc: "Done, as somebody says.", Value: schema.Text},
	{Name: "wont_do", Doc: "Refused; a resolution stands after a slash.", Value: schema.Text},
}}

var ownerMapping = schema.Mapping{Name: "owner", Doc: "A link of the owner chain.", OneOf: []string{"tag", "fact", "fallback"}, Keys: []schema.Key{
	{Name: "tag", Doc: "The tag that says it.", Value: schema.Text},
	{Name: "fact", Doc: "The fact type that says it.", Value: schema.Text},
	{Name: "by", Doc: "The field of the fact that equals the subject's.", Value: schema.Text, Need: true, With: []string{"fact"}},
	{Name: "fallback", Doc: "Who it is if nothing else says it.", Value: schema.Text},
}}

var routeMapping = schema.Mapping{Name: "route", Doc: "A way to a board.", Keys: []schema.Key{
	{Name: "when", Doc: "Which recommendations go this way, a condition over rec; without it all do.", Value: schema.Expression("")},
	{Name: "board", Doc: "The name of the board.", Value: schema.Text, Need: true},
}}

var policyMapping = schema.Mapping{Name: "policy", Doc: "What keeps tickets bearable.", Keys: []schema.Key{
	{Name: "min_savings", Doc: "The least a month that is filed, as 50.00 USD; 50 of any currency unless it is said.", Value: schema.Text},
	{Name: "sightings", Doc: "Scans in a row before a ticket.", Value: schema.Int, Default: 1},
	{Name: "open_per_owner", Doc: "The most open tickets of one owner.", Value: schema.Int, Default: 5},
	{Name: "new_per_board_week", Doc: "The most new tickets of one board in a week.", Value: schema.Int, Default: 20},
	{Name: "destructive", Doc: "What cannot be taken back is looked at more often.", Value: schema.Ref("destructive")},
	{Name: "brake", Doc: "When a run asks before it writes.", Value: schema.Ref("brake")},
	{Name: "rollout", Doc: "How rules that are new or changed begin.", Value: schema.Ref("rollout")},
	{Name: "close", Doc: "What happens to the ticket of what went away.", Value: schema.Word("comment", "transition"), Default: "comment"},
	{Name: "gone", Doc: "What happens to the recommendation whose ticket was deleted: it is held, filed again by policy, or dismissed.", Value: schema.Word("leave", "recreate", "dismiss"), Default: "leave"},
	{Name: "verify", Doc: "How long data are watched before a saving is verified.", Value: schema.Ref("verify")},
}}

var destructiveMapping = schema.Mapping{Name: "destructive", Doc: "Proposals that cannot be taken back.", Keys: []schema.Key{
	{Name: "actions", Doc: "What they propose; delete unless it is said.", Value: schema.Texts},
	{Name: "sightings", Doc: "Scans in a row before a ticket.", Value: schema.Int, Default: 3},
}}

var brakeMapping = schema.Mapping{Name: "brake", Doc: "A run that would create, close or edit more tickets stops and asks.", Keys: []schema.Key{
	{Name: "tickets", Doc: "So many tickets; 0 is no brake.", Value: schema.Int, Default: 25},
	{Name: "share", Doc: "Or so much of the open tickets, as 0.05, if that is more.", Value: schema.Number, Default: 0.05},
}}

var rolloutMapping = schema.Mapping{Name: "rollout", Doc: "How rules that are new or changed begin; `trimtab rules stage` lets them go on.", Keys: []schema.Key{
	{Name: "new", Doc: "Where they begin: shadow files nothing, canary on the canary boards, live everywhere.", Value: schema.Word("shadow", "canary", "live"), Default: "live"},
	{Name: "canary", Doc: "The boards of canaries.", Value: schema.List(schema.Text, 0)},
}}

var verifyMapping = schema.Mapping{Name: "verify", Doc: "Spans of verification.", Keys: []schema.Key{
	{Name: "state", Doc: "Of what an inventory shows.", Value: schema.Duration, Default: "3d"},
	{Name: "cost", Doc: "Of what costs show.", Value: schema.Duration, Default: "14d"},
}}

var syncMapping = schema.Mapping{Name: "sync", Doc: "How tickets are followed.", Keys: []schema.Key{
	{Name: "interval", Doc: "How often tickets are asked for.", Value: schema.Duration, Default: "60s"},
	{Name: "overlap", Doc: "How much of the time before is asked for again.", Value: schema.Duration, Default: "5m"},
	{Name: "fields", Doc: "How each field is merged.", Value: schema.Ref("fields")},
	{Name: "status", Doc: "Words for statuses on boards that have none of their own.", Value: schema.Ref("status")},
}}

var fieldsMapping = schema.Mapping{Name: "fields", Doc: "The fields that are followed.", Keys: []schema.Key{
	{Name: "status", Doc: "The ticket's status; ours follows from what becomes of the recommendation.", Value: schema.Ref("fieldStatus")},
	{Name: "assignee", Doc: "Who works on it: the owner at first.", Value: schema.Ref("field")},
	{Name: "priority", Doc: "Its priority.", Value: schema.Ref("field")},
	{Name: "summary", Doc: "Its title.", Value: schema.Ref("field")},
	{Name: "description", Doc: "Our part of its description; what people write around it is theirs.", Value: schema.Ref("fieldDescription")},
	{Name: "labels", Doc: "Its labels: what one side adds or takes off happens on the other.", Value: schema.Ref("fieldLabels")},
	{Name: "due", Doc: "The day by which it is due, once it is filed.", Value: schema.Ref("fieldDue")},
	{Name: "comments", Doc: "What is said in it.", Value: schema.Ref("fieldComments")},
}}

var directionKey = schema.Key{Name: "direction", Doc: "Which way changes go.", Value: schema.Word("both", "in", "out")}

var conflictKey = schema.Key{
	Name: "conflict", Doc: "Whose value counts when both have changed; ask keeps the ticket as it is until somebody has decided.",
	Value: schema.Word("tracker", "trimtab", "newest", "ask"), Default: "tracker",
}

var fieldMapping = schema.Mapping{Name: "field", Doc: "How a field is merged.", Keys: []schema.Key{
	directionKey, conflictKey,
	{Name: "value", Doc: "What it should say, an expression over rec; a text.", Value: schema.Expression("")},
	{Name: "map", Doc: "The tracker's words for ours.", Value: schema.Entries(schema.Text)},
}}

var fieldStatusMapping = schema.Mapping{Name: "fieldStatus", Doc: "How the status is merged.", Keys: []schema.Key{directionKey, conflictKey}}

var fieldDescriptionMapping = schema.Mapping{Name: "fieldDescription", Doc: "How our part of the description is written.", Keys: []schema.Key{
	{Name: "direction", Doc: "It is only written.", Value: schema.Word("out"), Default: "out"},
	{
		Name: "conflict", Doc: "What happens when somebody has edited it: ask, leave it (tracker), or write over it (trimtab).",
		Value: schema.Word("ask", "tracker", "trimtab"), Default: "ask",
	},
}}

var fieldLabelsMapping = schema.Mapping{Name: "fieldLabels", Doc: "How labels are merged.", Keys: []schema.Key{
	directionKey,
	{Name: "conflict", Doc: "They are merged one by one.", Value: schema.Word("merge"), Default: "merge"},
}}

var fieldDueMapping = schema.Mapping{Name: "fieldDue", Doc: "How the due day is taken in.", Keys: []schema.Key{
	{Name: "direction", Doc: "It is only taken in.", Value: schema.Word("in"), Default: "in"},
	{Name: "conflict", Doc: "The tracker's counts.", Value: schema.Word("tracker"), Default: "tracker"},
}}

var fieldCommentsMapping = schema.Mapping{Name: "fieldComments", Doc: "Which way comments go.", Keys: []schema.Key{directionKey}}

// fieldMappings say how each field may be merged.
var fieldMappings = map[string]schema.Mapping{
	"status": fieldStatusMapping, "assignee": fieldMapping, "priority": fieldMapping, "summary": fieldMapping,
	"description": fieldDescriptionMapping, "labels": fieldLabelsMapping, "due": fieldDueMapping, "comments": fieldCommentsMapping,
}

var scheduleMapping = schema.Mapping{Name: "schedule", Doc: "When serve works.", Keys: []schema.Key{
	{Name: "scan", Doc: "When it scans, as cron writes it.", Value: schema.Text, Default: "0 6 * * 1"},
	{Name: "monitor", Doc: "How often it follows tickets; the interval of sync unless it is said.", Value: schema.Duration},
}}

var runsMapping = schema.Mapping{Name: "runs", Doc: "How durable runs are kept and taken over.", Keys: []schema.Key{
	{Name: "lease", Doc: "How long a worker has a run without a sign of life (PostgreSQL).", Value: schema.Duration, Default: "30s"},
	{Name: "crashes", Doc: "How many workers in a row a run may lose without any progress before it is parked.", Value: schema.Int, Default: 10},
	{Name: "keep", Doc: "How long runs are kept after their end.", Value: schema.Duration, Default: "30d"},
}}

// grammar is everything that a deployment file may say.
func grammar() []schema.Mapping {
	return []schema.Mapping{
		fileMapping, sourceMapping, trackerMapping, authMapping, webhookMapping, boardMapping, statusMapping, ownerMapping, routeMapping,
		policyMapping, destructiveMapping, brakeMapping, rolloutMapping, verifyMapping, syncMapping, fieldsMapping, fieldMapping, fieldStatusMapping, fieldDescriptionMapping, fieldLabelsMapping,
		fieldDueMapping, fieldCommentsMapping, scheduleMapping, runsMapping,
	}
}

// Schema is the JSON Schema of the deployment file, for editors.
func Schema() ([]byte, error) {
	return schema.Write("A deployment of Trimtab", fileMapping.Name, grammar()...)
}

// words are the values that a word of a mapping can have.
func words(m schema.Mapping, key string) []string {
	k, _ := m.Key(key)
	return k.Value.Words
}
