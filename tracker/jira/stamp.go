package jira

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/tracker"
)

// stamped reports whether an issue has all by which it is known as the one of a marker: its
// label, that of an installation, and the property, where that was read.
func (i *issue) stamped(marker trimtab.Marker) bool {
	labels := i.Fields.Labels
	installed := slices.ContainsFunc(labels, func(l string) bool { return strings.HasPrefix(l, installationPrefix) })
	return marker != "" && installed && slices.Contains(labels, string(marker)) && (i.bare || i.property().Marker == marker)
}

// stampLabels are the labels of a stamp, and those of others that an issue has: it is one
// installation's ticket, for one marker.
func stampLabels(s tracker.Stamp, has []string) (stamp, others []string) {
	if s.Marker != "" {
		stamp = []string{string(s.Marker), installationLabel(s.Installation)}
	}
	for _, label := range has {
		ours := markerShape.MatchString(label) || strings.HasPrefix(label, installationPrefix)
		if ours && !slices.Contains(stamp, label) {
			others = append(others, label)
		}
	}
	return stamp, others
}

// dropProperty takes the property off a ticket that is let go. Labels can be removed by a
// change of fields, a property only by a call of its own.
func (w *writing) dropProperty(ctx context.Context) (bool, error) {
	if s := w.change.Stamp; s == nil || s.Marker != "" || w.before.Properties[propertyKey] == nil {
		return false, nil
	}
	err := w.client.do(ctx, w.write(http.MethodDelete, nil, "properties", propertyKey), nil)
	if tracker.KindOf(err) == tracker.Missing { // somebody was quicker
		err = nil
	}
	return true, err
}
