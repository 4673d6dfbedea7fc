//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/cli/driver"
)

func TestMain(m *testing.M) {
	if plan := os.Getenv(shiftedVariable); plan != "" {
		os.Exit(shifted(context.Background(), plan, os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// small is a run that a test can wait for. Its tokens are printed with nearly a second left, since tests of other packages
// may keep the machine busy.
func small(t *testing.T) options {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the built program for seconds: left out by -short")
	}
	return options{processes: 8, screens: 1, duration: 8 * time.Second, ttl: 3 * time.Second, minTTL: 900 * time.Millisecond, pause: 150 * time.Millisecond,
		latency: 20 * time.Millisecond, mode: modeSteady, store: "file", seed: 1}
}

func text(t *testing.T, r report) string {
	t.Helper()
	var b strings.Builder
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEightProcessesShareOneSignIn(t *testing.T) {
	r, err := torment(t.Context(), small(t))
	if err != nil || len(r.BrokenPromises) > 0 {
		t.Fatalf("%v\n%s", err, text(t, r))
	}
	// All would be well for a program that does nothing, too.
	if r.Refreshes < 2 || r.Verdicts[accepted] < 40 || r.Calls < 20 {
		t.Errorf("too little has happened:\n%s", text(t, r))
	}
}

func TestFaultsOfTheServerCostOnlyWhatTheServerLoses(t *testing.T) {
	o := small(t)
	o.mode, o.duration, o.ttl, o.minTTL = modeFaults, 12*time.Second, time.Second, 300*time.Millisecond
	r, err := torment(t.Context(), o)
	if err != nil || len(r.BrokenPromises) > 0 {
		t.Fatalf("%v\n%s", err, text(t, r))
	}
	if len(r.Faults) < 3 || r.Verdicts[accepted] < 20 {
		t.Errorf("too little has happened:\n%s", text(t, r))
	}
}

func TestWrongClocksSpoilNothing(t *testing.T) {
	o := small(t)
	o.mode = modeClock
	r, err := torment(t.Context(), o)
	if err != nil || len(r.BrokenPromises) > 0 {
		t.Fatalf("%v\n%s", err, text(t, r))
	}
	if r.Shifts < 5 || r.Verdicts[accepted] < 20 || r.Refreshes < 5 {
		t.Errorf("too little has happened:\n%s", text(t, r))
	}
}

// disguise wraps the program in a shell script that does something wrong.
func disguise(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "real")
	if err := driver.Build(t.Context(), program, driver.Program); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "unitty")
	body := fmt.Sprintf("#!/bin/sh\nreal='%s'\nkept='%s'\n%s\nexec \"$real\" \"$@\"\n", program, filepath.Join(dir, "kept"), script)
	if err := os.WriteFile(path, []byte(body), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return path
}

func TestNoticesTokensThatAreKeptTooLong(t *testing.T) {
	o := small(t)
	o.duration = 5 * time.Second
	o.bin = disguise(t, `[ "$1" = token ] && { [ -s "$kept" ] || "$real" "$@" >"$kept"; cat "$kept"; exit 0; }`)
	r, err := torment(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdicts[expired] == 0 || !strings.Contains(strings.Join(r.BrokenPromises, "\n"), "had expired") {
		t.Errorf("%s", text(t, r))
	}
}

func TestNoticesProcessesThatShareNothing(t *testing.T) {
	o := small(t)
	o.duration = 5 * time.Second
	o.bin = disguise(t, `[ "$1" = api ] && { [ -d "$HOME/own" ] || cp -r "$XDG_STATE_HOME" "$HOME/own"; XDG_STATE_HOME="$HOME/own"; export XDG_STATE_HOME; }`)
	r, err := torment(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Reuse == 0 || r.Refused == 0 || len(r.BrokenPromises) == 0 {
		t.Errorf("%s", text(t, r))
	}
}
