package demo

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
)

// Day0 is the first day of the company's data. The story is the same whenever
// it is told: nothing in it depends on today.
var Day0 = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// resource is one thing that the company pays for.
type resource struct {
	id, kind, name string
	account        string
	region         string
	service        string
	description    string // of the charge
	unit           string
	tags           map[string]string
	daily          trimtab.Decimal // cost a day
	state          string          // running, in-use, available, associated, unassociated
	size           string          // instance type or volume type
	commitment     string          // id of the commitment that covers it
	cpu            cpuProfile
	created        time.Time
	stopped        time.Time // from then on it is stopped and costs nothing
	silent         time.Time // from then on it sends no metrics
}

// cpuProfile gives the CPU percentage of an hour.
type cpuProfile func(vm int, hour time.Time) float64

// random is Park and Miller's generator: the same numbers on every machine.
type random struct{ x int64 }

func (r *random) next(n int64) int64 {
	r.x = r.x * 48271 % 2147483647
	return r.x % n
}

// noise is a number in [0, 1) that depends on its arguments only.
func noise(a int, at time.Time) float64 {
	h := uint64(a)*0x9E3779B97F4A7C15 ^ uint64(at.Unix())*0xBF58476D1CE4E5B9 //nolint:gosec // a mix of bits, no number
	h ^= h >> 31
	h *= 0x94D049BB133111EB
	h ^= h >> 29
	return float64(h%100000) / 100000
}

// busy machines follow the office day and never come near a threshold.
func busy(vm int, hour time.Time) float64 {
	base := 25 + 20*noise(vm, hour)
	if h := hour.Hour(); h >= 8 && h < 19 {
		base += 30
	}
	return base
}

// idle machines hum at different levels, all far below a threshold of 5 %.
func idle(vm int, hour time.Time) float64 { return 0.3 + 0.5*float64(1+vm%6)*noise(vm, hour) }

// nightly sleeps all day and works from two to three in the morning: on average
// it looks idle, and it is not.
func nightly(vm int, hour time.Time) float64 {
	if hour.Hour() == 2 {
		return 80 + 15*noise(vm, hour)
	}
	return idle(vm, hour)
}

// team is an owner of accounts.
type team struct{ name, lead, prefix string }

var teams = []team{
	{"platform", "ann@acme.example", "plat"},
	{"data", "ben@acme.example", "data"},
	{"shop", "cleo@acme.example", "shop"},
	{"web", "dan@acme.example", "web"},
}

var instanceTypes = []struct {
	name  string
	daily string
}{{"m6i.large", "2.304"}, {"m6i.xlarge", "4.608"}, {"m6i.2xlarge", "9.216"}, {"c6i.4xlarge", "16.32"}}

var regions = []string{"eu-central-1", "eu-west-1", "us-east-1"}

// newCompany plants the truth: what is idle, what only looks so, what nobody
// owns. The same company comes out every time.
func newCompany() *company {
	c := &company{rnd: random{42}}
	for t := range teams {
		for _, env := range []string{"prod", "dev"} {
			c.account(t, env)
		}
	}
	c.traps()
	c.schedule()
	return c
}

// company is all of its resources, in the order of their making.
type company struct {
	rnd       random
	resources []*resource
}

func (c *company) byID(id string) *resource {
	for _, r := range c.resources {
		if r.id == id {
			return r
		}
	}
	return nil
}

// add gives a resource an age older than the data, unless it has one.
func (c *company) add(r resource) *resource {
	if r.created.IsZero() {
		r.created = Day0.AddDate(0, 0, -int(c.rnd.next(400)+10))
	}
	c.resources = append(c.resources, &r)
	return &r
}

// account fills one account: mostly healthy things, a few wasteful ones.
func (c *company) account(t int, env string) {
	account := teams[t].prefix + "-" + env
	for i := range 16 {
		cpu := busy
		if i == 7 || (env == "dev" && i == 11) {
			cpu = idle
		}
		c.vm(fmt.Sprintf("vm-%s-%02d", account, i), account, env, cpu)
	}
	for i := range 14 {
		kind, state := "gp3", "in-use"
		if i%5 == 1 {
			kind = "gp2"
		}
		if i == 6 || i == 11 {
			state = "available" // attached to nothing; number 6 and 11 are gp2, too
		}
		c.volume(fmt.Sprintf("vol-%s-%02d", account, i), account, env, kind, state)
	}
	for i := range 5 {
		state := "associated"
		if i == 3 {
			state = "unassociated"
		}
		c.address(fmt.Sprintf("eip-%s-%02d", account, i), account, env, state)
	}
	for i := range 4 {
		c.snapshot(fmt.Sprintf("snap-%s-%02d", account, i), account, env, i == 2)
	}
}

func (c *company) region() string { return regions[c.rnd.next(int64(len(regions)))] }

