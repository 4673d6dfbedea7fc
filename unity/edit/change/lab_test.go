package change_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
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
	c, err := unity.New(unity.Options{BaseURL: server.URL, GSMKey: key, Tokens: &entry.Password{BaseURL: server.URL, Creds: creds, Scope: "Console.GSM", Transport: hc.Transport}, Version: "test", HTTP: hc})
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
