//go:build linux

package auth

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestRealKeyctlChild runs inside a new session keyring.
func TestRealKeyctlChild(t *testing.T) {
	isChild(t, "keyctl")
	begin := time.Now()
	s, err := OpenKeyringStore("keyctl")
	if err == nil {
		err = Canary(t.Context(), s)
		_ = s.Close()
	}
	if took := time.Since(begin); took > backgroundDeadline {
		t.Errorf("the answer took %v", took)
	}
	if err != nil {
		t.Logf("REFUSED: %v", err)
		childDone()
		return
	}
	exerciseStore(t, "keyctl")
	t.Log("WORKS")
	childDone()
}

// TestRealKernelKeyringSessions runs in session keyrings of which one reaches
// the user's keyring and one does not, as under a service manager. The first
// must work wherever the kernel has keyrings for this process; the second may
// refuse, but at once, by name and with the reason.
func TestRealKernelKeyringSessions(t *testing.T) {
	t.Parallel()
	need(t, "keyctl")
	binary, home := commonBinary(t)
	var prefix []string
	if os.Getuid() == 0 {
		need(t, "setpriv") // the superuser may do what others may not
		prefix = []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	}
	run := func(script string) string {
		line := append(append([]string{}, prefix...), "keyctl", "session", "-", "sh", "-c", script+` exec "$0" -test.v -test.run='^TestRealKeyctlChild$'`, binary)
		return runReal(t, "keyctl", home, line...)
	}
	for name, text := range map[string]string{
		"linked":   run("keyctl link @u @s || exit 1;"),
		"unlinked": run(""),
	} {
		switch {
		case strings.Contains(text, "WORKS"):
			t.Logf("%s: the keyring works", name)
		case name == "linked" && !strings.Contains(text, "ermission denied"):
			t.Skipf("this kernel or container has no keyrings for ordinary processes:\n%s", text)
		case name == "linked":
			t.Errorf("a linked user keyring is refused:\n%s", text)
		case !strings.Contains(text, "keyctl: writing a test item:") || !strings.Contains(text, "denied"):
			t.Errorf("the refusal does not say what failed and why:\n%s", text)
		default:
			t.Logf("unlinked: refused, with the reason")
		}
	}
}
