package dispatch

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a client on a simulated console in the same process: no socket, so that time can be simulated too.
type lab struct {
	*entry.Password
	*entry.Direct
	sim    *unitytest.Server
	client *unity.Client
	creds  unitytest.Credentials
	// intercept, when set, answers in the simulator's place; nil lets the request through.
	intercept func(*http.Request) (*http.Response, error)
}

// fatal is what testing.T and rapid.T share.
type fatal interface{ Fatalf(string, ...any) }

func newLab(t fatal, o unitytest.Options) *lab {
	l := &lab{sim: unitytest.New(o)}
	if err := l.sim.Err(); err != nil {
		t.Fatalf("simulator: %v", err)
	}
	l.creds = l.sim.Credentials()
	l.Direct = &entry.Direct{Handler: l.sim, Before: func(r *http.Request) (*http.Response, error) {
		if l.intercept == nil {
			return nil, nil
		}
		return l.intercept(r)
	}}
	l.Password = &entry.Password{BaseURL: entry.Address, Creds: l.creds, Transport: l}
	key, err := unity.ParseKeycode(l.creds.GSMKey)
	if err != nil {
		t.Fatalf("keycode: %v", err)
	}
	l.client, err = unity.New(unity.Options{BaseURL: entry.Address, GSMKey: key, Tokens: l, HTTP: &http.Client{Transport: l}, Now: o.Now})
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	return l
}

// status answers with an error document.
func status(code int) *http.Response { return entry.Refusal(code) }
