package unity

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

var kinds = []error{ErrUnauthenticated, ErrScope, ErrDenied, ErrNotFound, ErrConflict, ErrInvalid, ErrUnsupported, ErrRateLimited,
	ErrUnavailable, ErrUnreachable, ErrProtocol, ErrRefused}

const xmlHead = `<z:anyType xmlns:z="http://schemas.microsoft.com/2003/10/Serialization/" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`

// shapes are the bodies an error can come with.
func shapes(status int, code string) map[string]string {
	element := "<error>" + code + "</error>"
	if code == "" {
		element = `<error i:nil="true"/>`
	}
	inner := fmt.Sprintf("<error_description>no &lt;luck&gt;</error_description><requestId>5b0c6a52-2f0e-4f4e-8f57-0c7d4e6a9b11</requestId><statusCode>%d</statusCode>", status)
	return map[string]string{
		"json": errorJSON(status, code, "no <luck>"),
		"xml":  xmlHead + "<AdditionalInformation/>" + element + inner + "</z:anyType>",
		"guide": fmt.Sprintf("<z:anyType><statusCode>%d</statusCode><requestId>5b0c6a52-2f0e-4f4e-8f57-0c7d4e6a9b11</requestId><error>%s</error>"+
			"<error_description>no &lt;luck&gt;</error_description><AdditionalInformation></AdditionalInformation></z:AnyType>", status, code),
		"html":  "<html><body><h1>error</h1></body></html>",
		"empty": "",
	}
}

// TestDocumentedAnswers walks all documented status codes with every shape of body, on a change.
func TestDocumentedAnswers(t *testing.T) {
	for _, x := range []struct {
		status  int
		code    string
		kind    error
		foreign error // the kind when the body is not the API's
	}{
		{200, "", nil, nil}, {201, "", nil, nil}, {204, "", nil, nil},
		{400, "", ErrInvalid, ErrInvalid}, {401, "invalid_token", ErrUnauthenticated, ErrUnauthenticated},
		{403, "insufficient_scope", ErrScope, ErrDenied}, {403, "", ErrDenied, ErrDenied}, {404, "", ErrNotFound, ErrNotFound},
		{405, "", ErrUnsupported, ErrUnsupported}, {409, "", ErrConflict, ErrConflict}, {422, "", ErrInvalid, ErrInvalid},
		{429, "", ErrRateLimited, ErrRateLimited}, {500, "", ErrUnavailable, ErrUnavailable}, {501, "", ErrUnsupported, ErrUnsupported},
		{503, "", ErrUnavailable, ErrUnavailable}, {504, "", ErrUnavailable, ErrUnavailable},
	} {
		for shape, body := range shapes(x.status, x.code) {
			t.Run(fmt.Sprint(x.status, x.code, " ", shape), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w, x.status, body) })
					resp, err := c.Do(t.Context(), scan(t, c))
					if x.kind == nil && shape == "html" && x.status != 204 {
						// A portal says 200 to anything.
						if e := asError(t, err); !errors.Is(e, ErrProtocol) || e.Definite() || s.count() != 1 {
							t.Fatal(e, s.count())
						}
						return
					}
					if x.kind == nil {
						if err != nil || resp.Status != x.status || string(resp.Body) != body {
							t.Fatal(resp, err)
						}
						return
					}
					own := shape == "json" || shape == "xml" || shape == "guide"
					kind := x.kind
					if !own {
						kind = x.foreign
					}
					checkFailure(t, asError(t, err), kind, x.status, own)
					want := 1
					if x.status == 429 {
						want = maxThrottled
					} else if x.status == 401 && own {
						want = 2
					}
					if s.count() != want {
						t.Errorf("%d requests, want %d", s.count(), want)
					}
				})
			})
		}
	}
}

func checkFailure(t *testing.T, e *Error, kind error, status int, own bool) {
	t.Helper()
	for _, k := range kinds {
		if errors.Is(e, k) != errors.Is(k, kind) {
			t.Errorf("errors.Is(%v, %v) is %v", e, k, errors.Is(e, k))
		}
	}
	if e.Status != status || !e.Sent {
		t.Errorf("status %d sent %v", e.Status, e.Sent)
	}
	if definite := status == 429 || own && status < 500; e.Definite() != definite {
		t.Errorf("definite is %v", e.Definite())
	}
	if own != (e.RequestID == "5b0c6a52-2f0e-4f4e-8f57-0c7d4e6a9b11") || own != (e.Description.Raw() == "no <luck>") {
		t.Errorf("request id %q, description %q", e.RequestID, e.Description.Raw())
	}
	if scope := errors.Is(kind, ErrScope); scope != (e.Scope == "Console.GSM") {
		t.Errorf("scope %q", e.Scope)
	}
	if strings.Contains(e.Error(), "token-") || strings.Contains(e.Error(), "\n") || !strings.Contains(e.Error(), "/endpoints/commands") {
		t.Errorf("text %q", e.Error())
	}
}

func TestErrorBodies(t *testing.T) {
	for _, x := range []struct {
		name, body, code, text string
		known                  bool
	}{
		{"lower keys", `{"statuscode":403,"ERROR":"insufficient_scope","additionalinformation":[]}`, "insufficient_scope", "", true},
		{"nested", `{"error":"invalid_request","error_description":"{\"error\":\"invalid_grant\"}"}`, "invalid_grant", "", true},
		{"gateway", `{"message":"Forbidden"}`, "", "Forbidden", false},
		{"bom", "\ufeff" + errorJSON(400, "", "x"), "", "x", true},
		{"cut", `{"statusCode":401,"error":"invalid_token"`, "", "", false},
		{"hostile code", "{\"error\":\"a\\u001b[31m\"}", "", "", true},
		{"number", `17`, "", "", false},
		{"html with a tag", "<html><error>invalid_token</error></html>", "invalid_token", "", false},
		{"nil before text", `<statusCode>400</statusCode><error i:nil="true"/><error_description>x</error_description>`, "", "x", true},
	} {
		t.Run(x.name, func(t *testing.T) {
			e := parseErrorBody([]byte(x.body))
			if e.code != x.code || e.description != x.text || e.known != x.known {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestStatusBeatsCode: what a server error says about scopes and tokens is no reason to send a change again.
func TestStatusBeatsCode(t *testing.T) {
	for _, code := range []string{"insufficient_scope", "invalid_token"} {
		c, s, p := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w, 500, errorJSON(500, code, "")) })
		p.widen = nil
		_, err := c.Do(t.Context(), scan(t, c))
		if !errors.Is(err, ErrUnavailable) || asError(t, err).Definite() || s.count() != 1 || len(p.asked) != 0 {
			t.Error(code, err, s.count(), p.asked)
		}
	}
}

func TestScopeOf(t *testing.T) {
	for path, want := range map[string]string{gsmRoot: "Console.GSM", "/SERVICE/api/status/site/x": "SkyStatus.Site", "/service/api/status/gsm/x": "SkyStatus.GSM",
		"/service/api/usage/gsm/x": "SkyStatus.Usage", "/service/api/health/ping": "", "/service/api/notifications/subscriptions": "Notifications.Subscriptions"} {
		if got := ScopeOf(path); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}
