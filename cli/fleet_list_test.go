//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/unitytest"
)

// keptConsole is a session in this process whose picture was just kept on disk.
type keptConsole struct {
	app  *app
	sess *session
	sim  *testSim
	pic  *picture.Picture
	out  *bytes.Buffer
}

func newKeptConsole(t *testing.T, o unitytest.Options) *keptConsole {
	t.Helper()
	sim := startTestSim(t, o)
	home := t.TempDir()
	pass := filepath.Join(home, "passphrase")
	if err := os.WriteFile(pass, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlockCheaply(t, home, "correct horse")
	environment := map[string]string{"HOME": home, "XDG_RUNTIME_DIR": home, "UNITTY_KEYRING": "file", "UNITTY_KEYRING_PASSPHRASE_FILE": pass}
	for _, kv := range signInVariables(sim.url, sim.Credentials()) {
		environment[kv[0]] = kv[1]
	}
	c := &keptConsole{sim: sim, out: &bytes.Buffer{}}
	c.app = &app{in: strings.NewReader(""), out: c.out, err: &bytes.Buffer{}, env: func(name string) string { return environment[name] }}
	c.app.flags.output = "json"
	s, err := c.app.settings()
	if err != nil {
		t.Fatal(err)
	}
	if c.sess, err = c.app.open(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.sess.close)
	if o.Now != nil {
		c.standStill(t, o.Now)
	}
	f := c.sess.openFleet()
	if err := f.Sync(t.Context()); err != nil || f.State().Disk != nil {
		t.Fatalf("%v, %v", err, f.State().Disk)
	}
	c.pic = f.Current()
	return c
}

// standStill gives the session a clock that stands with the world's: an age that is compared must not pass its limit between two
// looks.
func (c *keptConsole) standStill(t *testing.T, now func() time.Time) {
	t.Helper()
	c.sim.mu.Lock()
	c.sim.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Date", now().UTC().Format(http.TimeFormat))
		return false
	}
	c.sim.mu.Unlock()
	s := c.sess.settings
	client, err := unity.New(unity.Options{BaseURL: s.BaseURL, GSMKey: s.Key, Tokens: c.sess.tokens(), Version: version, Observe: c.sess.calls.add, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	c.sess.client = client
}

// list gives the rows that a list printed, by id.
func (c *keptConsole) list(t *rapid.T, do func() error) map[string]map[string]any {
	c.out.Reset()
	if err := do(); err != nil {
		t.Fatalf("%v", err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(c.out.Bytes(), &rows); err != nil {
		t.Fatalf("%v: %s", err, c.out)
	}
	for _, name := range []string{"GroupName", "PolicyName", "SiteName"} {
		if n := strings.Count(c.out.String(), `"`+name+`"`); n > len(rows) {
			t.Fatalf("%d rows have %d values of %s", len(rows), n, name)
		}
	}
	out := make(map[string]map[string]any, len(rows))
	for _, row := range rows {
		out[fmt.Sprint(row["EndpointId"])] = row
	}
	if len(out) != len(rows) {
		t.Fatalf("%d rows have %d ids", len(rows), len(out))
	}
	return out
}

// anyTerm draws a term about the machines of a picture. Names of groups are left to the fresh list: a sync does not read them.
func anyTerm(p *picture.Picture) *rapid.Generator[string] {
	rows := slices.Collect(p.Rows())
	return rapid.Custom(func(t *rapid.T) string {
		r := rapid.SampledFrom(rows).Draw(t, "row")
		host := r.HostName().Raw()
		term := rapid.SampledFrom([]string{
			"host:" + quoted(host), "host:=" + quoted(host), quoted(host[:min(4, len(host))]), "site:" + quoted(r.SiteName().Raw()),
			"user:" + quoted(r.User()), "os:" + quoted(r.OS()), "mac:" + quoted(r.MAC()), "ip:10", "id:" + string(r.ID()), "keycode:" + r.SiteKey().String(),
			"version:" + quoted(r.Version()), "version:>=9.0.30", "status:ok", "status:infected|attention", "status:deactivated", "status:stale",
			"seen:>30d", "seen:<1d", "first:>100d", "type:pc", "type:mac", "policy:" + quoted(r.PolicyLabel()),
		}).Draw(t, "term")
		if strings.HasSuffix(term, ":") || term == "" || strings.HasSuffix(term, `""`) {
			return "type:pc"
		}
		if rapid.Bool().Draw(t, "not") {
			return "!" + term
		}
		return term
	})
}

func quoted(s string) string {
	if strings.ContainsAny(s, "\"\\") {
		return "x"
	}
	return `"` + s + `"`
}

// TestListsAgree: whatever is asked for in whatever world, the fresh list, the list from disk and the picture choose the same
// machines, and what the two lists both say of a machine is the same.
func TestListsAgree(t *testing.T) {
	t.Parallel()
	at := time.Now() // the world stands still, however long the checks take
	for seed := range uint64(2) {
		c := newKeptConsole(t, unitytest.Options{Sites: 3 + int(seed)*2, Endpoints: 60, Seed: 100 + seed, Now: func() time.Time { return at }}) //nolint:gosec // small
		ctx := t.Context()
		k, err := c.sess.readKept(ctx, keptReader{})
		if err != nil {
			t.Fatal(err)
		}
		term := anyTerm(c.pic)
		rapid.Check(t, func(rt *rapid.T) {
			expr := strings.Join(rapid.SliceOfN(term, 0, 3).Draw(rt, "terms"), " ")
			if now := c.sess.client.Now(); !now.Equal(at) {
				rt.Fatalf("the clock went on by %s", now.Sub(at))
			}
			want := c.chosen(ctx, rt, expr)
			fresh := c.list(rt, func() error { return c.app.listEndpoints(ctx, c.sess, selection{where: expr}) })
			cached := c.list(rt, func() error { return c.app.listCached(ctx, c.sess, k, selection{where: expr}) })
			for id := range want {
				if fresh[id] == nil && !c.unreported(id) || cached[id] == nil {
					rt.Fatalf("%q: %s is in the picture; fresh %v, cached %v", expr, id, fresh[id] != nil, cached[id] != nil)
				}
			}
			for id := range cached {
				if !want[id] {
					rt.Fatalf("%q: %s is not in the picture, but cached", expr, id)
				}
			}
			for id := range fresh {
				if !want[id] && !c.unreported(id) {
					rt.Fatalf("%q: %s is not in the picture, but fresh", expr, id)
				}
			}
			c.sameRows(rt, fresh, cached)
		})
	}
}

// chosen are the ids that the picture chooses.
func (c *keptConsole) chosen(ctx context.Context, t *rapid.T, expr string) map[string]bool {
	q, err := picture.Language(false, c.sess.settings.StaleAfter, c.sess.client.Now, nil).Compile(expr)
	if err != nil {
		t.Fatalf("%q: %v", expr, err)
	}
	out := map[string]bool{}
	for row := range c.pic.Select(ctx, q, c.sess.client.Now()).Rows() {
		out[string(row.ID())] = true
	}
	return out
}

// unreported tells a machine whose report the fresh list may have and the picture not: one that is deactivated, for which alone
// no site is asked for its reports, or one that no list tells, for which the fresh list asks by itself.
func (c *keptConsole) unreported(id string) bool {
	row, ok := c.pic.Get(unity.EndpointID(id))
	return ok && !row.Joined()
}

// sameRows wants the row from disk to say nothing else than the fresh one, and all of what is documented.
func (c *keptConsole) sameRows(t *rapid.T, fresh, cached map[string]map[string]any) {
	for id, row := range cached {
		if c.unreported(id) {
			continue
		}
		for name, value := range row {
			if got, there := fresh[id][name]; there && !reflect.DeepEqual(got, value) {
				t.Fatalf("%s: %s is %v on disk, %v fresh", id, name, value, got)
			}
		}
		for _, name := range []string{"EndpointId", "HostName", "LastSeen", "Deactivated", "SiteId", "SiteName", "SeenDays", "Status", "OS", "IPV4", "CurrentUser", "PolicyId", "PolicyName", "GroupId", "AgentVersion"} {
			_, there := row[name]
			if value, sent := fresh[id][name]; sent && value != nil && value != "" && !there {
				t.Fatalf("%s: %s is missing from disk, fresh it is %v\nfresh %v\ndisk  %v", id, name, value, fresh[id], row)
			}
		}
	}
}
