package jira_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// specification is Atlassian's own document of the API; it is not part of the
// project, so a checkout may lack it.
const specification = "../../../shared/jira/jira-cloud-v3.trimmed.json"

var router = sync.OnceValues(func() (routers.Router, error) {
	text, err := os.ReadFile(specification)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // any host
	// The document and its own examples disagree in three points, where Jira does
	// as the examples: fields without a value are null, offsets of times have
	// no colon, and 204 has no body.
	for _, name := range []string{"IssueBean", "IssueUpdateDetails"} {
		doc.Components.Schemas[name].Value.Properties["fields"].Value.AdditionalProperties.Schema.Value.Nullable = true
	}
	for _, path := range doc.Paths.Map() {
		for _, operation := range path.Operations() {
			if empty := operation.Responses.Status(http.StatusNoContent); empty != nil {
				empty.Value.Content = nil // "no content" has no content type either
			}
		}
	}
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$`))
	return gorillamux.NewRouter(doc)
})

// contract holds every request of the client and every answer of the sandbox
// to Atlassian's document.
type contract struct {
	t      *testing.T
	router routers.Router
	below  http.RoundTripper

	mu    sync.Mutex
	calls []string
}

// checked makes a transport that checks the contract where the document is at
// hand; TestContract says loudly where it is not.
func checked(t *testing.T) http.RoundTripper {
	below := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(below.CloseIdleConnections)
	r, err := router()
	if os.IsNotExist(err) {
		return below
	}
	if err != nil {
		t.Fatal(err)
	}
	return &contract{t: t, router: r, below: below}
}

func (c *contract) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.calls = append(c.calls, req.Method+" "+req.URL.Path)
	c.mu.Unlock()
	input := c.checkRequest(req)
	resp, err := c.below.RoundTrip(req)
	if err != nil || input == nil {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil { // broken off on purpose
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		return resp, nil
	}
	c.checkAnswer(req, input, resp, body)
	return resp, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (c *contract) checkRequest(req *http.Request) *openapi3filter.RequestValidationInput {
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		c.t.Errorf("%s %s is not in Jira's document: %v", req.Method, req.URL.Path, err)
		return nil
	}
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			c.t.Error(err)
		}
	}
	input := &openapi3filter.RequestValidationInput{
		Request: again, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil && req.Context().Err() == nil {
		c.t.Errorf("request %s %s: %v", req.Method, req.URL.Path, err)
	}
	return input
}

func (c *contract) checkAnswer(req *http.Request, input *openapi3filter.RequestValidationInput, resp *http.Response, body []byte) {
	broken := resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	// The document forgets that a project may not be there.
	// And a link that was made has an empty body, although it says JSON.
	broken = broken || resp.StatusCode == http.StatusCreated && len(body) == 0 && strings.HasSuffix(req.URL.Path, "/issueLink")
	broken = broken || resp.StatusCode == http.StatusNotFound && strings.Contains(req.URL.Path, "/createmeta/")
	if broken { // the document does not have these, the world does
		return
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: input.Options,
	}
	output.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(req.Context(), output); err != nil && req.Context().Err() == nil {
		c.t.Errorf("answer to %s %s: %v\n%.2000s", req.Method, req.URL.Path, err, body)
	}
}

func TestContract(t *testing.T) {
	r, err := router()
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED: without %s nothing is held to Jira's document", specification)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The checks themselves must be able to fail.
	probe := &testing.T{}
	c := &contract{t: probe, router: r, below: http.DefaultTransport}
	bad, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/rest/api/3/issue/bulkfetch", strings.NewReader(`{"fields":"summary"}`))
	bad.Header.Set("Content-Type", "application/json")
	if input := c.checkRequest(bad); input == nil || !probe.Failed() {
		t.Error("a request that breaks the contract passed")
	}
}
