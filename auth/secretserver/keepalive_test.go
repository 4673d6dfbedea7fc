package secretserver

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/secretservertest"
)

// direct carries requests to a handler without a network, so that time can stand
// still around it.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// countingStore counts how often it is looked into.
type countingStore struct {
	*auth.MemoryStore
	gets atomic.Int64
}

func (c *countingStore) Get(ctx context.Context, key string) ([]byte, error) {
	c.gets.Add(1)
	return c.MemoryStore.Get(ctx, key)
}

func TestTheBackgroundKeepsASessionAliveAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := secretservertest.New(secretservertest.Options{Timeout: timeout, RefreshEnabled: true, MaxRefreshes: 3,
			Username: ssUser, Password: ssPassword, Secrets: []secretservertest.Secret{webroot()}})
		store := &countingStore{MemoryStore: auth.NewMemoryStore()}
		s, err := New(Options{
			Config: Config{URL: "https://vault.example", Secret: "126", Username: ssUser, KeepSession: true, MaxRefreshes: 3},
			Store:  store, LockDir: t.TempDir() + "/locks", HTTP: &http.Client{Transport: direct{sim}}, Login: goodLogin().ask,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s.Start(ctx)
		<-time.After(70 * time.Minute)
		synctest.Wait()
		if st := s.Status(); st.Refreshes != 3 || st.State != auth.Ready {
			t.Fatalf("after 70 minutes: %+v", st)
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if st := s.Status(); st.State != auth.NeedsLogin || !strings.Contains(st.Text, "allows 3 refreshes per sign-in") {
			t.Fatalf("at the end: %+v", st)
		}
		if c := sim.Counts(); c.Refreshes != 3 || c.Refused != 0 || c.Passwords != 1 {
			t.Fatalf("server %+v", c)
		}
		if n := store.gets.Load(); n > 3000 { // a few per look, four looks a minute
			t.Fatalf("%d looks into the store in 130 minutes", n)
		}
		cancel()
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDemandsAreToldApartByTheirWords(t *testing.T) {
	for text, want := range map[string]Demand{
		"A Comment is required.":                      DemandComment,
		"Check-out required":                          DemandCheckout,
		"Secret is checked out by another user":       DemandCheckout,
		"Secret requires CheckOut; comment optional":  DemandCheckout,
		"You must request access.":                    DemandApproval,
		"Access needs to be approved":                 DemandApproval,
		"A ticket number and a comment are required.": DemandTicket,
		"This secret has a Double Lock password":      DemandDoubleLock,
		"Access Denied":                               DemandNone,
	} {
		got := demandOf("", text)
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		if got != DemandNone && got.hint(false) == "" {
			t.Errorf("%q has no hint", got)
		}
	}
	if demandOf("API_CheckOutRequired", "no") != DemandCheckout {
		t.Error("the code is not looked at")
	}
}

// A version without the lookup is passed over when the id is known, and only
// then.
func TestALookupThatIsNotThere(t *testing.T) {
	for _, c := range []struct {
		ref, lookup string
		status      int
		text        string // of the error; empty when the reading goes well
	}{
		{"126", `{"message":"no"}`, 404, ""},
		{"126", `{"id":126,"value":"Webroot GSM"}`, 200, ""},
		{"126", `{"id":127,"value":"Webroot GSM"}`, 200, "secret 127 instead"},
		{"126", `{"message":"no"}`, 403, "refuses"},
		{secretPath, `{"message":"no"}`, 404, "no such secret"},
		{secretPath, `<html>`, 200, "page instead of data"},
	} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if strings.HasPrefix(r.URL.Path, "/api/v1/secrets/lookup/") {
				w.WriteHeader(c.status)
				_, _ = fmt.Fprint(w, c.lookup)
				return
			}
			_, _ = fmt.Fprint(w, `"value"`)
		})
		s, err := New(Options{Config: Config{URL: "https://vault.example", Secret: c.ref, Comment: "why"}, Bearer: auth.NewSecret("b"), HTTP: &http.Client{Transport: direct{handler}}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Read(t.Context())
		switch {
		case c.text == "" && (err != nil || got.SecretID != 126 || got.Credentials.Password.Reveal() != "value"):
			t.Errorf("%s %s: %v", c.ref, c.lookup, err)
		case c.text != "" && (err == nil || !strings.Contains(err.Error(), c.text)):
			t.Errorf("%s %s: %v", c.ref, c.lookup, err)
		}
	}
}

func TestLoginsThatCannotBeSent(t *testing.T) {
	r := newRig(t, secretservertest.Options{})
	for _, l := range []Login{
		{},
		{Password: auth.NewSecret("a\x00b")},
		{Password: auth.NewSecret(ssPassword), OTP: auth.NewSecret("1 2")},
	} {
		if _, err := r.source(r.options(&asker{login: l})).Read(t.Context()); err == nil {
			t.Error("it was accepted")
		}
	}
	if c := r.sim.Counts(); c.Passwords != 0 {
		t.Fatalf("sent %d times", c.Passwords)
	}
}
