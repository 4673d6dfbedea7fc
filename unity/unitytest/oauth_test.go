package unitytest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTokenAnswer(t *testing.T) {
	b := newBench(t, Options{})
	status, body := b.tokenCall(b.password("SkyStatus.* console.gsm"))
	if status != 200 || number(body, "expires_in") != 300 || text(body, "token_type") != "bearer" || len(text(body, "refresh_token")) != 32 {
		t.Fatalf("%d %v", status, body)
	}
	if got := text(body, "scope"); got != `["Console.GSM","SkyStatus.GSM","SkyStatus.Site","SkyStatus.Reporting","SkyStatus.Usage"]` {
		t.Errorf("scope is %s", got)
	}
	for _, e := range b.s.Log() {
		if strings.Contains(e.Body, b.creds.Password) || e.Body != "grant_type password scope username" {
			t.Errorf("logged body %q", e.Body)
		}
	}
}

func TestTokenRefusals(t *testing.T) {
	b := newBench(t, Options{})
	form := func(pairs ...string) url.Values {
		f := b.password("*")
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	for _, x := range []struct {
		name   string
		form   url.Values
		status int
		code   string
	}{
		{"empty", url.Values{}, 400, "invalid_request"},
		{"wrong password", form("password", "x"), 400, "invalid_grant"},
		{"unknown user", form("username", "x@y.example"), 400, "invalid_grant"},
		{"no scope", form("scope", ""), 400, "invalid_request"},
		{"foreign scope only", form("scope", "ECom.Shop"), 400, "invalid_scope"},
		{"unknown grant", form("grant_type", "magic"), 400, "unsupported_grant_type"},
		{"code grant off", form("grant_type", "authorization_code"), 400, "unsupported_grant_type"},
		{"unknown refresh token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "scope": {"*"}}, 400, "invalid_grant"},
		{"refresh without scope", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, 400, "invalid_request"},
	} {
		status, body := b.tokenCall(x.form)
		if status != x.status || text(body, "error") != x.code || len(body) != 2 {
			t.Errorf("%s: %d %v", x.name, status, body)
		}
	}
	good := b.creds
	b.creds.ClientSecret = "wrong"
	if status, body := b.tokenCall(b.password("*")); status != 401 || text(body, "error") != "invalid_client" {
		t.Errorf("wrong client: %d %v", status, body)
	}
	b.creds = good
	f := form("client_id", good.ClientID, "client_secret", good.ClientSecret)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/token", strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, _ := b.serve(r); status != 200 {
		t.Errorf("client in the form: %d", status)
	}
	r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/token", strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/json")
	if status, body := b.serve(r); status != 400 || text(body, "error") != "invalid_request" {
		t.Errorf("wrong content type: %d %v", status, body)
	}
}

func TestRotationIsStrict(t *testing.T) {
	b := newBench(t, Options{})
	first := b.signIn("*")
	access := b.token
	status, body := b.refresh(first)
	if status != 200 {
		t.Fatal(status, body)
	}
	second := text(body, "refresh_token")
	if status, body := b.refresh(first); status != 400 || text(body, "error") != "invalid_grant" {
		t.Errorf("a spent token gave %d %v", status, body)
	}
	if status, _ := b.refresh(second); status != 200 {
		t.Errorf("its successor gave %d", status)
	}
	b.token = access
	b.want(200, "GET", "/console/gsm/{k}", "")
}

func TestTokensEnd(t *testing.T) {
	b := newBench(t, Options{AccessTTL: time.Minute, RefreshTTL: time.Hour})
	refresh := b.signIn("*")
	b.s.Advance(59 * time.Second)
	b.want(200, "GET", "/console/gsm/{k}", "")
	b.s.Advance(time.Second)
	if body := b.want(401, "GET", "/console/gsm/{k}", ""); text(body, "error") != "invalid_token" {
		t.Error(body)
	}
	if log := b.s.Log(); log[len(log)-1].TokenState != "expired" || log[len(log)-1].User != UserSuper {
		t.Errorf("logged %+v", log[len(log)-1])
	}
	b.s.Advance(time.Hour)
	if status, _ := b.refresh(refresh); status != 400 {
		t.Errorf("an expired refresh token gave %d", status)
	}
	refresh = b.signIn("*")
	b.s.ChangePassword(UserSuper, "new one")
	b.want(401, "GET", "/console/gsm/{k}", "")
	if status, _ := b.refresh(refresh); status != 400 {
		t.Errorf("a revoked refresh token gave %d", status)
	}
	if status, _ := b.tokenCall(b.password("*")); status != 400 {
		t.Errorf("the old password gave %d", status)
	}
	b.creds = b.s.Credentials()
	b.signIn("*")
	b.want(200, "GET", "/console/gsm/{k}", "")
	b.s.RevokeTokens(UserSuper)
	b.want(401, "GET", "/console/gsm/{k}", "")
	b.token = "never-issued"
	b.want(401, "GET", "/console/gsm/{k}", "")
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/service/api/console/gsm", nil)
	if status, body := b.serve(r); status != 401 || text(body, "error") != "invalid_token" {
		t.Errorf("without a token: %d %v", status, body)
	}
}

func TestScopesOfUsers(t *testing.T) {
	for _, x := range []struct {
		user, ask string
		want      []string
	}{
		{UserSuper, "*", consoleScopes()},
		{UserSuper, "*.GSM", []string{"Console.GSM", "SkyStatus.GSM"}},
		{UserLimited, "*", []string{"Console.GSM", "SkyStatus.GSM", "SkyStatus.Site", "SkyStatus.Reporting"}},
		{UserDefault, "Console.GSM SkyStatus.GSM SkyStatus.Site", []string{"Console.GSM"}},
		{UserDefault, "SkyStatus.GSM", nil},
		{UserSuper, "nonsense", nil},
	} {
		u := New(Options{Sites: 1, Endpoints: 1}).userNamed(x.user)
		if got, _ := expandScopes(x.ask, u.scopes); !slices.Equal(got, x.want) {
			t.Errorf("%s asks %q: got %v, want %v", x.user, x.ask, got, x.want)
		}
	}
}
