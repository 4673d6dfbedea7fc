package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

// canaries follows secrets through everything that a program leaves behind.
type canaries struct {
	*household
	sim *testSim
	bin string

	mu      sync.Mutex
	needles []needle
	tokens  int
	// seen is what was read beside files: outputs, argument lists, environments, screens.
	seen map[string]string
}

const (
	canaryPassword = `pw-Canary+/="&% 7f3a9c`
	canaryRefused  = `pw-Wrong+/="&% 55d1e0`
	canarySecret   = `cs-Canary+/=&%:0b77ce`
)

// newCanaries starts a simulator behind a door that notes every token that is issued.
func newCanaries(t *testing.T) *canaries {
	t.Helper()
	c := &canaries{household: newHousehold(t), sim: startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20}), bin: program(t), seen: map[string]string{}}
	c.sim.ChangePassword(unitytest.UserSuper, canaryPassword)
	c.sim.RotateClientSecret(unitytest.UserSuper, canarySecret)
	c.watch("password", canaryPassword)
	c.watch("refused password", canaryRefused)
	c.watch("client secret", canarySecret)
	c.watch("passphrase", "a passphrase for tests")
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/auth/") {
			c.sim.serve(w, r)
			return
		}
		tee := &teeWriter{ResponseWriter: w}
		c.sim.ServeHTTP(tee, r)
		var answer map[string]any
		if json.Unmarshal(tee.body.Bytes(), &answer) != nil {
			return
		}
		for _, name := range []string{"access_token", "refresh_token"} {
			if token, ok := answer[name].(string); ok && token != "" {
				c.watch(name, token)
				c.mu.Lock()
				c.tokens++
				c.mu.Unlock()
			}
		}
	}))
	t.Cleanup(func() { door.CloseClientConnections(); door.Close() })
	c.sim.url = door.URL
	return c
}

func (c *canaries) watch(name, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.needles = append(c.needles, needles(name, secret)...)
}

// run runs the program with its log of calls, and keeps all that it shows to others meanwhile.
func (c *canaries) run(name string, code int, stdin string, args ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.bin, append([]string{"--debug", filepath.Join(c.dir, name+".log")}, args...)...) //nolint:gosec // the program under test
	cmd.Env, cmd.Dir, cmd.Stdin = c.env, c.dir, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	stop := c.watchProcess(name, cmd.Process.Pid)
	err := cmd.Wait()
	stop()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		c.t.Fatalf("%s: exit code %d, want %d: %s%s", name, got, code, out.String(), errs.String())
	}
	c.seen[name+" stdout"], c.seen[name+" stderr"] = out.String(), errs.String()
}

// watchProcess reads what other users' programs could: the argument list, and what the process would hand to children.
func (c *canaries) watchProcess(name string, pid int) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	read := func(file string) string {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err != nil {
			return ""
		}
		return string(data)
	}
	var cmdline, environ strings.Builder
	look := func() { cmdline.WriteString(read("cmdline") + "\n"); environ.WriteString(read("environ") + "\n") }
	look()
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				look()
			}
		}
	}()
	return func() {
		close(quit)
		<-done
		c.seen[name+" cmdline"], c.seen[name+" environ"] = cmdline.String(), environ.String()
	}
}

// typed signs in at the terminal and then opens the screens, with the libraries' own logs of input asked for.
func (c *canaries) typed() {
	c.t.Helper()
	env := append(append([]string{}, c.env...), "TEA_TRACE="+filepath.Join(c.dir, "tea-trace"), "TEA_DEBUG="+filepath.Join(c.dir, "tea-debug"), "UNITTY_BASE_URL="+c.sim.url)
	term := ptytest.Start(c.t, c.bin, []string{"login", "--debug", filepath.Join(c.dir, "typed.log")}, ptytest.Opt{W: 160, Env: env, Dir: c.dir})
	stop := c.watchProcess("typed", term.Pid())
	cred := c.sim.Credentials()
	for _, step := range [][2]string{{"GSM keycode", cred.GSMKey}, {"Client id", cred.ClientID}, {"User name", cred.Username}, {"Client secret", canarySecret}, {"Password", canaryPassword}} {
		term.WaitText(step[0])
		term.WaitIdle()
		if term.Send([]byte(step[1] + "\r")); step[0] == "Password" {
			break
		}
	}
	if e := term.Exit(); e.Code != 0 {
		c.t.Fatalf("typed sign-in: %+v\n%s", e, term.Screen())
	}
	stop()
	c.seen["typed terminal"] = string(term.Raw())
	term = ptytest.Start(c.t, c.bin, []string{"--debug", filepath.Join(c.dir, "screens.log")}, ptytest.Opt{W: 160, H: 40, Env: env, Dir: c.dir})
	stop = c.watchProcess("screens", term.Pid())
	term.WaitText("4 rows")
	term.Keys("q")
	if e := term.Exit(); e.Code != 0 {
		c.t.Fatalf("screens: %+v\n%s", e, term.Screen())
	}
	stop()
	c.seen["screens terminal"] = string(term.Raw())
}

