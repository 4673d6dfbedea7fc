package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

// holding is a simulator that refuses access tokens until one was refreshed, and that holds the refresh until it is
// released.
type holding struct {
	*testSim
	arrived, release, dropped chan struct{}
	refuse                    atomic.Bool
}

func startHolding(t *testing.T) (*holding, *household) {
	t.Helper()
	sim, err := newTestSim(unitytest.Options{Sites: 4, Endpoints: 20})
	if err != nil {
		t.Fatal(err)
	}
	h := &holding{testSim: sim, arrived: make(chan struct{}, 9), release: make(chan struct{}), dropped: make(chan struct{}, 9)}
	front := httptest.NewServer(http.HandlerFunc(h.serve))
	sim.url = front.URL
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		sim.close()
	})
	home := newHousehold(t)
	home.login(sim)
	h.refuse.Store(true)
	return h, home
}

func (h *holding) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case strings.Contains(string(body), "grant_type=refresh_token"):
		h.arrived <- struct{}{}
		select {
		case <-h.release:
			h.refuse.Store(false)
		case <-r.Context().Done():
			h.dropped <- struct{}{}
			return
		}
	case strings.HasPrefix(r.URL.Path, "/service/") && h.refuse.Load():
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"statusCode":401,"requestId":"req-held","error":"invalid_token","error_description":"The access token is invalid.","AdditionalInformation":{}}`)
		return
	}
	h.testSim.serve(w, r)
}

// within waits for something that has to come.
func within(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	select {
	case <-c:
	case <-limit.C:
		t.Fatalf("%s did not come", what)
	}
}

// heldOn wants the refresh to be still under way a while after something that must not shorten it.
func (h *holding) heldOn(t *testing.T, after string) {
	t.Helper()
	wait := time.NewTimer(300 * time.Millisecond)
	defer wait.Stop()
	select {
	case <-h.dropped:
		t.Fatalf("%s has cut the refresh off", after)
	case <-wait.C:
	}
}

// whole wants the chain to have survived: it goes on without a password, and no spent token was shown.
func (h *holding) whole(t *testing.T, home *household) {
	t.Helper()
	home.run(0, "", "site", "list")
	p, ok, bad := h.count(`grant=password`), h.count(`grant=refresh_token committed`), h.count(`^POST /auth/token.* 4\d\d`)
	if p != 1 || ok != 1 || bad != 0 {
		t.Errorf("%d password grants, %d refreshes, %d refused:\n%s", p, ok, bad, strings.Join(h.lines(), "\n"))
	}
	waiting, err := filepath.Glob(filepath.Join(home.dir, ".local/state/unitty/secrets/*.json"))
	if err != nil || len(waiting) == 0 {
		t.Fatalf("no sidecar: %v", err)
	}
	for _, path := range waiting {
		if raw, err := os.ReadFile(path); err != nil || bytes.Contains(raw, []byte(`"pending"`)) {
			t.Errorf("%s: %v, or a refresh is noted as interrupted: %s", path, err, raw)
		}
	}
}

func endings() map[string]syscall.Signal {
	return map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}
}

func TestVerbFinishesTheRefreshBeforeItEnds(t *testing.T) {
	for name, sig := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, home := startHolding(t)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "unitty", "site", "list")
			cmd.Env, cmd.Dir = home.env, home.dir
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			within(t, "the refresh", h.arrived)
			for _, s := range []syscall.Signal{sig, sig, syscall.SIGTERM, syscall.SIGINT} {
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				h.heldOn(t, "SIG"+name)
			}
			close(h.release)
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
				t.Errorf("exit code %d: %s", code, out.String())
			}
			h.whole(t, home)
		})
	}
}

func TestReaderThatGoesAwayEndsTheVerbByItself(t *testing.T) {
	t.Parallel()
	sim, home := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20}), newHousehold(t)
	home.login(sim)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unitty", "site", "list")
	cmd.Env, cmd.Dir, cmd.Stdout = home.env, home.dir, w
	err = cmd.Run()
	_ = w.Close()
	// Killed by the signal, it would have no exit code and could not have finished a refresh.
	if code := cmd.ProcessState.ExitCode(); code < 0 {
		t.Errorf("killed: %v", err)
	}
}

func TestScreenFinishesTheRefreshBeforeItEnds(t *testing.T) {
	for name, sig := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, home := startHolding(t)
			term := ptytest.Start(t, program(t), nil, ptytest.Opt{Env: home.env, Dir: home.dir, Deadline: 30 * time.Second})
			within(t, "the refresh", h.arrived)
			for _, s := range []syscall.Signal{sig, sig, syscall.SIGTERM, syscall.SIGINT} {
				term.Signal(s)
				h.heldOn(t, "SIG"+name)
			}
			close(h.release)
			if e := term.Exit(); e.Code != exitInterrupted {
				t.Errorf("ended with %+v", e)
			}
			sane(t, term.Raw())
			h.whole(t, home)
		})
	}
}

func TestDroppedConnectionFinishesTheRefresh(t *testing.T) {
	t.Parallel()
	h, home := startHolding(t)
	term := ptytest.Start(t, program(t), nil, ptytest.Opt{Env: home.env, Dir: home.dir, Deadline: 30 * time.Second})
	within(t, "the refresh", h.arrived)
	term.Hangup()
	h.heldOn(t, "the hangup")
	term.Signal(syscall.SIGHUP)
	h.heldOn(t, "a second SIGHUP")
	close(h.release)
	term.Exit()
	h.whole(t, home)
}

func TestSuspendWaitsForTheRefresh(t *testing.T) {
	for name, args := range map[string][]string{"verb": {"site", "list"}, "screen": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, home := startHolding(t)
			term := ptytest.Start(t, program(t), args, ptytest.Opt{W: 100, Env: home.env, Dir: home.dir, Deadline: 30 * time.Second})
			within(t, "the refresh", h.arrived)
			if args == nil {
				term.WaitFor(func(s ptytest.Screen) bool { return s.Alt })
			}
			for range 2 {
				term.Send([]byte{0x1a})
				h.heldOn(t, "ctrl+z")
			}
			if s := stateOf(t, term.Pid()); s == "T" {
				t.Fatal("the process was stopped with the lock of the sign-in held")
			}
			close(h.release)
			waitStopped(t, term.Pid())
			h.whole(t, home) // the one that is stopped holds nobody up
			term.Signal(syscall.SIGCONT)
			if args == nil {
				term.WaitFor(func(s ptytest.Screen) bool { return s.Alt && s.Contains("4 rows") })
				term.Keys("q")
			}
			if e := term.Exit(); e.Code != 0 {
				t.Errorf("ended with %+v:\n%s", e, term.Screen())
			}
		})
	}
}

// stateOf is the letter of the kernel for the state of a process.
func stateOf(t *testing.T, pid int) string {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	return fields[0]
}
