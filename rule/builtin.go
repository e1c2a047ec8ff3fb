package rule

// The fact types that Trimtab itself knows. Packs match them and cannot declare
// them.
const (
	recommendationType = "Recommendation"
	assignmentType     = "Assignment"
	unevaluableType    = "Unevaluable"
	clockType          = "Clock"
)

// subjectFields are copied from the subject to a recommendation where the
// subject's type has them.
var subjectFields = []FieldDecl{
	{"name", "string?", "What people call the resource."},
	{"kind", "string?", "What kind of thing it is."},
	{"provider", "string?", "Whose cloud it is in."},
	{"account", "string?", "The account that pays for it."},
	{"region", "string?", "Where it runs."},
	{"service", "string?", "The provider's service."},
	{"environment", "string?", "Production, test and so on."},
	{"owner", "string?", "Who owns it."},
	{"tags", "map(string, string)?", "Its tags."},
	{"monthly_cost", "money?", "What it costs a month."},
}

// authoredFields are what an author may say about a recommendation.
var authoredFields = []FieldDecl{
	{"title", "string?", "The ticket's title."},
	{"savings", "money?", "What it would save a month."},
	{"fix", "string?", "The command that does it."},
	{"description", "string?", "What the owner should know."},
	{"current", "string?", "How it is now."},
	{"proposed", "string?", "How it should be."},
	{"confidence", "string?", "How sure the rule is."},
	{"effort", "string?", "How much work it is."},
	{"risk", "string?", "What can go wrong."},
	{"blockers", "string?", "What stands in the way."},
	{"restart", "bool?", "Whether the resource is down meanwhile."},
	{"rollback", "bool?", "Whether it can be undone."},
	{"labels", "list(string)?", "Labels of the ticket."},
	{"doc", "string?", "Why the rule is as it is."},
	{"runbook", "string?", "The page that says how."},
}

// assignedFields say where a recommendation goes.
var assignedFields = []FieldDecl{
	{"owner", "string?", "Who it is assigned to."},
	{"board", "string?", "The board that it is filed on."},
	{"priority", "string?", "The ticket's priority."},
	{"labels", "list(string)?", "Labels of the ticket."},
}

// builtinTypes are always there. A recommendation's identity is action,
// resource and variant; several rules may conclude it with different words.
func builtinTypes() []TypeDecl {
	// Texts all three, since they go into the marker of a ticket.
	identity := []FieldDecl{
		{"action", "string", "What to do."},
		{"resource", "string", "The resource's id."},
		{"variant", "string", "Tells apart two of one action on one resource."},
	}
	keys := []string{"action", "resource", "variant"}
	// Onto nil: an append to identity itself could share its array with the next one.
	recommendation := append(append(append([]FieldDecl(nil), identity...), authoredFields...), subjectFields...)
	assignment := append(append([]FieldDecl(nil), identity...), assignedFields...)
	return []TypeDecl{
		{Name: recommendationType, Key: keys, Fields: recommendation, Doc: "One proposal about one resource."},
		{Name: assignmentType, Key: keys, Fields: assignment, Doc: "Where a recommendation goes."},
		{Name: unevaluableType, Key: []string{"rule", "resource"}, Doc: "A rule that cannot tell of a resource.", Fields: []FieldDecl{
			{"rule", "string", "The rule."}, {"resource", "string", "The resource's id."}, {"reason", "string", "What evidence is missing."},
		}},
		{Name: clockType, Fields: []FieldDecl{{"now", "timestamp", "The run's time."}}, Doc: "The one fact that says what time it is."},
	}
}

// insteadOf says how a built-in type is concluded.
var insteadOf = map[string]string{
	recommendationType: "conclude it with recommend",
	assignmentType:     "conclude it with assign",
	unevaluableType:    "it follows from requires",
	clockType:          "it is set with the clock",
}
