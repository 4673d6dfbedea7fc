package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const testRedirect = "https://portal.acme.example/cb?tenant=7"

func newAuthorization(t testing.TB, base string) *Authorization {
	t.Helper()
	a, err := NewAuthorization(Account{BaseURL: base, ClientID: testClientID, Username: testUser}, testRedirect, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// browser is what a server that agrees sends the browser to.
func browser(a *Authorization, code string) string {
	u, _ := url.Parse(a.URL())
	to, _ := url.Parse(u.Query().Get("redirect_uri"))
	q := to.Query()
	q.Set("code", code)
	q.Set("state", u.Query().Get("state"))
	to.RawQuery = q.Encode()
	return to.String()
}

// codeServer makes a token server take one code, once.
func codeServer(t *testing.T, code string) (*tokenServer, func() []url.Values) {
	t.Helper()
	srv := newTokenServer(t)
	var seen []url.Values
	srv.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.PostForm.Get("grant_type") != "authorization_code" {
			return false
		}
		srv.mu.Lock()
		defer srv.mu.Unlock()
		seen = append(seen, r.PostForm)
		id, secret, _ := r.BasicAuth()
		switch {
		case id != testClientID || secret != testClientSecret:
			oauthError(w, 401, "invalid_client")
		case r.PostForm.Get("code") != code || r.PostForm.Get("redirect_uri") != testRedirect || len(seen) > 1:
			oauthError(w, 400, "invalid_grant")
		default:
			srv.refresh = "rt-of-code"
			_, _ = fmt.Fprint(w, `{"access_token":"at-of-code","token_type":"bearer","expires_in":300,"refresh_token":"rt-of-code","scope":"[\"Console.GSM\"]"}`)
		}
		return true
	}
	return srv, func() []url.Values {
		srv.mu.Lock()
		defer srv.mu.Unlock()
		return slices.Clone(seen)
	}
}

func TestCodeStartsAChainLikeAnyOther(t *testing.T) {
	srv, seen := codeServer(t, "the-code")
	dir, store := privateDir(t), newFaultStore()
	e := setup{base: srv.URL, store: store, dir: dir}.engine(t)
	a := newAuthorization(t, srv.URL)
	if err := e.SignInWithCode(t.Context(), NewSecret(testClientSecret), a, "  "+browser(a, "the-code")+"\n"); err != nil {
		t.Fatal(err)
	}
	got := seen()
	if len(got) != 1 || got[0].Get("scope") != strings.Join(DefaultScope(), " ") {
		t.Fatalf("requests %v", got)
	}
	if mustToken(t, e) != "at-of-code" || !slices.Equal(e.Status().Scopes, []string{"Console.GSM"}) {
		t.Fatalf("status %+v", e.Status())
	}
	// Another process goes on with it, client secret included.
	clk := &clock{}
	clk.jump(301e9)
	next := setup{base: srv.URL, store: store, dir: dir, clock: clk}.engine(t)
	if tok := mustToken(t, next); tok == "at-of-code" {
		t.Fatal("the token was not renewed")
	}
	if _, r, reused := srv.counts(); r != 1 || reused != 0 {
		t.Fatalf("%d refreshes, %d reused", r, reused)
	}
	// The same code is refused, sent once, and leaves the chain alone.
	err := next.SignInWithCode(t.Context(), NewSecret(testClientSecret), a, browser(a, "the-code"))
	if !errors.Is(err, ErrNeedsLogin) || errors.Is(err, ErrWrongPassword) || len(seen()) != 2 {
		t.Fatalf("%v, %d requests", err, len(seen()))
	}
	mustToken(t, next)
}

func TestCodeIsSentOnceWhateverHappens(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"invalid_scope": func(w http.ResponseWriter) { oauthError(w, 400, "invalid_scope") },
		"500":           func(w http.ResponseWriter) { w.WriteHeader(500) },
		"429":           func(w http.ResponseWriter) { w.WriteHeader(429) },
		"unsupported":   func(w http.ResponseWriter) { oauthError(w, 400, "unsupported_grant_type") },
	} {
		t.Run(name, func(t *testing.T) {
			srv, n := newTokenServer(t), 0
			srv.before = func(w http.ResponseWriter, _ *http.Request) bool {
				srv.mu.Lock()
				defer srv.mu.Unlock()
				n++
				answer(w)
				return true
			}
			e := setup{base: srv.URL, store: NewMemoryStore()}.engine(t)
			a := newAuthorization(t, srv.URL)
			err := e.SignInWithCode(t.Context(), NewSecret(testClientSecret), a, browser(a, "canary-code"))
			if err == nil || strings.Contains(err.Error(), "canary-code") || strings.Contains(err.Error(), testClientSecret) {
				t.Errorf("error %v", err)
			}
			if name == "unsupported" && !strings.Contains(err.Error(), "no authorization codes") {
				t.Errorf("error %v", err)
			}
			srv.mu.Lock()
			defer srv.mu.Unlock()
			if n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestAuthorizeAddress(t *testing.T) {
	a, err := NewAuthorization(Account{BaseURL: "https://API.example:443/x/", ClientID: testClientID}, testRedirect, []string{"Console.GSM", "SkyStatus.*", "*"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(a.URL())
	if err != nil || u.Scheme+"://"+u.Host+u.Path != "https://api.example/x/auth/authorize" {
		t.Fatalf("%v %v", u, err)
	}
	q := u.Query()
	if q.Get("client_id") != testClientID || q.Get("response_type") != "code" || q.Get("redirect_uri") != testRedirect || q.Get("scope") != "Console.GSM" {
		t.Errorf("query %v", q)
	}
	if b := newAuthorization(t, "https://api.example"); len(q.Get("state")) < 32 || b.state == a.state {
		t.Errorf("states %q %q", a.state, b.state)
	}
	if _, err := NewAuthorization(Account{BaseURL: "https://api.example", ClientID: "c"}, testRedirect, []string{"*"}); err == nil {
		t.Error("nothing but wildcards was accepted")
	}
}

func TestRedirectURIsThatCannotServe(t *testing.T) {
	for _, good := range []string{"https://portal.example", "https://portal.example:8443/cb?x=1", "http://localhost:1234/", "http://127.0.0.1/cb", "http://[::1]:9/cb"} {
		if err := CheckRedirectURI(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "portal.example", "/cb", "https://", "http://portal.example/cb", "ftp://portal.example", "javascript:alert(1)", "https://u:p@portal.example/",
		"https://portal.example/#", "https://portal.example/#x", "https://portal.example/?code=1", "https://portal.example/?state=", "https://portal.example/\x1b", "https://portal.example/a b", "https://portal.example/?a=%zz"} {
		if err := CheckRedirectURI(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestForeignAnswersAreRefusedBeforeAnythingIsSent(t *testing.T) {
	srv, seen := codeServer(t, "the-code")
	e := setup{base: srv.URL, store: NewMemoryStore()}.engine(t)
	a := newAuthorization(t, srv.URL)
	good := browser(a, "the-code")
	other := newAuthorization(t, srv.URL)
	back := func(kv ...string) string {
		u, _ := url.Parse(good)
		q := u.Query()
		for i := 0; i < len(kv); i += 2 {
			if q.Del(kv[i]); kv[i+1] != "" {
				q.Set(kv[i], kv[i+1])
			}
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, c := range map[string]struct {
		pasted, says string
		kind         error
	}{
		"nothing":           {"  ", "nothing was pasted", ErrNeedsLogin},
		"no address":        {"the-code", "not an address", ErrNeedsLogin},
		"other host":        {strings.Replace(good, "portal.acme", "portal.evil", 1), "portal.evil.example", ErrNeedsLogin},
		"other scheme":      {strings.Replace(good, "https", "http", 1), "not the redirect address", ErrNeedsLogin},
		"other port":        {strings.Replace(good, ".example/", ".example:8443/", 1), "not the redirect address", ErrNeedsLogin},
		"other path":        {strings.Replace(good, "/cb", "/cb/../x", 1), "not the redirect address", ErrNeedsLogin},
		"user in address":   {strings.Replace(good, "https://", "https://portal.acme.example@", 1), "not the redirect address", ErrNeedsLogin},
		"own parameter":     {back("tenant", "8"), "not the redirect address", ErrNeedsLogin},
		"control character": {good + "\x1b[2J", "not an address", ErrNeedsLogin},
		"other state":       {browser(other, "the-code"), "another sign-in", ErrNeedsLogin},
		"no state":          {back("state", ""), "another sign-in", ErrNeedsLogin},
		"no code":           {back("code", ""), "no usable code", ErrNeedsLogin},
		"odd code":          {back("code", "a b"), "no usable code", ErrNeedsLogin},
		"two codes":         {good + "&code=second", "more than once", ErrNeedsLogin},
		"two states":        {good + "&state=second", "more than once", ErrNeedsLogin},
		"declined":          {back("code", "", "error", "access_denied", "error_description", "not\x1b[2J today"), `not\u{1b}[2J today`, ErrNeedsLogin},
		"declined, code":    {back("error", "access_denied"), "declined", ErrNeedsLogin},
		"no state, error":   {back("code", "", "state", "", "error", "unauthorized_client"), "may not sign in by authorization code", ErrInvalidClient},
		"wrong state, error": {back("code", "", "state", "x", "error", "access_denied"),
			"another sign-in", ErrNeedsLogin},
		"scope":     {back("code", "", "error", "invalid_scope"), "scopes", ErrScopeRefused},
		"trouble":   {back("code", "", "error", "server_error"), "try again later", ErrOutOfReach},
		"new error": {back("code", "", "error", "something_else"), "something_else", ErrProtocol},
		"too long":  {good + "&x=" + strings.Repeat("x", maxRedirect), "not an address", ErrNeedsLogin},
	} {
		err := e.SignInWithCode(t.Context(), NewSecret(testClientSecret), a, c.pasted)
		if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), "the-code") || strings.Contains(err.Error(), a.state) || hasControl(err.Error()) {
			t.Errorf("%s: the error shows too much: %q", name, err)
		}
	}
	if n := len(seen()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	if err := e.SignInWithCode(t.Context(), Secret{}, a, good); !errors.Is(err, ErrInvalidClient) {
		t.Errorf("without client secret: %v", err)
	}
	elsewhere := newAuthorization(t, "https://elsewhere.example")
	if err := e.SignInWithCode(t.Context(), NewSecret(testClientSecret), elsewhere, browser(elsewhere, "x")); !errors.Is(err, ErrOtherAccount) {
		t.Errorf("another API: %v", err)
	}
	scripted := setup{store: NewMemoryStore(), prov: &scriptProvider{}}.engine(t)
	if err := scripted.SignInWithCode(t.Context(), NewSecret("s"), a, good); !errors.Is(err, ErrProtocol) {
		t.Errorf("a provider without codes: %v", err)
	}
	// The wrong ones have not used the authorization up.
	if err := e.SignInWithCode(t.Context(), NewSecret(testClientSecret), a, good); err != nil || len(seen()) != 1 {
		t.Errorf("%v, %d requests", err, len(seen()))
	}
}

func FuzzRedirectAddress(f *testing.F) {
	a := newAuthorization(f, "https://api.example")
	for _, s := range []string{"", browser(a, "c"), testRedirect, testRedirect + "&error=access_denied", testRedirect + "&error=a&error_description=%1b%5b2J%0d",
		"https://evil.example/cb?tenant=7&code=c&state=" + a.state, "//portal.acme.example/cb", "https://portal.acme.example/%63b?tenant=7&code=c&state=" + a.state, "\x00", "https://[::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		g, err := a.answer(pasted)
		if err != nil {
			if hasControl(err.Error()) {
				t.Fatalf("the error would be obeyed by a terminal: %q", err)
			}
			if !g.code.Empty() {
				t.Fatal("a code beside an error")
			}
			return
		}
		u, perr := url.Parse(strings.Trim(strings.TrimSpace(pasted), "\"'<>"))
		if perr != nil || !strings.EqualFold(u.Hostname(), "portal.acme.example") || u.Scheme != "https" || u.User != nil || u.EscapedPath() != "/cb" {
			t.Fatalf("a foreign address was believed: %q", pasted)
		}
		q := u.Query()
		if q.Get("state") != a.state || q.Get("tenant") != "7" || q.Has("error") && q.Get("error") != "" || q.Get("code") != g.code.Reveal() || !validToken(g.code.Reveal()) {
			t.Fatalf("believed: %q", pasted)
		}
	})
}
