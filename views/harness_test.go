package views_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/views"
)

// tokens signs in with a password whenever it has to: what the views need of a sign-in, and no more.
type tokens struct {
	base  string
	creds unitytest.Credentials
	scope string
	mu    sync.Mutex
	token string
	got   []string
}

func (t *tokens) Token(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" {
		return t.token, nil
	}
	form := url.Values{"grant_type": {"password"}, "username": {t.creds.Username}, "password": {t.creds.Password}, "scope": {t.scope}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+"/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(t.creds.ClientID, t.creds.ClientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Token string `json:"access_token"`
		Scope string `json:"scope"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Token == "" {
		return "", errors.New("no token")
	}
	t.token = answer.Token
	_ = json.Unmarshal([]byte(answer.Scope), &t.got)
	return t.token, nil
}

func (t *tokens) Reject(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

func (t *tokens) scopes() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.got
}

// console is a whole program without its terminal: screens on a client on a simulated API.
type console struct {
	*uitest.Driver
	t   *testing.T
	sim *unitytest.Server
	env *views.Env
}

func open(t *testing.T, w, h int, o unitytest.Options) *console {
	t.Helper()
	if o.AccessTTL == 0 {
		o.AccessTTL = 24 * time.Hour // the clock of these tests is moved about
	}
	sim := unitytest.New(o)
	if err := sim.Err(); err != nil {
		t.Fatal(err)
	}
	return openOn(t, sim, serve(t, sim), w, h, nil)
}

// serve gives the address of a simulated API.
func serve(t *testing.T, sim *unitytest.Server) string {
	t.Helper()
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return server.URL
}

// openOn opens the program on a simulated API at its address; with changes what it is made of before it starts.
func openOn(t *testing.T, sim *unitytest.Server, at string, w, h int, with func(*views.Env, *ui.Config)) *console {
	t.Helper()
	creds := sim.Credentials()
	key, err := unity.ParseKeycode(creds.GSMKey)
	if err != nil {
		t.Fatal(err)
	}
	source := &tokens{base: at, creds: creds, scope: "Console.GSM SkyStatus.GSM SkyStatus.Site SkyStatus.Reporting"}
	client, err := unity.New(unity.Options{BaseURL: at, GSMKey: key, Tokens: source, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	env := views.NewEnv(client, creds.Username)
	env.Scopes = source.scopes
	env.Journal = journal.At(filepath.Join(t.TempDir(), "jobs"))
	th, err := theme.New("", "", true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	kept := live.New(live.Options{Client: client, StaleAfter: env.StaleAfter})
	env.Fleet = views.Watch(ctx, kept)
	go func() { _ = kept.Run(ctx) }()
	cfg := ui.Config{Version: "test", Theme: th, IdleLock: time.Hour,
		Header: func() ui.Header { return ui.Header{Profile: "test", Console: env.ConsoleName()} },
		Home:   env.Home, Restore: env.Restore, Commands: env.Places(), Catalog: views.Catalog(), Touched: env.Touched,
		Find: env.Find, Explain: views.Explain, ExportDir: t.TempDir()}
	if with != nil {
		with(env, &cfg)
	}
	d := uitest.New(ui.New(cfg), w, h)
	t.Cleanup(func() { _ = d.Close() })
	return &console{Driver: d, t: t, sim: sim, env: env}
}

// want fails unless all texts are on the screen.
func (c *console) want(texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if !c.Has(text) {
			c.t.Fatalf("%q is not on the screen:\n%s", text, c.Screen())
		}
	}
}

// sent lists the endpoint ids that the server got in agent commands, request by request.
func (c *console) sent() [][]string {
	var out [][]string
	for _, e := range c.sim.Log() {
		if e.Method != http.MethodPost || !strings.HasSuffix(e.Path, "/endpoints/commands") {
			continue
		}
		var body struct{ EndpointsList, Command string }
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			c.t.Fatalf("the server got a body that is no JSON: %q", e.Body)
		}
		out = append(out, append([]string{body.Command}, strings.Split(body.EndpointsList, ",")...))
	}
	return out
}
