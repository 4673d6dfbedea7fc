package unity

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBaseURL(t *testing.T) {
	for in, ok := range map[string]bool{
		DefaultBaseURL: true, "https://h/": true, " https://h:8443/prefix ": true, "http://127.0.0.1:80": true, "http://[::1]:80": true, "http://LocalHost": true, "http://127.9.9.9": true,
		"http://h": false, "http://127.0.0.1.evil.test": false, "http://127.x.evil.test": false, "http://127.0.0.evil": false, "http://localhost.evil.test": false, "http://10.0.0.1": false,
		"ftp://h": false, "h": false, "": false, "https://": false, "https://:80": false, "https://u:hunter2@h": false, "u:hunter2@h": false, "https://h?x=hunter2": false,
		"https://h?": false, "https://h#hunter2": false, "https://h/a/../b": false, "https://h/%2e%2e": false, "https://h//x": false, "https://u:hunter2@h\x7f": false, "javascript:hunter2": false,
	} {
		u, err := ParseBaseURL(in)
		if (err == nil) != ok || ok && u == nil {
			t.Errorf("%q: %v", in, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q shows the secret: %v", in, err)
		}
	}
	if _, err := New(Options{BaseURL: "http://h", Tokens: noToken{}}); err == nil {
		t.Error("http was taken")
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no tokens were taken")
	}
	if c, err := New(Options{Tokens: noToken{}, GSMKey: testKey}); err != nil || c.BaseURL() != DefaultBaseURL || c.Key() != testKey {
		t.Error(err)
	}
}

func FuzzBaseURL(f *testing.F) {
	f.Add("https://h/prefix")
	f.Add("http://[::1%25x]:80")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseBaseURL(s)
		if err != nil {
			return
		}
		c, err := New(Options{BaseURL: s, Tokens: noToken{}})
		if err != nil {
			t.Fatal(err)
		}
		req, err := c.build(context.Background(), read(), "t")
		if err != nil {
			return
		}
		if req.URL.Host != u.Host || req.URL.Scheme != u.Scheme || !strings.HasSuffix(req.URL.Path, gsmRoot+"/sites") || req.URL.RawQuery != "" || req.URL.User != nil {
			t.Fatalf("%q gives %q", s, req.URL)
		}
	})
}

func TestRequestOnTheWire(t *testing.T) {
	var got *http.Request
	var sent []byte
	c, _, _ := scripted(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		got = r
		sent, _ = io.ReadAll(r.Body)
		answer(w, 204, "")
	}, func(o *Options) { o.BaseURL = "https://unity.test/prefix/"; o.Version = "1.2 (x)" })
	r := scan(t, c)
	r.Query = url.Values{"x": {"a b"}}
	evil := []string{"Authorization", "proxy-authorization", "User-Agent", "Host", "Cookie", "Content-Type", "Content-Length", "Content-Encoding", "Accept-Encoding", "Transfer-Encoding",
		"Connection", "X-HTTP-Method-Override", "x-http-method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "Idempotency-Key", "X-Idempotency-Key", "TE", "Expect"}
	r.Header = http.Header{"Accept": {"application/xml"}, "X-Ticket": {"7"}}
	for _, name := range evil {
		r.Header[name] = []string{"evil"}
	}
	if _, err := c.Do(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got.URL.String() != "https://unity.test/prefix"+siteRoot+"/endpoints/commands?x=a+b" || string(sent) != string(r.Body) {
		t.Errorf("%s %s", got.URL, sent)
	}
	for name, want := range map[string]string{"Authorization": "Bearer token-0", "User-Agent": "unitty/1.2..x.", "Accept": "application/xml", "X-Ticket": "7", "Content-Type": "application/json"} {
		if got.Header.Get(name) != want || len(got.Header.Values(name)) != 1 {
			t.Errorf("%s: %q", name, got.Header.Values(name))
		}
	}
	for name, values := range got.Header {
		if strings.Contains(strings.Join(values, " "), "evil") {
			t.Errorf("%s went out", name)
		}
	}
	if UserAgent("") != "unitty/0" || UserAgent("a/b\r\nX: y") != "unitty/a.b..X..y" {
		t.Error(UserAgent(""), UserAgent("a/b\r\nX: y"))
	}
}

// TestRedirectsAreNotFollowed uses real connections: the token must not reach the other server.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var calls atomic.Int32
		home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			http.Redirect(w, r, other.URL, status)
		}))
		transport := &http.Transport{DisableKeepAlives: true}
		c, err := New(Options{BaseURL: home.URL, GSMKey: testKey, Tokens: &purse{}, HTTP: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), scan(t, c))
		if e := asError(t, err); !errors.Is(err, ErrProtocol) || e.Status != status || e.Definite() || calls.Load() != 1 {
			t.Error(status, err, calls.Load())
		}
		home.Close()
	}
	if reached := reached.Load(); reached != 0 {
		t.Errorf("%d requests reached the other server", reached)
	}
}

