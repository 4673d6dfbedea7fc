//go:build unix

package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

// listedMethods are the calls that take a list of endpoints and mean the whole site without one.
func listedMethods() [][2]string {
	return [][2]string{
		{http.MethodPost, "/endpoints/commands"}, {http.MethodPut, "/endpoints"}, {http.MethodPut, "/endpoints/policy"},
		{http.MethodPost, "/endpoints/deactivate"}, {http.MethodPost, "/endpoints/reactivate"},
	}
}

// hostileBody is a body that gives no certain list of machines, of which ID stands for one.
type hostileBody struct{ name, contentType, text string }

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

func hostileBodies() []hostileBody {
	const rest = `"Command":"uninstall","Parameters":""`
	return []hostileBody{
		{"nothing", jsonType, ``}, {"missing", jsonType, `{` + rest + `}`}, {"null", jsonType, `{"EndpointsList":null,` + rest + `}`},
		{"empty", jsonType, `{"EndpointsList":"",` + rest + `}`}, {"blank", jsonType, `{"EndpointsList":" \t ",` + rest + `}`},
		{"escaped blank", jsonType, `{"EndpointsList":"\u0020\u00a0",` + rest + `}`}, {"commas", jsonType, `{"EndpointsList":",,",` + rest + `}`},
		{"other case", jsonType, `{"endpointsList":"ID",` + rest + `}`}, {"upper case", jsonType, `{"ENDPOINTSLIST":"ID",` + rest + `}`},
		{"blank around the name", jsonType, `{"EndpointsList ":"ID",` + rest + `}`}, {"escaped name", jsonType, `{"\u0065ndpointsList":"ID",` + rest + `}`},
		{"twice", jsonType, `{"EndpointsList":"ID","EndpointsList":"",` + rest + `}`}, {"twice, the good one last", jsonType, `{"EndpointsList":"","EndpointsList":"ID",` + rest + `}`},
		{"twice in two cases", jsonType, `{"EndpointsList":"ID","endpointslist":null,` + rest + `}`},
		{"array", jsonType, `{"EndpointsList":["ID"],` + rest + `}`}, {"empty array", jsonType, `{"EndpointsList":[],` + rest + `}`},
		{"number", jsonType, `{"EndpointsList":1,` + rest + `}`}, {"true", jsonType, `{"EndpointsList":true,` + rest + `}`}, {"object", jsonType, `{"EndpointsList":{"0":"ID"},` + rest + `}`},
		{"all", jsonType, `{"EndpointsList":"all",` + rest + `}`}, {"star", jsonType, `{"EndpointsList":"ID,*",` + rest + `}`}, {"zero", jsonType, `{"EndpointsList":"00000000-0000-0000-0000-000000000000",` + rest + `}`},
		{"nested", jsonType, `{"Request":{"EndpointsList":"ID"},` + rest + `}`}, {"in an array", jsonType, `[{"EndpointsList":"ID",` + rest + `}]`},
		{"two documents", jsonType, `{"EndpointsList":"ID",` + rest + `}{` + rest + `}`}, {"cut off", jsonType, `{"EndpointsList":"ID",` + rest},
		{"comment", jsonType, `{/*"EndpointsList":"ID",*/` + rest + `}`}, {"byte order mark", jsonType, "\ufeff" + `{"EndpointsList":"ID",` + rest + `}`},
		{"UTF-16", jsonType + "; charset=utf-16", `{"EndpointsList":"ID",` + rest + `}`},
		{"form", formType, `EndpointsList=ID&Command=uninstall`}, {"form as JSON", jsonType, `EndpointsList=ID&Command=uninstall`}, {"JSON as form", formType, `{"EndpointsList":"ID",` + rest + `}`},
		{"XML", "application/xml", `<Request><EndpointsList>ID</EndpointsList><Command>uninstall</Command></Request>`}, {"XML as JSON", jsonType, `<EndpointsList>ID</EndpointsList>`},
		{"JSON as XML", "text/xml", `{"EndpointsList":"ID",` + rest + `}`}, {"plain text", "text/plain", `{"EndpointsList":"ID",` + rest + `}`},
		{"multipart", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"EndpointsList\"\r\n\r\nID\r\n--b--\r\n"},
	}
}

