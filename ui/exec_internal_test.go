package ui

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
)

// TestAProgramGetsItsInputAndNothingElse runs a real program: it sees the input and the environment it was given, and what it
// writes stays until a line was typed.
func TestAProgramGetsItsInputAndNothingElse(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program of this test is a shell of Unix")
	}
	keys := strings.NewReader("abc\nrest")
	var out bytes.Buffer
	v := &visible{program: Program{Name: "show", Args: []string{"/bin/sh", "-c", `cat; echo; env | grep -c SECRET; echo "$0 $#" "$1"`, "a b", `$(id)`},
		Input: []byte(`[{"HostName":"A"}]`), Env: []string{"PATH=/bin:/usr/bin"}}}
	v.SetStdin(keys)
	v.SetStdout(&out)
	v.SetStderr(&out)
	if err := v.Run(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`[{"HostName":"A"}]`, "\n0\n", "a b 1 $(id)", "press enter"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
	if keys.Len() != len("rest") {
		t.Errorf("%d bytes are left of what was typed", keys.Len())
	}
	v.program.Args = []string{"/bin/sh", "-c", "exit 3"}
	v.SetStdin(strings.NewReader(""))
	if err := v.Run(); err == nil || !strings.Contains(out.String(), "exit status 3") {
		t.Errorf("a failure is not said: %v", err)
	}
	v.program.Args = nil
	if err := v.Run(); err == nil {
		t.Error("no program, no error")
	}
}
