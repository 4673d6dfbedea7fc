//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

// lab is a simulated console behind a recording proxy, and before that a front that can hold a request at edgeBytes.
type lab struct {
	trial trial
	sim   *unitytest.Server
	under *httptest.Server
	proxy *wiretap.Proxy
	front *httptest.Server
	// out is closed when the request of the trial is out; gone when the process that sent it is dead.
	out, gone chan struct{}
	mu        sync.Mutex
	posts     int
}

func newLab(t trial) (*lab, error) {
	l := &lab{trial: t, out: make(chan struct{}), gone: make(chan struct{}),
		sim: unitytest.New(unitytest.Options{Sites: 3, Endpoints: 90, Seed: uint64(t.n) + 1})} //nolint:gosec // a small number
	l.sim.SetCommandLag(t.lag)
	if err := errors.Join(l.sim.Err(), l.sim.SetFault("command-lag", 1)); err != nil {
		return nil, err
	}
	l.under = httptest.NewServer(l.sim)
	to, err := url.Parse(l.under.URL)
	if err != nil {
		return nil, err
	}
	if l.proxy, err = wiretap.New(to, wiretap.Options{OwnHost: true}); err != nil {
		return nil, err
	}
	pass := httputil.NewSingleHostReverseProxy(l.proxy.URL())
	l.front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, pass) }))
	return l, nil
}

func (l *lab) close() {
	l.front.CloseClientConnections()
	l.front.Close()
	_ = l.proxy.Close()
	l.under.Close()
}

// serve passes everything on. At edgeBytes it holds one command back until its sender is dead: before or after the server
// has it.
func (l *lab) serve(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/commands") {
		pass.ServeHTTP(w, r)
		return
	}
	l.mu.Lock()
	l.posts++
	hold := l.trial.edge == edgeBytes && l.posts == l.trial.nth
	l.mu.Unlock()
	if !hold {
		pass.ServeHTTP(w, r)
		return
	}
	if !l.trial.lost {
		pass.ServeHTTP(httptest.NewRecorder(), r)
	}
	close(l.out)
	<-l.gone
	panic(http.ErrAbortHandler)
}

// order is what a child is told to do, as JSON in its environment.
type order struct {
	BaseURL, Key, User, Password, ClientID, ClientSecret string
	Dir                                                  string
	Targets                                              []target
	Edge                                                 dispatch.Edge
	Nth                                                  int
	// Resume is the job to go on with; "" starts a new one.
	Resume string
}

type target struct {
	ID       unity.EndpointID
	Site     unity.SiteID
	HostName string
}

func (l *lab) order(dir string) order {
	c := l.sim.Credentials()
	o := order{BaseURL: l.front.URL, Key: c.GSMKey, User: c.Username, Password: c.Password, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Dir: dir}
	for _, e := range l.sim.World().Endpoints {
		if !e.Deactivated && e.PendingJobs == 0 && len(o.Targets) < targets {
			o.Targets = append(o.Targets, target{unity.EndpointID(e.ID), unity.SiteID(e.SiteID), e.HostName})
			_ = l.sim.StopPolling(e.ID) // it is there: the world has just named it
		}
	}
	return o
}

func (o order) environment() (string, error) {
	raw, err := json.Marshal(o) //nolint:gosec // the simulator's password, made for this trial
	if err != nil {
		return "", fmt.Errorf("order: %w", err)
	}
	return childVariable + "=" + string(raw), nil
}