// TestNetHTTPDoesNotRepeatChanges: a kept connection that dies under a change is the case in which net/http may send again.
func TestNetHTTPDoesNotRepeatChanges(t *testing.T) {
	var changes atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			changes.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}
		answer(w, 200, "{}")
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, err := New(Options{BaseURL: server.URL, GSMKey: testKey, Tokens: &purse{}, HTTP: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range []Request{scan(t, c), {Method: "DELETE", Path: siteRoot + group, Counted: true}, {Method: "PUT", Path: siteRoot, Body: []byte("{}")}} {
		r.Header = http.Header{"Idempotency-Key": {"x"}}
		if _, err := c.Do(t.Context(), read()); err != nil { // leaves a connection to be used again
			t.Fatal(err)
		}
		if _, err := c.Do(t.Context(), r); err == nil || asError(t, err).Definite() || int(changes.Load()) != i+1 {
			t.Errorf("%s: %v, %d at the server", r.Method, err, changes.Load())
		}
	}
}

type endless struct{ n int64 }

func (e *endless) Read(b []byte) (int, error) {
	e.n += int64(len(b))
	return len(b), nil
}

func TestBodiesAreCapped(t *testing.T) {
	for status, limit := range map[int]int64{200: maxBody, 400: maxError} {
		synctest.Test(t, func(t *testing.T) {
			var body *endless
			rt := transportFunc(func(r *http.Request) (*http.Response, error) {
				body = &endless{}
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
			})
			c, _, _ := scripted(t, nil, func(o *Options) { o.HTTP = &http.Client{Transport: rt} })
			_, err := c.Do(t.Context(), scan(t, c))
			if err == nil || body.n > limit+1<<20 {
				t.Errorf("%v after %d bytes", err, body.n)
			}
			if status == 200 && (!errors.Is(err, ErrProtocol) || asError(t, err).Definite()) {
				t.Error(err)
			}
		})
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSkew(t *testing.T) {
	for ahead, want := range map[time.Duration]time.Duration{0: 0, 900 * time.Millisecond: 0, time.Hour: time.Hour, -time.Hour: -time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			c, _, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
				answer(w, 200, "{}")
			})
			if _, ok := c.Skew(); ok || !c.Now().Equal(time.Now()) {
				t.Error("the skew was known before the first answer")
			}
			if _, err := c.Do(t.Context(), read()); err != nil {
				t.Fatal(err)
			}
			skew, ok := c.Skew()
			if !ok || (skew-want).Abs() > time.Second {
				t.Errorf("%v: %v %v", ahead, skew, ok)
			}
			c.learnSkew("yesterday", time.Now(), time.Now())
			if again, _ := c.Skew(); again != skew {
				t.Error("an unreadable date changed the skew")
			}
		})
	}
}

func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []Attempt
		c, _, _ := scripted(t, func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 1 {
				answer(w, 503, errorJSON(503, "", "busy"))
				return
			}
			answer(w, 200, "{}")
		}, func(o *Options) { o.Observe = func(a Attempt) { got = append(got, a) } })
		r := read()
		r.Query = url.Values{"a": {"b"}}
		if _, err := c.Do(t.Context(), r); err != nil || len(got) != 2 {
			t.Fatal(err, got)
		}
		if a := got[0]; a.Status != 503 || a.Retry != 0 || a.RequestID == "" || !errors.Is(a.Err, ErrUnavailable) || a.Path != gsmRoot+"/sites?a=b" {
			t.Errorf("%+v", a)
		}
		if a := got[1]; a.Status != 200 || a.Retry != 1 || a.Err != nil {
			t.Errorf("%+v", a)
		}
	})
}