// adversary is a console, a recording judge before it, and two machines: mine is named in requests, and nothing else is.
type adversary struct {
	sim     *testSim
	tap     *wiretap.Proxy
	sites   string
	mine    unitytest.EndpointTruth
	foreign string
	waiting map[string]map[string]int // by command and machine, from the start
}

func newAdversary(t *testing.T) *adversary {
	t.Helper()
	sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 60})
	a := &adversary{sim: sim, tap: tapped(t, sim, wiretap.Options{}), mine: plainSites(sim)[0].machines[0], foreign: "7e57ab1e-0000-4000-8000-00000000beef",
		waiting: map[string]map[string]int{"uninstall": commandsOf(sim, "uninstall"), "cleanup": commandsOf(sim, "cleanup")}}
	a.sites = "/service/api/console/gsm/" + sim.Credentials().GSMKey + "/sites/" + a.mine.SiteID
	return a
}

func (a *adversary) run(t *testing.T, args ...string) outcome {
	t.Helper()
	return runProgram(t, a.tap.URL().String(), a.sim.Credentials(), args...)
}

// silent wants no change to have left, whoever asked for it.
func (a *adversary) silent(t *testing.T) {
	t.Helper()
	for _, c := range a.tap.Changes() {
		t.Errorf("left: %s %s %v, delivered %v", c.Method, c.Path, c.IDs, c.Delivered)
	}
}

// only wants exactly one change to have left, an agent command for the one machine that was named.
func (a *adversary) only(t *testing.T, command string) {
	t.Helper()
	sent := a.tap.Changes()
	if len(sent) != 1 || sent[0].WholeSet || !slices.Equal(sent[0].IDs, []string{a.mine.ID}) || sent[0].Command != command || !sent[0].Delivered {
		t.Errorf("left: %+v, want one %s for %s", sent, command, a.mine.ID)
	}
	for machine, n := range commandsOf(a.sim, command) {
		if machine != a.mine.ID && n > a.waiting[command][machine] {
			t.Errorf("%s was reached and was not named", machine)
		}
	}
}

// hostileHeaders would make another request of a change that is good by itself.
func hostileHeaders() []string {
	return []string{"X-HTTP-Method-Override: DELETE", "x-http-method: DELETE", "X-Method-Override: PUT", "X-Original-URL: /service/api/console/gsm",
		"X-Rewrite-URL: /service/api/console/gsm", "Host: elsewhere.example", "Content-Encoding: gzip", "Transfer-Encoding: chunked"}
}

const wholeBody = `{"EndpointsList":"ID","Command":"uninstall","Parameters":""}`

func TestNothingUnnamedIsReachedThroughAPI(t *testing.T) {
	t.Parallel()
	a := newAdversary(t)
	file := filepath.Join(t.TempDir(), "body")
	send := func(method, path, text string, more ...string) outcome {
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "ID", a.mine.ID)), 0o600); err != nil {
			t.Fatal(err)
		}
		return a.run(t, append([]string{"api", method, a.sites + path, "--yes", "--expect", "1", "--input", file}, more...)...)
	}
	for i, b := range hostileBodies() {
		for _, m := range []int{0, 1 + i%4} { // commands always, the other calls in turn
			call := listedMethods()[m]
			if o := send(call[0], call[1], b.text, "-H", "Content-Type: "+b.contentType); o.code != exitRefused || !strings.Contains(o.errors, "refused") {
				t.Errorf("%s, %s %s: exit code %d: %s", b.name, call[0], call[1], o.code, o.errors)
			}
		}
	}
	for _, h := range hostileHeaders() {
		if o := send(http.MethodPost, "/endpoints/commands", wholeBody, "-H", h); o.code != exitUsage {
			t.Errorf("-H %q: exit code %d: %s", h, o.code, o.errors)
		}
	}
	if o := a.run(t, "api", "POST", a.sites+"/endpoints/commands?EndpointsList="+a.mine.ID, "--yes", "--expect", "1", "-f", "Command=uninstall"); o.code != exitRefused {
		t.Errorf("a list in the query: exit code %d: %s", o.code, o.errors)
	}
	a.silent(t)
	// The same body, whole, does go out: what was refused above was refused for what it lacked.
	if o := send(http.MethodPost, "/endpoints/commands", wholeBody); o.code != exitDone {
		t.Errorf("exit code %d: %s", o.code, o.errors)
	}
	a.only(t, "uninstall")
}

