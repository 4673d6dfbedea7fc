package unitytest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// fakeClock is a clock that only moves when the server is told to.
func fakeClock() func() time.Time {
	at := time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	return func() time.Time { return at }
}

type bench struct {
	t     testing.TB
	s     *Server
	creds Credentials
	token string
}

func newBench(t testing.TB, o Options) *bench {
	t.Helper()
	if o.Now == nil {
		o.Now = fakeClock()
	}
	s := New(o)
	b := &bench{t: t, s: s, creds: s.Credentials()}
	if s.Err() == nil {
		b.signIn("*")
	}
	return b
}

func (b *bench) tokenCall(form url.Values) (int, map[string]any) {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, "/auth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "test/1")
	r.SetBasicAuth(b.creds.ClientID, b.creds.ClientSecret)
	return b.serve(r)
}

func (b *bench) serve(r *http.Request) (int, map[string]any) {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.s.ServeHTTP(w, r)
	var body map[string]any
	if w.Body.Len() > 0 && strings.Contains(w.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			b.t.Fatalf("%s %s: %v in %s", r.Method, r.URL, err, w.Body)
		}
	}
	return w.Code, body
}

func (b *bench) password(scope string) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {b.creds.Username}, "password": {b.creds.Password}, "scope": {scope}}
}

func (b *bench) signIn(scope string) string {
	b.t.Helper()
	status, body := b.tokenCall(b.password(scope))
	if status != http.StatusOK {
		return ""
	}
	b.token = text(body, "access_token")
	return text(body, "refresh_token")
}

func (b *bench) refresh(token string) (int, map[string]any) {
	return b.tokenCall(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "scope": {"*"}})
}

func (b *bench) as(user string) *bench {
	c := &bench{t: b.t, s: b.s, creds: b.s.CredentialsOf(user)}
	c.signIn("*")
	return c
}

func (b *bench) request(method, path, body string) *http.Request {
	path = strings.ReplaceAll(path, "{k}", b.creds.GSMKey)
	r := httptest.NewRequestWithContext(b.t.Context(), method, "/service/api"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+b.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "test/1")
	return r
}

func (b *bench) call(method, path, body string) (int, map[string]any) {
	b.t.Helper()
	return b.serve(b.request(method, path, body))
}

func (b *bench) get(path string) map[string]any {
	b.t.Helper()
	status, body := b.call(http.MethodGet, path, "")
	if status != http.StatusOK {
		b.t.Fatalf("GET %s: %d %v", path, status, body)
	}
	return body
}

func (b *bench) want(status int, method, path, body string) map[string]any {
	b.t.Helper()
	got, answer := b.call(method, path, body)
	if got != status {
		b.t.Fatalf("%s %s %s: status %d, want %d: %v", method, path, body, got, status, answer)
	}
	return answer
}

func text(m map[string]any, key string) string { s, _ := m[key].(string); return s }

func number(m map[string]any, key string) int { f, _ := m[key].(float64); return int(f) }

func rows(m map[string]any, key string) []map[string]any {
	all, _ := m[key].([]any)
	out := make([]map[string]any, 0, len(all))
	for _, x := range all {
		row, _ := x.(map[string]any)
		out = append(out, row)
	}
	return out
}

// biggest is the site with most endpoints among those the super admin can use.
func (b *bench) biggest() SiteTruth {
	var best SiteTruth
	for _, s := range b.s.World().Sites {
		if s.Endpoints > best.Endpoints {
			best = s
		}
	}
	return best
}

func (b *bench) endpoint(id string) EndpointTruth {
	for _, e := range b.s.World().Endpoints {
		if e.ID == id {
			return e
		}
	}
	b.t.Fatalf("endpoint %s is gone", id)
	return EndpointTruth{}
}

// polling is an endpoint of a site that reports in.
func (b *bench) polling(siteID string) EndpointTruth {
	for _, e := range b.s.World().Endpoints {
		if e.SiteID == siteID && !e.NextPoll.IsZero() && !e.Deactivated {
			return e
		}
	}
	b.t.Fatal("no endpoint polls")
	return EndpointTruth{}
}

// raw serves a request and returns the body as it is.
func (b *bench) raw(r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	b.s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}
