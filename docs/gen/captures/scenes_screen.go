//go:build linux

package main

import (
	"github.com/unitty/unitty/ui/terminal/ptytest"
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

// listed tells whether the list of sites is on the screen to its end, and nothing over it.
func listed(s ptytest.Screen) bool {
	return s.Contains("Union Square") && s.Contains("enter open") && !s.Contains("Refresh token")
}
