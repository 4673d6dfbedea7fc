package cli

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/unitytest"
)

const requestOfTable = "5b0c6a52-2f0e-4f4e-8f57-0c7d4e6a9b11"

// errorBody is one way an error may be written.
type errorBody struct {
	name, contentType string
	// told means that the description and the request id have to reach the user.
	told bool
	body func(status int) string
}

func errorBodies() []errorBody {
	documented := func(additional string) func(int) string {
		return func(status int) string {
			return fmt.Sprintf(`{"statusCode":%d,"requestId":%q,"error":null,"error_description":"Told so by the table.",%s}`, status, requestOfTable, additional)
		}
	}
	text := func(s string) func(int) string { return func(int) string { return s } }
	return []errorBody{
		{"documented", "application/json; charset=utf-8", true, documented(`"AdditionalInformation":{}`)},
		{"array", "application/json", true, documented(`"AdditionalInformation":[{"a":"b"}]`)},
		{"lower case", "application/json", true, documented(`"additionalInformation":{}`)},
		{"xml", "application/xml", true, func(status int) string {
			return fmt.Sprintf(`<z:anyType><statusCode>%d</statusCode><requestId>%s</requestId><error></error><error_description>Told so by the table.</error_description><AdditionalInformation></AdditionalInformation></z:AnyType>`, status, requestOfTable)
		}},
		{"hostile", "application/json", false, func(status int) string {
			return fmt.Sprintf(`{"statusCode":%d,"requestId":"\u001b[2J","error":"\u009b31m","error_description":"\u001b]0;pwned\u0007 \u202e","AdditionalInformation":{}}`, status)
		}},
		{"html", "text/html", false, text("<html><body><h1>\x1b[2JBad Gateway</h1></body></html>")},
		{"empty", "", false, text("")},
		{"cut off", "application/json", false, text(`{"statusCode":4`)},
		{"other shape", "application/json", false, text(`["what", {"is": "this"}]`)},
	}
}

// TestEveryCodeReachesTheExitCode answers a read with each documented status and each way to write an error.
func TestEveryCodeReachesTheExitCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ status, exit int }{
		{400, exitFailed}, {401, exitSignIn}, {403, exitFailed}, {404, exitFailed}, {405, exitFailed}, {409, exitFailed}, {422, exitFailed},
		{429, exitUnreachable}, {500, exitFailed}, {501, exitFailed}, {503, exitUnreachable}, {504, exitUnreachable},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			t.Parallel()
			bodies := errorBodies()
			if (c.status == 429 || c.status >= 500) && !long() {
				bodies = bodies[:1] // each is tried several times, with pauses
			}
			for _, b := range bodies {
				o := runProgram(t, answering(t, "GET", "/policies", c.status, b).url, testCredentials(), "policy", "list")
				if o.code != c.exit || o.out != "" {
					t.Errorf("%s: exit code %d, want %d: %s%s", b.name, o.code, c.exit, o.out, o.errors)
				}
				if n := strings.Count(strings.TrimSpace(o.errors), "\n"); n != 0 {
					t.Errorf("%s: %d lines on standard error:\n%s", b.name, n+1, o.errors)
				}
				if b.told && (!strings.Contains(o.errors, "Told so by the table.") || !strings.Contains(o.errors, requestOfTable)) {
					t.Errorf("%s: neither description nor request id: %s", b.name, o.errors)
				}
			}
		})
	}
}

// TestSuccessCodes: 200 with what it should hold is success, 200 with a page of a guest network is not.
func TestSuccessCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   errorBody
		exit   int
	}{
		{200, errorBody{"list", "application/json", false, func(int) string { return `{"Policies":[]}` }}, exitDone},
		{200, errorBody{"other case of the type", "Application/JSON;charset=UTF-8", false, func(int) string { return `{"Policies":[]}` }}, exitDone},
		{200, errorBody{"html", "text/html", false, func(int) string { return "<html>Sign in to the guest network</html>" }}, exitFailed},
		{200, errorBody{"cut off", "application/json", false, func(int) string { return `{"Policies":[` }}, exitFailed},
		{200, errorBody{"empty", "application/json", false, func(int) string { return "" }}, exitFailed},
	} {
		o := runProgram(t, answering(t, "GET", "/policies", c.status, c.body).url, testCredentials(), "policy", "list", "-o", "json")
		if o.code != c.exit {
			t.Errorf("%d %s: exit code %d, want %d: %s", c.status, c.body.name, o.code, c.exit, o.errors)
		}
	}
}

// TestEveryRefusalOfACommandIsFailed answers the call that sends with each definite no: failed, exit code 1, once.
func TestEveryRefusalOfACommandIsFailed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 404, 405, 409, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			sim := answering(t, "POST", "/commands", status, errorBodies()[0])
			m := plainSites(sim)[0].machines[0]
			o := runProgram(t, sim.url, sim.Credentials(), "scan", "--endpoint", m.ID, "-o", "json")
			if got := o.states(t)[m.ID]; got != "failed" || o.code != exitFailed {
				t.Errorf("%s with exit code %d: %s", got, o.code, o.errors)
			}
			if !strings.Contains(o.errors, "Told so by the table.") || !strings.Contains(o.out, requestOfTable) {
				t.Errorf("description or request id is missing: %s%s", o.out, o.errors)
			}
		})
	}
}

// answering starts a simulator that answers some calls with a status and a body.
func answering(t *testing.T, method, suffix string, status int, b errorBody) *testSim {
	t.Helper()
	sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 60})
	sim.mu.Lock()
	defer sim.mu.Unlock()
	sim.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		if b.contentType != "" {
			w.Header().Set("Content-Type", b.contentType)
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, b.body(status))
		return true
	}
	return sim
}

// testCredentials are those of every simulator with seed 0.
func testCredentials() unitytest.Credentials {
	return unitytest.New(unitytest.Options{Sites: 1, Endpoints: 1}).Credentials()
}

// TestJobsEndWithTheirExitCode is the table of the outcomes of a job.
func TestJobsEndWithTheirExitCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		states []dispatch.State
		want   int
	}{
		{[]dispatch.State{dispatch.Sent, dispatch.Sent}, exitDone},
		{[]dispatch.State{dispatch.Skipped}, exitDone},
		{[]dispatch.State{dispatch.Sent, dispatch.Skipped}, exitDone},
		{[]dispatch.State{dispatch.Failed, dispatch.Failed}, exitFailed},
		{[]dispatch.State{dispatch.Sent, dispatch.Failed}, exitPartly},
		{[]dispatch.State{dispatch.Unknown}, exitPartly},
		{[]dispatch.State{dispatch.Failed, dispatch.Unknown}, exitPartly},
		{[]dispatch.State{dispatch.Sent, dispatch.Cancelled}, exitPartly},
	} {
		job := &dispatch.Job{}
		for _, s := range c.states {
			job.Results = append(job.Results, dispatch.Result{State: s})
		}
		if got := exitCode(jobError(job)); got != c.want {
			t.Errorf("%v gives %d, want %d", c.states, got, c.want)
		}
	}
}
