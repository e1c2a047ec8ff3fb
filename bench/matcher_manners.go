package main

import (
	"fmt"

	"github.com/trimtab/trimtab/rete"
)

// manners is Miss Manners: guests are to be seated so that neighbours are of
// different sex and share a hobby.
//
// Seats are given one by one. Each seating carries a copy of the path that led
// to it, so that the search could go back; with the guests made here it never
// has to. Where the classic rules leave it to the engine's love of long
// conditions which rule comes first, priorities say it.
type manners struct{ guests int }

// firings with n guests are those of n seatings without going back: n(n-1)/2
// copies of a path, and 4n-1 steps of the other rules.
func (m manners) firings() int { return m.guests*(m.guests-1)/2 + 4*m.guests - 1 }

// mannersTypes have seatings keyed by a number that counts down: among matches
// of one age the lower key comes first, and the newest seating must.
var mannersTypes = []schema{
	{name: "context", fields: []string{"state"}},
	{name: "counter", fields: []string{"c"}},
	{name: "guest", fields: []string{"name", "sex", "hobby"}},
	{name: "last_seat", fields: []string{"seat"}},
	{name: "seating", key: "id", fields: []string{"id", "pid", "seat1", "name1", "name2", "seat2", "path_done"}},
	{name: "path", fields: []string{"id", "name", "seat"}},
	{name: "chosen", fields: []string{"id", "name", "hobby"}},
}

// stage is the clause that a rule needs to be in a stage, and goTo leaves it.
func stage(state string) clause { return fact("context", "x", eq("state", state)) }
func goTo(state string) deed    { return set("x", setting{"state", state}) }

// countDown gives the next seating its number.
func countDown() deed { return set("n", setting{"c", plus{"n.c", -1}}) }

var mannersRules = []rule{
	{
		name: "assign_first_seat",
		when: []clause{stage("start"), fact("guest", "g"), fact("counter", "n")},
		then: []deed{
			put("seating", setting{"id", at("n.c")}, setting{"pid", 1}, setting{"seat1", 1}, setting{"name1", at("g.name")},
				setting{"name2", at("g.name")}, setting{"seat2", 1}, setting{"path_done", "yes"}),
			put("path", setting{"id", at("n.c")}, setting{"name", at("g.name")}, setting{"seat", 1}),
			countDown(),
			goTo("assign_seats"),
		},
	},
	{
		name: "find_seating",
		when: []clause{
			stage("assign_seats"),
			fact("seating", "s", eq("path_done", "yes")),
			fact("guest", "left", eq("name", at("s.name2"))),
			fact("guest", "right", eq("hobby", at("left.hobby")), ne("sex", at("left.sex"))),
			fact("counter", "n"),
			no("path", "p", eq("id", at("s.id")), eq("name", at("right.name"))),
			no("chosen", "c", eq("id", at("s.id")), eq("name", at("right.name")), eq("hobby", at("left.hobby"))),
		},
		then: []deed{
			put("seating", setting{"id", at("n.c")}, setting{"pid", at("s.id")}, setting{"seat1", at("s.seat2")}, setting{"name1", at("s.name2")},
				setting{"name2", at("right.name")}, setting{"seat2", plus{"s.seat2", 1}}, setting{"path_done", "no"}),
			put("path", setting{"id", at("n.c")}, setting{"name", at("right.name")}, setting{"seat", plus{"s.seat2", 1}}),
			put("chosen", setting{"id", at("s.id")}, setting{"name", at("right.name")}, setting{"hobby", at("left.hobby")}),
			countDown(),
			goTo("make_path"),
		},
	},
	{
		name: "make_path",
		when: []clause{
			stage("make_path"),
			fact("seating", "s", eq("path_done", "no")),
			fact("path", "p", eq("id", at("s.pid"))),
			no("path", "mine", eq("id", at("s.id")), eq("name", at("p.name"))),
		},
		then: []deed{put("path", setting{"id", at("s.id")}, setting{"name", at("p.name")}, setting{"seat", at("p.seat")})},
	},
	{
		name: "path_done", priority: -1,
		when: []clause{stage("make_path"), fact("seating", "s", eq("path_done", "no"))},
		then: []deed{set("s", setting{"path_done", "yes"}), goTo("check_done")},
	},
	{
		name: "are_we_done",
		when: []clause{stage("check_done"), fact("last_seat", "l"), fact("seating", "s", eq("seat2", at("l.seat")))},
		then: []deed{goTo("print_results")},
	},
	{
		name: "continue", priority: -1,
		when: []clause{stage("check_done")},
		then: []deed{goTo("assign_seats")},
	},
	{
		name: "print_results",
		when: []clause{
			stage("print_results"), fact("last_seat", "l"), fact("seating", "s", eq("seat2", at("l.seat"))),
			fact("path", "p", eq("id", at("s.id"))),
		},
		then: []deed{drop("p")},
	},
	{
		name: "all_done", priority: -1,
		when: []clause{stage("print_results")},
		then: []deed{{verb: halt}},
	},
}

// guest is a guest with one of his hobbies.
type guest struct{ name, sex, hobby string }

// invited makes as many men as women, in any order, each with two or three of
// three hobbies: any two share one.
func (m manners) invited() []guest {
	var all []guest
	random, left := start, map[string]int{"m": m.guests / 2, "f": m.guests - m.guests/2}
	for i := range m.guests {
		sex := [...]string{"m", "f"}[random.draw(2)]
		if left[sex] == 0 {
			sex = map[string]string{"m": "f", "f": "m"}[sex]
		}
		left[sex]--
		first, hobbies := random.draw(3), 2+random.draw(2)
		for h := range hobbies {
			all = append(all, guest{fmt.Sprintf("n%d", i+1), sex, fmt.Sprintf("h%d", 1+(first+h)%3)})
		}
	}
	return all
}

func (m manners) contest() *contest {
	return &contest{
		name: "manners", size: fmt.Sprintf("%d guests", m.guests), whole: true,
		want: func(int) []int { return []int{m.firings()} },
		ours: func() player { return storyPlayer(mannersTypes, mannersRules, m.load) },
		clips: func() clipsProgram {
			return clipsStory(mannersTypes, mannersRules, m.clipsFacts())
		},
	}
}

func (m manners) load(e *engine, tx *rete.Tx) error {
	for _, g := range m.invited() {
		if _, err := assertRow(tx, e.shapes["guest"], text(g.name), text(g.sex), text(g.hobby)); err != nil {
			return err
		}
	}
	if _, err := assertRow(tx, e.shapes["last_seat"], number(m.guests)); err != nil {
		return err
	}
	if _, err := assertRow(tx, e.shapes["counter"], number(0)); err != nil {
		return err
	}
	_, err := assertRow(tx, e.shapes["context"], text("start"))
	return err
}

func (m manners) clipsFacts() []string {
	var facts []string
	for _, g := range m.invited() {
		facts = append(facts, fmt.Sprintf("(guest (name %s) (sex %s) (hobby %s))", g.name, g.sex, g.hobby))
	}
	return append(facts, fmt.Sprintf("(last_seat (seat %d))", m.guests), "(counter (c 0))", "(context (state start))")
}
