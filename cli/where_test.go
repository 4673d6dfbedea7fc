//go:build unix

package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/fleet"
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

// TestWhereReadsTheSitesItNames: where a selector names the customer, what lists and what sends read that customer only. Where machines
// are named beside it everything is read, since only then a name is known to be unique.
func TestWhereReadsTheSitesItNames(t *testing.T) {
	t.Parallel()
	at := time.Now()
	c := newKeptConsole(t, unitytest.Options{Sites: 6, Endpoints: 90, Seed: 11, Now: func() time.Time { return at }})
	site := c.pic.Sites[2]
	where := "site:=" + quoted(site.Name.Raw()) + " !status:deactivated"
	read := func(do func() error) (sites int) {
		t.Helper()
		from := len(c.sim.Log())
		c.out.Reset()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		for _, entry := range c.sim.Log()[from:] {
			if strings.HasSuffix(entry.Path, "/endpoints") {
				sites++
			}
		}
		return sites
	}
	var refs []fleet.Ref
	targets := func(s selection) func() error {
		s.whereSet = true
		return func() (err error) {
			refs, _, err = c.app.targets(t.Context(), c.sess, s)
			return err
		}
	}
	if n := read(func() error { return c.app.listEndpoints(t.Context(), c.sess, selection{where: where}) }); n != 1 {
		t.Errorf("the list reads %d sites", n)
	}
	if n := read(targets(selection{where: where})); n != 1 || len(refs) == 0 {
		t.Errorf("what sends reads %d sites for %d machines", n, len(refs))
	}
	for _, ref := range refs {
		if ref.Site != site.ID || ref.Inactive {
			t.Errorf("%s of %s is chosen", ref.HostName, ref.SiteName)
		}
	}
	chosen := len(refs)
	if n := read(targets(selection{where: where, endpoints: []string{string(refs[0].ID)}})); n != 6 || len(refs) != chosen+1 {
		t.Errorf("with a machine named beside it %d sites are read for %d machines", n, len(refs))
	}
	if n := read(targets(selection{where: where, all: true, site: string(c.pic.Sites[3].ID)})); n != 1 || len(refs) == 0 || refs[0].Site != c.pic.Sites[3].ID {
		t.Errorf("with all machines of another site %d sites are read for %d machines", n, len(refs))
	}
}

// TestWithinTakesBothScopes: reports are read for the whole console or for sites, so sites are left out only where a user may read both,
// or neither.
func TestWithinTakesBothScopes(t *testing.T) {
	t.Parallel()
	c := newKeptConsole(t, unitytest.Options{Sites: 2, Endpoints: 4, Seed: 1})
	plan, err := c.sess.machineLanguage(false, nil).Parse("site:=" + quoted(c.pic.Sites[0].Name.Raw()))
	if err != nil {
		t.Fatal(err)
	}
	for missing, want := range map[string]bool{"": true, "SkyStatus.GSM SkyStatus.Site": true, "SkyStatus.GSM": false, "SkyStatus.Site": false} {
		within := c.sess.within(plan, func(scope string) bool { return slices.Contains(strings.Fields(missing), scope) })
		if (within != nil) != want || want && (!within(&c.pic.Sites[0]) || within(&c.pic.Sites[1])) {
			t.Errorf("without %q sites are left out: %v", missing, within != nil)
		}
	}
}
