package change_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/unitytest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// purse signs in with a password when it has to.
type purse struct {
	base  string
	creds unitytest.Credentials
	mu    sync.Mutex
	token string
}

func (p *purse) Token(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token != "" {
		return p.token, nil
	}
	form := url.Values{"grant_type": {"password"}, "username": {p.creds.Username}, "password": {p.creds.Password}, "scope": {"Console.GSM"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(p.creds.ClientID, p.creds.ClientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "unitty/test")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", errors.Join(err, errors.New("no token"))
	}
	p.token = answer.Token
	return p.token, nil
}

func (p *purse) Reject(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token == token {
		p.token = ""
	}
}

type lab struct {
	*testing.T
	sim *unitytest.Server
	c   *unity.Client
}

func newLab(t *testing.T, variants ...string) *lab {
	t.Helper()
	sim := unitytest.New(unitytest.Options{Sites: 5, Endpoints: 80, Seed: 4, Variants: variants, AccessTTL: 24 * time.Hour})
	if err := sim.Err(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() { server.Close(); http.DefaultClient.CloseIdleConnections() })
	creds := sim.Credentials()
	key, err := unity.ParseKeycode(creds.GSMKey)
	if err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(hc.CloseIdleConnections)
	c, err := unity.New(unity.Options{BaseURL: server.URL, GSMKey: key, Tokens: &purse{base: server.URL, creds: creds}, Version: "test", HTTP: hc})
	if err != nil {
		t.Fatal(err)
	}
	return &lab{t, sim, c}
}

// site is a site on which everything can be done, as it is now.
func (l *lab) site() *unity.Site {
	l.Helper()
	for _, s := range l.sim.World().Sites {
		if !s.Deactivated && !s.Suspended && !s.Trial && s.Endpoints > 3 {
			return l.read(s.ID)
		}
	}
	l.Fatal("no plain site")
	return nil
}

func (l *lab) read(id string) *unity.Site {
	l.Helper()
	s, err := l.c.Site(l.Context(), unity.SiteID(id))
	if err != nil {
		l.Fatal(err)
	}
	return s
}

// run plans and sends a change, and reads again.
func (l *lab) run(p *change.Prepared, err error) change.Outcome {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
	plan, err := dispatch.MakeObject(l.Context(), l.c, p.ObjectChange, dispatch.PlanOptions{})
	if err != nil {
		l.Fatal(err)
	}
	job, err := plan.Run(l.Context(), l.c, dispatch.RunOptions{})
	if err != nil {
		l.Fatal(err)
	}
	if job.Count(dispatch.Sent) != 1 {
		l.Fatalf("%s: %s %s", p.ID, job.Words(), job.Results[0].Reason)
	}
	out, err := p.After(l.Context(), l.c)
	if err != nil {
		l.Fatal(err)
	}
	return out
}

// changes are the bodies of the changes the server got, by method and the end of the path.
func (l *lab) changes() []string {
	var out []string
	for _, e := range l.sim.Log() {
		if e.Method != http.MethodGet && strings.HasPrefix(e.Path, "/service/") {
			parts := strings.Split(e.Path, "/")
			out = append(out, e.Method+" "+parts[len(parts)-1]+" "+e.Body)
		}
	}
	return out
}
