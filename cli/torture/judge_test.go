//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// bench is a judge in front of a simulator, and a client that keeps nothing.
type bench struct {
	*judge
	sim   *unitytest.Server
	creds unitytest.Credentials
}

func newBench(t *testing.T) *bench {
	t.Helper()
	sim := unitytest.New(unitytest.Options{Sites: 2, Endpoints: 4, AccessTTL: 2 * time.Second, Variants: []string{"family-revoke"}})
	if err := sim.Err(); err != nil {
		t.Fatal(err)
	}
	b := &bench{judge: newJudge(sim, options{ttl: 2 * time.Second}), sim: sim, creds: sim.CredentialsOf(unitytest.UserSuper)}
	b.probe = "/service/api/console/gsm/" + b.creds.GSMKey + "/sites"
	return b
}

// ask makes a token request and gives status, access token and refresh token.
func (b *bench) ask(t *testing.T, form url.Values) (int, string, string) {
	t.Helper()
	form.Set("scope", "Console.GSM")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "test/1")
	r.SetBasicAuth(b.creds.ClientID, b.creds.ClientSecret)
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return w.Code, got.Access, got.Refresh
}

func (b *bench) password(t *testing.T) (access, refresh string) {
	t.Helper()
	code, access, refresh := b.ask(t, url.Values{"grant_type": {"password"}, "username": {b.creds.Username}, "password": {b.creds.Password}})
	if code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	return access, refresh
}

func (b *bench) spend(t *testing.T, refresh string) (int, string, string) {
	t.Helper()
	return b.ask(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

func TestJudgeKnowsSpentTokens(t *testing.T) {
	b := newBench(t)
	var told []refreshing
	b.tell = func(r refreshing) { told = append(told, r) }
	_, first := b.password(t)
	code, access, second := b.spend(t, first)
	if code != http.StatusOK || b.check(access) != accepted {
		t.Fatalf("status %d, token %s", code, b.check(access))
	}
	if code, _, _ = b.spend(t, first); code == http.StatusOK {
		t.Fatal("a spent token was granted")
	}
	if got := b.check(access); got != orphaned {
		t.Errorf("the token of a revoked chain is %s", got)
	}
	if code, _, _ = b.spend(t, second); code == http.StatusOK {
		t.Fatal("a chain outlived the second use of a token")
	}
	sums := b.close(time.Now().Add(time.Hour))
	if sums.refreshes != 1 || sums.refused != 2 || sums.reuse != 1 || sums.passwords != 1 {
		t.Errorf("%+v", sums)
	}
	if len(told) != 3 || !told[0].ok || told[1].ok || !told[1].reuse || told[1].after != hashOf(first) || told[2].reuse {
		t.Errorf("%+v", told)
	}
	if r, ok := b.of(hashOf(first)); !ok || !r.ok {
		t.Errorf("%+v %v", r, ok)
	}
	if _, ok := b.of(hashOf(second)); ok {
		t.Error("a refused token counts as spent")
	}
	if late := b.close(time.Time{}); late.refreshes != 0 || late.refused != 2 {
		t.Errorf("after the end: %+v", late)
	}
}

func TestJudgeTellsWhyATokenIsDead(t *testing.T) {
	b := newBench(t)
	access, refresh := b.password(t)
	if got := b.check("AQ" + access); got != refused {
		t.Errorf("a token that was never issued is %s", got)
	}
	b.sim.Advance(3 * time.Second)
	if got := b.check(access); got != expired {
		t.Errorf("an old token is %s", got)
	}
	_, access, _ = b.spend(t, refresh)
	b.jumped(func() { b.sim.Advance(time.Hour) })
	if got := b.check(access); got != outdated {
		t.Errorf("a token from before the jump is %s", got)
	}
}
