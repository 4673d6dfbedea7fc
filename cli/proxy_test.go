//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// proxyHome is a place for the files of a proxy whose path is short enough for a socket.
func proxyHome(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "unitty-proxy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func proxyCommandOf(t *testing.T, home string, sim *testSim, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "unitty", append([]string{"proxy"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + filepath.Join(home, "run"), "UNITTY_KEYRING=memory", detector()}
	for _, kv := range sim.environment(unitytest.UserSuper) {
		cmd.Env = append(cmd.Env, kv[0]+"="+kv[1])
	}
	return cmd
}

// runningProxy is a proxy in a process of its own.
type runningProxy struct {
	t    *testing.T
	cmd  *exec.Cmd
	line proxyLine
	home string
	errs *bytes.Buffer
	out  io.ReadCloser
}

func startProxy(t *testing.T, home string, sim *testSim, args ...string) *runningProxy {
	t.Helper()
	p := &runningProxy{t: t, cmd: proxyCommandOf(t, home, sim, args...), home: home, errs: &bytes.Buffer{}}
	p.cmd.Stderr = p.errs
	var err error
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	raw, err := bufio.NewReader(p.out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(raw, &p.line)
	}
	if err != nil {
		t.Fatalf("the proxy said %q, %q: %v", raw, p.errs.String(), err)
	}
	return p
}

// stop ends the proxy as a service manager does and wants exit code 0.
func (p *runningProxy) stop() {
	p.t.Helper()
	p.stopBy(syscall.SIGTERM)
}

func (p *runningProxy) stopBy(sig os.Signal) {
	p.t.Helper()
	if signal.Ignored(sig) {
		p.t.Skipf("%v is switched off in this run of the tests, as nohup does, and so it is in the programs that they start", sig)
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the proxy ended with %v: %s", err, p.errs.String())
	}
}

func (p *runningProxy) host() string { return strings.TrimPrefix(p.line.BaseURL, "http://") }

// raw sends a request exactly as written, Host and bearer added where the headers do not name them, and gives the answer.
func (p *runningProxy) raw(method, target, body string, headers ...string) (*http.Response, string) {
	p.t.Helper()
	network, address := "tcp", p.host()
	if p.line.Socket != "" {
		network, address = "unix", p.line.Socket
	}
	c, err := net.DialTimeout(network, address, 5*time.Second) //nolint:noctx // a test
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	all := strings.ToLower(strings.Join(headers, "\n"))
	if !strings.Contains("\n"+all, "\nhost:") {
		headers = append([]string{"Host: " + p.host()}, headers...)
	}
	if p.line.BearerFile != "" && !strings.Contains("\n"+all, "\nauthorization:") {
		headers = append(headers, "Authorization: Bearer "+p.bearer())
	}
	if body != "" {
		headers = append(headers, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n%s", method, target, strings.Join(headers, "\r\n"), body); err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp, string(answer)
}

func (p *runningProxy) bearer() string {
	raw, err := os.ReadFile(p.line.BearerFile)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(raw)
}

// wantRefused wants status 403 and the body of an error of the API.
func (p *runningProxy) wantRefused(method, target, body string, headers ...string) {
	p.t.Helper()
	resp, text := p.raw(method, target, body, headers...)
	if resp.StatusCode != http.StatusForbidden {
		p.t.Errorf("%s %s %q: status %d, want 403: %s", method, target, headers, resp.StatusCode, text)
		return
	}
	var e apiError
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.StatusCode != http.StatusForbidden || e.RequestID == "" || e.Description == "" || e.Error == nil ||
		!strings.Contains(text, `"AdditionalInformation":{}`) {
		p.t.Errorf("%s %s: not the shape of an error: %s", method, target, text)
	}
}

const jsonBody = "Content-Type: application/json"

func bothDoors(t *testing.T, test func(t *testing.T, args ...string)) {
	t.Run("tcp", func(t *testing.T) { t.Parallel(); test(t, "--listen", "127.0.0.1:0") })
	t.Run("socket", func(t *testing.T) { t.Parallel(); test(t) })
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, args ...string) {
		sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 40})
		p := startProxy(t, proxyHome(t), sim, append(args, "--yes")...)
		console := "/service/api/console/gsm/" + p.line.GSMKey
		sim.ResetLog()
		for _, target := range []string{
			"/", "/auth/token", "/AUTH/token", "/_sim/log", "/service", "/service/api/health/ping", "/service/api/usage/x", "/service/api/console/gsmx", "/service/api/statusx",
			console + "/../../../../../auth/token", console + "/%2e%2e/%2e%2e/auth/token", console + "/%2E%2E/sites", console + "/./sites", "//evil.example" + console,
			"/service/api//console/gsm/x", console + "//sites", console + "%2fsites", console + "/sites;x=1", console + `\sites`, "/%61uth/token",
			console + "?access_token=x", console + "?ACCESS_TOKEN=x", console + "/sites?EndpointsList=x", "http://evil.example" + console, "http://" + p.host() + console,
		} {
			p.wantRefused("GET", target, "")
		}
		for _, h := range []string{"Host: evil.example", "Host: " + p.host() + ".evil.example", "Host: 127.0.0.1:1", "Host:", "Origin: http://localhost", "Origin: null",
			"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "X-HTTP-Method-Override: DELETE", "X-Original-URL: /auth/token"} {
			p.wantRefused("GET", console, "", h)
		}
		for _, m := range []string{"OPTIONS", "TRACE", "get", "PROPFIND"} {
			p.wantRefused(m, console, "")
		}
		p.wantRefused("GET", console, "{}", jsonBody)
		p.wantRefused("POST", "/service/api/notifications/subscriptions", "{}", jsonBody)
		if p.line.BearerFile != "" {
			for _, h := range []string{"Authorization: Bearer wrong", "Authorization:", "Authorization: Basic " + p.bearer(), "Authorization: Bearer " + p.bearer() + "x",
				"Authorization: Bearer " + p.bearer() + "\r\nAuthorization: Bearer " + p.bearer()} {
				p.wantRefused("GET", console, "", h)
			}
		}
		if n := len(sim.Log()); n != 0 {
			t.Errorf("%d requests reached the server: %q", n, sim.lines())
		}
		if resp, text := p.raw("GET", console, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("a read: %d %s", resp.StatusCode, text)
		}
		if resp, _ := p.raw("POST", console+"/sites", strings.Repeat(" ", maxProxied+1), jsonBody); resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("a large body: status %d", resp.StatusCode)
		}
		p.stop()
	})
}

