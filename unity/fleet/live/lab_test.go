package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a client on a simulated console in the same process: no socket, so that time can be simulated too.
type lab struct {
	sim    *unitytest.Server
	client *unity.Client
	// intercept, when set, answers in the simulator's place; nil lets the request through.
	intercept func(*http.Request) *http.Response
	creds     unitytest.Credentials
	mu        sync.Mutex
	token     string
	signedIn  time.Time
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
	key, err := unity.ParseKeycode(l.creds.GSMKey)
	if err != nil {
		t.Fatalf("keycode: %v", err)
	}
	l.client, err = unity.New(unity.Options{BaseURL: "https://sim.example", GSMKey: key, Tokens: l, HTTP: &http.Client{Transport: l}})
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	return l
}

// Token signs in when there is no token.
func (l *lab) Token(ctx context.Context) (string, error) {
	l.mu.Lock()
	if time.Since(l.signedIn) > 4*time.Minute {
		l.token = "" // as the engine does: never one that is about to expire
	}
	token := l.token
	l.mu.Unlock()
	if token != "" {
		return token, nil
	}
	form := url.Values{"grant_type": {"password"}, "username": {l.creds.Username}, "password": {l.creds.Password}, "scope": {"*"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://sim.example/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(l.creds.ClientID, l.creds.ClientSecret)
	rec := httptest.NewRecorder()
	l.serve(rec, r)
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil || body.AccessToken == "" {
		return "", errors.New("the simulator gives no token")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.token, l.signedIn = body.AccessToken, time.Now()
	return l.token, nil
}

// Reject forgets a token.
func (l *lab) Reject(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token == token {
		l.token = ""
	}
}

// RoundTrip serves a request by the simulator. A cut connection becomes an error, or a body that breaks off.
func (l *lab) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.calls = append(l.calls, r.URL.Path)
	l.now++
	l.most = max(l.most, l.now)
	intercept := l.intercept
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.now--
		l.mu.Unlock()
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if intercept != nil {
		if answer := intercept(r); answer != nil {
			return answer, nil
		}
	}
	rec := httptest.NewRecorder()
	whole := l.serve(rec, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if !whole {
		if rec.Body.Len() == 0 {
			return nil, errors.New("connection reset by peer")
		}
		answer := rec.Result()
		answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(rec.Body.Bytes()), cut{}))
		return answer, nil
	}
	return rec.Result(), nil
}

func (l *lab) serve(w http.ResponseWriter, r *http.Request) (whole bool) {
	defer func() {
		if x := recover(); x != nil && x != http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
			panic(x)
		}
	}()
	l.sim.ServeHTTP(w, r)
	return true
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

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
		return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"statusCode":0,"error_description":"no"}`))}
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
