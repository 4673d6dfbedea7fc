package secretserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/secretservertest"
)

func TestASessionThatIsNotKeptIsDropped(t *testing.T) {
	r := newRig(t, enabled())
	a := goodLogin()
	s := r.source(r.options(a))
	for n := 1; n <= 2; n++ {
		if notice := r.mustRead(s).Notice; notice != "" {
			t.Fatalf("notice %q", notice)
		}
		if c := r.sim.Counts(); c.Passwords != n || c.Expirations != n || c.Refreshes != 0 || a.count() != n {
			t.Fatalf("reading %d: %+v, asked %d times", n, c, a.count())
		}
	}
	if st := s.Status(); st.State != auth.SignedOut {
		t.Fatalf("state %v", st.State)
	}
	kept := r.kept(nil, 0)
	r.mustNeedLogin(kept) // nothing was stored
}

func TestTheSecretIsFoundByIDOrPath(t *testing.T) {
	for _, o := range []secretservertest.Options{{}, {Base: "/SecretServer"}} {
		for _, ref := range []string{"126", secretPath, ` \msp\webroot gsm `} {
			r := newRig(t, o)
			opts := r.options(goodLogin())
			opts.Secret, opts.URL = ref, r.http.URL+o.Base+"/"
			r.mustRead(r.source(opts))
		}
	}
}

func TestHiddenAndAttachedFieldsAreReadByThemselves(t *testing.T) {
	sec := webroot()
	sec.Masked = true
	sec.Fields[1].File, sec.Fields[1].Value = true, clientSecret+"\r\n"
	r := newRig(t, secretservertest.Options{Secrets: []secretservertest.Secret{sec}})
	r.mustRead(r.source(r.options(goodLogin())))
	var paths []string
	for _, e := range r.sim.Log() {
		if strings.HasPrefix(e.Path, "/api/v1/secrets") {
			paths = append(paths, e.Method+" "+e.Path+"?"+e.Query)
		}
	}
	want := "GET /api/v1/secrets/126?noAutoCheckout=true GET /api/v1/secrets/126/fields/client-secret?noAutoCheckout=true GET /api/v1/secrets/126/fields/password?noAutoCheckout=true"
	if got := strings.Join(paths, " "); got != want {
		t.Fatalf("calls %s", got)
	}
}

func TestACommentGoesWithEveryField(t *testing.T) {
	sec := webroot()
	sec.NeedsComment = true
	for _, ref := range []string{"126", secretPath} {
		r := newRig(t, secretservertest.Options{Secrets: []secretservertest.Secret{sec}})
		o := r.options(goodLogin())
		o.Secret, o.Comment = ref, "unitty login ops@jump2"
		r.mustRead(r.source(o))
		var comments int
		for _, e := range r.sim.Log() {
			if e.Method == "POST" && strings.Contains(e.Path, "/restricted/fields/") {
				if e.Comment != o.Comment {
					t.Fatalf("%s with comment %q", e.Path, e.Comment)
				}
				comments++
			}
		}
		if comments != 5 {
			t.Fatalf("%d restricted readings", comments)
		}
	}
}

func TestDemandsComeBackAsText(t *testing.T) {
	for _, c := range []struct {
		name, comment string
		change        func(*secretservertest.Secret)
		demand        Demand
		texts         []string
	}{
		{"comment", "", func(s *secretservertest.Secret) { s.NeedsComment = true }, DemandComment, []string{"A comment is required", "set comment in the profile's source"}},
		{"checkout", "", func(s *secretservertest.Secret) { s.NeedsCheckout = true }, DemandCheckout, []string{"must be checked out", "HTTP 403"}},
		{"checkout with a comment", "why", func(s *secretservertest.Secret) { s.NeedsCheckout = true }, DemandCheckout, []string{"must be checked out"}},
		{"approval", "why", func(s *secretservertest.Secret) { s.NeedsApproval = true }, DemandApproval, []string{"requires approval"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sec := webroot()
			c.change(&sec)
			r := newRig(t, secretservertest.Options{Secrets: []secretservertest.Secret{sec}})
			o := r.options(goodLogin())
			o.Comment = c.comment
			_, err := r.source(o).Read(t.Context())
			var e *Error
			if !errors.As(err, &e) || e.Demand != c.demand || !errors.Is(err, ErrDemand) || errors.Is(err, ErrTokenDead) {
				t.Fatalf("err %v", err)
			}
			for _, text := range c.texts {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q lacks %q", err, text)
				}
			}
			if n := r.sim.Counts(); n.Checkouts != 0 || n.Reads != 0 {
				t.Fatalf("server %+v", n)
			}
		})
	}
}

