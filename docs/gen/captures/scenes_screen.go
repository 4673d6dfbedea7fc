//go:build linux

package main

import (
	"strings"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

// fill fills the form in, field after field, and sends it.
func (s *stage) fill(t *ptytest.Term, srv *server, password string) {
	s.secrets = append(s.secrets, password)
	t.WaitText("Refresh token")
	c := srv.creds
	// The address stands in the form already, from the environment, and the field after it has the focus.
	for _, value := range []string{c.GSMKey, c.ClientID} {
		t.Type(value)
		t.WaitText(value)
		t.Keys("tab")
	}
	t.Type(c.ClientSecret)
	t.Keys("tab")
	t.Type(c.Username)
	t.WaitText(c.Username)
	t.Keys("tab")
	t.Type(password)
	t.Keys("tab", "enter")
}

func form(s *stage) {
	srv := s.console(true)
	t := s.screen(append(s.unlocked(), "UNITTY_BASE_URL="+srv.url)...)
	s.fill(t, srv, srv.creds.Password)
	screen := t.WaitFor(func(x ptytest.Screen) bool { return x.Contains("+ console key") && x.Contains("> sites") })
	s.frame("", screen)
	close(srv.release)
	t.WaitFor(listed)
}

func wrongPassword(s *stage) {
	srv := s.console(false)
	t := s.screen(append(s.unlocked(), "UNITTY_BASE_URL="+srv.url)...)
	s.fill(t, srv, "not the password")
	s.frame("", t.WaitFor(func(x ptytest.Screen) bool { return x.Contains("x user") && x.Contains("check this") }))
}

// noted tells whether the list behind the form has said that it could not be read.
func noted(s ptytest.Screen) bool { return s.Contains("failed: ") && s.Contains("dismiss") }

func recovered(s *stage) {
	srv := s.console(false)
	env := s.unlocked()
	s.signedIn(srv, env)
	t := s.screen(env...)
	t.WaitFor(func(x ptytest.Screen) bool { return listed(x) && counted(x) && x.Contains("8 rows") })
	t.Keys("j", "j", "j")
	before := t.WaitFor(func(x ptytest.Screen) bool { return strings.HasPrefix(cursorRow(x), ">  Elm Street Med") })
	row := cursorRow(before)
	s.frame("The list of sites, with the cursor on the fourth:", before)
	const fresh = "a new password for the console"
	srv.ChangePassword(unitytest.UserSuper, fresh)
	t.Keys("r")
	banner := t.WaitFor(func(x ptytest.Screen) bool {
		return x.Contains("f2 signs in") && noted(x) && nothingRead(x) && cursorRow(x) == row
	})
	s.frame("The password is changed in the GSM console, which revokes all tokens. The next call finds out, and a banner says what to do:", banner)
	t.Keys("f2")
	t.WaitText("Refresh token")
	s.secrets = append(s.secrets, fresh)
	// The focus is on the password; the stored secret of the client is taken.
	t.Type(fresh)
	t.Keys("tab", "enter")
	after := t.WaitFor(func(x ptytest.Screen) bool {
		return listed(x) && counted(x) && x.Contains("8 rows") && !x.Contains("not signed in") && !x.Contains("f2 signs in") && cursorRow(x) == row
	})
	s.frame("`f2` opens the form with all but the password filled in; the stored secret of the client is taken. Signed in again, the list is where it was:", after)
}

// cursorRow gives the row under the cursor of a list.
func cursorRow(s ptytest.Screen) string {
	for y := range s.Height {
		if line := s.Line(y); strings.HasPrefix(line, ">") {
			return line
		}
	}
	return ""
}

// counted tells whether the numbers above the list are those of the whole console, and no longer of what has been read so far.
func counted(s ptytest.Screen) bool {
	for y := range s.Height {
		if line := s.Line(y); strings.Contains(line, " - 8 sites - ") {
			return nothingRead(s) && !strings.Contains(line, " + ")
		}
	}
	return false
}

// nothingRead tells whether nothing is being read at the moment.
func nothingRead(s ptytest.Screen) bool { return s.Contains(" - 8 sites - read ") }

// listed tells whether the list of sites is on the screen to its end, and nothing over it.
func listed(s ptytest.Screen) bool {
	return s.Contains("Union Square") && s.Contains("enter open") && !s.Contains("Refresh token")
}
