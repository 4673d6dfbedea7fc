package views_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
	"github.com/unitty/unitty/views"
)

// driven is a program without its terminal, under a test.
type driven struct {
	*uitest.Driver
	t testing.TB
}

// want fails unless all texts are on the screen.
func (d *driven) want(texts ...string) {
	d.t.Helper()
	for _, text := range texts {
		if !d.Has(text) {
			d.t.Fatalf("%q is not on the screen:\n%s", text, d.Screen())
		}
	}
}

// anyToken is a sign-in that nobody looks at.
type anyToken struct{}

func (anyToken) Token(context.Context) (string, error) { return "token", nil }
func (anyToken) Reject(string)                         {}

// console is a whole program: screens on a client on a simulated API.
type console struct {
	driven
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
func serve(t testing.TB, sim *unitytest.Server) string {
	t.Helper()
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return server.URL
}

// openOn opens the program on a simulated API at its address; with changes what it is made of before it starts.
func openOn(t testing.TB, sim *unitytest.Server, at string, w, h int, with func(*views.Env, *ui.Config)) *console {
	t.Helper()
	creds := sim.Credentials()
	key, err := unity.ParseKeycode(creds.GSMKey)
	if err != nil {
		t.Fatal(err)
	}
	source := &entry.Password{BaseURL: at, Creds: creds, Scope: "Console.GSM SkyStatus.GSM SkyStatus.Site SkyStatus.Reporting"}
	client, err := unity.New(unity.Options{BaseURL: at, GSMKey: key, Tokens: source, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	env := views.NewEnv(client, creds.Username)
	env.Scopes = source.Scopes
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
	return &console{driven: driven{d, t}, sim: sim, env: env}
}

// untilFleet waits until the picture and what is going on with it are as they have to be.
func (c *console) untilFleet(holds func(*picture.Picture, live.State) bool) {
	c.t.Helper()
	limit := time.After(time.Minute)
	for {
		changed := c.env.Fleet.Changed() // before the look, so that nothing falls between the two
		state := c.env.Fleet.State()
		if holds(c.env.Fleet.Current(), state) {
			return
		}
		select {
		case <-changed:
		case <-limit:
			c.t.Fatalf("the picture did not become what it has to be: %+v", state)
		}
	}
}

// untilRead waits until all machines are read.
func (c *console) untilRead() {
	c.t.Helper()
	c.untilFleet(func(p *picture.Picture, s live.State) bool {
		return s.Phase == live.PhaseIdle && p.Total > 0 && p.Done == p.Total
	})
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