func TestNothingUnnamedIsReachedThroughProxy(t *testing.T) {
	t.Parallel()
	a := newAdversary(t)
	p := startProxy(t, proxyHome(t), &testSim{Server: a.sim.Server, url: a.tap.URL().String()}, "--yes")
	text := func(s string) string { return strings.ReplaceAll(s, "ID", a.mine.ID) }
	for _, b := range hostileBodies() {
		for _, call := range listedMethods() {
			p.wantRefused(call[0], a.sites+call[1], text(b.text), "Content-Type: "+b.contentType, expectHeader+": 1")
		}
	}
	for _, h := range append(hostileHeaders(), "Origin: http://localhost", jsonBody, "Content-Type: "+formType) {
		if strings.HasPrefix(h, "Transfer-Encoding") { // then the body is not where its length says, and is refused as unreadable
			continue
		}
		p.wantRefused(http.MethodPost, a.sites+"/endpoints/commands", text(wholeBody), jsonBody, h, expectHeader+": 1")
	}
	p.wantRefused(http.MethodPost, a.sites+"/endpoints/commands?endpointslist="+a.mine.ID, `{"Command":"uninstall"}`, jsonBody, expectHeader+": 1")
	p.wantRefused(http.MethodPost, a.sites+"/endpoints/commands", text(wholeBody), jsonBody)
	p.wantRefused(http.MethodPost, a.sites+"/endpoints/commands", text(wholeBody), jsonBody, expectHeader+": 1", expectHeader+": 1")
	a.silent(t)
	if resp, answer := p.raw(http.MethodPost, a.sites+"/endpoints/commands", text(wholeBody), jsonBody, expectHeader+": 1"); resp.StatusCode/100 != 2 {
		t.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	a.only(t, "uninstall")
	p.stop()
}

func TestNothingUnnamedIsReachedByVerbs(t *testing.T) {
	t.Parallel()
	a := newAdversary(t)
	files := map[string]string{"empty": "", "blank": " \n\t\n\r\n", "comments": "# one\n#two\n", "header": "host,site\n", "header and blanks": "host,site\n,\n \n",
		"foreign id": a.foreign + "\n", "foreign host": "NO-SUCH-MACHINE\n", "mine and foreign": a.mine.ID + "\n" + a.foreign + "\n", "star": "*\n", "all": "all\n",
		"mark only": "\ufeff", "zero": "00000000-0000-0000-0000-000000000000\n", "a line of NUL": "\x00\x00\n"}
	dir := t.TempDir()
	var selections [][]string
	for name, text := range files {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		selections = append(selections, []string{"--from", path})
	}
	selections = append(selections, []string{}, []string{"--endpoint", ""}, []string{"--endpoint", a.foreign}, []string{"--host", ""}, []string{"--host", " "}, []string{"--host", "*"},
		[]string{"--where", ""}, []string{"--where", "  "}, []string{"--where", "host:=no-such-machine"}, []string{"--all"}, []string{"--all", "--site", ""}, []string{"--all", "--site", a.foreign},
		[]string{"--endpoint", a.mine.ID, "--endpoint", a.foreign}, []string{"--host", a.mine.HostName, "--host", "NO-SUCH-MACHINE"}, []string{"--from", filepath.Join(dir, "is-not-there")})
	verbs := [][]string{{"command", "send", "cleanup"}, {"scan"}, {"isolate"}, {"endpoint", "deactivate"}, {"endpoint", "reactivate"}}
	for i, s := range selections {
		for _, verb := range [][]string{verbs[0], verbs[1+i%4]} {
			args := append(append(slices.Clone(verb), "--yes", "--expect", "1"), s...)
			o := a.run(t, args...)
			if o.code != exitFailed && o.code != exitUsage && o.code != exitRefused {
				t.Errorf("%q: exit code %d: %s%s", args, o.code, o.out, o.errors)
			}
			if n := len(a.tap.Changes()); n > 0 {
				t.Fatalf("%q sent %d changes", args, n)
			}
		}
	}
	if o := a.run(t, "command", "send", "cleanup", "--endpoint", a.mine.ID, "--yes", "--expect", "1"); o.code != exitDone {
		t.Errorf("exit code %d: %s", o.code, o.errors)
	}
	a.only(t, "cleanup")
}
