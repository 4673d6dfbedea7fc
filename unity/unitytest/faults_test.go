package unitytest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// wire serves a bench over a real connection, since faults cut those.
type wire struct {
	*bench
	url    string
	client *http.Client
}

func newWire(t *testing.T, o Options) *wire {
	b := newBench(t, o)
	server := httptest.NewServer(b.s)
	// Without kept-alive connections the client never repeats a call by itself.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(server.Close)
	return &wire{b, server.URL, client}
}

func (w *wire) do(method, path, contentType, body string) (int, string, error) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+strings.ReplaceAll(path, "{k}", w.creds.GSMKey), strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("Content-Type", contentType)
	if strings.HasPrefix(path, "/auth/") {
		r.SetBasicAuth(w.creds.ClientID, w.creds.ClientSecret)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func (w *wire) fault(name string, rate float64) {
	w.t.Helper()
	if err := w.s.SetFault(name, rate); err != nil {
		w.t.Fatal(err)
	}
}

// TestServiceFaults tells for each fault whether the change was done, what
// came back, and that it was counted and logged.
func TestServiceFaults(t *testing.T) {
	for _, x := range []struct {
		name      string
		status    int
		broken    bool
		committed bool
		body      string
	}{
		{"429", 429, false, false, `"statusCode":429`}, {"429-retry-after", 429, false, false, `"statusCode":429`},
		{"500", 500, false, false, `"statusCode":500`}, {"503", 503, false, false, "<html>"}, {"504", 504, false, false, "<html>"},
		{"504-after", 504, false, true, "<html>"}, {"wrong-type", 200, false, false, "<html>"}, {"reset-before", 0, true, false, ""},
		{"reset-after", 0, true, true, ""}, {"truncate", 200, true, true, ""}, {"slow-body", 200, false, true, `"GroupId"`},
		{"401-once", 401, false, false, `"invalid_token"`},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWire(t, Options{Sites: 3, Endpoints: 30})
			site := w.s.World().Sites[0]
			w.fault(x.name, 1)
			status, body, err := w.do("POST", "/service/api/console/gsm/{k}/sites/"+site.ID+"/groups", "application/json",
				`{"GroupName":"g","GroupDescription":"d"}`)
			if status != x.status || (err != nil) != x.broken || !strings.Contains(body, x.body) {
				t.Errorf("%d %s %v", status, body, err)
			}
			if done := len(w.s.World().Sites[0].Groups) > len(site.Groups); done != x.committed {
				t.Errorf("the change was done: %v, want %v", done, x.committed)
			}
			log := w.s.Log()
			if e := log[len(log)-1]; e.Fault != x.name || e.Committed != x.committed || w.s.FaultCounts()[x.name] != 1 {
				t.Errorf("logged %+v, counted %v", e, w.s.FaultCounts())
			}
		})
	}
}

func TestDeniedOnceOnly(t *testing.T) {
	b := newBench(t, Options{Sites: 2, Endpoints: 10, Faults: map[string]float64{"401-once": 1}})
	for _, path := range []string{"/console/gsm/{k}/sites", "/console/gsm/{k}"} {
		b.want(401, "GET", path, "")
		b.want(200, "GET", path, "")
	}
}

func TestRowsAppearInAWalk(t *testing.T) {
	b := newBench(t, Options{Faults: map[string]float64{"rows-inserted": 1}})
	site := b.biggest()
	first := b.get("/console/gsm/{k}/sites/" + site.ID + "/endpoints?pageSize=5")
	second := b.get("/console/gsm/{k}/sites/" + site.ID + "/endpoints?pageSize=5&pageNr=2")
	if number(second, "TotalAvailable") != number(first, "TotalAvailable")+1 {
		t.Error("no row appeared")
	}
	token := text(b.get("/status/gsm/{k}?batchSize=1000"), "ContinuationToken")
	if more := b.get("/status/gsm/{k}?batchSize=1000&continuation=" + token); number(more, "Count") != 2 {
		t.Errorf("%d rows after the first thousand, want 2", number(more, "Count"))
	}
	if err := b.s.SetFault("continuation-dies", 1); err != nil {
		t.Fatal(err)
	}
	b.want(400, "GET", "/status/gsm/{k}?batchSize=1000&continuation="+token, "")
}

func TestCommandLag(t *testing.T) {
	b := newBench(t, Options{Faults: map[string]float64{"command-lag": 1}})
	b.s.SetCommandLag(time.Minute)
	e := b.polling(b.biggest().ID)
	path := "/console/gsm/{k}/sites/" + e.SiteID + "/endpoints/" + e.ID + "/commands"
	before := number(b.get(path), "TotalAvailable")
	b.send(e, "scan", "")
	b.s.Advance(59 * time.Second)
	if got := number(b.get(path), "TotalAvailable"); got != before {
		t.Error("it shows at once")
	}
	b.s.Advance(time.Second)
	if got := number(b.get(path), "TotalAvailable"); got != before+1 {
		t.Error("it does not show")
	}
}

func TestTokenFaults(t *testing.T) {
	for _, x := range []struct {
		name          string
		status        int
		broken, spent bool
	}{
		{"auth-429", 429, false, false}, {"auth-500", 500, false, false}, {"auth-503", 503, false, false}, {"auth-reset-before", 0, true, false},
		{"auth-reset-after", 0, true, true}, {"auth-truncate", 200, true, true}, {"auth-malformed", 200, false, true},
		{"auth-slow-body", 200, false, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWire(t, Options{Sites: 1, Endpoints: 1})
			refresh := w.signIn("*")
			w.fault(x.name, 1)
			w.want(200, "GET", "/console/gsm/{k}", "") // Resource methods are spared.
			status, body, err := w.do("POST", "/auth/token", "application/x-www-form-urlencoded",
				"grant_type=refresh_token&scope=*&refresh_token="+refresh)
			if status != x.status || (err != nil) != x.broken {
				t.Errorf("%d %v", status, err)
			}
			if x.name == "auth-malformed" && json.Valid([]byte(body)) {
				t.Error("the body is JSON")
			}
			if w.s.FaultCounts()[x.name] != 1 {
				t.Error(w.s.FaultCounts())
			}
			w.fault(x.name, 0)
			if status, _ := w.refresh(refresh); (status != 200) != x.spent {
				t.Errorf("the token is spent: %v, want %v", status != 200, x.spent)
			}
		})
	}
}

// TestEveryFaultIsTested fails when a fault is added without a case above.
func TestEveryFaultIsTested(t *testing.T) {
	tested := " 429 429-retry-after 500 503 504 504-after reset-before reset-after truncate slow-body wrong-type 401-once rows-inserted " +
		"command-lag continuation-dies auth-429 auth-500 auth-503 auth-reset-before auth-reset-after auth-truncate auth-malformed auth-slow-body "
	for _, f := range Faults() {
		if !strings.Contains(tested, " "+f.Name+" ") || f.Doc == "" {
			t.Errorf("fault %s", f.Name)
		}
	}
}

func TestFaultsAreSeeded(t *testing.T) {
	run := func() (hits []string) {
		b := newBench(t, Options{Sites: 1, Endpoints: 1, Seed: 3, Faults: map[string]float64{"500": 0.3, "429": 0.2}})
		for range 50 {
			b.call("GET", "/console/gsm/{k}", "")
		}
		for _, e := range b.s.Log() {
			hits = append(hits, e.Fault)
		}
		return hits
	}
	a, z := strings.Join(run(), " "), strings.Join(run(), " ")
	if a != z || !strings.Contains(a, "500") || !strings.Contains(a, "429") {
		t.Errorf("%q\n%q", a, z)
	}
}
