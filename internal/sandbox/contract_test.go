package sandbox

import (
	"net/http"
	"net/http/httptest"
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

var contract = sync.OnceValues(func() (routers.Router, error) {
	text, err := os.ReadFile(specification)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // any host
	// Where the document contradicts its own examples, Jira does as the examples:
	// fields without a value are null, and offsets of times have no colon.
	doc.Components.Schemas["IssueBean"].Value.Properties["fields"].Value.AdditionalProperties.Schema.Value.Nullable = true
	for _, path := range doc.Paths.Map() {
		for _, operation := range path.Operations() {
			if empty := operation.Responses.Status(http.StatusNoContent); empty != nil {
				empty.Value.Content = nil // "no content" has no content type either
			}
		}
	}
	// It shows one link where it means a list, and knows no answer that is one link.
	links := doc.Paths.Value("/rest/api/3/issue/{issueIdOrKey}/remotelink").Get.Responses.Status(http.StatusOK)
	one := links.Value.Content["application/json"].Schema.Value
	links.Value.Content["application/json"].Schema = openapi3.NewSchemaRef("", openapi3.NewAnyOfSchema(one, openapi3.NewArraySchema().WithItems(one)))
	// Nor does it know a bulk creation that is refused as a whole.
	bulk := doc.Paths.Value("/rest/api/3/issue/bulk").Post.Responses.Status(http.StatusBadRequest).Value.Content["application/json"]
	bulk.Schema = openapi3.NewSchemaRef("", openapi3.NewAnyOfSchema(bulk.Schema.Value, doc.Components.Schemas["ErrorCollection"].Value))
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$`))
	return gorillamux.NewRouter(doc)
})

// hold holds an answer of Cloud's API to Atlassian's document, where the
// document has the path.
func hold(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	router, err := contract()
	if os.IsNotExist(err) {
		return // TestContract says so loudly
	}
	if err != nil {
		t.Fatal(err)
	}
	route, params, err := router.FindRoute(r)
	if err != nil || w.Code/100 == 3 || w.Code >= 500 || w.Code == http.StatusTooManyRequests || w.Code == http.StatusUnauthorized || strings.HasPrefix(w.Header().Get("Content-Type"), "text/") {
		return // the document does not have these, the world does
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options},
		Status:                 w.Code, Header: w.Header(), Options: options,
	}
	output.SetBodyBytes(w.Body.Bytes())
	if err := openapi3filter.ValidateResponse(t.Context(), output); err != nil {
		t.Errorf("answer to %s %s: %.400s\n%.2000s", r.Method, r.URL.Path, err.Error(), w.Body)
	}
}

func TestContract(t *testing.T) {
	if _, err := contract(); os.IsNotExist(err) {
		t.Skipf("SKIPPED: without %s nothing is held to Jira's document", specification)
	}
	// The check itself must be able to fail.
	probe := &testing.T{}
	w := httptest.NewRecorder()
	reply(w, http.StatusOK, map[string]any{"issues": "none"})
	hold(probe, httptest.NewRequestWithContext(t.Context(), "POST", "http://127.0.0.1/rest/api/3/search/jql", strings.NewReader("{}")), w)
	if !probe.Failed() {
		t.Error("an answer that breaks the contract passed")
	}
}
