package sandbox

import (
	"net/http"
	"slices"
)

// The screens on which fields stand. Those of transitions list their fields.
const (
	onCreate = "create"
	onEdit   = "edit"
)

// described is what the API tells of a field.
type described struct {
	id, name, kind, items string
	custom                *Field // nil for the fields that every site has
	operations            []string
}

var (
	onlySet  = []string{"set"}
	listVerb = []string{"add", "set", "remove"}
)

// systemFields are the fields of every project that a screen may have.
var systemFields = []described{
	{"project", "Project", "project", "", nil, onlySet},
	{"issuetype", "Issue Type", "issuetype", "", nil, nil},
	{"summary", "Summary", "string", "", nil, onlySet},
	{"description", "Description", "string", "", nil, onlySet},
	{"labels", "Labels", "array", "string", nil, listVerb},
	{"assignee", "Assignee", "user", "", nil, onlySet},
	{"priority", "Priority", "priority", "", nil, onlySet},
	{"components", "Components", "array", "component", nil, listVerb},
	{"duedate", "Due date", "date", "", nil, onlySet},
	{"parent", "Parent", "issuelink", "", nil, onlySet},
	{"issuelinks", "Linked Issues", "array", "issuelinks", nil, []string{"add"}},
}

// readOnly are fields that answers show and nobody sets.
var readOnly = []described{
	{"status", "Status", "status", "", nil, nil},
	{"resolution", "Resolution", "resolution", "", nil, nil},
	{"reporter", "Reporter", "user", "", nil, nil},
	{"creator", "Creator", "user", "", nil, nil},
	{"created", "Created", "datetime", "", nil, nil},
	{"updated", "Updated", "datetime", "", nil, nil},
}

// fieldsOn lists the fields on a screen of a project.
func (p *Project) fieldsOn(screen string) []described {
	all := slices.Clone(systemFields)
	for i := range p.Fields {
		all = append(all, p.Fields[i].described())
	}
	return slices.DeleteFunc(all, func(d described) bool {
		fixed := screen == onEdit && (d.id == "project" || d.id == "issuetype")
		return fixed || !p.has(screen, d.id)
	})
}

// described is what the API tells of a custom field.
func (f *Field) described() described {
	t := customTypes[f.Kind]
	d := described{f.ID, f.Name, t.kind, t.items, f, onlySet}
	if f.Kind == Options {
		d.operations = listVerb
	}
	return d
}

// has reports whether a field stands on a screen.
func (p *Project) has(screen, id string) bool {
	if slices.Contains(p.Hidden, id) {
		return false
	}
	screens, named := p.Screens[id]
	return !named || slices.Contains(screens, screen)
}

// required reports whether a creation must bring a field.
func (p *Project) required(id string) bool {
	return id == "project" || id == "issuetype" || id == "summary" || slices.Contains(p.Required, id)
}

// name is how people call a field.
func (p *Project) name(id string) string {
	for _, d := range p.fieldsOn(onCreate) {
		if d.id == id {
			return d.name
		}
	}
	return id
}

// schema tells the type of a field's value.
func (d described) schema() map[string]any {
	s := map[string]any{"type": d.kind}
	if d.items != "" {
		s["items"] = d.items
	}
	if d.custom == nil {
		s["system"] = d.id
		return s
	}
	s["custom"] = "com.atlassian.jira.plugin.system.customfieldtypes:" + customTypes[d.custom.Kind].key
	s["customId"] = customNumber(d.id)
	return s
}

// shownField describes a field of a screen, with what can be chosen.
func (j *Jira) shownField(s *scope, p *Project, d described, required bool) map[string]any {
	shown := map[string]any{
		"key": d.id, "name": d.name, "required": required, "hasDefaultValue": false, "operations": d.operations, "schema": d.schema(),
	}
	if d.operations == nil {
		shown["operations"] = []string{}
	}
	if allowed := j.allowed(s, p, d); allowed != nil {
		shown["allowedValues"] = allowed
	}
	switch {
	case d.id == "priority":
		shown["hasDefaultValue"], shown["defaultValue"] = true, shownNamed(s, "priority", "Medium")
	case d.custom != nil && d.custom.Default != "":
		shown["hasDefaultValue"], shown["defaultValue"] = true, j.shownValue(s, d.custom, d.custom.initial())
	}
	return shown
}

