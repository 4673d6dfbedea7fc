//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

func regexpAny() *regexp.Regexp { return regexp.MustCompile(`.`) }

func wantMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != mode {
		t.Errorf("%s: %v %v, want %v", path, info, err, mode)
	}
}

func exitCodeOf(t *testing.T, cmd *exec.Cmd) (int, string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestProxySocketIsPrivate(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10})
	home := proxyHome(t)
	p := startProxy(t, home, sim)
	if want := filepath.Join(home, "run", "unitty", "proxy-main.sock"); p.line.Socket != want || p.line.BearerFile != "" {
		t.Errorf("listens on %+v, want %s", p.line, want)
	}
	wantMode(t, p.line.Socket, 0o600)
	wantMode(t, filepath.Dir(p.line.Socket), 0o700)
	if code, out := exitCodeOf(t, proxyCommandOf(t, home, sim)); code != exitRefused || !strings.Contains(out, "another unitty proxy") {
		t.Errorf("a second proxy: exit code %d, %s", code, out)
	}
	if resp, _ := p.raw("GET", "/service/api/console/gsm/"+p.line.GSMKey, ""); resp.StatusCode != 200 {
		t.Errorf("the first proxy answers %d after that", resp.StatusCode)
	}
	// Killed, it leaves its socket behind; the next one takes its place.
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	if _, err := os.Lstat(p.line.Socket); err != nil {
		t.Fatalf("there is no stale socket to test with: %v", err)
	}
	p = startProxy(t, home, sim)
	if resp, _ := p.raw("GET", "/service/api/console/gsm/"+p.line.GSMKey, ""); resp.StatusCode != 200 {
		t.Errorf("after a stale socket: %d", resp.StatusCode)
	}
	p.stop()
	if _, err := os.Lstat(p.line.Socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays: %v", err)
	}
	// What is no socket is left alone.
	if err := os.WriteFile(p.line.Socket, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _ := exitCodeOf(t, proxyCommandOf(t, home, sim)); code != exitRefused {
		t.Errorf("a file in the socket's place: exit code %d", code)
	}
	if raw, _ := os.ReadFile(p.line.Socket); string(raw) != "precious" {
		t.Errorf("the file is now %q", raw)
	}
}

func TestProxyBearerFilesArePrivate(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10})
	home := proxyHome(t)
	p := startProxy(t, home, sim, "--listen", "127.0.0.1:0")
	first := p.bearer()
	wantMode(t, p.line.BearerFile, 0o600)
	wantMode(t, p.line.HeaderFile, 0o600)
	wantMode(t, filepath.Dir(p.line.BearerFile), 0o700)
	if len(first) < 43 {
		t.Errorf("a bearer of %d characters has less than 256 bits", len(first))
	}
	p.stop()
	for _, f := range []string{p.line.BearerFile, p.line.HeaderFile} {
		if _, err := os.Lstat(f); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s stays: %v", f, err)
		}
	}
	p = startProxy(t, home, sim, "--listen", "127.0.0.1:0")
	if p.bearer() == first {
		t.Error("two runs have the same bearer")
	}
	// A dropped connection is no reason to leave files behind.
	p.stopBy(syscall.SIGHUP)
	if _, err := os.Lstat(p.line.BearerFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after a hangup %s stays: %v", p.line.BearerFile, err)
	}
}

func TestProxyRefusesOpenFolder(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10})
	home := proxyHome(t)
	open := filepath.Join(home, "open")
	if err := os.Mkdir(open, 0o755); err != nil { //nolint:gosec // open is what is tested
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o755); err != nil { //nolint:gosec // open is what is tested
		t.Fatal(err)
	}
	if code, out := exitCodeOf(t, proxyCommandOf(t, home, sim, "--socket", filepath.Join(open, "s"))); code != exitRefused {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// pairListener listens in a folder of the test, with another idea of who is at the other end.
func pairListener(t *testing.T, peer func(*net.UnixConn) (uint32, error)) (*doorListener, string) {
	t.Helper()
	path := filepath.Join(proxyHome(t), "s")
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &doorListener{Listener: l, peer: peer, slots: make(chan struct{}, 2)}, path
}

func TestListenerTurnsOtherUsersAway(t *testing.T) {
	t.Parallel()
	uid := uint32(os.Geteuid()) //nolint:gosec // user ids fit
	answers := []struct {
		uid uint32
		err error
	}{{uid + 1, nil}, {0, errors.New("unreadable")}, {uid ^ 0x8000, nil}, {uid, nil}}
	i := 0
	l, path := pairListener(t, func(c *net.UnixConn) (uint32, error) {
		a := answers[i]
		i++
		return a.uid, a.err
	})
	conns := make([]net.Conn, 0, len(answers))
	for range answers {
		c, err := net.Dial("unix", path) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		conns = append(conns, c)
	}
	got, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if i != len(answers) {
		t.Errorf("connection %d got through", i)
	}
	for _, c := range conns[:3] {
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("another user read %d bytes", n)
		}
	}
	if len(l.slots) != 1 {
		t.Errorf("%d places are taken, want 1", len(l.slots))
	}
	_ = got.Close()
	_ = got.Close()
	if len(l.slots) != 0 {
		t.Errorf("%d places are taken after the end", len(l.slots))
	}
}

