package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSecretNeverPrints(t *testing.T) {
	s := NewSecret("canary-value")
	j, _ := json.Marshal(map[string]any{"a": s, "b": &s, "c": []Secret{s}, "d": creds(), "e": map[Secret]int{s: 1}})
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "p", &s, "g", Grant{Access: s, Refresh: s})
	all := string(j) + log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		all += fmt.Sprintf(verb+verb+verb, s, &s, Grant{Access: s}) + fmt.Sprint(s, []any{s}) + s.String() + s.GoString()
	}
	if strings.Contains(all, "canary") || strings.Contains(all, fmt.Sprintf("%x", "canary")) {
		t.Fatalf("leaked: %s", all)
	}
	if s.Reveal() != "canary-value" || !strings.Contains(all, redacted) {
		t.Fatal("reveal")
	}
}

func TestParseTokenAnswers(t *testing.T) {
	ok := func(extra string) string { return `{"access_token":"a","refresh_token":"r"` + extra + `}` }
	cases := []struct {
		name, body string
		good       bool
		life       time.Duration
		scope      []string
		refresh    string
	}{
		{"number", ok(`,"expires_in":300`), true, 300 * time.Second, nil, "r"},
		{"numeric string", ok(`,"expires_in":"300"`), true, 300 * time.Second, nil, "r"},
		{"fraction", ok(`,"expires_in":1.5`), true, 1500 * time.Millisecond, nil, "r"},
		{"scope as array in a string", ok(`,"expires_in":1,"scope":"[\"Console.GSM\",\"SkyStatus.Site\"]"`), true, time.Second, []string{"Console.GSM", "SkyStatus.Site"}, "r"},
		{"scope separated by blanks", ok(`,"expires_in":1,"scope":"Console.GSM  SkyStatus.Site"`), true, time.Second, []string{"Console.GSM", "SkyStatus.Site"}, "r"},
		{"scope as array", ok(`,"expires_in":1,"scope":["*"]`), true, time.Second, []string{"*"}, "r"},
		{"scope with escapes", ok(`,"expires_in":1,"scope":"a\u001bb Console.GSM"`), true, time.Second, []string{"Console.GSM"}, "r"},
		{"bearer in capitals", ok(`,"expires_in":1,"token_type":"Bearer"`), true, time.Second, nil, "r"},
		{"no refresh token", `{"access_token":"a","expires_in":9}`, true, 9 * time.Second, nil, ""},
		{"null refresh token", `{"access_token":"a","refresh_token":null,"expires_in":9}`, true, 9 * time.Second, nil, ""},
		{"zero", ok(`,"expires_in":0`), false, 0, nil, "r"},
		{"negative", ok(`,"expires_in":-3`), false, 0, nil, "r"},
		{"huge", ok(`,"expires_in":1e300`), false, 0, nil, "r"},
		{"a year", ok(`,"expires_in":31536000`), false, 0, nil, "r"},
		{"NaN", ok(`,"expires_in":"NaN"`), false, 0, nil, "r"},
		{"no life", ok(``), false, 0, nil, "r"},
		{"other type", ok(`,"expires_in":1,"token_type":"mac"`), false, 0, nil, "r"},
		{"no access token", `{"refresh_token":"r","expires_in":300}`, false, 0, nil, "r"},
		{"token with newline", `{"access_token":"a\nb","refresh_token":"r","expires_in":300}`, false, 0, nil, "r"},
		{"refresh token with blank", `{"access_token":"a","refresh_token":"r r","expires_in":300}`, false, 0, nil, ""},
		{"html", `<html><body>Sign in to the hotel</body></html>`, false, 0, nil, ""},
		{"empty", ``, false, 0, nil, ""},
		{"null", `null`, false, 0, nil, ""},
		{"array", `[]`, false, 0, nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g, err := parseTokenAnswer([]byte(c.body)).grant(time.Now())
			if (err == nil) != c.good || g.Life != c.life || !slices.Equal(g.Scope, c.scope) && c.good || g.Refresh.Reveal() != c.refresh {
				t.Fatalf("grant %q %q %v %v, err %v", g.Access.Reveal(), g.Refresh.Reveal(), g.Life, g.Scope, err)
			}
		})
	}
}