func TestAnEndedSessionIsReplacedOnce(t *testing.T) {
	r := newRig(t, enabled())
	a := goodLogin()
	s := r.kept(a, 3)
	r.mustRead(s)
	r.sim.Expire() // the 403 that means expired
	r.mustRead(s)
	if c := r.sim.Counts(); c.Refreshes != 1 || c.Passwords != 1 {
		t.Fatalf("server %+v", c)
	}
	if err := r.kept(nil, 3).Forget(t.Context()); err != nil { // from another process
		t.Fatal(err)
	}
	if c := r.sim.Counts(); c.Expirations != 1 {
		t.Fatalf("server %+v", c)
	}
	r.mustNeedLogin(r.kept(nil, 3))
}

func TestABearerTokenThatWasGiven(t *testing.T) {
	r := newRig(t, enabled())
	r.mustRead(r.kept(goodLogin(), 0))
	o := r.options(nil)
	o.Username = ""
	o.Bearer = auth.NewSecret(r.sim.Issued()[0])
	s := r.source(o)
	r.mustRead(s)
	if c := r.sim.Counts(); c.Expirations != 0 || c.Passwords != 1 {
		t.Fatalf("server %+v", c)
	}
	r.clk.jump(timeout + time.Second)
	o.Bearer = auth.NewSecret("never-issued")
	for _, s := range []*Source{s, r.source(o)} {
		if _, err := s.Read(t.Context()); !errors.Is(err, ErrTokenDead) || !errors.Is(err, auth.ErrNeedsLogin) {
			t.Fatalf("err %v", err)
		}
	}
}