// allowed lists what can be chosen for a field; nil where anything can.
func (j *Jira) allowed(s *scope, p *Project, d described) []any {
	all := []any{}
	switch {
	case d.id == "project":
		all = append(all, j.shownProjectRef(s, p))
	case d.id == "issuetype":
		for _, t := range j.shownTypes(s, p) {
			all = append(all, t)
		}
	case d.id == "priority":
		for _, name := range priorities {
			all = append(all, shownNamed(s, "priority", name))
		}
	case d.id == "components":
		for _, name := range p.Components {
			all = append(all, shownComponent(s, p, name))
		}
	case d.custom != nil && len(d.custom.Options) > 0:
		for _, option := range d.custom.Options {
			all = append(all, d.custom.shownOption(s, option))
		}
	default:
		return nil
	}
	return all
}

// createFields shows the screen on which an issue is created, in pages. Cloud
// calls the list fields, Data Center values.
func (j *Jira) createFields(w http.ResponseWriter, r *http.Request) {
	p, s := j.asked(w, r), of(r)
	if p == nil {
		return
	}
	if !slices.ContainsFunc(p.Types, func(t string) bool { return number("issuetype", t) == r.PathValue("typeID") }) {
		refuse(w, http.StatusBadRequest, "The issue type was not found.")
		return
	}
	fields := []any{}
	for _, d := range p.fieldsOn(onCreate) {
		shown := j.shownField(s, p, d, p.required(d.id))
		shown["fieldId"] = d.id
		if s.server {
			delete(shown, "key") // its answers know the fieldId alone
		}
		fields = append(fields, shown)
	}
	s.page(w, r, "fields", fields)
}

// editMeta shows the screen on which an issue is edited. Nothing is required:
// what an edit does not name stays.
func (j *Jira) editMeta(w http.ResponseWriter, r *http.Request, i *Issue) {
	p, s, fields := j.project(i.Project), of(r), map[string]any{}
	for _, d := range p.fieldsOn(onEdit) {
		fields[d.id] = j.shownField(s, p, d, d.id == "summary")
	}
	reply(w, http.StatusOK, map[string]any{"fields": fields})
}

// listFields lists every field of the site.
func (j *Jira) listFields(w http.ResponseWriter, r *http.Request) {
	all := append(slices.Clone(systemFields), readOnly...)
	seen := map[string]bool{}
	for p := range j.cfg.Projects {
		for f := range j.cfg.Projects[p].Fields {
			// The same field on two projects is one.
			if d := j.cfg.Projects[p].Fields[f].described(); !seen[d.id] {
				all, seen[d.id] = append(all, d), true
			}
		}
	}
	shown := []any{}
	for _, d := range all {
		one := map[string]any{
			"id": d.id, "key": d.id, "name": d.name, "custom": d.custom != nil, "orderable": true, "navigable": true, "searchable": true,
			"clauseNames": []string{d.id}, "schema": d.schema(),
		}
		if of(r).server {
			delete(one, "key")
		}
		shown = append(shown, one)
	}
	reply(w, http.StatusOK, shown)
}

// page answers with a part of a list, in the shape that the dialect has for
// it: Cloud calls the list by its own name, Data Center values.
func (s *scope) page(w http.ResponseWriter, r *http.Request, name string, all []any) {
	start, size := pageOf(r.URL.Query(), 200)
	if r.URL.Query().Get("maxResults") == "" {
		size = 50
	}
	answer := map[string]any{"startAt": start, "maxResults": size, "total": len(all), name: window(all, start, size)}
	if s.server {
		answer["values"], answer["isLast"] = answer[name], start+size >= len(all)
		delete(answer, name)
	}
	reply(w, http.StatusOK, answer)
}
