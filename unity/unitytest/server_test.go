package unitytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func (b *bench) control(path, body string) (int, string) {
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	return b.raw(httptest.NewRequestWithContext(b.t.Context(), method, "/_sim/"+path, strings.NewReader(body)))
}

func TestControl(t *testing.T) {
	b := newBench(t, Options{Sites: 2, Endpoints: 5})
	b.get("/console/gsm/{k}?access_token=" + b.token)
	status, body := b.control("log", "")
	var log []Entry
	if err := json.Unmarshal([]byte(body), &log); err != nil || status != 200 || len(log) != 2 {
		t.Fatal(status, body, err)
	}
	if log[0].Grant != "password" || !log[0].Committed || log[1].TokenState != "valid" || log[1].Status != 200 || strings.Contains(body, b.token) {
		t.Error(body)
	}
	for _, x := range []struct {
		path, body string
		status     int
	}{
		{"faults", `{"500":1}`, 204}, {"faults", `{"no such":1}`, 400}, {"faults", `[]`, 400}, {"variant", `{"error-array":true}`, 204},
		{"variant", `{"no such":true}`, 400}, {"clock", `{"advance":"1h"}`, 204}, {"clock", `{"advance":"soon"}`, 400},
		{"password", `{"user":"nobody","password":"p"}`, 400}, {"password", `{"password":"changed"}`, 204}, {"nothing", `{}`, 404}, {"faults", "", 405},
	} {
		if status, body := b.control(x.path, x.body); status != x.status {
			t.Errorf("%s %s: %d %s", x.path, x.body, status, body)
		}
	}
	now := b.s.World().Now
	if want := fakeClock()().Add(time.Hour); !now.Equal(want) {
		t.Errorf("the clock shows %v", now)
	}
	if b.s.Credentials().Password != "changed" {
		t.Error("the password is the old one")
	}
	b.creds = b.s.Credentials()
	b.signIn("*")
	if body := b.want(500, "GET", "/console/gsm/{k}", ""); body["AdditionalInformation"] == nil {
		t.Error(body)
	}
	b.s.ResetLog()
	if _, body := b.control("log", ""); strings.TrimSpace(body) != "[]" {
		t.Error(body)
	}
}

// TestAnswersAreDatedByTheClockOfTheServer, errors and tokens too.
func TestAnswersAreDatedByTheClockOfTheServer(t *testing.T) {
	b := newBench(t, Options{Sites: 1, Endpoints: 1})
	for _, ahead := range []time.Duration{0, 90 * time.Minute, 40 * 24 * time.Hour} {
		b.s.Advance(ahead)
		for _, path := range []string{"/service/api/health/ping", "/service/api/console/gsm/nothing", "/auth/token", "/nowhere"} {
			w := httptest.NewRecorder()
			b.s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if at, err := http.ParseTime(w.Header().Get("Date")); err != nil || !at.Equal(b.s.World().Now.Truncate(time.Second)) {
				t.Errorf("%s at %s is dated %s (%v)", path, b.s.World().Now, w.Header().Get("Date"), err)
			}
		}
	}
}

func TestRateLimit(t *testing.T) {
	b := newBench(t, Options{Sites: 1, Endpoints: 1, Rate: 5})
	refused := func() (n int) {
		for range 10 {
			status, _ := b.call("GET", "/console/gsm/{k}", "")
			count(&n, status == http.StatusTooManyRequests)
		}
		return n
	}
	b.s.Advance(time.Minute)
	b.signIn("*")
	if n := refused(); n != 6 { // One of the five went to the sign-in.
		t.Errorf("%d of 10 refused", n)
	}
	b.s.Advance(time.Second)
	if n := refused(); n != 5 {
		t.Errorf("%d of 10 refused a second later", n)
	}
}

func TestLatencyAndParallelLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Options{Sites: 1, Endpoints: 1, Latency: time.Second, Parallel: 3, Now: time.Now})
		var mu sync.Mutex
		statuses := map[int]int{}
		start := time.Now()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				status, _ := b.call("GET", "/console/gsm/{k}", "")
				mu.Lock()
				defer mu.Unlock()
				statuses[status]++
			})
		}
		wg.Wait()
		if took := time.Since(start); took < 700*time.Millisecond || took > 1300*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if statuses[200] != 3 || statuses[429] != 2 {
			t.Errorf("answers %v", statuses)
		}
	})
}

// TestParallelClients is for the race detector, and holds that the log misses
// nothing and that counts add up.
func TestParallelClients(t *testing.T) {
	b := newBench(t, Options{Sites: 6, Endpoints: 200, AccessTTL: long, Faults: map[string]float64{"500": 0.1}})
	w := b.s.World()
	const clients, calls = 8, 30
	var mu sync.Mutex
	failed := 0
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			for i := range calls {
				site := w.Sites[(n+i)%len(w.Sites)].ID
				method, path, body := "GET", "/console/gsm/{k}/sites/"+site+"/endpoints", ""
				switch i % 5 {
				case 1:
					method, path, body = "POST", path+"/commands", `{"Command":"scan"}`
				case 2:
					path = "/status/gsm/{k}?batchSize=100"
				case 3:
					path = "/console/gsm/{k}/sites"
				case 4:
					b.s.Advance(time.Minute)
					_ = b.s.World()
				}
				status, _ := b.call(method, path, body)
				mu.Lock()
				count(&failed, status == 500)
				mu.Unlock()
				if status != 200 && status != 204 && status != 500 {
					t.Errorf("%s %s: %d", method, path, status)
				}
			}
		})
	}
	wg.Wait()
	if got := len(b.s.Log()); got != clients*calls+1 {
		t.Errorf("%d logged, want %d", got, clients*calls+1)
	}
	if failed == 0 || b.s.FaultCounts()["500"] != failed {
		t.Errorf("%d failed, counted %v", failed, b.s.FaultCounts())
	}
}

func TestUnknownAddresses(t *testing.T) {
	b := newBench(t, Options{Sites: 1, Endpoints: 1})
	for _, path := range []string{"/", "/auth/authorize", "/service/other", "/api/console"} {
		if status, body := b.serve(httptest.NewRequestWithContext(t.Context(), "GET", path, nil)); status != 404 || number(body, "statusCode") != 404 {
			t.Errorf("%s: %d %v", path, status, body)
		}
	}
	if status, body := b.serve(httptest.NewRequestWithContext(t.Context(), "GET", "/auth/token", nil)); status != 405 {
		t.Error(status, body)
	}
}

func ExampleServer() {
	s := New(Options{Sites: 3, Endpoints: 12, Seed: 1})
	fmt.Println(len(s.World().Sites), len(s.World().Endpoints), s.Credentials().Username)
	// Output: 3 12 super@acme.example
}

func BenchmarkStatusBatch(b *testing.B) {
	c := newBench(b, Options{Sites: 1500, Endpoints: 50000, AccessTTL: long})
	for b.Loop() {
		c.raw(c.request("GET", "/status/gsm/{k}?batchSize=1000", ""))
	}
}

func BenchmarkEndpointPage(b *testing.B) {
	c := newBench(b, Options{Sites: 10, Endpoints: 20000, AccessTTL: long})
	path := "/console/gsm/{k}/sites/" + c.biggest().ID + "/endpoints?pageNr=3"
	for b.Loop() {
		c.raw(c.request("GET", path, ""))
	}
}

func BenchmarkSites(b *testing.B) {
	c := newBench(b, Options{Sites: 1500, Endpoints: 50000, AccessTTL: long})
	for b.Loop() {
		c.raw(c.request("GET", "/console/gsm/{k}/sites", ""))
	}
}
