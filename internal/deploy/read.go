package deploy

import (
	"net"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/merge"
	"github.com/trimtab/trimtab/internal/schema"
	"github.com/trimtab/trimtab/internal/strictyaml"
)

// apiVersion is the only version of the file there is.
const apiVersion = "trimtab/v1"

// reader walks the file once and fills the deployment in.
type reader struct{ d *Deployment }

// read goes through the sections in an order in which names are known before they
// are used: trackers before boards, boards before routes.
func (r *reader) read(root strictyaml.Node) {
	top := root.Fields(fileMapping.Names()...)
	if v := top.Need("apiVersion"); v.Text() != apiVersion && v.Kind() == strictyaml.Scalar {
		v.Errorf("apiVersion %q is not known", v.Text()).WithHint("this version reads %s", apiVersion)
	}
	r.state(top.Get("state"))
	packs := top.Need("packs")
	for _, n := range packs.Items() {
		r.d.Packs = append(r.d.Packs, Named{n.Text(), n})
	}
	if len(r.d.Packs) == 0 && packs.Kind() == strictyaml.List {
		packs.Errorf("packs needs at least one pack").WithHint("packs: [builtin:aws]")
	}
	r.params(top.Get("params"))
	r.sources(top.Get("sources"))
	r.trackers(top.Get("trackers"))
	r.boards(top.Get("boards"))
	r.owners(top.Get("owners"))
	r.routes(top.Get("routes"))
	r.policy(top.Get("policy"))
	r.sync(top.Get("sync"))
	r.schedule(top.Get("schedule"))
	r.runs(top.Get("runs"))
	r.listen(top.Get("listen"))
	r.d.Page = strings.TrimRight(r.text(top.Get("page")), "/")
}

// listen reads the address of serve. Anything but loopback would show the state
// to whoever asks.
func (r *reader) listen(n strictyaml.Node) {
	r.d.Listen = orText(r.text(n), "127.0.0.1:8080")
	host, _, err := net.SplitHostPort(r.d.Listen)
	if err != nil {
		n.Errorf("%q is no address: write it as 127.0.0.1:8080", r.d.Listen)
		return
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		n.Errorf("%q is not on loopback; serving others needs authentication, which is not available in this version", r.d.Listen).
			WithHint("listen on 127.0.0.1 and put a proxy with authentication in front")
	}
}

