package views_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/views"
)

const requestID = "5b0c6a52-2f0e-4f4e-8f57-0c7d4e6a9b11"

// TestEveryAnswerReachesTheScreen shows the list of sites answered with each documented status code and each shape of body:
// what happened stands in place, and the details have the request id wherever the API gave one.
func TestEveryAnswerReachesTheScreen(t *testing.T) {
	bodies := map[string]string{
		"json":  `{"statusCode":%d,"requestId":"` + requestID + `","error":%s,"error_description":"No luck today","AdditionalInformation":{}}`,
		"guide": "<z:anyType><statusCode>%d</statusCode><requestId>" + requestID + "</requestId><error>%s</error><error_description>No luck today</error_description><AdditionalInformation></AdditionalInformation></z:AnyType>",
		"html":  "<html><body>Bad gateway %d %s</body></html>", "empty": "",
	}
	for status, kind := range map[int]error{
		400: unity.ErrInvalid, 401: unity.ErrUnauthenticated, 403: unity.ErrDenied, 404: unity.ErrNotFound, 405: unity.ErrUnsupported, 409: unity.ErrConflict,
		422: unity.ErrInvalid, 429: unity.ErrRateLimited, 500: unity.ErrUnavailable, 501: unity.ErrUnsupported, 503: unity.ErrUnavailable, 504: unity.ErrUnavailable,
	} {
		slow := (status == 429 || status >= 500) && status != 501 // a read is tried again, which takes seconds
		for shape, body := range bodies {
			if slow && (testing.Short() || shape == "guide" || shape == "empty") {
				continue
			}
			t.Run(fmt.Sprint(status, " ", shape), func(t *testing.T) {
				t.Parallel()
				code := "null"
				if shape != "json" {
					code = ""
				}
				if body != "" {
					body = fmt.Sprintf(body, status, code)
				}
				d := listOf(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = fmt.Fprint(w, body) })
				if !d.WaitFor(kind.Error()) {
					t.Fatalf("%q is not on the screen:\n%s", kind, d.Screen())
				}
				d.Settle()
				d.Press("d")
				documented := shape == "json" || shape == "guide"
				if documented != d.Has(requestID) || documented != d.Has("No luck today") || !d.Has(fmt.Sprint(status)) {
					t.Errorf("the details of %d %s:\n%s", status, shape, d.Screen())
				}
			})
		}
	}
	for name, body := range map[string]string{"no list": `{"TotalCount":3}`, "a page": "<html>portal</html>", "nothing": ""} {
		t.Run("200 "+name, func(t *testing.T) {
			t.Parallel()
			d := listOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, body) })
			if !d.WaitFor(unity.ErrProtocol.Error()) || strings.Contains(d.Screen(), "sees no site") {
				t.Errorf("a foreign answer looks like an empty console:\n%s", d.Screen())
			}
		})
	}
}

// listOf opens the list of sites on a server that answers everything alike.
func listOf(t *testing.T, answer http.HandlerFunc) *uitest.Driver {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	client, err := unity.New(unity.Options{BaseURL: server.URL, GSMKey: "AAAABBBBCCCCDDDDEEEE", Tokens: anyToken{}, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	env := views.NewEnv(client, "tester")
	th, err := theme.New("", "", true)
	if err != nil {
		t.Fatal(err)
	}
	d := uitest.Start(ui.New(ui.Config{Version: "test", Theme: th, Header: func() ui.Header { return ui.Header{Profile: "test"} },
		Home: func() ui.Screen { return ui.NewList(env.Sites()) }, Catalog: views.Catalog(), Explain: views.Explain}), 150, 40)
	d.Patience = time.Minute
	t.Cleanup(func() { _ = d.Close() })
	return d
}
