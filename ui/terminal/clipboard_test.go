package terminal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fakeTmux puts a tmux first in PATH that writes its arguments, input and environment into files of the returned folder. It
// fails for arguments that contain refuse.
func fakeTmux(t *testing.T, refuse string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for tmux is a shell script")
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho \"$*\" >> %[1]s/args\ncase \"$*\" in *%[2]s*) exit 1;; esac\ncat > %[1]s/input\nenv > %[1]s/env\n", dir, refuse)
	if err := os.WriteFile(filepath.Join(dir, "tmux"), []byte(script), 0o700); err != nil { //nolint:gosec // it has to be run
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("TMUX", "/tmp/tmux-0/default,1,0")
	return dir
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// carried is the text that a command sends to the terminal's clipboard.
func carried(t *testing.T, cmd func() any) string {
	t.Helper()
	if cmd == nil {
		t.Fatal("nothing is sent to the terminal")
	}
	return fmt.Sprint(cmd())
}

func TestCopyOutsideTmuxUsesTheTerminal(t *testing.T) {
	t.Setenv("TMUX", "")
	how, cmd, err := Copy(context.Background(), "FRONT\x1b[2JDESK\n\x07x\r\u009bend\tz", t.TempDir())
	if err != nil || !strings.Contains(how, "OSC 52") {
		t.Fatalf("%q, %v", how, err)
	}
	if got := carried(t, func() any { return cmd() }); got != "FRONT[2JDESK\nxend\tz" {
		t.Fatalf("copied %q", got)
	}
}

func TestCopyInTmuxLoadsItsBuffer(t *testing.T) {
	dir := fakeTmux(t, "nothing-is-refused")
	t.Setenv("UNITTY_PASSWORD", "hunter2")
	how, cmd, err := Copy(context.Background(), "株式会社\nx", "")
	if err != nil || !strings.Contains(how, "tmux buffer") {
		t.Fatalf("%q, %v", how, err)
	}
	if got := carried(t, func() any { return cmd() }); got != "株式会社\nx" || read(t, dir, "input") != got {
		t.Fatalf("the terminal got %q, tmux %q", got, read(t, dir, "input"))
	}
	if got := read(t, dir, "args"); got != "load-buffer -w -\n" {
		t.Fatalf("arguments %q", got)
	}
	if env := read(t, dir, "env"); strings.Contains(env, "hunter2") || !strings.Contains(env, "TMUX=") {
		t.Fatalf("tmux got the environment %q", env)
	}
}

func TestCopyInOldTmux(t *testing.T) {
	dir := fakeTmux(t, "-w")
	how, _, err := Copy(context.Background(), "x", "")
	if err != nil || !strings.Contains(how, "tmux buffer") || read(t, dir, "input") != "x" {
		t.Fatalf("%q, %v", how, err)
	}
}

func TestCopySaysWhenTmuxDoesNotTakeIt(t *testing.T) {
	fakeTmux(t, "load-buffer")
	how, cmd, err := Copy(context.Background(), "x", "")
	if err != nil || cmd == nil || !strings.Contains(how, "did not take it") {
		t.Fatalf("%q, %v", how, err)
	}
}

func TestALongTextGoesIntoAFile(t *testing.T) {
	t.Setenv("TMUX", "")
	fits, long := strings.Repeat("x", 56_000), strings.Repeat("x", 57_000)
	if how, cmd, err := Copy(context.Background(), fits, ""); err != nil || cmd == nil || !strings.Contains(how, "OSC 52") {
		t.Fatalf("%q, %v", how, err)
	}
	dir := filepath.Join(t.TempDir(), "exports")
	how, cmd, err := Copy(context.Background(), long, dir)
	if err != nil || cmd != nil {
		t.Fatalf("%q, %v, command %v", how, err, cmd != nil)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 || !strings.HasSuffix(how, files[0]) {
		t.Fatalf("files %v, said %q", files, how)
	}
	if read(t, files[0]) != long {
		t.Fatal("the file holds something else")
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", info.Mode())
	}
	if _, _, err := Copy(context.Background(), long, ""); err == nil {
		t.Fatal("a long text went nowhere without an error")
	}
}

func TestNothingToCopy(t *testing.T) {
	for _, text := range []string{"", "\x1b\x07"} {
		if _, cmd, err := Copy(context.Background(), text, ""); !errors.Is(err, ErrNothingToCopy) || cmd != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
