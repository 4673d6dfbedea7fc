package secretservertest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// reply is a decoded answer.
type answer struct {
	status int
	kind   string
	body   string
	object map[string]any
}

func (a answer) text(name string) string {
	s, _ := a.object[name].(string)
	return s
}

type rig struct {
	t   *testing.T
	sim *Server
	url string
}

func start(t *testing.T, o Options) rig {
	t.Helper()
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	if o.Secrets == nil {
		o.Secrets = []Secret{WebrootSecret(126, `\MSP\Webroot GSM`, "ci", "canary-cs", "un", "canary-pw", "key")}
	}
	s := New(o)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return rig{t, s, srv.URL}
}

func (r rig) do(method, path, kind, body string, headers ...string) (answer, error) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, kind: resp.Header.Get("Content-Type"), body: string(data)}
	_ = json.Unmarshal(data, &a.object) // not every answer is an object
	return a, err
}

const form = "application/x-www-form-urlencoded"

func (r rig) token(v url.Values, headers ...string) answer {
	r.t.Helper()
	a, err := r.do("POST", "/oauth2/token", form, v.Encode(), headers...)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r rig) login(headers ...string) answer {
	return r.token(url.Values{"grant_type": {"password"}, "username": {"unitty"}, "password": {"secret-server"}}, headers...)
}

