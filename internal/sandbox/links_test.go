package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

func TestIssueLinks(t *testing.T) {
	b := openBox(t, config(""))
	one, two := b.file("FIN", "one"), b.file("OPS", "two")
	link := `{"type":{"name":"Blocks"},"inwardIssue":{"key":"` + one + `"},"outwardIssue":{"key":"` + two + `"}}`
	for range 2 { // the second is no second link
		if got := b.text("POST", "issueLink", link); got != "201 {}" {
			t.Error(got)
		}
	}
	if got := b.text("GET", "issue/"+one+"?fields=issuelinks", ""); strings.Count(got, "outwardIssue") != 1 || !strings.Contains(got, `"key":"OPS-1"`) {
		t.Error(got)
	}
	if got := b.text("GET", "issue/"+two+"?fields=issuelinks", ""); strings.Count(got, "inwardIssue") != 1 {
		t.Error(got)
	}
	if got := b.text("GET", "issue/"+two+"/changelog", ""); !strings.Contains(got, "This issue is blocked by FIN-1") {
		t.Error(got)
	}
	for body, want := range map[string]string{
		`{"type":{"name":"Loves"},"inwardIssue":{"key":"FIN-1"},"outwardIssue":{"key":"OPS-1"}}`:    "404",
		`{"type":{"name":"Blocks"},"inwardIssue":{"key":"FIN-9"},"outwardIssue":{"key":"OPS-1"}}`:   "404",
		`{"type":{"name":"Blocks"},"inwardIssue":{"key":"OPS-1"},"outwardIssue":{"key":"OPS-1"}}`:   "400",
		`{"type":{"name":"Blocks"},"inwardIssue":{"key":"FIN-1"},"outwardIssue":{"key":"OPS-1"}} x`: "201", // what follows is not read
	} {
		if got := b.text("POST", "issueLink", body); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
	if got := b.text("GET", "issueLinkType", ""); !strings.Contains(got, "is duplicated by") {
		t.Error(got)
	}
	b.must(b.Delete(two))
	if got := b.text("GET", "issue/"+one+"?fields=issuelinks", ""); !strings.Contains(got, `"issuelinks":[]`) {
		t.Errorf("a link to an issue that is gone: %s", got)
	}
	// Two elements of one creation link to the same issue; neither link is lost.
	element := `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"s"},"update":{"issuelinks":[{"add":{"type":{"name":"Relates"},"outwardIssue":{"key":"FIN-1"}}}]}}`
	b.text("POST", "issue/bulk", `{"issueUpdates":[`+element+`,`+element+`]}`)
	if i, _ := b.Get(one); len(i.Links) != 3 {
		t.Errorf("%+v", i.Links)
	}
}

// TestRemoteLinks: the same globalId is the same link.
func TestRemoteLinks(t *testing.T) {
	b := openBox(t, config(""))
	key := b.file("FIN", "one")
	for _, step := range []struct{ body, want string }{
		{`{"globalId":"a","object":{"url":"http://x","title":"X"}}`, "201 "},
		{`{"globalId":"a","relationship":"saves","object":{"url":"http://y","title":"Y"}}`, "200 "},
		{`{"object":{"url":"http://z","title":"Z"}}`, "201 "},
		{`{"object":{"url":"http://z"}}`, "400 "},
	} {
		if got := b.text("POST", "issue/"+key+"/remotelink", step.body); !strings.HasPrefix(got, step.want) {
			t.Errorf("%s: %s", step.body, got)
		}
	}
	if got := b.text("GET", "issue/"+key+"/remotelink", ""); strings.Count(got, `"object"`) != 2 || !strings.Contains(got, "http://y") || strings.Contains(got, "http://x") {
		t.Error(got)
	}
	if got := b.text("GET", "issue/"+key+"/remotelink?globalId=a", ""); !strings.HasPrefix(got, `200 {"globalId":"a"`) {
		t.Error(got)
	}
	if got := b.text("GET", "issue/"+key+"/remotelink?globalId=b", ""); !strings.HasPrefix(got, "404") {
		t.Error(got)
	}
}

func TestProperties(t *testing.T) {
	b := openBox(t, config(""))
	path := "issue/" + b.file("FIN", "one") + "/properties/mark"
	before := b.Issues("")[0].Updated
	for _, step := range []struct {
		method, body string
		status       int
	}{
		{"GET", "", 404},
		{"PUT", `{"a":1}`, 201},
		{"PUT", `{"a":2}`, 200},
		{"PUT", `"` + strings.Repeat("x", maxProperty) + `"`, 400},
		{"GET", "", 200},
		{"DELETE", "", 204},
		{"DELETE", "", 404},
	} {
		if status, answer := b.ask(step.method, path, step.body); status != step.status {
			t.Errorf("%s %.20s: HTTP %d: %v", step.method, step.body, status, answer)
		}
	}
	if b.Issues("")[0].Updated != before {
		t.Error("a property moved the issue on")
	}
}

// TestHistories: many histories in one answer, in pages, oldest entry first.
func TestHistories(t *testing.T) {
	b := openBox(t, config(""))
	one, two := b.file("FIN", "one"), b.file("OPS", "two")
	b.must(b.Assign(two, "ann", "ann"))
	b.must(b.Transition(one, "Done", "", "ann"))
	b.text("PUT", "issue/"+two, `{"fields":{"summary":"three"},"historyMetadata":{"type":"trimtab","extraData":{"op":"7"}}}`)
	first := b.text("POST", "changelog/bulkfetch", `{"issueIdsOrKeys":["FIN-1","OPS-1","OPS-9"],"maxResults":2}`)
	if strings.Count(first, "changeHistories") != 2 || strings.Contains(first, "three") {
		t.Error(first)
	}
	_, page := b.ask("POST", "changelog/bulkfetch", `{"issueIdsOrKeys":["FIN-1","OPS-1"],"maxResults":2}`)
	second := b.text("POST", "changelog/bulkfetch", `{"issueIdsOrKeys":["FIN-1","OPS-1"],"maxResults":2,"nextPageToken":"`+page["nextPageToken"].(string)+`"}`)
	if !strings.Contains(second, `"op":"7"`) || strings.Contains(second, "nextPageToken") {
		t.Error(second)
	}
	if some := b.text("POST", "changelog/bulkfetch", `{"issueIdsOrKeys":["FIN-1","OPS-1"],"fieldIds":["status"]}`); strings.Count(some, "changeHistories") != 1 {
		t.Error(some)
	}
	for _, body := range []string{`{"issueIdsOrKeys":[]}`, `{"issueIdsOrKeys":["FIN-1"],"nextPageToken":"!"}`, `{"issueIdsOrKeys":["FIN-1"],"fieldIds":["1","2","3","4","5","6","7","8","9","10","11"]}`} {
		if status, _ := b.ask("POST", "changelog/bulkfetch", body); status != http.StatusBadRequest {
			t.Errorf("%s: HTTP %d", body, status)
		}
	}
	if got := b.text("POST", "issue/bulkfetch", `{"issueIdsOrKeys":["OPS-1"],"fields":["summary"],"expand":["changelog"]}`); !strings.Contains(got, `"histories":[{`) {
		t.Error(got)
	}
}
