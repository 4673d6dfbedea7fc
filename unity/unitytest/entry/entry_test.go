package entry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

func TestPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := unitytest.New(unitytest.Options{Sites: 1, Endpoints: 2, Seed: 1})
		direct := &entry.Direct{Handler: sim}
		p := &entry.Password{BaseURL: entry.Address, Creds: sim.Credentials(), Scope: "Console.GSM", Transport: direct, Keep: time.Minute}
		if p.Current() != "" {
			t.Error("a token before the sign-in")
		}
		next := func() string {
			t.Helper()
			token, err := p.Token(context.Background())
			if err != nil || token == "" || token != p.Current() {
				t.Fatalf("token %q, current %q: %v", token, p.Current(), err)
			}
			return token
		}
		first := next()
		if got := p.Scopes(); len(got) != 1 || got[0] != "Console.GSM" {
			t.Errorf("granted %q", got)
		}
		if next() != first {
			t.Error("another token without need")
		}
		p.Reject("another")
		if next() != first {
			t.Error("a token is gone with another's rejection")
		}
		p.Reject(first)
		second := next()
		<-time.After(2 * time.Minute)
		if second == first || next() == second {
			t.Error("no new token after a rejection, or after its time")
		}
		p.Reject(p.Current())
		direct.Before = func(*http.Request) (*http.Response, error) { return entry.Refusal(401), nil }
		if token, err := p.Token(context.Background()); err == nil || token != "" {
			t.Errorf("a refusal gives %q", token)
		}
	})
}

func TestDirect(t *testing.T) {
	part := 0
	d := &entry.Direct{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if part > 0 {
			_, _ = w.Write(make([]byte, part))
		}
		panic(http.ErrAbortHandler)
	})}
	get := func(ctx context.Context) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, entry.Address, nil)
		if err != nil {
			t.Fatal(err)
		}
		return d.RoundTrip(r)
	}
	if _, err := get(t.Context()); err == nil {
		t.Error("a connection that broke is no error")
	}
	part = 10
	answer, err := get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(answer.Body); len(text) != 10 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
}
