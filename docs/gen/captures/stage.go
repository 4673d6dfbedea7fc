//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

// failure ends a scene; it stands for a failed test where there is none.
type failure string

// Error gives the words of the failure.
func (f failure) Error() string { return string(f) }

// shot is one text on the page, with what is said about it.
type shot struct{ says, text string }

// stage is where one scene plays: a home folder of its own, the servers and the terminals that are open, what was captured.
// It is the ptytest.TB of its terminals.
type stage struct {
	// ctx is the one of the whole run; a stage lives no longer than its scene.
	ctx       context.Context
	bin, home string
	undo      []func()
	shots     []shot
	// secrets are what must not be on the page.
	secrets []string
}

// Helper implements ptytest.TB.
func (*stage) Helper() {}

// Cleanup implements ptytest.TB.
func (s *stage) Cleanup(f func()) { s.undo = append(s.undo, f) }

// Fatalf implements ptytest.TB; it does not return.
func (*stage) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

func (s *stage) must(err error) {
	if err != nil {
		s.Fatalf("%v", err)
	}
}

func (s *stage) clear() {
	for len(s.undo) > 0 {
		last := s.undo[len(s.undo)-1]
		s.undo = s.undo[:len(s.undo)-1]
		last()
	}
}

// server is a simulated console. While it is held, lists of sites wait, so that a screen that is soon gone can be seen.
type server struct {
	*unitytest.Server
	url     string
	creds   unitytest.Credentials
	release chan struct{}
}

// console starts a simulated console with eight sites, the same in every run.
func (s *stage) console(held bool, variants ...string) *server {
	began := time.Now()
	// The world begins on one day for all, since dates and infections follow from the clock.
	clock := func() time.Time { return time.Date(2026, 3, 10, 10, 24, 0, 0, time.UTC).Add(time.Since(began)) }
	srv := &server{release: make(chan struct{}),
		Server: unitytest.New(unitytest.Options{Sites: 8, Endpoints: 60, Seed: 7, AccessTTL: 2 * time.Hour, Variants: variants, Now: clock})}
	s.must(srv.Err())
	if !held {
		close(srv.release)
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/sites") {
			select {
			case <-srv.release:
			case <-r.Context().Done():
				return
			}
		}
		srv.ServeHTTP(w, r)
	}))
	s.Cleanup(func() { h.CloseClientConnections(); h.Close() })
	srv.url, srv.creds = h.URL, srv.Credentials()
	s.secrets = append(s.secrets, srv.creds.Password, srv.creds.ClientSecret)
	return srv
}

// environment is the whole environment of the program but for the few variables that ptytest sets.
func (s *stage) environment(more ...string) []string {
	return append([]string{"HOME=" + s.home, "XDG_RUNTIME_DIR=" + s.home, "TMPDIR=" + s.home, "TZ=UTC", "DBUS_SESSION_BUS_ADDRESS=unix:path=" + s.home + "/no-bus",
		"PATH=" + filepath.Dir(s.bin) + ":/usr/local/bin:/usr/bin:/bin"}, more...)
}

// unlocked are the variables of a file store that opens without a question.
func (s *stage) unlocked() []string {
	file := filepath.Join(s.home, "passphrase")
	s.must(os.WriteFile(file, []byte(passphrase+"\n"), 0o600))
	s.secrets = append(s.secrets, passphrase)
	return []string{"UNITTY_KEYRING=file", "UNITTY_KEYRING_PASSPHRASE_FILE=" + file}
}

const passphrase = "correct horse battery staple"

// shell runs a command line in a terminal that is high enough for all it says.
func (s *stage) shell(line string, env ...string) *ptytest.Term {
	return ptytest.Start(s, "/bin/sh", []string{"-c", line}, ptytest.Opt{W: columns, H: 60, Env: s.environment(env...), Dir: s.home, Deadline: patience})
}

// screen starts the full-screen program.
func (s *stage) screen(env ...string) *ptytest.Term {
	return ptytest.Start(s, s.bin, nil, ptytest.Opt{W: columns, H: 28, Env: s.environment(env...), Dir: s.home, Deadline: patience})
}

// columns is the width of all terminals, in cells.
const columns = 80

// patience is how long a screen may take, on a machine that is busy with other things.
const patience = 60 * time.Second

// answer waits for a question and answers it with echo.
func (s *stage) answer(t *ptytest.Term, question, text string) {
	t.WaitText(question)
	t.Type(text + "\r")
}

// answerSecret waits for a question and for the terminal to stop its echo, which follows the question.
func (s *stage) answerSecret(t *ptytest.Term, question, text string) {
	s.secrets = append(s.secrets, text)
	t.WaitText(question)
	tty, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/0", t.Pid()), os.O_RDWR|unix.O_NOCTTY, 0)
	s.must(err)
	defer func() { _ = tty.Close() }()
	for end := time.Now().Add(patience); ; {
		// The kernel tells nobody of a change of its modes, so they are looked at again.
		modes, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		s.must(err)
		if modes.Lflag&unix.ECHO == 0 {
			break
		}
		if time.Now().After(end) {
			s.Fatalf("the terminal still echoes at %q", question)
		}
		<-time.After(2 * time.Millisecond)
	}
	t.Type(text + "\r")
}

// end waits for the end of a command and captures what is on its terminal, below the line that was typed.
func (s *stage) end(t *ptytest.Term, says, line string, code int) {
	if e := t.Exit(); e.Code != code {
		s.Fatalf("%s ended with %+v:\n%s", line, e, t.Screen())
	}
	out := strings.ReplaceAll(string(t.Raw()), "\r\n", "\n")
	if strings.ContainsAny(out, "\x1b\r\b") {
		s.Fatalf("%s writes more than plain lines: %q", line, out)
	}
	s.shots = append(s.shots, shot{says, "$ " + line + "\n" + out})
}

// frame captures a full screen without its header line.
func (s *stage) frame(says string, screen ptytest.Screen) {
	lines := screen.Lines()
	if strings.HasPrefix(lines[0], "unitty ") {
		lines = lines[1:]
	}
	s.shots = append(s.shots, shot{says, settled(lines)})
}

// settled takes out what a full screen shows for a moment only: messages that go by themselves, a message that comes again,
// and with them the empty lines between a list and its footer, whose number depends on both.
func settled(lines []string) string {
	var out []string
	for _, line := range lines {
		last := ""
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		if strings.HasPrefix(line, "done: ") || line == last && (line == "" || strings.HasPrefix(line, "failed: ")) {
			continue
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// signedIn makes a sign-in that a scene starts from, without a capture.
func (s *stage) signedIn(srv *server, env []string) {
	t := s.shell("unitty login --secrets-fd 3 3<"+s.secretsFile(srv), env...)
	if e := t.Exit(); e.Code != 0 {
		s.Fatalf("no sign-in to start from: %+v\n%s", e, t.Screen())
	}
}

// secretsFile writes what --secrets-fd reads.
func (s *stage) secretsFile(srv *server) string {
	c := srv.creds
	raw, err := json.Marshal(map[string]string{"base_url": srv.url, "gsm_key": c.GSMKey, "client_id": c.ClientID, "client_secret": c.ClientSecret,
		"username": c.Username, "password": c.Password})
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.home, "credentials.json"), raw, 0o600))
	return "credentials.json"
}

// find gives the first text among all a terminal was sent that a pattern matches.
func (s *stage) find(t *ptytest.Term, pattern string) string {
	found := regexp.MustCompile(pattern).Find(t.Raw())
	if found == nil {
		s.Fatalf("no %s:\n%s", pattern, t.Screen())
	}
	return string(found)
}