func TestProxyAllowsMore(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 2, Endpoints: 10})
	p := startProxy(t, proxyHome(t), sim, "--listen", "127.0.0.1:0", "--allow", "/service/api/health/")
	if resp, text := p.raw("GET", "/service/api/health/ping", ""); resp.StatusCode/100 != 2 {
		t.Errorf("an allowed path: %d %s", resp.StatusCode, text)
	}
	p.wantRefused("GET", "/service/api/healthier", "")
	p.wantRefused("GET", "/auth/token", "")
	p.stop()
}

func TestProxyPassesAnswersOn(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 40})
	p := startProxy(t, proxyHome(t), sim, "--listen", "127.0.0.1:0")
	console := "/service/api/console/gsm/" + p.line.GSMKey
	resp, text := p.raw("GET", console+"/sites?pageSize=2", "", "Cookie: a=b")
	sim.mu.Lock()
	want := string(sim.last)
	sim.mu.Unlock()
	if resp.StatusCode != 200 || text != want || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%d %q: %s\nwant %s", resp.StatusCode, resp.Header.Get("Content-Type"), text, want)
	}
	for name := range resp.Header {
		if name == "Set-Cookie" || strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the header %s was passed on", name)
		}
	}
	resp, text = p.raw("GET", console+"/sites/00000000-0000-0000-0000-000000000001", "")
	var e apiError
	if err := json.Unmarshal([]byte(text), &e); err != nil || resp.StatusCode < 400 || e.StatusCode != resp.StatusCode || e.RequestID == "" || e.Description == "" {
		t.Errorf("an error of the API: %d %s", resp.StatusCode, text)
	}
	for status, want := range map[int]int{302: 502, 307: 502, 404: 404, 409: 409} {
		sim.mu.Lock()
		sim.breaks, sim.brokenStatus = regexpAny(), status
		sim.mu.Unlock()
		if resp, text := p.raw("GET", console, ""); resp.StatusCode != want || resp.Header.Get("Location") != "" {
			t.Errorf("%d of the server became %d: %s", status, resp.StatusCode, text)
		}
	}
	p.stop()
}

