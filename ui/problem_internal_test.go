package ui

import "testing"

// TestTheWayOutOfALostSignInComesFirst: a message is cut off at the end of the line.
func TestTheWayOutOfALostSignInComesFirst(t *testing.T) {
	p := Problem{Title: "not signed in", Text: "the server no longer accepts it", Advice: "Sign in again: F2."}
	if got, want := oneLine(p), "not signed in: the server no longer accepts it: Sign in again: F2."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.SignIn = true
	if got, want := oneLine(p), "not signed in: Sign in again: F2: the server no longer accepts it"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
