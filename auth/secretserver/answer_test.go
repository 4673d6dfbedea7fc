package secretserver

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/auth"
)

func TestTheLifeBehindExpiresIn(t *testing.T) {
	for raw, want := range map[string]struct{ timeout, access time.Duration }{
		`1199`:       {20 * time.Minute, 1199 * time.Second},
		`1200`:       {20 * time.Minute, 1200 * time.Second},
		`"1199"`:     {20 * time.Minute, 1199 * time.Second},
		`1197`:       {1197 * time.Second, 1197 * time.Second},
		`2`:          {2 * time.Second, 2 * time.Second},
		`0.5`:        {500 * time.Millisecond, 500 * time.Millisecond},
		`259199`:     {72 * time.Hour, maxAccessLife},
		`2147483647`: {maxTimeout, maxAccessLife},
		`1e300`:      {maxTimeout, maxAccessLife},
		`0`:          {},
		`-1`:         {},
		`null`:       {},
		`"soon"`:     {},
		`"NaN"`:      {},
	} {
		g, err := parseTokens([]byte(`{"access_token":"a","refresh_token":"r","token_type":"bearer","expires_in":`+raw+`}`), time.Now())
		if (err == nil) != (want.timeout > 0) || g.Life != want.access {
			t.Errorf("%s: life %v, %v", raw, g.Life, err)
		}
		if want.timeout > 0 && g.RefreshLife != want.timeout+15*time.Minute {
			t.Errorf("%s: refresh life %v", raw, g.RefreshLife)
		}
		if g.Refresh.Reveal() != "r" {
			t.Errorf("%s: the refresh token is lost", raw)
		}
	}
}

func TestClassesOfRefusals(t *testing.T) {
	for _, c := range []struct {
		status   int
		body     string
		password bool
		want     auth.Class
	}{
		{400, `{"error":"Login failed."}`, true, auth.ClassGrant},
		{401, `{"message":"no"}`, true, auth.ClassGrant},
		{403, `{"error":"locked"}`, true, auth.ClassGrant},
		{400, `{"error":"invalid_grant"}`, false, auth.ClassGrant},
		{400, `{"error":"unsupported_grant_type"}`, true, auth.ClassClient},
		{400, `{"error":"invalid_request"}`, false, auth.ClassClient},
		{400, ``, true, auth.ClassProtocol},
		{403, `<html>blocked</html>`, false, auth.ClassProtocol},
		{404, `{"message":"no"}`, true, auth.ClassProtocol},
		{302, ``, false, auth.ClassProtocol},
		{429, ``, false, auth.ClassTransient},
		{503, `{}`, false, auth.ClassTransient},
		{500, `{"message":"oops"}`, false, auth.ClassAmbiguous},
		{502, ``, false, auth.ClassAmbiguous},
	} {
		a := answer{status: c.status, body: []byte(c.body), header: http.Header{}}
		a.readError(nil)
		if e := classify("sign in", a, c.password, time.Now()); e.Class != c.want {
			t.Errorf("%d %s: %s, want %s", c.status, c.body, e.Class, c.want)
		}
	}
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, []byte(`{"access_token":"a","token_type":"bearer","expires_in":1199,"refresh_token":"r"}`))
	f.Add(400, []byte(`{"error":"Login failed.","message":{"x":1}}`))
	f.Add(200, []byte(`<html>`))
	f.Add(403, []byte("{\"message\":\"\\u001b[2J\xff canary-token\"}"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := answer{status: status, body: body, json: json.Valid(body), header: http.Header{}}
		a.readError([]auth.Secret{auth.NewSecret("canary-token")})
		g, err := parseTokens(body, time.Now())
		if err == nil {
			if !auth.ValidToken(g.Access.Reveal()) || g.Life <= 0 || g.Life > maxAccessLife {
				t.Fatalf("accepted %q for %v", g.Access.Reveal(), g.Life)
			}
			if g.Refresh.Empty() != (g.RefreshLife == 0) {
				t.Fatalf("refresh token and its life disagree: %v", g.RefreshLife)
			}
		} else if !g.Access.Empty() {
			t.Fatal("an access token came with an error")
		}
		if !g.Refresh.Empty() && !auth.ValidToken(g.Refresh.Reveal()) {
			t.Fatal("an impossible refresh token was accepted")
		}
		for _, text := range []string{classify("refresh", a, false, time.Now()).Error(), refusal("read", a, false).Error()} {
			if auth.HasControl(text) || strings.Contains(text, "canary-token") {
				t.Fatalf("unsafe text %q", text)
			}
		}
	})
}

func FuzzSecretBody(f *testing.F) {
	f.Add("application/json", []byte(`{"id":126,"items":[{"slug":"password","itemValue":"x","isFile":false},{"slug":"key","itemValue":null}]}`))
	f.Add("application/json", []byte(`"value"`))
	f.Add("application/octet-stream", []byte("value\r\n"))
	f.Add("text/html", []byte("<!DOCTYPE html>"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		a := answer{status: 200, kind: kind, body: body}
		if sec, err := parseSecret(body); err == nil {
			if sec.id <= 0 {
				t.Fatalf("id %d", sec.id)
			}
			for _, it := range sec.items {
				if v, ok := sec.value(it.slug); ok && v == mask {
					t.Fatal("a mask was taken for a value")
				}
			}
		}
		if v, err := parseValue(a); err == nil {
			if a.html() {
				t.Fatal("a page was taken for a value")
			}
			if checkValue(v, false) == nil && (auth.HasControl(v) || strings.TrimSpace(v) == "" || len(v) > maxValue) {
				t.Fatalf("accepted %q", v)
			}
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"126", `\a\b`, ".", "..", ". ", "...", "a/b", "%2e%2e", "client-id", "a b", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ref, err := parseRef(s); err == nil && (ref.id > 0) == (ref.path != "") {
			t.Fatalf("%q is %+v", s, ref)
		}
		if checkSlug(s) == nil && (strings.Trim(s, ". ") == "" || strings.ContainsAny(s, `/\%?#`) || auth.HasControl(s)) {
			t.Fatalf("slug %q was accepted", s)
		}
	})
}
