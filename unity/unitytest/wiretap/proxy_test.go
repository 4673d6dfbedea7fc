package wiretap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// backend is a small server that counts what reaches it.
type backend struct {
	*httptest.Server
	hits atomic.Int64
}

// newBackend serves a site list, takes commands and issues tokens.
func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.hits.Add(1)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/commands"):
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/missing"):
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"statusCode":404,"error":null,"error_description":"Nothing here"}`)
		case r.URL.Path == "/auth/token":
			_, _ = io.WriteString(w, `{"access_token":"abc","token_type":"bearer","expires_in":300}`)
		default:
			_, _ = fmt.Fprintf(w, `{"Host":%q,"SiteName":"Harbour Dental","SiteId":"id-1","Seats":12.50}`, r.Host)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

// start puts a proxy in front of the backend.
func start(t *testing.T, b *backend, opt Options) *Proxy {
	t.Helper()
	u, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(u, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

// call makes one request on a connection of its own, so that nothing is retried behind the test's back.
func call(t *testing.T, p *Proxy, method, path, body string) (status string, header http.Header, got []byte, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.URL().String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sesame-token")
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return "", nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err = io.ReadAll(resp.Body)
	return resp.Status, resp.Header, got, err
}

const (
	commands = "/service/api/console/gsm/K/sites/S/endpoints/commands"
	scanTwo  = `{"EndpointsList":"id-a, id-b","Command":"scan","Parameters":null}`
)

func TestRecordsWithoutSecrets(t *testing.T) {
	var log bytes.Buffer
	b := newBackend(t)
	p := start(t, b, Options{Log: &log})
	if status, _, body, err := call(t, p, "GET", "/service/api/sites?pageSize=5&access_token=sesame-query", ""); err != nil ||
		status != "200 OK" || !strings.Contains(string(body), p.URL().Host) {
		t.Fatalf("%s %s %v", status, body, err)
	}
	if _, _, _, err := call(t, p, "POST", "/auth/token", "grant_type=password&username=u&password=sesame-pass&scope=*"); err != nil {
		t.Fatal(err)
	}
	got := p.Exchanges()
	if len(got) != 2 || got[0].N != 1 || got[1].N != 2 {
		t.Fatalf("recorded %+v", got)
	}
	e := got[0]
	if e.Method != "GET" || e.Path != "/service/api/sites" || !e.Bearer() || e.Status != 200 || e.ServerStatus != 200 ||
		!e.Forwarded || !e.Answered || e.Sent == 0 || !slices.Contains(e.Headers, "Authorization") {
		t.Errorf("exchange %+v", e)
	}
	if body := string(got[1].Body); !strings.Contains(body, "grant_type=password") || !strings.Contains(body, "password=REDACTED") {
		t.Errorf("token body %q", body)
	}
	if all := fmt.Sprintf("%+v %s %s", got, got[1].Body, log.String()); strings.Contains(all, "sesame") {
		t.Errorf("a secret was recorded: %s", all)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 || !json.Valid(bytes.Split(log.Bytes(), []byte("\n"))[0]) {
		t.Errorf("log has %d lines:\n%s", lines, log.String())
	}
	if len(p.Changes()) != 0 {
		t.Errorf("reading and signing in count as changes: %+v", p.Changes())
	}
	if p.Reset(); len(p.Exchanges()) != 0 {
		t.Error("Reset left calls behind")
	}
}

func TestChangesAreReadFromEveryKindOfBody(t *testing.T) {
	p := start(t, newBackend(t), Options{})
	for _, c := range []struct {
		path, body string
		ids        []string
		whole      bool
	}{
		{commands, scanTwo, []string{"id-a", "id-b"}, false},
		{commands, `{"endpointslist":["x","y"],"COMMAND":"scan"}`, []string{"x", "y"}, false},
		{commands, "EndpointsList=f1%2Cf2&Command=scan", []string{"f1", "f2"}, false},
		{commands, `{"EndpointsList":" , ","Command":"scan"}`, nil, true},
		{commands, `{"EndpointsList":null,"Command":"scan"}`, nil, true},
		{"/service/api/console/gsm/K/sites", `{"SiteName":"x"}`, nil, false},
	} {
		p.Reset()
		if _, _, _, err := call(t, p, "POST", c.path, c.body); err != nil {
			t.Fatal(err)
		}
		got := p.Changes()
		if len(got) != 1 || !slices.Equal(got[0].IDs, c.ids) || got[0].WholeSet != c.whole || !got[0].Delivered {
			t.Errorf("%s: %+v, want ids %v, whole set %v", c.body, got, c.ids, c.whole)
			continue
		}
		if c.path == commands && got[0].Command != "scan" {
			t.Errorf("%s: command %q", c.body, got[0].Command)
		}
	}
}

func TestResetsTellDeliveredFromLost(t *testing.T) {
	for name, delivered := range map[string]bool{"reset-before": false, "reset-after": true, "html-504": false, "html-504-after": true} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			f, err := Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			p := start(t, b, Options{Rules: []Rule{{Name: name, Method: regexp.MustCompile("POST"), Fault: f}}})
			status, _, _, err := call(t, p, "POST", commands, scanTwo)
			if reset := strings.HasPrefix(name, "reset"); reset != (err != nil) || (!reset && status != "504 Gateway Timeout") {
				t.Errorf("client saw %q, %v", status, err)
			}
			if got := b.hits.Load() == 1; got != delivered {
				t.Errorf("server saw the request: %v, want %v", got, delivered)
			}
			if got := p.Changes(); len(got) != 1 || got[0].Delivered != delivered || got[0].Fault != name {
				t.Errorf("changes %+v", got)
			}
			if got := p.DeliveredIDs("scan")["id-a"] == 1; got != delivered {
				t.Errorf("delivered ids %v", p.DeliveredIDs("scan"))
			}
		})
	}
}

func TestFaultsChangeTheAnswer(t *testing.T) {
	b := newBackend(t)
	plain := start(t, b, Options{})
	_, _, whole, err := call(t, plain, "GET", "/x", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]func(status string, h http.Header, body []byte, err error) bool{
		"html-503": func(s string, h http.Header, _ []byte, _ error) bool {
			return s[:3] == "503" && h.Get("Content-Type") == "text/html"
		},
		"rate-limit": func(s string, h http.Header, _ []byte, _ error) bool {
			return s[:3] == "429" && h.Get("Retry-After") == ""
		},
		"rate-limit-after": func(s string, h http.Header, b []byte, _ error) bool {
			return s[:3] == "429" && h.Get("Retry-After") == "1" && json.Valid(b)
		},
		"unauthorized": func(s string, _ http.Header, b []byte, _ error) bool {
			return s[:3] == "401" && strings.Contains(string(b), `"error":"invalid_token"`) && json.Valid(b)
		},
		"wrong-type": func(s string, h http.Header, b []byte, _ error) bool {
			return s[:3] == "200" && h.Get("Content-Type") == "text/html" && len(b) == len(whole)
		},
		"truncate": func(s string, _ http.Header, b []byte, err error) bool {
			return s[:3] == "200" && errors.Is(err, io.ErrUnexpectedEOF) && len(b) == len(whole)/2
		},
		"slow":  func(_ string, _ http.Header, b []byte, err error) bool { return err == nil && len(b) == len(whole) },
		"delay": func(_ string, _ http.Header, b []byte, err error) bool { return err == nil && len(b) == len(whole) },
	} {
		f, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Delay = min(f.Delay, time.Millisecond)
		p := start(t, b, Options{Rules: []Rule{{Fault: f}}})
		if s, h, body, err := call(t, p, "GET", "/x", ""); !check(s, h, body, err) {
			t.Errorf("%s gives %q %v %q %v", name, s, h, body, err)
		}
	}
}

func TestRulesChooseByNumberLimitAndPath(t *testing.T) {
	b := newBackend(t)
	f, err := Preset("json-500")
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, b, Options{Rules: []Rule{
		{Name: "third", Path: regexp.MustCompile("/sites"), Nth: 3, Fault: f},
		{Name: "twice", Path: regexp.MustCompile("/groups"), Limit: 2, Fault: f},
	}})
	var got []string
	for _, path := range []string{"/sites", "/groups", "/sites", "/groups", "/sites", "/groups", "/sites"} {
		status, _, _, err := call(t, p, "GET", path, "")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, status[:3])
	}
	if want := []string{"200", "500", "200", "500", "500", "200", "200"}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	if p.ClearRules(); true {
		if status, _, _, _ := call(t, p, "GET", "/groups", ""); status != "200 OK" {
			t.Errorf("after ClearRules: %s", status)
		}
	}
}

func TestRatesFollowTheSeed(t *testing.T) {
	draw := func(seed uint64) (out []bool) {
		p := &Proxy{rng: newRand(seed)}
		p.AddRule(Rule{Rate: 0.3, Fault: Fault{Kind: ResetBefore}})
		for range 400 {
			_, hit := p.choose("GET", "/")
			out = append(out, hit)
		}
		return out
	}
	one, same, other := draw(7), draw(7), draw(8)
	hits := 0
	for _, h := range one {
		if h {
			hits++
		}
	}
	if !slices.Equal(one, same) || slices.Equal(one, other) || hits < 80 || hits > 160 {
		t.Errorf("same seed equal: %v, other seed equal: %v, %d hits of 400", slices.Equal(one, same), slices.Equal(one, other), hits)
	}
}

func TestServerOutOfReachIsAReset(t *testing.T) {
	b := newBackend(t)
	p := start(t, b, Options{})
	b.CloseClientConnections()
	b.Close()
	if _, _, _, err := call(t, p, "GET", "/x", ""); err == nil {
		t.Error("the client got an answer")
	}
	if got := p.Exchanges(); len(got) != 1 || got[0].Answered || got[0].Fault != "server out of reach" {
		t.Errorf("recorded %+v", got)
	}
}

func TestClientThatLeavesDoesNotHideTheChange(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(srv.Close)
	var done sync.WaitGroup
	log := &lineWriter{wrote: make(chan struct{})}
	p := start(t, &backend{Server: srv}, Options{Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	done.Go(func() {
		req, err := http.NewRequestWithContext(ctx, "POST", p.URL().String()+commands, strings.NewReader(scanTwo))
		if err != nil {
			t.Error(err)
			return
		}
		tr := &http.Transport{DisableKeepAlives: true}
		if resp, err := tr.RoundTrip(req); err == nil {
			_ = resp.Body.Close()
			t.Error("a cancelled call has an answer")
		}
	})
	<-entered
	cancel()
	done.Wait()
	close(release)
	<-log.wrote
	if got := p.Changes(); len(got) != 1 || !got[0].Delivered {
		t.Errorf("changes %+v, want one that was delivered", got)
	}
}

// lineWriter tells when the first line was written.
type lineWriter struct {
	once  sync.Once
	wrote chan struct{}
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.wrote) })
	return len(p), nil
}

func TestNewRefusesBadTargets(t *testing.T) {
	for _, text := range []string{"", "ftp://x", "/path"} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := New(u, Options{}); err == nil {
			_ = p.Close()
			t.Errorf("%q was accepted", text)
		}
	}
}
