package views_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestACombinedActionThatBreaksOffGoesOnInTheSameProgram: after the first step nothing can be read any more. The panel names
// the step that was not begun, and begins it once the console answers.
func TestACombinedActionThatBreaksOffGoesOnInTheSameProgram(t *testing.T) {
	sim := unitytest.New(unitytest.Options{Sites: 6, Endpoints: 300, Seed: 3})
	var broken atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/endpoints") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		sim.ServeHTTP(w, r)
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/reactivate") {
			broken.Store(true)
		}
	}))
	t.Cleanup(server.Close)
	b := session(t, sim, server.URL, t.TempDir(), 140, 50)
	id, host := "", ""
	for _, e := range sim.World().Endpoints {
		if e.Deactivated && id == "" {
			id, host = e.ID, e.HostName
		}
	}
	b.atMachine(id)
	b.Press(":")
	b.Type("reactivate and deactivate again")
	b.Settle()
	b.Press("enter")
	b.Settle()
	b.answer(host)
	b.Settle()
	if b.now(id).Deactivated {
		t.Fatalf("the first step was not done:\n%s", b.Screen())
	}
	b.Press("J")
	b.Settle()
	b.want("not begun yet: deactivate")
	broken.Store(false)
	b.Advance(time.Second)
	b.Press("n")
	b.Settle()
	b.want("deactivate")
	b.answer(host)
	b.Settle()
	if !b.now(id).Deactivated {
		t.Errorf("the second step was not done:\n%s", b.Screen())
	}
}
