package cli

import (
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestAConsoleWithoutMachines: no machines are none, and not as many as the simulator makes by itself.
func TestAConsoleWithoutMachines(t *testing.T) {
	for _, n := range []int{0, 1, 30} {
		o, err := (&simFlags{sites: 3, endpoints: n, speed: 1, user: "super", accessTTL: time.Minute, refreshTTL: time.Hour}).options()
		if err != nil {
			t.Fatal(err)
		}
		if w := unitytest.New(o).World(); len(w.Endpoints) != n || len(w.Sites) != 3 {
			t.Errorf("with %d there are %d machines at %d sites", n, len(w.Endpoints), len(w.Sites))
		}
	}
}