func TestClassification(t *testing.T) {
	nested := `{"error":"invalid_request","error_description":"{\"error\":\"invalid_grant\"}"}`
	xml := `<z:anyType><statusCode>400</statusCode><requestId>5b0c</requestId><error>invalid_grant</error><error_description>dead &amp; gone</error_description></z:AnyType>`
	cases := []struct {
		status int
		body   string
		class  Class
		text   string
	}{
		{400, `{"error":"invalid_grant"}`, ClassGrant, ""},
		{401, `{"error":"invalid_grant"}`, ClassGrant, ""},
		{400, nested, ClassGrant, ""},
		{400, xml, ClassGrant, "dead & gone"},
		{401, `{"error":"invalid_client"}`, ClassClient, ""},
		{400, `{"error":"unauthorized_client"}`, ClassClient, ""},
		{400, `{"error":"unsupported_grant_type"}`, ClassClient, ""},
		{400, `{"error":"invalid_scope"}`, ClassScope, ""},
		{400, ``, ClassProtocol, ""},
		{400, `{"statusCode":400,"error":null}`, ClassProtocol, ""},
		{401, `<html>proxy</html>`, ClassProtocol, ""},
		{302, ``, ClassProtocol, "login.hotel.example"},
		{404, `nope`, ClassProtocol, "base URL"},
		{200, `<html>captive portal</html>`, ClassProtocol, "captive portal"},
		{408, ``, ClassTransient, ""},
		{429, ``, ClassTransient, ""},
		{503, ``, ClassTransient, ""},
		{500, `{"error":"invalid_grant"}`, ClassAmbiguous, ""},
		{502, ``, ClassAmbiguous, ""},
		{504, `<html>`, ClassAmbiguous, ""},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.status, c.body), func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://login.hotel.example/secret-path?x=1")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer srv.Close()
			p, err := NewUnityProvider(srv.URL, "unitty/test", nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Refresh(t.Context(), Client{ID: "i", Secret: NewSecret("s")}, NewSecret("r"), []string{"*"})
			var e *Error
			if !errors.As(err, &e) || e.Class != c.class || !strings.Contains(err.Error(), c.text) || !errors.Is(err, kindOf(c.class)) {
				t.Fatalf("got %#v: %v", e, err)
			}
		})
	}
}

