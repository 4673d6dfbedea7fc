package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity/unitytest"
)

// runDoctor runs the verb in this process, with a person who gives the answer.
func runDoctor(t *testing.T, sim *testSim, answer string, args ...string) (int, doctorReport, string) {
	t.Helper()
	home := t.TempDir()
	vars := map[string]string{"HOME": home, "UNITTY_KEYRING": "memory"}
	for _, kv := range sim.environment(unitytest.UserSuper) {
		vars[kv[0]] = kv[1]
	}
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(answer), out: &out, err: &errs, env: func(name string) string { return vars[name] }, terminal: true}
	code := a.run(t.Context(), append([]string{"doctor", "-o", "json"}, args...))
	var r doctorReport
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
	}
	for _, secret := range []string{vars["UNITTY_PASSWORD"], vars["UNITTY_CLIENT_SECRET"]} {
		if strings.Contains(out.String()+errs.String(), secret) {
			t.Error("the report holds a secret")
		}
	}
	return code, r, errs.String()
}

func answersOf(r doctorReport) map[string]string {
	out := map[string]string{}
	for _, p := range r.ProbeAuth {
		out[p.Letter] = p.Answer
	}
	return out
}

func TestProbeAuth(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"a": "no", "b": "no", "c": "no", "d": "yes", "e": "unknown", "g": "unknown"}
	for _, c := range []struct {
		name     string
		variants []string
		differs  map[string]string
	}{
		{"plain", nil, nil},
		{"access dies", []string{"access-dies-on-refresh"}, map[string]string{"a": "yes"}},
		{"family", []string{"family-revoke"}, map[string]string{"b": "yes"}},
		{"single chain", []string{"single-chain"}, map[string]string{"d": "no"}},
		{"not rotated", []string{"no-refresh-token"}, map[string]string{"b": "unknown", "c": "unknown"}},
		{"all strict", []string{"access-dies-on-refresh", "family-revoke", "single-chain", "grant-401", "nested-invalid-grant"},
			map[string]string{"a": "yes", "b": "yes", "d": "no"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10, Variants: c.variants})
			code, r, errs := runDoctor(t, sim, "y\n", "--probe-auth")
			got := answersOf(r)
			if code != exitDone || len(r.ProbeAuth) != 8 {
				t.Fatalf("exit code %d, %v, %s", code, r.ProbeAuth, errs)
			}
			for letter, want := range plain {
				if d, ok := c.differs[letter]; ok {
					want = d
				}
				if got[letter] != want {
					t.Errorf("(%s) is answered by %q, want %q", letter, got[letter], want)
				}
			}
			status := "400 application/json"
			if slices.Contains(c.variants, "grant-401") {
				status = "401 application/json"
			}
			if c.name != "not rotated" && !strings.HasPrefix(got["f"], status) {
				t.Errorf("(f) is answered by %q, want %s", got["f"], status)
			}
			if n := sim.count(`grant=password`); n != 3 {
				t.Errorf("%d sign-ins, want the profile's and two of the probe", n)
			}
		})
	}
}

func TestProbeAuthAsksFirst(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10})
	for _, answer := range []string{"", "n\n", "\n", "yes please\n"} {
		sim.ResetLog()
		if code, _, _ := runDoctor(t, sim, answer, "--probe-auth"); code != exitRefused {
			t.Errorf("answer %q: exit code %d", answer, code)
		}
		if n := sim.count(`grant=`); n > 1 {
			t.Errorf("answer %q: %d token requests, want the profile's own", answer, n)
		}
	}
}

func TestProbeSeesSlidingLife(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		age   time.Duration
		state auth.State
		want  string
	}{{15 * day, auth.Ready, "yes"}, {13 * day, auth.Ready, "unknown"}, {15 * day, auth.NeedsLogin, "unknown"}, {-day, auth.Ready, "unknown"}} {
		p := &authProbe{}
		gen := uint64(time.Now().Add(-c.age).UnixMilli()) //nolint:gosec // times of our age are positive
		p.sliding(auth.Status{Gen: gen, State: c.state})
		if len(p.answers) != 1 || p.answers[0].Answer != c.want {
			t.Errorf("%v, %v: %+v, want %s", c.age, c.state, p.answers, c.want)
		}
	}
}

func TestDoctorReport(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 3, Endpoints: 10})
	code, r, errs := runDoctor(t, sim, "")
	if code != exitDone || r.Verdict != "ok" || len(r.Problems) != 0 {
		t.Fatalf("exit code %d, %s, %q: %s", code, r.Verdict, r.Problems, errs)
	}
	if r.SignIn.Generation == 0 || r.SignIn.AccessLifeSeconds != 300 || r.SignIn.AccessAgeSeconds > 60 || r.SignIn.State != "ready" {
		t.Errorf("sign-in %+v", r.SignIn)
	}
	if r.Sites == nil || r.Sites.Visible+r.Sites.WithoutAccess != 3 || r.Sites.Console != sim.World().Console {
		t.Errorf("sites %+v", r.Sites)
	}
	if r.Network.ClockSkewSeconds == nil || *r.Network.ClockSkewSeconds != 0 || !r.Network.Reached {
		t.Errorf("network %+v", r.Network)
	}
	for _, s := range r.Stores {
		wantTested := s.Name != "keychain" && s.Name != "wincred" && s.Name != "kwallet"
		if s.InUse != (s.Name == "memory") || s.Tested != wantTested || s.State != storeWorks && s.Reason == "" {
			t.Errorf("store %+v", s)
		}
	}
}

func TestDoctorFindsTheEnginesLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	pass := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte("a long passphrase for tests"), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := auth.OpenFileStore(auth.FileOptions{Dir: dir, PassphraseFile: pass})
	if err != nil {
		t.Fatal(err)
	}
	sim := startTestSim(t, unitytest.Options{Sites: 1, Endpoints: 1})
	c := sim.Credentials()
	acct := auth.Account{BaseURL: sim.url, ClientID: c.ClientID, Username: c.Username}
	engine, err := auth.NewEngine(auth.Options{Account: acct, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	before := checkLock(engine)
	if before == nil || filepath.Dir(before.Path) != dir || before.Problem != "" || before.Mode != "" {
		t.Errorf("before the sign-in: %+v", before)
	}
	if err := engine.SignIn(t.Context(), auth.Credentials{Password: auth.NewSecret(c.Password), ClientSecret: auth.NewSecret(c.ClientSecret)}); err != nil {
		t.Fatal(err)
	}
	after := checkLock(engine)
	if after.Path != before.Path || after.Mode != "600" || after.HeldBy != 0 || after.Problem != "" {
		t.Errorf("after the sign-in: %+v", after)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // open is what is tested
		t.Fatal(err)
	}
	if open := checkLock(engine); open.Problem == "" {
		t.Error("a folder that others may enter is no problem")
	}
	alone, err := auth.NewEngine(auth.Options{Account: acct, Store: auth.NewMemoryStore()})
	if err != nil {
		t.Fatal(err)
	}
	if c := checkLock(alone); c != nil {
		t.Errorf("a store of this process has the lock %+v", c)
	}
}

func TestVerdict(t *testing.T) {
	reached := networkCheck{Reached: true}
	for _, c := range []struct {
		r    doctorReport
		code int
	}{
		{doctorReport{Network: reached}, exitDone},
		{doctorReport{Network: reached, Warnings: []string{"x"}}, exitDone},
		{doctorReport{Network: reached, Problems: []string{"x"}}, exitFailed},
		{doctorReport{Network: reached, Problems: []string{"x"}, SignIn: signInCheck{needed: true}}, exitSignIn},
		{doctorReport{Network: reached, SignIn: signInCheck{needed: true, storeFailed: true}}, exitFailed},
		{doctorReport{Network: reached, SignIn: signInCheck{unreachable: true}}, exitUnreachable},
		{doctorReport{SignIn: signInCheck{needed: true, storeFailed: true}}, exitUnreachable},
	} {
		if word, code := c.r.verdict(); code != c.code || (word == "ok") != (c.code == exitDone) {
			t.Errorf("%+v: %s %d, want %d", c.r, word, code, c.code)
		}
	}
}

func TestSkewOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := time.UnixMilli(rapid.Int64Range(1_700_000_000_000, 1_900_000_000_000).Draw(t, "sent"))
		took := time.Duration(rapid.Int64Range(0, 3_000).Draw(t, "took")) * time.Millisecond
		off := time.Duration(rapid.Int64Range(-100_000, 100_000).Draw(t, "off")) * time.Second
		written := sent.Add(time.Duration(rapid.Int64Range(0, int64(took)).Draw(t, "when"))).Add(off)
		got, ok := skewOf(written.UTC().Format(http.TimeFormat), sent, sent.Add(took))
		within := took + time.Second + 200*time.Millisecond
		if got == 0 {
			within *= 2 // what cannot be told from the time the answer took counts as none
		}
		if !ok || (got-off).Abs() > within {
			t.Fatalf("skew %v, want %v within %v", got, off, within)
		}
		if off == 0 && got != 0 {
			t.Fatalf("a clock that agrees is off by %v", got)
		}
	})
	if _, ok := skewOf("yesterday", time.Now(), time.Now()); ok {
		t.Error("a date that is none was read")
	}
}

func TestProxyTextHidesUser(t *testing.T) {
	for in, want := range map[string]string{
		"http://proxy.example:3128":                 "http://proxy.example:3128",
		"http://ops:hunter2@proxy.example:3128":     "http://proxy.example:3128 (with a user, not shown)",
		"http://token-as-user@proxy.example":        "http://proxy.example (with a user, not shown)",
		"socks5://a:b@10.0.0.1:1080/?password=leak": "socks5://10.0.0.1:1080 (with a user, not shown)",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := proxyText(u); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	if got := proxyText(nil); got != "" {
		t.Errorf("no proxy is shown as %q", got)
	}
}

func TestSecurityModules(t *testing.T) {
	info := &debug.BuildInfo{Deps: []*debug.Module{{Path: josePath, Version: "v1.9.0"}, {Path: "example.com/other", Version: "v1.0.0"},
		{Path: "filippo.io/age", Version: "v1.0.0", Replace: &debug.Module{Path: "../age", Version: "v9.9.9"}}}}
	got := securityModules(info)
	if len(got) != 2 || got[0] != (dependency{"filippo.io/age", "v9.9.9 (../age)"}) || got[1] != (dependency{josePath, "v1.9.0"}) {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		a, b string
		less bool
	}{{"v1.5.0", "v1.10.0", true}, {"v1.10.0", "v1.10.0", false}, {"v1.11.0", "v1.10.0", false}, {"v2.0.0", "v1.10.0", false},
		{"(devel)", "v1.10.0", false}, {"v1.5.1-0.20231206-abc", "v1.10.0", true}} {
		if versionLess(c.a, c.b) != c.less {
			t.Errorf("%s < %s: want %v", c.a, c.b, c.less)
		}
	}
}

func TestRefusalWordsHoldNoValues(t *testing.T) {
	got := refusalWords(400, "application/json; charset=utf-8", []byte(`{"error":"invalid_grant","error_description":"token abc123 is dead"}`))
	if want := `400 application/json, error "invalid_grant", members error error_description`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := refusalWords(401, "", []byte("<html>\x1b[31m")); got != "401 without a type, no JSON object (11 bytes)" {
		t.Error(got)
	}
}