// search looks through everything that was seen and every file of the home.
func (c *canaries) search() (files int) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path == filepath.Join(c.dir, "pass") {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // a file of this test
		files++
		c.seen[path] = path + "\n" + string(data)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	link := regexp.MustCompile(`kk=[0-9A-Fa-f-]{8}`)
	for where, text := range c.seen {
		if found := findNeedles(text, c.needles); len(found) > 0 {
			c.t.Errorf("%s holds %s", where, strings.Join(found, ", "))
		}
		if m := link.FindString(text); m != "" && !strings.HasSuffix(where, "stdout") {
			c.t.Errorf("%s holds the key of a console link", where)
		}
	}
	return files
}

// TestNoCanaryAnywhere takes secrets through sign-in, use, refusal, loss and sign-out, and finds them in nothing that the
// program says or leaves behind.
func TestNoCanaryAnywhere(t *testing.T) {
	t.Parallel()
	c := newCanaries(t)
	right := func(password string) string {
		cred := c.sim.Credentials()
		raw, err := json.Marshal(map[string]string{"username": cred.Username, "password": password, "client_id": cred.ClientID, "client_secret": canarySecret, "gsm_key": cred.GSMKey, "base_url": c.sim.url})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	machine := plainSites(c.sim)[0].machines[0]
	c.run("refused", 3, right(canaryRefused), "login", "--secrets-fd", "0")
	c.run("login", 0, right(canaryPassword), "login", "--secrets-fd", "0")
	c.run("status", 0, "", "status", "-o", "json")
	c.run("sites", 0, "", "site", "list", "-o", "json")
	c.run("machine", 0, "", "endpoint", "show", machine.ID)
	c.run("sent", 0, "", "scan", machine.HostName, "--yes", "--note", "T-1")
	c.run("link", 0, "", "api", "GET", "/service/api/console/gsm/"+c.sim.Credentials().GSMKey+"/webconsoleurl")
	if !strings.Contains(c.seen["link stdout"], "kk=") {
		t.Errorf("the console link has no key to look for: %s", c.seen["link stdout"])
	}
	c.run("doctor", 0, "", "doctor", "-o", "json")
	c.sim.RevokeTokens(unitytest.UserSuper)
	c.run("lost", 3, "", "site", "list")
	c.run("lost status", 3, "", "status")
	c.typed()
	c.inFiles("audit", "config.toml", ".age", "sent.log")
	c.run("logout", 0, "", "logout")
	c.run("after", 3, "", "site", "list")
	files := c.search()
	if c.tokens < 4 {
		t.Errorf("only %d tokens were issued", c.tokens)
	}
	if !strings.Contains(c.seen[filepath.Join(c.dir, "sent.log")], "/service/api/") || !strings.Contains(c.seen["login cmdline"], "--secrets-fd") {
		t.Error("the log of calls or the argument list is empty, so nothing was searched")
	}
	t.Logf("%d forms of %d tokens and 4 secrets searched for in %d files and %d other texts", len(c.needles), c.tokens, files, len(c.seen)-files)
}

// inFiles searches while the sign-in still exists, and wants files with these names to be among those searched.
func (c *canaries) inFiles(names ...string) {
	c.t.Helper()
	c.search()
	for _, name := range names {
		found := false
		for where := range c.seen {
			found = found || strings.HasPrefix(where, c.dir) && strings.Contains(filepath.Base(where), name)
		}
		if !found {
			c.t.Errorf("there was no file %s to search", name)
		}
	}
}
