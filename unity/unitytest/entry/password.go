package entry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// Password is a source of access tokens that signs in with the password whenever it has none. It is safe for concurrent use;
// callers that come at the same time may each sign in, since one that waited at a mutex would stop simulated time.
type Password struct {
	// BaseURL is the address of the simulated API, without a slash at the end.
	BaseURL string
	// Creds are the items of the sign-in.
	Creds unitytest.Credentials
	// Scope is what is asked for; all there is when empty.
	Scope string
	// Transport carries the request; http.DefaultTransport when nil.
	Transport http.RoundTripper
	// Keep is how long a token is given out; until it is rejected when zero.
	Keep time.Duration

	mu    sync.Mutex
	token string
	since time.Time
	got   []string
}

// Token gives the token, after a sign-in where there is none.
func (p *Password) Token(ctx context.Context) (string, error) {
	if token := p.held(); token != "" {
		return token, nil
	}
	scope := p.Scope
	if scope == "" {
		scope = "*"
	}
	form := url.Values{"grant_type": {"password"}, "username": {p.Creds.Username}, "password": {p.Creds.Password}, "scope": {scope}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.BaseURL+"/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(p.Creds.ClientID, p.Creds.ClientSecret)
	answer, err := (&http.Client{Transport: p.Transport}).Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		Token string `json:"access_token"`
		Scope string `json:"scope"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return "", fmt.Errorf("the simulator gives no token: %w", err)
	}
	if body.Token == "" {
		return "", errors.New("the simulator gives no token")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token, p.since, p.got = body.Token, time.Now(), nil
	_ = json.Unmarshal([]byte(body.Scope), &p.got) // none where the variant of the answer has another form
	return p.token, nil
}

func (p *Password) held() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Keep > 0 && time.Since(p.since) > p.Keep {
		p.token = ""
	}
	return p.token
}

// Reject forgets the token, if it is still that one.
func (p *Password) Reject(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token == token {
		p.token = ""
	}
}

// Current gives the token that is held, without a sign-in.
func (p *Password) Current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

// Scopes gives what the last sign-in was granted.
func (p *Password) Scopes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}