func TestProbe(t *testing.T) {
	for _, x := range []struct {
		status int
		body   string
		ok     bool
	}{{200, "{}", true}, {401, errorJSON(401, "invalid_token", ""), true}, {503, "<html>", false}, {302, "", false}} {
		token := ""
		client := &http.Client{Transport: memory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token = r.Header.Get("Authorization")
			answer(w, x.status, x.body)
		})}}
		if err := Probe(t.Context(), testBase, "1", client); (err == nil) != x.ok || token != "" {
			t.Errorf("%d: %v", x.status, err)
		}
	}
	if err := Probe(t.Context(), "http://h", "1", nil); err == nil {
		t.Error("http was probed")
	}
}

func TestQueries(t *testing.T) {
	at := time.Date(2025, 1, 2, 3, 4, 5, 0, time.FixedZone("x", 3600))
	if got := (CommandQuery{Endpoint: "e", Command: "scan", State: 2, Since: at, Until: at}).values().Encode(); got !=
		"command=scan&commandState=2&endDate=2025-01-02T02%3A04%3A05.000Z&endpointId=e&startDate=2025-01-02T02%3A04%3A05.000Z" {
		t.Error(got)
	}
	if got := (EndpointQuery{Type: "active", HostName: "h", MachineID: "a:::b"}).values().Encode(); got != "hostName=h&machineId=a%3A%3A%3Ab&type=active" {
		t.Error(got)
	}
	if got := (ThreatQuery{Extended: true}).values().Encode(); got != "returnedInfo=ExtendedInfo" {
		t.Error(got)
	}
	var paths []string
	c, _, _ := scripted(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.RequestURI())
		answer(w, 200, `{"Commands":[],"ThreatRecords":[],"QueryResults":[],"TotalAvailable":0}`)
	})
	_, err1 := Collect(c.GroupCommands(t.Context(), siteA, "g", CommandQuery{}))
	_, err2 := Collect(c.GroupThreats(t.Context(), siteA, "g", ThreatQuery{}))
	_, err3 := Collect(c.SiteStatus(t.Context(), testKey, StatusQuery{MachineID: "m", Since: at, BatchSize: 5000}))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Error(err)
	}
	want := []string{siteRoot + "/groups/g/commands?pageNr=1&pageSize=1000", siteRoot + "/groups/g/threathistory?pageNr=1&pageSize=50",
		"/service/api/status/site/AAAA-BBBB-CCCC-DDDD-EEEE?batchSize=1000&machineId=m&modifiedSince=2025-01-02T02%3A04%3A05.000Z"}
	if strings.Join(paths, " ") != strings.Join(want, " ") {
		t.Error(paths)
	}
}

// TestSkewKeepsStill: answers that come at any moment of a second do not make the server's clock jump to and fro.
func TestSkewKeepsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{now: time.Now}
		var first time.Duration
		for i := range 200 {
			<-time.After(137 * time.Millisecond)
			sent := time.Now()
			<-time.After(time.Duration(i%7) * 11 * time.Millisecond)
			c.learnSkew(time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), sent, time.Now())
			skew, _ := c.Skew()
			if i == 0 {
				first = skew
			}
			if skew != first || (skew+time.Hour).Abs() > time.Second {
				t.Fatalf("after %d answers the server's clock is off by %v, by %v after the first", i+1, skew, first)
			}
		}
		// Somebody has set our clock.
		c.learnSkew(time.Now().Add(2*time.Hour).UTC().Format(http.TimeFormat), time.Now(), time.Now())
		if skew, _ := c.Skew(); (skew - 2*time.Hour).Abs() > time.Second {
			t.Errorf("after our clock was set: %v", skew)
		}
	})
}
