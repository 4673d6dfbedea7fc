//go:build unix

package cli

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestListsStandAsTheirView: the list from disk and the fresh one have the order of the first view of the selector that has one,
// and their own without.
func TestListsStandAsTheirView(t *testing.T) {
	t.Parallel()
	at := time.Now()
	c := newKeptConsole(t, unitytest.Options{Sites: 4, Endpoints: 80, Seed: 7, Now: func() time.Time { return at }})
	c.sess.settings.config.Views = map[string]view{"plain": {Where: "seen:>0m"}, "silent": {Where: "seen:>0m", Sort: "-seen host"}, "host": {Where: "", Sort: "host"}}
	k, err := c.sess.readKept(t.Context(), keptReader{})
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		HostName, SiteName string
		LastSeen           *time.Time
	}
	listed := func(do func() error) (out []row) {
		t.Helper()
		c.out.Reset()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(c.out.Bytes(), &out); err != nil || len(out) != 80 {
			t.Fatalf("%d rows: %v", len(out), err)
		}
		return out
	}
	for where, order := range map[string]func(a, b row) int{
		"view:plain view:silent view:host": func(a, b row) int { return b.LastSeen.Compare(*a.LastSeen) },
		"view:host view:silent":            func(a, b row) int { return compareFolded(a.HostName, b.HostName) },
		"view:plain":                       func(a, b row) int { return compareFolded(a.SiteName, b.SiteName) },
	} {
		sel := selection{where: where}
		for name, rows := range map[string][]row{
			"kept":  listed(func() error { return c.app.listCached(t.Context(), c.sess, k, sel) }),
			"fresh": listed(func() error { return c.app.listEndpoints(t.Context(), c.sess, sel) }),
		} {
			if where == "view:plain view:silent view:host" { // never seen
				rows = slices.DeleteFunc(rows, func(r row) bool { return r.LastSeen == nil })
			}
			if !slices.IsSortedFunc(rows, order) {
				t.Errorf("%s list of %q: %v", name, where, rows)
			}
		}
	}
}