func (r rig) refresh(token string) answer {
	return r.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (r rig) get(path, bearer string) answer {
	r.t.Helper()
	a, err := r.do("GET", path, "", "", "Authorization", "Bearer "+bearer)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func TestRefreshTokensFollowTheSettings(t *testing.T) {
	for name, o := range map[string]Options{"off": {}, "unlimited": {RefreshEnabled: true, Unlimited: true}} {
		if a := start(t, o).login(); a.status != 200 || a.object["refresh_token"] != nil || a.text("access_token") == "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	r := start(t, Options{RefreshEnabled: true})
	a := r.login()
	if a.text("token_type") != "bearer" || a.object["expires_in"] != 1199.0 {
		t.Fatalf("answer %s", a.body)
	}
	first := a.text("refresh_token")
	for range 3 {
		if a = r.refresh(a.text("refresh_token")); a.status != 200 || a.text("refresh_token") == "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	over, reused, unknown := r.refresh(a.text("refresh_token")), r.refresh(first), r.refresh("x")
	for _, no := range []answer{over, reused, unknown} {
		if no.status != 400 || no.text("error") != "invalid_grant" || no.text("message") == "" {
			t.Errorf("%d %s", no.status, no.body)
		}
	}
	if c := r.sim.Counts(); c.Refreshes != 3 || c.OverLimit != 1 || c.Reuses != 1 || c.Refused != 3 {
		t.Fatalf("counts %+v", c)
	}
}

func TestARefreshTokenDiesFifteenMinutesAfterTheTimeout(t *testing.T) {
	for wait, want := range map[time.Duration]int{34*time.Minute + 59*time.Second: 200, 35*time.Minute + time.Second: 400} {
		r := start(t, Options{RefreshEnabled: true})
		a := r.login()
		r.sim.Advance(wait)
		if got := r.refresh(a.text("refresh_token")); got.status != want {
			t.Errorf("after %v: %d %s", wait, got.status, got.body)
		}
	}
}

func TestAccessTokens(t *testing.T) {
	r := start(t, Options{Timeout: time.Minute})
	at := r.login().text("access_token")
	if a := r.get("/api/v1/users/current", at); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := r.get("/api/v1/users/current", "bogus"); a.status != 401 {
		t.Fatalf("bogus: %d", a.status)
	}
	r.sim.Advance(time.Minute)
	if a := r.get("/api/v1/users/current", at); a.status != 403 || strings.TrimSpace(a.body) != `{"message":"Authentication failed or expired token."}` {
		t.Fatalf("expired: %d %s", a.status, a.body)
	}
	at = r.login().text("access_token")
	if a, err := r.do("POST", "/api/v1/oauth-expiration", "", "", "Authorization", "Bearer "+at); err != nil || a.status != 200 {
		t.Fatalf("%v %d", err, a.status)
	}
	if a := r.get("/api/v1/users/current", at); a.status != 403 {
		t.Fatalf("ended: %d", a.status)
	}
}

func TestPasswordGrants(t *testing.T) {
	r := start(t, Options{Domain: "corp", OTP: "123456"})
	good := url.Values{"grant_type": {"password"}, "username": {"Unitty"}, "password": {"secret-server"}, "domain": {"CORP"}}
	if a := r.token(good, "OTP", "123456"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := r.token(good); a.status != 400 || !strings.Contains(a.text("message"), "Two-factor") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	good.Set("domain", "other")
	if a := r.token(good, "OTP", "123456"); a.status != 400 || a.text("error") != "Login failed." {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := r.token(url.Values{"grant_type": {"client_credentials"}}); a.status != 400 || a.text("error") != "unsupported_grant_type" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a, err := r.do("POST", "/oauth2/token", "application/json", `{"grant_type":"password"}`)
	if err != nil || a.status != 400 || a.text("error") != "invalid_request" {
		t.Fatalf("%v %d %s", err, a.status, a.body)
	}
}

func TestReadings(t *testing.T) {
	plain := WebrootSecret(126, `\MSP\Webroot GSM`, "ci", "canary-cs", "un", "canary-pw", "key")
	plain.Fields = append(plain.Fields, Field{Slug: "file", Value: "\x00\x01", File: true})
	masked, commented, checkout, approval := plain, plain, plain, plain
	masked.ID, masked.Masked = 2, true
	commented.ID, commented.NeedsComment = 3, true
	checkout.ID, checkout.NeedsCheckout = 4, true
	approval.ID, approval.NeedsApproval = 5, true
	r := start(t, Options{Base: "SecretServer/", Secrets: []Secret{plain, masked, commented, checkout, approval}})
	r.url += "/SecretServer"
	at := r.login().text("access_token")
	for _, c := range []struct {
		path   string
		status int
		part   string
	}{
		{"/api/v1/secrets/126", 200, `"itemValue":"canary-pw"`},
		{"/api/v1/secrets/0?secretPath=%5Cmsp%5CWebroot%20GSM", 200, `"id":126`},
		{"/api/v1/secrets/lookup/0?secretPath=%5CMSP%5CWebroot%20GSM", 200, `"id":126`},
		{"/api/v1/secrets/126/fields/password", 200, `"canary-pw"`},
		{"/api/v1/secrets/126/fields/file", 200, "\x00\x01"},
		{"/api/v1/secrets/126/fields/none", 400, "API_FieldNotFound"},
		{"/api/v1/secrets/126/fields/%2e%2e", 400, "API_BadRequest"},
		{"/api/v1/secrets/0", 404, "API_NotFound"},
		{"/api/v1/secrets/9", 404, "API_NotFound"},
		{"/api/v1/secrets/2", 200, mask},
		{"/api/v1/secrets/2/fields/password", 200, "canary-pw"},
		{"/api/v1/secrets/3", 400, "comment"},
		{"/api/v1/secrets/4?noAutoCheckout=true", 403, "checked out"},
		{"/api/v1/secrets/4", 200, "canary-pw"},
		{"/api/v1/secrets/5", 403, "approval"},
		{"/api/v1/nothing", 404, "API_NotFound"},
	} {
		if a := r.get(c.path, at); a.status != c.status || !strings.Contains(a.body, c.part) {
			t.Errorf("%s: %d %s", c.path, a.status, a.body)
		}
	}
	for body, want := range map[string]int{`{"comment":" "}`: 400, `{"comment":"why"}`: 200, `x`: 400} {
		a, err := r.do("POST", "/api/v1/secrets/3/restricted/fields/password", "application/json", body, "Authorization", "Bearer "+at)
		if err != nil || a.status != want {
			t.Errorf("%s: %v %d %s", body, err, a.status, a.body)
		}
	}
	if a, err := r.do("GET", "/../oauth2/token", "", ""); err != nil || a.status == 200 {
		t.Errorf("outside of the virtual directory: %v %d", err, a.status)
	}
	if c := r.sim.Counts(); c.Checkouts != 1 || c.Expirations != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestFaultsAndTheLog(t *testing.T) {
	r := start(t, Options{RefreshEnabled: true})
	rt := r.login().text("refresh_token")
	for fault, status := range map[string]int{FaultHTML: 200, FaultUnavailable: 503, FaultRedirect: 307, FaultHuge: 200} {
		r.sim.Fault(fault, 1)
		if a := r.login(); a.status != status || a.object != nil && fault != FaultUnavailable {
			t.Errorf("%s: %d %.80s", fault, a.status, a.body)
		}
	}
	for _, fault := range []string{FaultCutBefore, FaultCutAfter} {
		r.sim.Fault(fault, 1)
		if _, err := r.do("POST", "/oauth2/token", form, "grant_type=refresh_token&refresh_token="+rt); err == nil {
			t.Errorf("%s: an answer came", fault)
		}
	}
	if a := r.refresh(rt); a.status != 400 || r.sim.Counts().Reuses != 1 {
		t.Errorf("the cut refresh was not carried out: %d, %+v", a.status, r.sim.Counts())
	}
	r.sim.SetPassword("other")
	if a := r.login("OTP", "canary-otp"); a.status != 400 {
		t.Errorf("%d", a.status)
	}
	text := fmt.Sprintf("%+v", r.sim.Log())
	for _, secret := range append(r.sim.Issued(), "secret-server", "canary") {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	log := r.sim.Log()
	last := log[len(log)-1]
	if last.N != len(log) || last.Grant != "password" || strings.Join(last.Fields, " ") != "grant_type password username" || !last.OTP || last.Status != 400 {
		t.Errorf("last entry %+v", last)
	}
}