func orText(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func (r *reader) params(n strictyaml.Node) {
	r.d.Params = map[string]map[string]any{}
	for _, pack := range n.Entries() {
		values := map[string]any{}
		for _, p := range pack.Value.Entries() {
			values[p.Key.Text()] = p.Value.Plain()
		}
		r.d.Params[pack.Key.Text()] = values
	}
}

// name reads a name that must differ from those before it.
func name(n strictyaml.Node, known []string, what string) string {
	s := n.Text()
	if s != "" && slices.Contains(known, s) {
		n.Errorf("there are two %s named %q", what, s)
	}
	return s
}

func (r *reader) sources(n strictyaml.Node) {
	var names []string
	for _, item := range n.Items() {
		f := item.Fields(sourceMapping.Names()...)
		s := Source{Name: name(f.Need("name"), names, "sources"), Node: item}
		names = append(names, s.Name)
		s.Kind = kindOf(f.Need("kind"), words(sourceMapping, "kind"), laterSources)
		only(f, sourceMapping, s.Kind)
		switch s.Kind {
		case "focus":
			r.focus(f, &s)
		case "table":
			r.table(f, &s)
		case "series":
			r.series(f, &s)
		}
		r.d.Sources = append(r.d.Sources, s)
	}
}

// kindOf reads one of the kinds that there are; those that come later are
// refused with a word of their own.
func kindOf(n strictyaml.Node, now, later []string) string {
	s := n.Text()
	if slices.Contains(later, s) {
		n.Errorf("kind %q is not available in this version", s).WithHint("there is %s", strings.Join(now, ", "))
		return ""
	}
	return n.OneOf(now...)
}

// only refuses keys that another kind has: ignoring them would let somebody believe
// that they do something.
func only(f strictyaml.Fields, m schema.Mapping, kind string) {
	if kind == "" {
		return // said already
	}
	known := m.For(kind)
	for _, key := range f.Names() {
		if !slices.Contains(known, key) {
			f.Key(key).Errorf("a %s of kind %s has no %q", m.Name, kind, key).WithHint("it has %s", strings.Join(known, ", "))
		}
	}
}

func (r *reader) focus(f strictyaml.Fields, s *Source) {
	s.Path = r.d.Resolve(r.text(f.Need("path")))
	s.Window, s.Current = orDuration(f.Get("window"), 30*24*time.Hour), orDuration(f.Get("current"), 3*24*time.Hour)
}

func (r *reader) table(f strictyaml.Fields, s *Source) {
	s.Path = r.d.Resolve(r.text(f.Need("path")))
	s.Fact, s.Query, s.Until = f.Need("fact").Text(), f.Get("query").Text(), f.Get("until").Text()
	for _, e := range f.Need("map").Entries() {
		s.Map = append(s.Map, Mapping{Field: e.Key.Text(), Expr: Named{e.Value.Text(), e.Value}})
	}
}

func (r *reader) series(f strictyaml.Fields, s *Source) {
	s.Path = r.d.Resolve(r.text(f.Need("path")))
	s.Metric, s.Time, s.Value = f.Need("metric").Text(), orText(f.Get("time").Text(), "timestamp"), orText(f.Get("value").Text(), "value")
	s.Column, s.Resource = f.Get("column").Text(), f.Get("resource").Text()
	if f.Has("column") && f.Has("resource") {
		f.Key("resource").Errorf("the resource of a series comes from a column or is one for all rows, not both")
	}
	if s.Window = orDuration(f.Get("window"), 32*24*time.Hour); s.Window < time.Hour && s.Window > 0 {
		f.Get("window").Errorf("a window of %s has no whole hour", s.Window).WithHint("768h are 32 days")
	}
}

func orDuration(n strictyaml.Node, fallback time.Duration) time.Duration {
	if n.IsZero() {
		return fallback
	}
	return n.Duration()
}

func (r *reader) owners(n strictyaml.Node) {
	for _, item := range n.Items() {
		f := item.Fields(ownerMapping.Names()...)
		o := Owner{f.Get("tag").Text(), f.Get("fact").Text(), f.Get("by").Text(), r.text(f.Get("fallback"))}
		given := 0
		for _, s := range []string{o.Tag, o.Fact, o.Fallback} {
			if s != "" {
				given++
			}
		}
		switch {
		case given != 1:
			item.Errorf("a link of the owner chain has exactly one of tag, fact and fallback")
		case o.Fact != "" && o.By == "":
			item.Errorf("an owner from a fact needs `by:`, the field of %s that equals the subject's", o.Fact)
		case o.Fact == "" && o.By != "":
			f.Key("by").Errorf("by belongs to fact: it is a field of it")
		}
		r.d.Owners = append(r.d.Owners, o)
	}
}

func (r *reader) routes(n strictyaml.Node) {
	for _, item := range n.Items() {
		f := item.Fields(routeMapping.Names()...)
		board, when := f.Need("board"), f.Get("when")
		r.d.Routes = append(r.d.Routes, Route{When: Named{when.Text(), when}, Board: Named{r.boardOf(board), board}})
	}
}

// boardOf reads a reference to a board of this file.
func (r *reader) boardOf(n strictyaml.Node) string {
	var known []string
	for _, b := range r.d.Boards {
		known = append(known, b.Name)
	}
	s := n.Text()
	if s != "" && !slices.Contains(known, s) {
		n.Errorf("there is no board %q", s).Suggest(s, known)
	}
	return s
}

// policy reads the numbers that keep tickets bearable. What is not said gets the
// careful default, not "no limit".
func (r *reader) policy(n strictyaml.Node) {
	f := n.Fields(policyMapping.Names()...)
	p := Policy{MinSavings: trimtab.Money{Amount: decimal.NewFromInt(50)}, Close: "comment", Gone: "leave", BrakeShare: decimal.RequireFromString("0.05"), VerifyState: 3, VerifyCost: 14}
	if m := f.Get("min_savings"); !m.IsZero() {
		var err error
		if p.MinSavings, err = trimtab.ParseMoney(m.Text()); err != nil {
			m.Errorf("%v", err)
		}
	}
	p.Sightings = count(f.Get("sightings"), 1)
	p.OpenPerOwner, p.NewPerBoardWeek = count(f.Get("open_per_owner"), 5), count(f.Get("new_per_board_week"), 20)
	if c := f.Get("close"); !c.IsZero() {
		p.Close = c.OneOf(words(policyMapping, "close")...)
	}
	if g := f.Get("gone"); !g.IsZero() {
		p.Gone = g.OneOf(words(policyMapping, "gone")...)
	}
	r.destructive(f.Get("destructive"), &p)
	r.brake(f.Get("brake"), &p)
	r.rollout(f.Get("rollout"), &p)
	verify := f.Get("verify").Fields(verifyMapping.Names()...)
	p.VerifyState, p.VerifyCost = days(verify.Get("state"), 3), days(verify.Get("cost"), 14)
	r.d.Policy = p
}

// destructive reads what is looked at more often before it is proposed to anybody.
func (r *reader) destructive(n strictyaml.Node, p *Policy) {
	f := n.Fields(destructiveMapping.Names()...)
	p.Destructive = []string{"delete"}
	if f.Has("actions") {
		p.Destructive = f.Get("actions").Texts()
	}
	p.DestructiveSightings = count(f.Get("sightings"), 3)
}

// rollout reads how new rules begin; a canary needs a board to be one on.
func (r *reader) rollout(n strictyaml.Node, p *Policy) {
	f := n.Fields(rolloutMapping.Names()...)
	p.RolloutNew = "live"
	if w := f.Get("new"); !w.IsZero() {
		p.RolloutNew = w.OneOf(words(rolloutMapping, "new")...)
	}
	for _, item := range f.Get("canary").Items() {
		p.Canary = append(p.Canary, r.boardOf(item))
	}
}

// brake reads how many tickets at once need somebody's approval.
func (r *reader) brake(n strictyaml.Node, p *Policy) {
	f := n.Fields(brakeMapping.Names()...)
	p.BrakeTickets = count(f.Get("tickets"), 25)
	if s := f.Get("share"); !s.IsZero() {
		share, err := decimal.NewFromString(s.Text())
		if err != nil || share.IsNegative() {
			s.Errorf("%q is no share: write 0.05 for 5 %%", s.Text())
		}
		p.BrakeShare = share
	}
}

func count(n strictyaml.Node, fallback int) int {
	if n.IsZero() {
		return fallback
	}
	i := n.Int()
	if i < 0 {
		n.Errorf("%d is less than 0", i)
	}
	return int(i)
}

// days reads a duration as days, which windows of data are counted in.
func days(n strictyaml.Node, fallback float64) float64 {
	if n.IsZero() {
		return fallback
	}
	return n.Duration().Hours() / 24
}

// sync reads how tickets are followed, and how each field of them is merged.
func (r *reader) sync(n strictyaml.Node) {
	f := n.Fields(syncMapping.Names()...)
	r.d.Sync = Sync{
		Interval: orDuration(f.Get("interval"), time.Minute), Overlap: orDuration(f.Get("overlap"), 5*time.Minute),
		Fields: merge.Defaults(), Values: map[string]Named{}, Words: map[string]map[string]string{}, Status: map[string]string{},
	}
	r.status(f.Get("status"), r.d.Sync.Status)
	fields := f.Get("fields").Fields(fieldsMapping.Names()...)
	for _, name := range fields.Names() {
		r.field(name, fields.Get(name))
	}
	for i := range r.d.Boards {
		if b := &r.d.Boards[i]; len(b.Status) == 0 {
			b.Status = r.d.Sync.Status
		}
	}
}

// field reads how one field is merged.
func (r *reader) field(name string, n strictyaml.Node) {
	m := fieldMappings[name]
	f := n.Fields(m.Names()...)
	rule := r.d.Sync.Fields[name]
	if d := f.Get("direction"); !d.IsZero() {
		rule.Direction = merge.Direction(d.OneOf(words(m, "direction")...))
	}
	if c := f.Get("conflict"); !c.IsZero() {
		rule.Conflict = merge.Winner(c.OneOf(words(m, "conflict")...))
	}
	r.d.Sync.Fields[name] = rule
	if v := f.Get("value"); !v.IsZero() {
		r.d.Sync.Values[name] = Named{v.Text(), v}
	}
	for _, e := range f.Get("map").Entries() {
		if r.d.Sync.Words[name] == nil {
			r.d.Sync.Words[name] = map[string]string{}
		}
		r.d.Sync.Words[name][e.Key.Text()] = r.text(e.Value)
	}
}

func (r *reader) schedule(n strictyaml.Node) {
	f := n.Fields(scheduleMapping.Names()...)
	scan := f.Get("scan")
	r.d.Schedule = Schedule{Scan: Named{orText(scan.Text(), "0 6 * * 1"), scan}, Monitor: orDuration(f.Get("monitor"), r.d.Sync.Interval)}
}

// minLease leaves a worker the time to renew a lease, and to end what it has begun.
const minLease = time.Second

func (r *reader) runs(n strictyaml.Node) {
	f := n.Fields(runsMapping.Names()...)
	lease := f.Get("lease")
	r.d.Runs = Runs{Lease: orDuration(lease, 30*time.Second), Crashes: count(f.Get("crashes"), 10), Keep: orDuration(f.Get("keep"), 30*24*time.Hour)}
	if r.d.Runs.Lease < minLease {
		lease.Errorf("a lease of %s is too short to be renewed", r.d.Runs.Lease).WithHint("write at least %s", minLease)
	}
	if crashes := f.Get("crashes"); r.d.Runs.Crashes < 1 {
		crashes.Errorf("a run must be allowed to lose a worker")
	}
}
