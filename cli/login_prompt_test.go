//go:build unix

package cli

import (
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

func TestCtrlCEndsAQuestion(t *testing.T) {
	t.Parallel()
	sim, h := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20}), newHousehold(t)
	for _, c := range []struct {
		name, at string
		answers  int
		end      func(*ptytest.Term)
	}{
		{"text", "GSM keycode", 0, func(term *ptytest.Term) { term.Send([]byte{3}) }},
		{"secret", "Client secret", 3, func(term *ptytest.Term) { term.Send([]byte{3}) }},
		{"TERM", "Client secret", 3, func(term *ptytest.Term) { term.Signal(syscall.SIGTERM) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := append([]string{}, h.env...)
			for _, kv := range sim.environment(unitytest.UserSuper) {
				if kv[0] != "UNITTY_PASSWORD" && kv[0] != "UNITTY_CLIENT_SECRET" {
					env = append(env, kv[0]+"="+kv[1])
				}
			}
			term := ptytest.Start(t, program(t), []string{"login"}, ptytest.Opt{W: 160, Env: env, Dir: h.dir})
			for _, label := range []string{"GSM keycode", "Client id", "User name"}[:c.answers] {
				term.WaitText(label)
				term.Send([]byte("\r"))
			}
			term.WaitText(c.at)
			term.WaitIdle()
			c.end(term)
			if e := term.Exit(); e.Code != exitInterrupted {
				t.Errorf("ended with %+v:\n%s", e, term.Screen())
			}
		})
	}
}

// TestASlipAtAQuestionIsAskedAboutAgain answers wrongly where the store is chosen, and with a passphrase that is too short. What is
// typed on must not go to a shell.
func TestASlipAtAQuestionIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	sim, home := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20}), t.TempDir()
	start := func() *ptytest.Term {
		env := []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + home, "TERM=xterm-256color", "UNITTY_BASE_URL=" + sim.url, locksIn(home), detector()}
		term := ptytest.Start(t, program(t), []string{"login"}, ptytest.Opt{W: 120, H: 40, Env: env, Dir: home})
		term.WaitText("Number [1]:")
		return term
	}
	term := start()
	for _, wrong := range []string{"9", "short", "4"} {
		term.Send([]byte(wrong + "\r"))
		if wrong != "4" {
			term.WaitFor(func(s ptytest.Screen) bool {
				return s.Contains(`"`+wrong+`" is none of the choices`) && strings.HasPrefix(s.Line(s.Cursor.Y), "Number")
			})
		}
	}
	if e := term.Exit(); e.Code != exitUsage {
		t.Errorf("after three slips it ends with %+v:\n%s", e, term.Screen())
	}
	term = start()
	term.Send([]byte("0\r"))
	term.WaitText("none of the choices")
	term.Send([]byte("file\r"))
	term.WaitText("New passphrase")
	if s := term.WaitIdle(); !s.Contains("8 characters at least") || runtime.GOOS == "linux" && !s.Contains("12 hours after the last use") {
		t.Errorf("what the passphrase is for is not said:\n%s", s)
	}
	term.Send([]byte("x\r"))
	term.WaitText("too short")
	term.Send([]byte{3})
	if e := term.Exit(); e.Code != exitInterrupted {
		t.Errorf("ended with %+v:\n%s", e, term.Screen())
	}
}
