package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
	"github.com/unitty/unitty/views"
)

// The window that is drawn, in cells.
const (
	width  = 120
	height = 34
)

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// console is the program without its terminal: the simulated API, the client, the views and the shell on a driver.
type console struct {
	*uitest.Driver
	clock *clock
	env   *views.Env
	// stop ends the watching of the fleet.
	stop context.CancelFunc
	// busy is the customer that the pictures are about.
	busy string
}

// open builds a console on the first screen.
func open() (*console, error) {
	ctx, stop := context.WithCancel(context.Background())
	c := &console{stop: stop, clock: &clock{at: time.Date(2026, 3, 10, 10, 24, 0, 0, time.UTC)}}
	if err := c.build(ctx); err != nil {
		stop()
		return nil, err
	}
	return c, nil
}

// Close ends the program and the watching of the fleet.
func (c *console) Close() error {
	defer c.stop()
	return c.Driver.Close()
}

// build puts the parts together.
func (c *console) build(ctx context.Context) error {
	sim := unitytest.New(unitytest.Options{Sites: 24, Endpoints: 640, Seed: 7, AccessTTL: 24 * time.Hour, Variants: []string{"endpoint-names"}, PollWithin: 15 * time.Second, Now: c.clock.now})
	if err := sim.Err(); err != nil {
		return err
	}
	credentials := sim.Credentials()
	transport := &entry.Direct{Handler: sim}
	tokens := &entry.Password{BaseURL: unity.DefaultBaseURL, Creds: credentials, Transport: transport}
	key, err := unity.ParseKeycode(credentials.GSMKey)
	if err != nil {
		return err
	}
	client, err := unity.New(unity.Options{GSMKey: key, Tokens: tokens, Version: "docs", HTTP: &http.Client{Transport: transport}, Now: c.clock.now})
	if err != nil {
		return err
	}
	c.env = views.NewEnv(client, credentials.Username)
	if _, err := c.env.Console(ctx); err != nil {
		return err
	}
	if c.busy, err = busiest(ctx, client); err != nil {
		return err
	}
	kept := live.New(live.Options{Client: client, Now: c.clock.now})
	if err := kept.Sync(ctx); err != nil {
		return err
	}
	c.env.Fleet = views.Watch(ctx, kept)
	cfg, err := c.config(credentials.Username)
	if err != nil {
		return err
	}
	if err := ui.CheckKeys(cfg); err != nil {
		return err
	}
	c.Driver = uitest.New(ui.New(cfg), width, height) //nolint:contextcheck // the shell lives until it is closed, not for as long as the call
	return nil
}

// busiest names the customer with the most endpoints, whose screens have something to show.
func busiest(ctx context.Context, client *unity.Client) (string, error) {
	list, err := client.Sites(ctx)
	if err != nil {
		return "", err
	}
	sites := list.Sites
	best := ""
	most := int64(-1)
	for i := range sites {
		if n := sites[i].TotalEndpoints.Or(0); n > most && sites[i].Writable() {
			best, most = sites[i].Name.String(), n
		}
	}
	if best == "" {
		return "", errors.New("the simulated console has no site")
	}
	return best, nil
}

// config is what the program gives the shell for a profile that is signed in.
func (c *console) config(user string) (ui.Config, error) {
	th, err := theme.New("dark", "unicode", false)
	if err != nil {
		return ui.Config{}, err
	}
	signedIn := make(chan ui.Auth, 1)
	signedIn <- ui.Auth{State: "signed in", Level: ui.Good, SignedIn: true, AccessUntil: c.clock.now().Add(time.Hour), RefreshUntil: c.clock.now().Add(336 * time.Hour)}
	return ui.Config{
		Version: "docs", Theme: th, SyncOutput: "off", IdleLock: 15 * time.Minute, Now: c.clock.now,
		Header:   func() ui.Header { return ui.Header{Profile: "main", Console: c.env.ConsoleName(), User: user} },
		Home:     c.env.Home,
		Commands: c.env.Places(), Catalog: views.Catalog(), Auth: signedIn, Find: c.env.Find, Explain: views.Explain,
	}, nil
}
