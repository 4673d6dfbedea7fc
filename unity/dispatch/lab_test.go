package dispatch

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
	intercept func(*http.Request) (*http.Response, error)
	creds     unitytest.Credentials
	mu        sync.Mutex
	token     string
}

// fatal is what testing.T and rapid.T share.
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
	l.client, err = unity.New(unity.Options{BaseURL: "https://sim.example", GSMKey: key, Tokens: l, HTTP: &http.Client{Transport: l}, Now: o.Now})
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	return l
}

// Token signs in when there is no token.
func (l *lab) Token(ctx context.Context) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token != "" {
		return l.token, nil
	}
	form := url.Values{"grant_type": {"password"}, "username": {l.creds.Username}, "password": {l.creds.Password}, "scope": {"*"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://sim.example/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(l.creds.ClientID, l.creds.ClientSecret)
	answer, err := l.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || body.AccessToken == "" {
		return "", errors.New("the simulator gives no token")
	}
	l.token = body.AccessToken
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
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if l.intercept != nil {
		if answer, err := l.intercept(r); answer != nil || err != nil {
			return answer, err
		}
	}
	rec := httptest.NewRecorder()
	if whole := l.serve(rec, r); !whole {
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

// status answers with an error document.
func status(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{\"statusCode\":0,\"error_description\":\"no\"}"))}
}
