package auth

import (
	"strings"
	"testing"
	"time"
)

// Two processes died with the same refresh token: each may be the one that spent it, so each is named.
func TestEveryInterruptionIsNamed(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 0, time.Local)
	first := &pendingMark{PID: 11, Host: "jump1", Started: at, RTHash: "aa"}
	second := &pendingMark{PID: 22, Host: "jump2", Started: at.Add(time.Second), RTHash: "aa", Earlier: first.interruptions()}
	raw, err := sidecar{Version: sidecarVersion, Pending: second}.encode()
	if err != nil {
		t.Fatal(err)
	}
	s, err := decodeSidecar(raw)
	if err != nil {
		t.Fatal(err)
	}
	text := deadText(s.Pending, false, nil)
	for _, want := range []string{"pid 11, host jump1, 2026-11-22 03:04:05; pid 22, host jump2, 2026-11-22 03:04:06"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not hold %q", text, want)
		}
	}
	for pid := range 50 {
		s.Pending = &pendingMark{PID: pid, Earlier: s.Pending.interruptions()}
	}
	if got := s.Pending.interruptions(); len(got) != maxEarlier || got[len(got)-1].PID != 49 || got[0].PID != 47 || got[0].Earlier != nil {
		t.Errorf("%+v", got)
	}
}

// Before the store was read, nobody may be told that there is no sign-in: a screen would ask for the password.
func TestStateIsUnknownBeforeTheStoreWasRead(t *testing.T) {
	srv, store := newTokenServer(t), newFaultStore()
	mustSignIn(t, setup{base: srv.URL, store: store}.engine(t))
	e := setup{base: srv.URL, store: store}.engine(t)
	if s := e.Status().State; s != Loading {
		t.Errorf("before: %v", s)
	}
	if err := e.Load(t.Context()); err != nil || e.Status().State != Ready {
		t.Errorf("after: %v, %v", err, e.Status().State)
	}
}
