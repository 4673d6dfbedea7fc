//go:build unix

package cli

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

const portal = "https://portal.acme.example/cb?tenant=7"

// codeTerminal starts a sign-in by code in a terminal and gives the address that is to be opened.
func codeTerminal(t *testing.T, sim *testSim, h *household) (*ptytest.Term, string) {
	t.Helper()
	env := append([]string{}, h.env...)
	for _, kv := range sim.environment(unitytest.UserSuper) {
		if kv[0] != "UNITTY_PASSWORD" {
			env = append(env, kv[0]+"="+kv[1])
		}
	}
	term := ptytest.Start(t, program(t), []string{"login", "--code", "--redirect-uri", portal}, ptytest.Opt{W: 160, H: 50, Env: env, Dir: h.dir})
	for _, label := range []string{"GSM keycode", "Client id", "User name"} {
		term.WaitText(label)
		term.Send([]byte("\r"))
	}
	term.WaitText("Address:")
	at := regexp.MustCompile(regexp.QuoteMeta(sim.url) + `/auth/authorize\?\S+`).Find(term.Raw())
	if at == nil {
		t.Fatalf("no address to open:\n%s", term.Screen())
	}
	return term, string(at)
}

// agree is the browser of a person who agrees.
func agree(t *testing.T, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusFound {
		t.Fatalf("the simulator answers %d", resp.StatusCode)
	}
	return resp.Header.Get("Location")
}

func TestCodeSignsInWithoutAPassword(t *testing.T) {
	t.Parallel()
	sim, h := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20, Variants: []string{"authorization-code"}}), newHousehold(t)
	term, address := codeTerminal(t, sim, h)
	// Longer than a terminal passes on in one line.
	back := agree(t, address) + "&session_state=" + strings.Repeat("s", 6000)
	term.Send([]byte(back + "\r"))
	if e := term.Exit(); e.Code != 0 {
		t.Fatalf("ended with %+v:\n%s", e, term.Screen())
	}
	text := string(term.Raw())
	if strings.Contains(text, "code=") && strings.Contains(text, "session_state") || !strings.Contains(text, "unverified against the real service") || !strings.Contains(text, "by authorization code") {
		t.Errorf("shown:\n%s", text)
	}
	if p, c := sim.count(`grant=password`), sim.count(`grant=authorization_code committed`); p != 0 || c != 1 {
		t.Errorf("%d password grants, %d codes:\n%s", p, c, strings.Join(sim.lines(), "\n"))
	}
	h.run(0, "", "site", "list")
}

func TestForeignAnswersSendNothing(t *testing.T) {
	t.Parallel()
	sim, h := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20, Variants: []string{"authorization-code"}}), newHousehold(t)
	for _, c := range []struct {
		name string
		turn func(good string) string
		says string
	}{
		{"another host", func(g string) string { return strings.Replace(g, "portal.acme", "portal.evil", 1) }, "not the redirect address"},
		{"another state", func(g string) string { return strings.Replace(g, "state=", "state=x", 1) }, "another sign-in"},
		{"declined", func(string) string { return portal + "&error=access_denied&error_description=no%1b%5b2Jway" }, "declined"},
	} {
		t.Run(c.name, func(t *testing.T) {
			term, address := codeTerminal(t, sim, h)
			term.Send([]byte(c.turn(agree(t, address)) + "\r"))
			if e := term.Exit(); e.Code != exitSignIn || !strings.Contains(string(term.Raw()), c.says) {
				t.Errorf("ended with %+v:\n%s", e, term.Screen())
			}
			if strings.Contains(string(term.Raw()), "\x1b[2J") {
				t.Error("the server's words were obeyed by the terminal")
			}
		})
	}
	if n := sim.count(`/auth/token`); n != 0 {
		t.Errorf("%d token requests", n)
	}
	h.run(3, "", "site", "list")
}

func TestCodeCanBeGivenUp(t *testing.T) {
	t.Parallel()
	sim, h := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20, Variants: []string{"authorization-code"}}), newHousehold(t)
	term, _ := codeTerminal(t, sim, h)
	term.Send([]byte("https://portal\x03"))
	if e := term.Exit(); e.Code != exitInterrupted {
		t.Errorf("ended with %+v:\n%s", e, term.Screen())
	}
}
