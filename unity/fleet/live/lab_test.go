package live

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a client on a simulated console in the same process: no socket, so that time can be simulated too.
type lab struct {
	*entry.Password
	direct *entry.Direct
	sim    *unitytest.Server
	client *unity.Client
	creds  unitytest.Credentials

	mu sync.Mutex
	// intercept, when set, answers in the simulator's place; nil lets the request through.
	intercept func(*http.Request) *http.Response
	calls     []string
	most, now int
}

// fatal is what testing.T, testing.B and rapid.T share.
type fatal interface{ Fatalf(string, ...any) }

func newLab(t fatal, o unitytest.Options) *lab {
	l := &lab{sim: unitytest.New(o)}
	if err := l.sim.Err(); err != nil {
		t.Fatalf("simulator: %v", err)
	}
	l.creds = l.sim.Credentials()
	l.direct = &entry.Direct{Handler: l.sim, Before: func(r *http.Request) (*http.Response, error) {
		l.mu.Lock()
		intercept := l.intercept
		l.mu.Unlock()
		if intercept == nil {
			return nil, nil
		}
		return intercept(r), nil
	}}
	// As the engine does: never a token that is about to expire.
	l.Password = &entry.Password{BaseURL: entry.Address, Creds: l.creds, Transport: &entry.Direct{Handler: l.sim}, Keep: 4 * time.Minute}
	key, err := unity.ParseKeycode(l.creds.GSMKey)
	if err != nil {
		t.Fatalf("keycode: %v", err)
	}
	l.client, err = unity.New(unity.Options{BaseURL: entry.Address, GSMKey: key, Tokens: l, HTTP: &http.Client{Transport: l}})
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	return l
}

// RoundTrip counts the calls and those under way at once.
func (l *lab) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	call := r.URL.Path
	if r.URL.Query().Has("machineId") {
		call += "?machineId"
	}
	l.calls = append(l.calls, call)
	l.now++
	l.most = max(l.most, l.now)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.now--
		l.mu.Unlock()
	}()
	return l.direct.RoundTrip(r)
}

// when answers requests whose path holds a word, as often as times; -1 is always.
func (l *lab) when(word string, code, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var mu sync.Mutex
	l.intercept = func(r *http.Request) *http.Response {
		mu.Lock()
		defer mu.Unlock()
		if times == 0 || !strings.Contains(r.URL.String(), word) {
			return nil
		}
		times--
		return entry.Refusal(code)
	}
}

func (l *lab) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.intercept = nil
}

// count tells how many calls had the word in their path since the last time, and forgets them.
func (l *lab) count(word string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, c := range l.calls {
		if strings.Contains(c, word) {
			n++
		}
	}
	return n
}

func (l *lab) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = nil
}

func (l *lab) fleet(o Options) *Fleet {
	o.Client = l.client
	return New(o)
}

// visible are the truths of the machines at sites that a user may see, by id.
func visible(w unitytest.Snapshot, user string) map[string]unitytest.EndpointTruth {
	sees := map[string]bool{}
	for _, s := range w.Sites {
		sees[s.ID] = s.AccessOf[user] != unity.AccessNone
	}
	out := map[string]unitytest.EndpointTruth{}
	for _, e := range w.Endpoints {
		if sees[e.SiteID] {
			out[e.ID] = e
		}
	}
	return out
}

func sync1(t fatal, f *Fleet) {
	if err := f.Sync(context.Background()); err != nil {
		t.Fatalf("sync: %v", err)
	}
}
