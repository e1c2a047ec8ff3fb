package app

import (
	"context"
	"crypto/sha256"
	"os"
	"time"
)

// reloadEvery is how often the rules are looked at. A stat would do more cheaply and
// miss what changes within its second; a few files read cost nothing.
const reloadEvery = 2 * time.Second

// reloader follows the files that the rules come from.
type reloader struct {
	app  *App
	seen [sha256.Size]byte // of the text that was tried last, good or bad
}

// newReloader takes the files as they are for those of the rules at work.
func newReloader(a *App) *reloader {
	r := &reloader{app: a}
	r.seen = r.text()
	return r
}

// followRules loads the rules again whenever their files change, until the context
// ends. The next scan judges by them.
func (a *App) followRules(ctx context.Context, s *serving, r *reloader) {
	for a.Clock.Sleep(ctx, reloadEvery) == nil {
		r.look(s)
	}
}

// look loads what has changed. A set with a mistake leaves the old one at work, and
// says so until it is mended.
func (r *reloader) look(s *serving) {
	text := r.text()
	if text == r.seen {
		return
	}
	r.seen = text
	a := r.app
	next, err := Load(a.Deployment.Path)
	if err != nil {
		s.metrics.Rules(false)
		a.Log.Error("the changed rules have mistakes: the old ones stay at work", "error", err, "next", "mend them; they are read again at once")
		return
	}
	// A job that is under way ends with the rules that it began with.
	a.working.Lock()
	a.Rules, a.packs, a.Scan.Rules = next.Rules, next.packs, next.Rules
	a.working.Unlock()
	a.noteRules()
	s.metrics.Rules(true)
	a.Log.Info("the rules were loaded again", "rules", len(next.Rules.Rules()))
	for _, w := range next.Rules.Warnings() {
		a.Log.Warn("rules", "warning", w.Headline())
	}
}

// text is a fingerprint of everything that the rules are made of: the packs, what
// lies beside them, and the deployment's parameters. What cannot be read just now is
// part of it.
func (r *reloader) text() [sha256.Size]byte {
	d := r.app.Deployment
	h := sha256.New()
	data, err := os.ReadFile(d.Path)
	h.Write(data)
	say := func(err error) {
		if err != nil {
			h.Write([]byte(err.Error()))
		}
	}
	say(err)
	for _, p := range d.Packs {
		files, err := PackFiles(p.Text, d.Dir)
		say(err)
		for _, f := range files {
			h.Write([]byte(f.Name))
			h.Write(f.Data)
		}
	}
	for _, beside := range r.app.Rules.Beside() {
		data, err := openBeside(beside.Pack, beside.Name)
		h.Write(data)
		say(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