func TestErrorsNeverQuoteTheRequestOrMoveTheCursor(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(400)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"error":             "invalid_grant",
			"error_description": "\x1b]52;c;x\x07 you sent " + string(body) + r.Header.Get("Authorization") + " " + testPassword + " " + testClientSecret + "\u202e",
		})
	}))
	defer srv.Close()
	p, err := NewUnityProvider(srv.URL, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Password(t.Context(), Client{ID: testClientID, Secret: NewSecret(testClientSecret)}, testUser, NewSecret(testPassword), DefaultScope())
	for _, bad := range []string{testPassword, "hunter2", testClientSecret, "s3cret", testUser, "\x1b", "\x07", "\u202e"} {
		if strings.Contains(err.Error(), bad) {
			t.Errorf("%q in %q", bad, err)
		}
	}
	if !strings.Contains(err.Error(), redacted) || !strings.Contains(err.Error(), `\u{1b}`) {
		t.Errorf("the text should keep what is harmless: %q", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var leaked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/auth/token", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	p, err := NewUnityProvider(srv.URL, "", &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Refresh(t.Context(), Client{}, NewSecret("r"), nil); !errors.Is(err, ErrProtocol) || leaked.Load() != 0 {
		t.Fatalf("err %v, %d requests elsewhere", err, leaked.Load())
	}
}

func TestUntrustedCertificateIsNamed(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	p, err := NewUnityProvider(srv.URL, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Refresh(t.Context(), Client{}, NewSecret("r"), nil)
	if !errors.Is(err, ErrInsecure) || !strings.Contains(err.Error(), "certificate") {
		t.Fatal(err)
	}
}

func TestBaseURLs(t *testing.T) {
	good := map[string]string{
		"https://unityapi.webrootcloudav.com":       "https://unityapi.webrootcloudav.com",
		" HTTPS://UnityAPI.webrootcloudav.com:443/": "https://unityapi.webrootcloudav.com",
		"http://127.0.0.1:8080":                     "http://127.0.0.1:8080",
		"http://[::1]:80/":                          "http://[::1]",
		"http://localhost:1/x/":                     "http://localhost:1/x",
	}
	for in, want := range good {
		if got, err := checkBaseURL(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "http://example.com", "https://user:pw@example.com", "ftp://x", "https://x/?a=b", "https://x/#f", "https://", "http://127.0.0.1.evil.example", "::"} {
		if got, err := checkBaseURL(in); err == nil {
			t.Errorf("%q was taken as %q", in, got)
		}
	}
	a := Account{BaseURL: "https://a.example", ClientID: "c", Username: "u"}
	keys := map[string]bool{}
	for _, x := range []Account{a, {"https://b.example", "c", "u"}, {"https://a.example", "d", "u"}, {"https://a.example", "c", "v"}} {
		keys[x.key()] = true
		if !keyShape.MatchString(x.key() + "-a") {
			t.Errorf("key %q", x.key())
		}
	}
	if len(keys) != 4 {
		t.Fatal("every part must make another chain")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for in, want := range map[string]time.Duration{"7": 7 * time.Second, "-1": 0, "99999": 300 * time.Second, now.Add(9 * time.Second).Format(http.TimeFormat): 9 * time.Second, now.Add(-time.Hour).Format(http.TimeFormat): 0} {
		if got, ok := parseRetryAfter(in, now); !ok || got != want {
			t.Errorf("%q: %v %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "soon", "1.5"} {
		if _, ok := parseRetryAfter(in, now); ok {
			t.Errorf("%q was read", in)
		}
	}
}

func TestEnvelopeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := rapid.StringMatching(`[!-~]{1,64}`)
		b := &bundle{
			gen: rapid.Uint64().Draw(t, "gen"), access: NewSecret(token.Draw(t, "access")), refresh: NewSecret(token.Draw(t, "refresh")),
			issuedAt: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "at")).UTC(), life: time.Duration(rapid.Int64Range(1, 86_400_000).Draw(t, "life")) * time.Millisecond,
			scope: []string{"Console.GSM"}, extra: map[string]json.RawMessage{"later": json.RawMessage(`{"x":1}`)},
		}
		data, err := b.encode("v1-x")
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeBundle("v1-x", data)
		if err != nil {
			t.Fatal(err)
		}
		if got.gen != b.gen || !got.access.Equal(b.access) || !got.refresh.Equal(b.refresh) || !got.issuedAt.Equal(b.issuedAt) || got.life != b.life || string(got.extra["later"]) != `{"x":1}` {
			t.Fatalf("%+v became %+v", b, got)
		}
		if _, err := decodeBundle("v1-y", data); err == nil {
			t.Fatal("an envelope of another account was taken")
		}
	})
	if _, err := decodeBundle("k", []byte(`{"v":2}`)); !errors.Is(err, errNewerFormat) {
		t.Fatalf("err %v", err)
	}
	future := &bundle{access: NewSecret("a"), issuedAt: time.Now().Add(time.Hour), life: time.Minute}
	if future.remaining(time.Now()) != 0 {
		t.Fatal("a token from the future was believed")
	}
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add([]byte(`{"access_token":"a","refresh_token":"r","expires_in":"300","scope":"[\"x\"]"}`))
	f.Add([]byte(`{"error":"x","error_description":"{\"error\":\"invalid_grant\"}"}`))
	f.Add([]byte(`<z:anyType><error>e</error></z:AnyType>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a := parseTokenAnswer(body)
		g, err := a.grant(time.Unix(0, 0))
		if err == nil && (!validToken(g.Access.Reveal()) || g.Life <= 0 || g.Life > maxLife) {
			t.Fatalf("took %+v from %q", g, body)
		}
		if !g.Refresh.Empty() && !validToken(g.Refresh.Reveal()) {
			t.Fatalf("refresh token from %q", body)
		}
		for _, s := range g.Scope {
			if !isScope(s) {
				t.Fatalf("scope %q", s)
			}
		}
		e := classify("refresh", "refresh_token", &http.Response{StatusCode: 400, Header: http.Header{}}, a, time.Unix(0, 0))
		e.Description = clean(e.Description, 300)
		if hasControl(strings.ReplaceAll(e.Error(), "\ufffd", "")) {
			t.Fatalf("error text %q", e.Error())
		}
	})
}

func FuzzStoredForms(f *testing.F) {
	f.Add([]byte(`{"v":1,"key":"k","gen":3,"refresh_token":"r","access_token":"a","life_ms":300000,"x":[1]}`))
	f.Add([]byte(`{"v":1,"gen":2,"pending":{"pid":1,"host":"h"},"not_before":"2026-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := decodeBundle("k", data); err == nil {
			again, err := b.encode("k")
			if err != nil {
				return // a year that JSON cannot write
			}
			if c, err := decodeBundle("k", again); err != nil || c.gen != b.gen || !c.refresh.Equal(b.refresh) {
				t.Fatalf("%q: %v", data, err)
			}
		}
		if s, err := decodeSidecar(data); err == nil {
			if out, err := s.encode(); err == nil {
				if again, err := decodeSidecar(out); err != nil || again.Gen != s.Gen {
					t.Fatalf("%q: %v", data, err)
				}
			}
		}
		if got, err := unframe(nil, "k", frame(nil, "k", data)); err != nil || string(got) != string(data) {
			t.Fatal("frame")
		}
		if _, err := unframe(nil, "k", data); err == nil {
			t.Fatal("took an item without a frame")
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("3")
	f.Add("Fri, 02 Jan 2026 03:04:05 GMT")
	f.Fuzz(func(t *testing.T, v string) {
		if d, ok := parseRetryAfter(v, time.Now()); ok && (d < 0 || d > 300*time.Second) {
			t.Fatalf("%q: %v", v, d)
		}
	})
}