func TestPeerUIDIsTheKernels(t *testing.T) {
	t.Parallel()
	l, path := pairListener(t, peerUID)
	c, err := net.Dial("unix", path) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	got, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Close()
	if os.Geteuid() != 0 {
		t.Log("another user's connection is tested by root only")
		return
	}
	wantOtherUserTurnedAway(t, l, path)
}

// wantOtherUserTurnedAway connects as nobody, past the folder's mode, and wants the kernel's word to decide.
func wantOtherUserTurnedAway(t *testing.T, l *doorListener, path string) {
	t.Helper()
	for p, mode := range map[string]fs.FileMode{filepath.Dir(path): 0o755, path: 0o666} {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
	asked := make(chan uint32, 1)
	l.peer = func(c *net.UnixConn) (uint32, error) {
		uid, err := peerUID(c)
		asked <- uid
		return uid, err
	}
	go func() { _, _ = l.Accept() }()
	cmd := exec.CommandContext(t.Context(), "curl", "-sS", "--max-time", "10", "--unix-socket", path, "http://localhost/")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	// An end that comes at once is no connection to curl, a later one an empty answer or a reset.
	if !errors.As(err, &exit) || !slices.Contains([]int{7, 52, 56}, exit.ExitCode()) {
		t.Fatalf("another user: %v %s, want an empty answer", err, out)
	}
	select {
	case uid := <-asked:
		if uid != 65534 {
			t.Errorf("the connection of user 65534 counts as one of %d", uid)
		}
	default:
		t.Errorf("another user did not come as far as the socket: %s", out)
	}
}

func TestProxyFinishesRequestsUnderWay(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10, Latency: 600 * time.Millisecond})
	p := startProxy(t, proxyHome(t), sim)
	type result struct {
		status int
		body   string
	}
	done := make(chan result, 1)
	go func() {
		resp, body := p.raw("GET", "/service/api/console/gsm/"+p.line.GSMKey, "")
		done <- result{resp.StatusCode, body}
	}()
	select {
	case <-sim.arrived:
	case r := <-done:
		t.Fatalf("answered before the server was asked: %+v", r)
	}
	p.stop()
	if r := <-done; r.status != 200 || !strings.Contains(r.body, "GSMConsoleName") {
		t.Errorf("a request under way got %+v", r)
	}
}

func TestProxyWithNarrowerToken(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10})
	p := startProxy(t, proxyHome(t), sim, "--scope", "SkyStatus.Site")
	resp, text := p.raw("GET", "/service/api/console/gsm/"+p.line.GSMKey, "")
	if resp.StatusCode != 403 || !strings.Contains(text, "insufficient_scope") {
		t.Errorf("beyond the scope: %d %s", resp.StatusCode, text)
	}
	if n := sim.count(`grant=`); n != 1 {
		t.Errorf("%d token requests, want the sign-in alone: the token must not get wider", n)
	}
	p.stop()
}

func TestProxySaysThatSignInIsNeeded(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10})
	p := startProxy(t, proxyHome(t), sim)
	sim.ChangePassword(unitytest.UserSuper, "another password")
	var e apiError
	resp, text := p.raw("GET", "/service/api/console/gsm/"+p.line.GSMKey, "")
	if err := json.Unmarshal([]byte(text), &e); err != nil || resp.StatusCode < 400 || e.StatusCode != resp.StatusCode {
		t.Fatalf("after a change of the password: %d %s", resp.StatusCode, text)
	}
	resp, text = p.raw("GET", "/service/api/console/gsm/"+p.line.GSMKey, "")
	if resp.StatusCode != 503 || !strings.Contains(text, "login_required") || !strings.Contains(text, "unitty login") {
		t.Errorf("without a sign-in: %d %s", resp.StatusCode, text)
	}
	p.stop()
}