// tagsOf tags two resources of three with an owner; the rest is for the owner
// chain to find out.
func (c *company) tagsOf(account, env string) map[string]string {
	tags := map[string]string{"env": env}
	if c.rnd.next(3) > 0 {
		tags["owner"] = leadOf(account)
	}
	return tags
}

// leadOf is who answers for an account; nobody for the lab.
func leadOf(account string) string {
	for _, t := range teams {
		if len(account) > len(t.prefix) && account[:len(t.prefix)+1] == t.prefix+"-" {
			return t.lead
		}
	}
	return ""
}

// vm plants a machine at the list price of its type.
func (c *company) vm(id, account, env string, cpu cpuProfile) *resource {
	kind := instanceTypes[c.rnd.next(int64(len(instanceTypes)))]
	return c.add(resource{
		id: id, kind: "vm", name: id, account: account, region: c.region(), service: "Amazon Elastic Compute Cloud",
		description: "per On Demand Linux " + kind.name + " Instance Hour", unit: "Hours", tags: c.tagsOf(account, env),
		daily: decimal.RequireFromString(kind.daily), state: "running", size: kind.name, cpu: cpu,
	})
}

// volume plants a disk, whose price a month is spread over 30 days.
func (c *company) volume(id, account, env, kind, state string) *resource {
	gigabytes := decimal.NewFromInt(400 + 200*c.rnd.next(6))
	price := map[string]string{"gp2": "0.10", "gp3": "0.08"}[kind]
	return c.add(resource{
		id: id, kind: "volume", name: id, account: account, region: c.region(), service: "Amazon Elastic Block Store",
		description: "$" + price + " per GB-month of General Purpose SSD (" + kind + ") provisioned storage", unit: "GB-Months",
		tags: c.tagsOf(account, env), daily: gigabytes.Mul(decimal.RequireFromString(price)).DivRound(decimal.NewFromInt(30), 6),
		state: state, size: kind,
	})
}

// address plants a public IPv4 address: 24 hours at 0.005 are the 0.12 a day.
func (c *company) address(id, account, env, state string) *resource {
	what := "In-use"
	if state == "unassociated" {
		what = "Idle"
	}
	return c.add(resource{
		id: id, kind: "address", name: id, account: account, region: c.region(), service: "Amazon Virtual Private Cloud",
		description: "$0.005 per " + what + " public IPv4 address per hour", unit: "Hours", tags: c.tagsOf(account, env),
		daily: decimal.RequireFromString("0.12"), state: state, size: "ipv4",
	})
}

// snapshot plants a young snapshot, or one of a year ago that nobody needs.
func (c *company) snapshot(id, account, env string, old bool) *resource {
	r := c.add(resource{
		id: id, kind: "snapshot", name: id, account: account, region: c.region(), service: "Amazon Elastic Block Store",
		description: "$0.05 per GB-Month of snapshot data stored", unit: "GB-Months", tags: c.tagsOf(account, env),
		daily: decimal.NewFromInt(1 + c.rnd.next(4)), state: "completed", size: "snapshot", created: Day0.AddDate(0, 0, 40),
	})
	if old {
		r.created = Day0.AddDate(-1, 0, 0)
	}
	return r
}

// The names of what the story turns on.
const (
	nightlyVM  = "vm-data-prod-nightly"   // looks idle on average; must not be filed
	reservedVM = "vm-plat-prod-reserved"  // idle, but a commitment pays for it whether it runs or not
	exemptVM   = "vm-shop-prod-legalhold" // idle and exempt, with a reason and an end
	silentVM   = "vm-web-prod-silent"     // idle; later its metrics stop
	fixedVM    = "vm-shop-dev-07"         // somebody really stops it
	claimedVM  = "vm-data-dev-07"         // somebody says so and does not
	refusedVM  = "vm-web-dev-07"          // somebody will not
	movedVM    = "vm-plat-dev-07"         // somebody hands it on
	orphanVM   = "vm-lab-sandbox-01"      // in an account that nobody owns
)

// traps are added after the accounts, whose random numbers they would shift.
func (c *company) traps() {
	large := decimal.RequireFromString("9.216")
	c.vm(nightlyVM, "data-prod", "prod", nightly).daily = large
	reserved := c.vm(reservedVM, "plat-prod", "prod", idle)
	reserved.commitment, reserved.daily = "sp-2025-platform", large
	c.vm(exemptVM, "shop-prod", "prod", idle).daily = large
	c.vm(silentVM, "web-prod", "prod", idle).daily = large
	orphan := c.vm(orphanVM, "lab-sandbox", "dev", idle)
	orphan.tags, orphan.daily = nil, large
	for i := range 3 { // busy, but nobody's: not worth a ticket below the threshold
		lab := c.vm(fmt.Sprintf("vm-lab-sandbox-%02d", i+2), "lab-sandbox", "dev", busy)
		lab.tags, lab.daily = nil, decimal.RequireFromString("4.608")
	}
	for _, id := range []string{fixedVM, claimedVM, refusedVM, movedVM} {
		c.byID(id).daily = large
	}
}
