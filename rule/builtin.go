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
	{"name", "string?"},
	{"kind", "string?"},
	{"provider", "string?"},
	{"account", "string?"},
	{"region", "string?"},
	{"service", "string?"},
	{"environment", "string?"},
	{"owner", "string?"},
	{"tags", "map(string, string)?"},
	{"monthly_cost", "money?"},
}

// authoredFields are what an author may say about a recommendation.
var authoredFields = []FieldDecl{
	{"title", "string?"},
	{"savings", "money?"},
	{"fix", "string?"},
	{"description", "string?"},
	{"current", "string?"},
	{"proposed", "string?"},
	{"confidence", "string?"},
	{"effort", "string?"},
	{"risk", "string?"},
	{"blockers", "string?"},
	{"restart", "bool?"},
	{"rollback", "bool?"},
	{"labels", "list(string)?"},
	{"doc", "string?"},
	{"runbook", "string?"},
}

// builtinTypes are always there. A recommendation's identity is action,
// resource and variant; several rules may conclude it with different words.
func builtinTypes() []TypeDecl {
	// Texts all three, since they go into the marker of a ticket.
	identity := []FieldDecl{{"action", "string"}, {"resource", "string"}, {"variant", "string"}}
	keys := []string{"action", "resource", "variant"}
	// Onto nil: an append to identity itself could share its array with the next one.
	recommendation := append(append(append([]FieldDecl(nil), identity...), authoredFields...), subjectFields...)
	assignment := append(append([]FieldDecl(nil), identity...),
		FieldDecl{"owner", "string?"}, FieldDecl{"board", "string?"}, FieldDecl{"priority", "string?"},
		FieldDecl{"labels", "list(string)?"})
	return []TypeDecl{
		{Name: recommendationType, Key: keys, Fields: recommendation},
		{Name: assignmentType, Key: keys, Fields: assignment},
		{Name: unevaluableType, Key: []string{"rule", "resource"}, Fields: []FieldDecl{
			{"rule", "string"}, {"resource", "string"}, {"reason", "string"},
		}},
		{Name: clockType, Fields: []FieldDecl{{"now", "timestamp"}}},
	}
}

// insteadOf says how a built-in type is concluded.
var insteadOf = map[string]string{
	recommendationType: "conclude it with recommend",
	assignmentType:     "conclude it with assign",
	unevaluableType:    "it follows from requires",
	clockType:          "it is set with the clock",
}
