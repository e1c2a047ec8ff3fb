package scan

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/source"
)

// Members of a group come and go by themselves: a ticket about one would be about nothing
// the next day. What is concluded of members is said of their controller.

// controllers are the tags by which providers mark members, and what they are members of:
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html,
// https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html,
// https://learn.microsoft.com/azure/aks/use-tags,
// https://cloud.google.com/kubernetes-engine/docs/how-to/creating-managing-labels.
// The field controller of a resource, where a source gives one, comes before them.
var controllers = []struct{ tag, kind string }{
	{"eks:nodegroup-name", "node group"},
	{"aws:autoscaling:groupName", "auto-scaling group"},
	{"aks-managed-poolName", "node pool"},
	{"goog-k8s-node-pool-name", "node pool"},
}

// controller is what a resource is a member of.
type controller struct{ id, name, kind string }

// controllerOf reads it from the facts about a resource; the zero one is none.
func controllerOf(f source.Fact) controller {
	if id := text(f.Fields["controller"]); id != "" {
		return controller{id: trimtab.CanonicalResource(id), name: id, kind: "controller"}
	}
	tags := tagsOf(f.Fields["tags"])
	for _, c := range controllers {
		if name := tags[c.tag]; name != "" {
			id := strings.Join([]string{strings.ReplaceAll(c.kind, " ", "-"), text(f.Fields["account"]), text(f.Fields["region"]), name}, "/")
			return controller{id: id, name: name, kind: c.kind}
		}
	}
	return controller{}
}

// tagsOf reads tags in either of the shapes that facts come in.
func tagsOf(v any) map[string]string {
	switch v := v.(type) {
	case map[string]string:
		return v
	case map[string]any:
		tags := make(map[string]string, len(v))
		for name, value := range v {
			tags[name] = text(value)
		}
		return tags
	}
	return nil
}

// noteController remembers what a fact's resource is a member of. What cannot be told of
// a member cannot be told of its controller.
func (v *Verdict) noteController(f source.Fact) {
	c := controllerOf(f)
	id := trimtab.CanonicalResource(firstText(f.Fields, "id", "resource"))
	if c.id == "" || id == "" {
		return
	}
	v.controllers[id], v.resources[c.id] = c, true
	for _, unknown := range v.unknown {
		if why := unknown[id]; why != "" {
			unknown[c.id] = why
		}
	}
}

// collapse puts one recommendation about a controller in the place of those about its
// members; the others stay as they are, in their order.
func (v *Verdict) collapse(recs []*trimtab.Recommendation) []*trimtab.Recommendation {
	kept := make([]*trimtab.Recommendation, 0, len(recs))
	members := map[string][]*trimtab.Recommendation{}
	for _, rec := range recs {
		c := v.controllers[rec.Subject.Resource]
		if c.id == "" {
			kept = append(kept, rec)
			continue
		}
		key := rec.Action + "\x00" + rec.Variant + "\x00" + c.id
		if members[key] = append(members[key], rec); len(members[key]) == 1 {
			kept = append(kept, rec) // its place; said of the controller below
		}
	}
	for i, rec := range kept {
		if c := v.controllers[rec.Subject.Resource]; c.id != "" {
			kept[i] = ofController(c, members[rec.Action+"\x00"+rec.Variant+"\x00"+c.id])
		}
	}
	return kept
}

// maxMembers is how many members' evidence a recommendation shows.
const maxMembers = 5

// ofController says of a controller what was concluded of its members.
func ofController(c controller, members []*trimtab.Recommendation) *trimtab.Recommendation {
	rec := *members[0]
	rec.Title = fmt.Sprintf("%s %s, %s: %s", c.kind, c.name, countOf(len(members), "member"), rec.Title)
	rec.Fix = ""
	rec.Doc = strings.TrimSpace(fmt.Sprintf("Change the %s, not its members: it replaces them. %s", c.kind, rec.Doc))
	rec.Subject.Resource, rec.Subject.Raw, rec.Subject.Name, rec.Subject.State = c.id, c.id, c.name, ""
	rec.Reasons = []trimtab.Reason{members[0].Reasons[0]}
	rec.Reasons[0].Evidence = nil
	rec.Savings, rec.MonthlyCost = trimtab.Money{}, trimtab.Money{}
	for i, m := range members {
		if i < maxMembers {
			rec.Reasons[0].Evidence = append(rec.Reasons[0].Evidence, m.Reasons[0].Evidence...)
		}
		rec.Savings, rec.MonthlyCost = added(rec.Savings, m.Savings), added(rec.MonthlyCost, m.MonthlyCost)
	}
	rec.Reasons = append(rec.Reasons, members[0].Reasons[1:]...)
	return &rec
}

// added leaves an amount of another currency out: members of one group are paid in one.
func added(sum, m trimtab.Money) trimtab.Money {
	if sum.Currency == "" {
		return m
	}
	if more, err := sum.Add(m); err == nil {
		return more
	}
	return sum
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
