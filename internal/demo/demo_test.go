package demo

import (
	"crypto/sha256"
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"
)

func dayOf(n int) time.Time { return Day0.AddDate(0, 0, n).Add(6 * time.Hour) }

// hashes writes a company's data and gives a hash of each file.
func hashes(t *testing.T, c *company, at time.Time) map[string][32]byte {
	t.Helper()
	dir := t.TempDir()
	if err := c.write(t.Context(), dir, at); err != nil {
		t.Fatal(err)
	}
	all := map[string][32]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		all[name] = sha256.Sum256(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSameTwice(t *testing.T) {
	first, second := hashes(t, newCompany(), dayOf(firstScan)), hashes(t, newCompany(), dayOf(firstScan))
	if !reflect.DeepEqual(first, second) {
		t.Errorf("two companies: %v and %v", first, second)
	}
	for _, name := range []string{"data/focus/2026-06.parquet", "data/focus/2026-07.parquet", "data/inventory.csv", "data/metrics.csv", "data/owners.csv", "data/exemptions.csv"} {
		if _, ok := first[name]; !ok {
			t.Errorf("%s was not written", name)
		}
	}
	if len(first) != 6 {
		t.Errorf("%d files: %v", len(first), first)
	}
}

// What happens later is not to be seen in the data of an earlier day.
func TestEarlierDays(t *testing.T) {
	planned, eventless := newCompany(), newCompany()
	for _, r := range eventless.resources {
		r.stopped, r.silent = time.Time{}, time.Time{}
	}
	if !reflect.DeepEqual(hashes(t, planned, dayOf(firstScan)), hashes(t, eventless, dayOf(firstScan))) {
		t.Error("the first scan's data show what happens after it")
	}
	if reflect.DeepEqual(planned.inventory(dayOf(firstScan+month)), eventless.inventory(dayOf(firstScan+month))) {
		t.Error("a month later nothing has happened")
	}
	early := dayOf(20)
	for _, row := range planned.inventory(early)[1:] {
		created, err := time.Parse(time.RFC3339, row[7])
		if err != nil || created.After(early) {
			t.Fatalf("%s, made %s, is in the inventory of %s", row[0], row[7], early)
		}
	}
}

func TestStopsAndSilence(t *testing.T) {
	c := newCompany()
	fixed, silent := c.byID(fixedVM), c.byID(silentVM)
	for _, r := range []*resource{fixed, silent} {
		if !r.runs(dayOf(firstScan)) {
			t.Errorf("%s does not run at the first scan", r.id)
		}
	}
	later := dayOf(firstScan + month)
	state, hours := map[string]string{}, map[string]int{}
	for _, row := range c.inventory(later) {
		state[row[0]] = row[3]
	}
	for _, row := range c.metrics(later) {
		hours[row[0]]++
	}
	if state[fixedVM] != "stopped" || state[silentVM] != "running" || state[claimedVM] != "running" {
		t.Errorf("fixed %s, silent %s, claimed %s", state[fixedVM], state[silentVM], state[claimedVM])
	}
	if hours[fixedVM] != 5*24-6 || hours[silentVM] != 12*24-6 || hours[claimedVM] != 32*24 {
		t.Errorf("hours of metrics: fixed %d, silent %d, claimed %d", hours[fixedVM], hours[silentVM], hours[claimedVM])
	}
}

// loads gives the mean and the greatest CPU of each VM in the data of a day.
func loads(t *testing.T, c *company, at time.Time) (mean, high map[string]float64) {
	t.Helper()
	mean, high = map[string]float64{}, map[string]float64{}
	for _, row := range c.metrics(at)[1:] {
		cpu, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		mean[row[0]] += cpu / (32 * 24)
		high[row[0]] = max(high[row[0]], cpu)
	}
	return mean, high
}

// The rules call a VM idle whose busiest hour is below 5 %.
func TestTraps(t *testing.T) {
	c := newCompany()
	mean, high := loads(t, c, dayOf(firstScan))
	if mean[nightlyVM] >= 5 || high[nightlyVM] < 80 {
		t.Errorf("%s: mean %.2f, highest %.2f: it must look idle and not be", nightlyVM, mean[nightlyVM], high[nightlyVM])
	}
	for _, id := range []string{reservedVM, exemptVM, silentVM, fixedVM, claimedVM, refusedVM, movedVM, orphanVM} {
		if high[id] <= 0 || high[id] >= 5 {
			t.Errorf("%s is to be idle, and its busiest hour uses %.2f %%", id, high[id])
		}
	}
	if r := c.byID(reservedVM).line(Day0); r[10] != "0" || r[11] != "9.216" || r[28] == "" {
		t.Errorf("%s is not paid for by a commitment: %v", reservedVM, r)
	}
	if exempt := exemptions()[1]; exempt[0] != exemptVM || exempt[3] <= dayOf(firstScan+(len(laterFixes)+1)*month).Format(time.RFC3339) {
		t.Errorf("%s is not exempt as long as the story goes: %v", exemptVM, exempt)
	}
	for _, row := range owners()[1:] {
		if row[0] == c.byID(orphanVM).account {
			t.Errorf("%s has an owner: %v", orphanVM, row)
		}
	}
	if c.byID(orphanVM).tags != nil {
		t.Errorf("%s is tagged", orphanVM)
	}
	for _, id := range laterFixes {
		if c.byID(id) == nil || high[id] >= 5 {
			t.Errorf("%s, to be stopped later, is not idle", id)
		}
	}
}

// Of nine accounts: eight of 39 resources, the traps and the lab; a line a day
// of each, an hour of CPU of each VM.
func TestNumbers(t *testing.T) {
	c := newCompany()
	kinds, ids := map[string]int{}, map[string]bool{}
	for _, r := range c.resources {
		kinds[r.kind]++
		ids[r.id] = true
	}
	if want := map[string]int{"vm": 8*16 + 8, "volume": 8 * 14, "address": 8 * 5, "snapshot": 8 * 4}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
	if len(ids) != len(c.resources) {
		t.Errorf("%d ids of %d resources", len(ids), len(c.resources))
	}
	if n := len(c.metrics(dayOf(firstScan))) - 1; n != (8*16+8)*32*24 {
		t.Errorf("%d hours of metrics", n)
	}
	if n := len(c.inventory(dayOf(firstScan))) - 1; n != len(c.resources) {
		t.Errorf("%d lines of inventory", n)
	}
	if header := len(focusHeader); len(c.resources[0].line(Day0)) != header {
		t.Errorf("%d cells under %d columns", len(c.resources[0].line(Day0)), header)
	}
}

func TestWriteCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	rows := [][]string{{"a", "b"}, {`x,"y"`, "line\nline"}}
	if err := writeCSV(path, rows); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if got, err := csv.NewReader(f).ReadAll(); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%v, %v", got, err)
	}
	if err := writeCSV(filepath.Join(t.TempDir(), "none", "a.csv"), rows); err == nil {
		t.Error("a file in no folder was written")
	}
}
