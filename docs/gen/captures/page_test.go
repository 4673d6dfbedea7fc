//go:build linux

package main

import (
	"bytes"
	"os"
	"testing"
)

func TestSignInPageIsCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("signing in ten times in terminals takes longer than -short allows")
	}
	have, err := os.ReadFile("../../sign-in.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := page(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(want, []byte("\n## ")); n != len(scenes()) {
		t.Errorf("%d of %d ways to sign in are on the page", n, len(scenes()))
	}
	if !bytes.Equal(have, want) {
		t.Fatalf("docs/sign-in.md is stale: run `go run ./docs/gen/captures docs/sign-in.md` and commit it; it would be\n%s", want)
	}
}

func TestMaskLeavesNothingThatChanges(t *testing.T) {
	one := mask("\nSaved at 2026-11-22 03:29:19 in /tmp/x/home1/.local by http://127.0.0.1:40123/a?state=Zk9_-x&code_challenge=abc.d  \n8 rows - read 12 s ago - refresh 60 s\n\n", "/tmp/x/home1")
	two := mask("Saved at 2027-01-01 13:09:59 in /tmp/y/home2/.local by http://127.0.0.1:50999/a?state=q&code_challenge=zz\n8 rows - just read", "/tmp/y/home2")
	if one != two {
		t.Errorf("%q\n%q", one, two)
	}
	for _, plain := range []string{"GSM keycode: 3D6D-6831-AEB1-2F9E-BE30", "8 sites visible", "client_fa17fa3e@acme.example", "23/32"} {
		if got := mask(plain, "/tmp/x/home1"); got != plain {
			t.Errorf("%q becomes %q", plain, got)
		}
	}
}

func TestSecretsKeepAPageFromBeingWritten(t *testing.T) {
	for _, text := range []string{"Password: hunter two", "…hun\nter two…", "hunter\n  two"} {
		if harmless(text, []string{"", "hunter two"}) == nil {
			t.Errorf("%q passes", text)
		}
	}
	if err := harmless("Password:", []string{"", "hunter two"}); err != nil {
		t.Error(err)
	}
}

func TestFailedSceneIsAnError(t *testing.T) {
	cleaned := false
	s := scene{title: "T", play: func(s *stage) {
		s.Cleanup(func() { cleaned = true })
		s.end(s.shell("exit 3"), "", "exit 3", 0)
	}}
	if _, err := s.capture(t.Context(), "/none", t.TempDir()+"/home"); err == nil || !cleaned {
		t.Errorf("error %v, cleaned %v", err, cleaned)
	}
}
