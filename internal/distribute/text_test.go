package distribute

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
)

var update = flag.Bool("update", false, "renew the golden files")

// TestTicketText holds a ticket's text, read from the store as the distributor
// reads it, to a golden file that people have read.
func TestTicketText(t *testing.T) {
	usd := func(text string) trimtab.Money {
		return trimtab.Money{Amount: decimal.RequireFromString(text), Currency: "USD"}
	}
	made := trimtab.Recommendation{
		Action: "stop", Title: "Stop idle VM i-1", Doc: "Nothing uses it.", Fix: "aws ec2 stop-instances --instance-ids i-1", Runbook: "https://wiki/idle",
		Current: "running", Proposed: "stopped", Risk: "low", MonthlyCost: usd("280.512"), Savings: usd("200.005"), Owner: trimtab.Owner{Source: "missing"},
		Subject: trimtab.Subject{Resource: "i-1", Name: "web | 1", Account: "shop", Region: "eu-west-1"},
		Reasons: []trimtab.Reason{{Rule: "aws.compute/idle-vm", Evidence: []trimtab.Evidence{
			{Name: "vm", Type: "Resource", Fields: map[string]any{"id": "i-1", "account": "shop", "kind": "vm", "tags": map[string]string{"b": "2", "a": "1", "c": ""}}},
			{Name: "cpu", Type: "Metric", Fields: map[string]any{"max": 1.8, "avg": 1.0320555555555548, "note": "a|b\nc `d`", "cost": usd("280.512"), "none": nil}},
		}}, {Rule: "own/other"}},
	}
	stored, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var rec trimtab.Recommendation
	if err := json.Unmarshal(stored, &rec); err != nil {
		t.Fatal(err)
	}
	payload, err := render(&rec, Board{Project: "FIN", Labels: []string{"finops"}})
	if err != nil {
		t.Fatal(err)
	}
	got := payload.Summary + "\n\n" + payload.Description
	golden := filepath.Join("testdata", "ticket.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("%v\n%s", err, got)
	}
}
