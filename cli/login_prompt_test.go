//go:build unix

package cli

import (
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