func TestDomainAndOneTimeCode(t *testing.T) {
	r := newRig(t, secretservertest.Options{Domain: "CORP", OTP: "123456"})
	a := goodLogin()
	o := r.options(a)
	o.Username = `corp\` + ssUser
	s := r.source(o)
	if _, err := s.Read(t.Context()); !errors.Is(err, auth.ErrWrongPassword) || !strings.Contains(err.Error(), "Two-factor authentication is required") {
		t.Fatalf("err %v", err)
	}
	a.login.OTP = auth.NewSecret("123456")
	r.mustRead(s)
	for _, e := range r.sim.Log() {
		if e.Grant == "password" && strings.Join(e.Fields, " ") != "domain grant_type password username" {
			t.Fatalf("fields %v", e.Fields)
		}
	}
	a.login.OTP = auth.NewSecret("12\n34")
	if _, err := s.Read(t.Context()); err == nil || r.sim.Counts().Passwords != 2 {
		t.Fatalf("err %v, %+v", err, r.sim.Counts())
	}
}

func TestARefusedPasswordIsNotSentAgain(t *testing.T) {
	r := newRig(t, secretservertest.Options{})
	a := &asker{login: Login{Password: auth.NewSecret("wrong")}}
	for range 3 {
		if _, err := r.source(r.options(a)).Read(t.Context()); !errors.Is(err, auth.ErrWrongPassword) {
			t.Fatalf("err %v", err)
		}
	}
	if c := r.sim.Counts(); c.Passwords != 1 {
		t.Fatalf("sent %d times", c.Passwords)
	}
	s := r.source(r.options(a))
	if err := s.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.sim.SetPassword("wrong") // now it is the right one
	r.mustRead(s)
}

func TestFailuresOfTheServer(t *testing.T) {
	for _, c := range []struct {
		fault string
		at    int // 0: the sign-in, 1: the reading
		want  error
		text  string
	}{
		{secretservertest.FaultHTML, 0, auth.ErrProtocol, "page instead of a token"},
		{secretservertest.FaultHTML, 1, ErrProtocol, "page instead of data"},
		{secretservertest.FaultHuge, 0, auth.ErrOutOfReach, "too large"},
		{secretservertest.FaultHuge, 1, ErrProtocol, "too large"},
		{secretservertest.FaultRedirect, 0, auth.ErrProtocol, "redirects to https://elsewhere.invalid"},
		{secretservertest.FaultRedirect, 1, ErrProtocol, "redirects to https://elsewhere.invalid"},
		{secretservertest.FaultUnavailable, 0, auth.ErrOutOfReach, "503"},
		{secretservertest.FaultUnavailable, 1, auth.ErrOutOfReach, "503"},
		{secretservertest.FaultCutAfter, 0, auth.ErrOutOfReach, "broke"},
		{secretservertest.FaultCutBefore, 1, auth.ErrOutOfReach, "broke"},
	} {
		t.Run(fmt.Sprintf("%s %d", c.fault, c.at), func(t *testing.T) {
			r := newRig(t, enabled())
			s := r.kept(goodLogin(), 3)
			if c.at == 1 {
				r.mustRead(s)
			}
			r.sim.Fault(c.fault, 1)
			_, err := s.Read(t.Context())
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("err %v", err)
			}
			r.mustHoldNoSecret("an error", err.Error())
			r.clk.jump(10 * time.Second)
			r.mustRead(s)
		})
	}
}

// odd serves one fixed answer to every reading.
func odd(t *testing.T, status int, kind, body string) *Source {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	s, err := New(Options{Config: Config{URL: srv.URL, Secret: "126"}, Bearer: auth.NewSecret("bearer-canary")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOddAnswersToAReading(t *testing.T) {
	full := `{"id":%d,"items":[{"slug":"client-id","itemValue":"%s"},{"slug":"client-secret","itemValue":"b"},{"slug":"username","itemValue":"c"},{"slug":"password","itemValue":"%s"}]}`
	for _, c := range []struct {
		name, body string
		status     int
		want       error
		text       string
	}{
		{"another secret", fmt.Sprintf(full, 127, "a", "d"), 200, ErrProtocol, "secret 127 instead"},
		{"empty field", fmt.Sprintf(full, 126, "a", " "), 200, ErrField, "field password is empty"},
		{"line break in a password", fmt.Sprintf(full, 126, "a", `x\ny`), 200, ErrField, "control characters"},
		{"hidden character in a name", fmt.Sprintf(full, 126, `a\u200b`, "d"), 200, ErrField, "field client-id"},
		{"no id", `{"items":[]}`, 200, ErrProtocol, "no id"},
		{"not an object", `[]`, 200, ErrProtocol, "not a secret"},
		{"hostile text", `{"message":"\u001b]0;x\u0007bearer-canary\u202e"}`, 403, ErrDenied, `\u{1b}]0;x\u{7}[redacted]\u{202e}`},
		{"expired by another text", `{"message":"Authentication failed or expired token. "}`, 403, ErrDenied, "refuses"},
		{"expired", `{"message":"Authentication failed or expired token."}`, 403, ErrTokenDead, "ended"},
		{"a gateway", `no`, 403, ErrProtocol, "virtual directory"},
		{"accepted for approval", `{"message":"Your request is waiting for approval."}`, 202, ErrDemand, "approved first"},
		{"not found", `{"message":"no"}`, 404, ErrSecretNotFound, "no such secret"},
		{"error field", `{"error":"Access denied"}`, 400, ErrDenied, "Access denied"},
		{"server error", `{}`, 500, auth.ErrOutOfReach, "not available"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := odd(t, c.status, "application/json", c.body).Read(t.Context())
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("err %v", err)
			}
			if errors.Is(err, ErrTokenDead) != (c.name == "expired") {
				t.Fatalf("only the exact text means a dead token: %v", err)
			}
			if strings.Contains(err.Error(), "bearer-canary") || auth.HasControl(err.Error()) {
				t.Fatalf("unsafe text %q", err)
			}
		})
	}
}

func TestAMissingFieldNamesTheOthers(t *testing.T) {
	r := newRig(t, secretservertest.Options{})
	o := r.options(goodLogin())
	o.Fields.ClientSecret = "api-secret"
	_, err := r.source(o).Read(t.Context())
	if !errors.Is(err, ErrField) || !strings.Contains(err.Error(), "no field api-secret; it has client-id, client-secret, username, password, gsm-key") {
		t.Fatalf("err %v", err)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	good := Options{Config: Config{URL: "https://vault.example/SecretServer", Secret: "1", Username: "u"}}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"http":             func(o *Options) { o.URL = "http://vault.example" },
		"query":            func(o *Options) { o.URL += "?x=1" },
		"user in address":  func(o *Options) { o.URL = "https://u:p@vault.example" },
		"dots in address":  func(o *Options) { o.URL = "https://vault.example/a/../b" },
		"no secret":        func(o *Options) { o.Secret = " " },
		"zero":             func(o *Options) { o.Secret = "0" },
		"negative":         func(o *Options) { o.Secret = "-4" },
		"path of slashes":  func(o *Options) { o.Secret = "MSP/Webroot" },
		"folder":           func(o *Options) { o.Secret = `\MSP\` },
		"control":          func(o *Options) { o.Secret = "\\MSP\\\x1b[2J" },
		"slug dot":         func(o *Options) { o.Fields.Password = "." },
		"slug dots":        func(o *Options) { o.Fields.Username = ".." },
		"slug slash":       func(o *Options) { o.Fields.ClientID = "a/b" },
		"slug escape":      func(o *Options) { o.Fields.GSMKey = "%2e%2e" },
		"no user":          func(o *Options) { o.Username = " " },
		"two domains":      func(o *Options) { o.Username, o.Domain = `a\b`, "c" },
		"kind":             func(o *Options) { o.Kind = "vault" },
		"comment":          func(o *Options) { o.Comment = "a\nb" },
		"refreshes":        func(o *Options) { o.MaxRefreshes = -1 },
		"bearer":           func(o *Options) { o.Bearer = auth.NewSecret("a b") },
		"kept, no store":   func(o *Options) { o.KeepSession = true },
		"no host":          func(o *Options) { o.URL = "https:///x" },
		"other scheme":     func(o *Options) { o.URL = "ftp://vault.example" },
		"user with escape": func(o *Options) { o.Username = "a\u202eb" },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s was accepted", name)
		} else if auth.HasControl(err.Error()) {
			t.Errorf("%s: unsafe text %q", name, err)
		}
	}
}

// Everything that people and other programs see is searched for every secret
// and every token that there was.
func TestSecretsAppearNowhere(t *testing.T) {
	sec := webroot()
	r := newRig(t, secretservertest.Options{Timeout: timeout, RefreshEnabled: true, Secrets: []secretservertest.Secret{sec}})
	a := goodLogin()
	s := r.kept(a, 0)
	var seen strings.Builder
	look := func(err error) {
		fmt.Fprintf(&seen, "%v %+v %#v %+v\n", err, err, s.Status(), s.opts)
	}
	for _, fault := range []string{"", secretservertest.FaultHTML, secretservertest.FaultCutAfter, secretservertest.FaultUnavailable} {
		for range 6 {
			r.sim.Fault(fault, 1)
			got, err := s.Read(t.Context())
			look(err)
			fmt.Fprintf(&seen, "%v %+v\n", got.Credentials.Password, got.Credentials.ClientSecret)
			r.clk.jump(timeout + time.Second)
		}
	}
	a.login.Password = auth.NewSecret(ssPassword + "x")
	_, err := r.source(r.options(a)).Read(t.Context())
	look(err)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(filepath.Dir(r.dir), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path) //nolint:gosec // a folder of this test
		seen.Write(data)
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
	for _, e := range r.sim.Log() {
		fmt.Fprintf(&seen, "%+v\n", e)
	}
	r.mustHoldNoSecret("what was shown", seen.String()+r.log.String())
	if c := r.sim.Counts(); c.Refreshes < 3 || c.Reads < 6 {
		t.Fatalf("too little happened: %+v", c)
	}
}
