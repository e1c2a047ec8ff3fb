package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What an administrator or a person does to the site while it is in use. Of
// this the journal keeps what befalls issues and workflows; screens, options and
// permissions are those of the configuration again after a restart.

// SetWorkflow gives a project another workflow. Issues in a status that it does
// not have go to the first one of the same category, else to the first of all.
func (j *Jira) SetWorkflow(project string, w Workflow) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.project(project)
	if p == nil {
		return fmt.Errorf("there is no project %q", project)
	}
	if err := w.setUp(); err != nil {
		return err
	}
	old := p.Workflow
	var moved []*Issue
	for _, i := range j.live() {
		if i.Project != project || w.status(i.Status) != nil {
			continue
		}
		at := slices.IndexFunc(w.Statuses, func(s Status) bool { return s.Category == old.status(i.Status).Category })
		c, changed := Change{}, i.clone()
		c.set("status", &changed.Status, w.Statuses[max(at, 0)].Name)
		j.record(changed, c)
		moved = append(moved, changed)
	}
	p.Workflow = w
	if err := j.commitWith(entry{Issues: moved, Workflows: map[string]Workflow{project: w}}); err != nil {
		p.Workflow = old
		return err
	}
	return nil
}

// rework is another workflow of the same shape: an administrator has renamed the
// statuses, and every transition has another id.
func (w Workflow) rework() Workflow {
	next := Workflow{Resolutions: w.Resolutions, Statuses: slices.Clone(w.Statuses), Transitions: slices.Clone(w.Transitions)}
	renamed := func(name string) string {
		if name == "" {
			return ""
		}
		return name + " (new)"
	}
	for i := range next.Statuses {
		next.Statuses[i].Name = renamed(next.Statuses[i].Name)
	}
	for i := range next.Transitions {
		t := &next.Transitions[i]
		t.From, t.To = renamed(t.From), renamed(t.To)
	}
	slices.Reverse(next.Transitions)
	return next
}

// HideField takes a field off the named screens of a project, "create" and
// "edit"; off both if none is named.
func (j *Jira) HideField(project, field string, screens ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.project(project)
	if p == nil {
		return
	}
	var left []string
	for _, screen := range []string{onCreate, onEdit} {
		if len(screens) > 0 && !slices.Contains(screens, screen) && p.has(screen, field) {
			left = append(left, screen)
		}
	}
	p.Screens = cloneLists(p.Screens)
	p.Screens[field] = left
}

// ShowField puts a field back on all screens of a project.
func (j *Jira) ShowField(project, field string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.project(project); p != nil {
		p.Screens = cloneLists(p.Screens)
		delete(p.Screens, field)
	}
}

// AddOption gives a custom field of a project an option more.
func (j *Jira) AddOption(project, fieldID, option string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.project(project); p != nil && p.field(fieldID) != nil {
		f := p.field(fieldID)
		if !slices.Contains(f.Options, option) {
			f.Options = append(slices.Clone(f.Options), option)
		}
	}
}

// RemoveOption takes an option from a custom field of a project; issues that
// have it keep it.
func (j *Jira) RemoveOption(project, fieldID, option string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.project(project); p != nil && p.field(fieldID) != nil {
		f := p.field(fieldID)
		f.Options = slices.DeleteFunc(slices.Clone(f.Options), func(o string) bool { return o == option })
	}
}

// ArchiveProject makes a project read-only and takes its issues out of searches.
func (j *Jira) ArchiveProject(project string, archived bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.project(project); p != nil {
		p.Archived = archived
	}
}

// Move takes an issue to another project. Its key becomes another one, by the
// old key it is still found; its id stays.
func (j *Jira) Move(idOrKey, project, author string) error {
	return j.byHand(idOrKey, author, func(i *Issue, c *Change) error {
		p := j.project(project)
		if p == nil || project == i.Project {
			return fmt.Errorf("there is no other project %q", project)
		}
		key := fmt.Sprintf("%s-%d", project, j.numbers[project]+1)
		i.OldKeys = append(i.OldKeys, i.Key)
		c.set("project", &i.Project, project)
		c.set("Key", &i.Key, key)
		if p.Workflow.status(i.Status) == nil {
			c.set("status", &i.Status, p.Workflow.Statuses[0].Name)
		}
		return nil
	})
}

// Archive archives one issue: it can be read, but neither found nor changed.
// (Whether Jira shows it to direct reads its document does not say.)
func (j *Jira) Archive(idOrKey string) error {
	return j.byHand(idOrKey, "", func(i *Issue, _ *Change) error {
		i.Archived = true
		return nil
	})
}

// Convert makes an issue a sub-task of another one.
func (j *Jira) Convert(idOrKey, parent, author string) error {
	return j.byHand(idOrKey, author, func(i *Issue, c *Change) error {
		p := j.find(parent)
		if p == nil || p.ID == i.ID {
			return fmt.Errorf("there is no parent %q", parent)
		}
		i.Parent = p.ID
		c.set("issuetype", &i.Type, subtask)
		c.note("parent", "", p.Key)
		return nil
	})
}

// DropProperty removes a property from an issue, as an app does that goes.
func (j *Jira) DropProperty(idOrKey, key string) error {
	return j.byHand(idOrKey, "", func(i *Issue, _ *Change) error {
		delete(i.Properties, key)
		return nil
	})
}

// touchUp moves the issue on though nothing has changed.
func (j *Jira) touchUp(idOrKey string) error {
	return j.byHand(idOrKey, "", func(i *Issue, _ *Change) error {
		i.Updated = j.now()
		return nil
	})
}

// unnoticed lets a person edit an issue in the same instant as its last change:
// its time of change stays.
func (j *Jira) unnoticed(idOrKey, author string) error {
	var at time.Time
	err := j.byHand(idOrKey, author, func(i *Issue, c *Change) error {
		at = i.Updated
		c.set("summary", &i.Summary, edited(i.Summary))
		return nil
	})
	return errors.Join(err, j.byHand(idOrKey, "", func(i *Issue, _ *Change) error {
		i.Updated = at
		return nil
	}))
}

// edited is what people make of a summary.
func edited(summary string) string { return summary + " (edited)" }

// answerBack lets a rule undo the last change of an issue: its partner's, which
// will do it again.
func (j *Jira) answerBack(idOrKey, author string) error {
	return j.byHand(idOrKey, author, func(i *Issue, c *Change) error {
		if len(i.Changes) == 0 {
			return nil
		}
		for _, f := range i.Changes[len(i.Changes)-1].Items {
			switch f.Field {
			case "summary":
				c.set(f.Field, &i.Summary, f.From)
			case "status":
				// Back to where the workflow still has a place.
				if j.project(i.Project).Workflow.status(f.From) != nil {
					c.set(f.Field, &i.Status, f.From)
				}
			case "resolution":
				c.set(f.Field, &i.Resolution, f.From)
			case "assignee":
				c.set(f.Field, &i.Assignee, f.From)
			case "priority":
				c.set(f.Field, &i.Priority, f.From)
			}
		}
		return nil
	})
}
