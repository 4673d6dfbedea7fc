package ptytest

import "testing"

// TestSilenceIsNotIdleness: a program that has not read its keys yet, or is computing, is silent and not idle.
func TestSilenceIsNotIdleness(t *testing.T) {
	for name, script := range map[string]string{
		"keys unread": `printf one; sleep 0.5; read x; printf two; read x`,
		"computing":   `printf one; read x; i=0; while [ $i -lt 120000 ]; do i=$((i+1)); done; printf two; read x`,
	} {
		t.Run(name, func(t *testing.T) {
			term := shell(t, script, Opt{})
			term.WaitText("one")
			term.Send([]byte("\n"))
			if s := term.WaitIdle(); !s.Contains("two") {
				t.Errorf("idle before it answered:\n%s", s)
			}
		})
	}
}