func TestProxyChanges(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 6, Endpoints: 120})
	site := plainSites(sim)[0]
	home := proxyHome(t)
	p := startProxy(t, home, sim, "--listen", "127.0.0.1:0", "--yes", "--note", "T-77")
	at := "/service/api/console/gsm/" + p.line.GSMKey + "/sites/" + site.site.ID
	one, two := site.machines[0].ID, site.machines[1].ID
	scan := func(list string) string { return fmt.Sprintf(`{"EndpointsList":%q,"Command":"scan"}`, list) }
	set := at + "/groups/" + site.site.Groups[0].ID + "/endpoints/commands"
	sim.ResetLog()
	for _, body := range []string{`{"Command":"scan"}`, scan(""), scan("all"), `{"endpointslist":"` + one + `","Command":"scan"}`, `{"EndpointsList":null,"Command":"scan"}`} {
		p.wantRefused("POST", at+"/endpoints/commands", body, jsonBody)
	}
	p.wantRefused("POST", at+"/endpoints/commands", scan(one), "Content-Type: application/x-www-form-urlencoded")
	p.wantRefused("POST", at+"/endpoints/commands", scan(one))
	p.wantRefused("POST", at+"/endpoints/commands", scan(one), jsonBody, "X-Unitty-Expect: 2")
	p.wantRefused("POST", at+"/endpoints/deactivate", `{"EndpointsList":"`+one+`"}`, jsonBody)
	p.wantRefused("POST", at+"/endpoints/deactivate", `{"EndpointsList":"`+one+`"}`, jsonBody, "X-Unitty-Expect: 1", "X-Unitty-Expect: 1")
	p.wantRefused("POST", at+"/endpoints/commands", `{"EndpointsList":"`+one+`","Command":"uninstall"}`, jsonBody)
	p.wantRefused("POST", set, `{"Command":"scan"}`, jsonBody)
	p.wantRefused("POST", set, `{"Command":"scan"}`, jsonBody, "X-Unitty-Expect: many")
	p.wantRefused("POST", set, `{"Command":"scan"}`, jsonBody, "X-Unitty-Expect: 0")
	p.wantRefused("POST", at+"/suspend", "")
	p.wantRefused("DELETE", at, "")
	if n := sim.changes(); n != 0 {
		t.Fatalf("%d changes reached the server: %q", n, sim.lines())
	}
	if _, err := os.Stat(filepath.Join(home, ".local/state/unitty/audit.jsonl")); err == nil {
		t.Error("there is an audit, though nothing was changed")
	}
	if resp, text := p.raw("POST", at+"/endpoints/commands", scan(one+","+two), jsonBody); resp.StatusCode/100 != 2 {
		t.Errorf("a scan: %d %s", resp.StatusCode, text)
	}
	if resp, text := p.raw("POST", at+"/endpoints/deactivate", `{"EndpointsList":"`+one+`"}`, jsonBody, "X-Unitty-Expect: 1"); resp.StatusCode/100 != 2 {
		t.Errorf("a counted change: %d %s", resp.StatusCode, text)
	}
	if n := sim.changes(); n != 2 {
		t.Errorf("%d changes reached the server, want 2: %q", n, sim.lines())
	}
	p.stop()
	checkProxyAudit(t, home, one, two)
}

// checkProxyAudit wants a line before and a line after each of the two changes.
func checkProxyAudit(t *testing.T, home, one, two string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(home, ".local/state/unitty/audit.jsonl")) //nolint:gosec // the test's own folder
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines in the audit, want 4:\n%s", len(lines), raw)
	}
	for i, want := range []string{`"event":"proxy"`, `"event":"proxy-outcome"`, `"event":"proxy"`, `"event":"proxy-outcome"`} {
		if !strings.Contains(lines[i], want) || !strings.Contains(lines[i], one) || !strings.Contains(lines[i], "T-77") || strings.Contains(lines[i], two) != (i < 2) {
			t.Errorf("line %d: %s", i, lines[i])
		}
	}
	if strings.Contains(string(raw), "Bearer") {
		t.Error("the audit holds a bearer")
	}
}

func TestProxyRefusesChangesUnlessToldTo(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 6, Endpoints: 120})
	site := plainSites(sim)[0]
	for _, args := range [][]string{{"--listen", "127.0.0.1:0"}, {"--listen", "127.0.0.1:0", "--yes", "--read-only"}} {
		p := startProxy(t, proxyHome(t), sim, args...)
		if p.line.Changes {
			t.Errorf("%q: the line says that changes pass", args)
		}
		at := "/service/api/console/gsm/" + p.line.GSMKey + "/sites/" + site.site.ID
		p.wantRefused("POST", at+"/endpoints/commands", `{"EndpointsList":"`+site.machines[0].ID+`","Command":"scan"}`, jsonBody, "X-Unitty-Expect: 1")
		p.wantRefused("POST", at+"/groups", `{"GroupName":"x"}`, jsonBody)
		p.stop()
	}
	if n := sim.changes(); n != 0 {
		t.Errorf("%d changes reached the server", n)
	}
}
