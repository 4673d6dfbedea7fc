package views_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/views"
)

// bench is a console with what a technician has besides: jobs that are written down, exports, and every key counted.
type bench struct {
	*console
	// exports is the folder of exports, jobs that of the journals, at the address of the simulated API.
	exports, jobs, at string
	// keys counts every key, letters of filters and choices included; a paste is one. names counts the letters of the names and
	// numbers that a question wants typed in full.
	keys, names int
}

// workbench opens a console on a simulated API and waits until all machines are read.
func workbench(t testing.TB, sim *unitytest.Server, w, h int) *bench {
	t.Helper()
	return session(t, sim, serve(t, sim), t.TempDir(), w, h)
}

// session is a workbench on an address and a folder of journals that an earlier one may have used.
func session(t testing.TB, sim *unitytest.Server, at, jobs string, w, h int) *bench {
	t.Helper()
	b := &bench{exports: t.TempDir(), jobs: jobs, at: at}
	b.console = openOn(t, sim, at, w, h, func(e *views.Env, cfg *ui.Config) {
		e.Journal, e.Profile = journal.At(jobs), "test"
		cfg.Jobs = e.JobBook()
		cfg.ExportDir = b.exports
	})
	b.Patience = time.Minute // it is spent on failures only, and many of these run together
	b.untilRead()
	b.Settle()
	return b
}

// press presses keys and counts them.
func (b *bench) press(keys ...string) {
	for _, k := range keys {
		b.keys++
		b.Press(k)
		b.Settle()
	}
}

// typed types letters of a filter or of a choice and counts each.
func (b *bench) typed(text string) {
	b.keys += len([]rune(text))
	b.Type(text)
	b.Settle()
}

// named types what a question wants typed in full.
func (b *bench) named(text string) {
	b.names += len([]rune(text))
	b.Advance(time.Second) // somebody reads it first
	b.Type(text)
}

// atSite puts the cursor on a site in the list of sites; what that takes is not counted.
func (b *bench) atSite(id string) {
	b.Press("/")
	b.Type("id:" + id)
	b.Press("enter")
	b.Settle()
}

// atMachine puts the cursor on a machine in the list of all machines; what that takes is not counted.
func (b *bench) atMachine(id string) {
	b.Press("0", "/")
	b.Type("id:" + id)
	b.Press("enter")
	b.Settle()
}

// exported writes the shown rows into a file and reads it: one map of titles to cells for each row.
func (b *bench) exported(keys func(...string)) []map[string]string {
	b.t.Helper()
	keys("e", "enter")
	b.Settle()
	files, err := filepath.Glob(filepath.Join(b.exports, "*.csv"))
	if err != nil || len(files) != 1 {
		b.t.Fatalf("%d files were written (%v):\n%s", len(files), err, b.Screen())
	}
	f, err := os.Open(files[0])
	if err != nil {
		b.t.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	_ = f.Close()
	if err != nil || len(rows) == 0 {
		b.t.Fatalf("the export has %d rows: %v", len(rows), err)
	}
	if err := os.Remove(files[0]); err != nil {
		b.t.Fatal(err)
	}
	out := make([]map[string]string, 0, len(rows)-1)
	for _, r := range rows[1:] {
		cells := map[string]string{}
		for i, title := range rows[0] {
			cells[title] = r[i]
		}
		out = append(out, cells)
	}
	return out
}

// ids are the ids of exported rows.
func ids(rows []map[string]string) map[string]bool {
	out := map[string]bool{}
	for _, r := range rows {
		out[r["Id"]] = true
	}
	return out
}

// listed holds exported machines against the truth: every one that must be there is, and none that must not be.
func (b *bench) listed(what string, rows []map[string]string, must, may func(unitytest.EndpointTruth) bool) {
	b.t.Helper()
	got, n := ids(rows), 0
	for _, e := range b.sim.World().Endpoints {
		if may(e) {
			n++
		}
		if must(e) && !got[e.ID] {
			b.t.Errorf("%s: %s %q is not listed", what, e.ID, e.HostName)
		}
		if got[e.ID] && !may(e) {
			b.t.Errorf("%s: %s %q is listed", what, e.ID, e.HostName)
		}
	}
	if n == 0 {
		b.t.Errorf("%s: this world has none, so nothing was shown", what)
	}
}

// machines are the ids of the machines of which that holds.
func machines(w unitytest.Snapshot, holds func(unitytest.EndpointTruth) bool) map[string]bool {
	out := map[string]bool{}
	for _, e := range w.Endpoints {
		if holds(e) {
			out[e.ID] = true
		}
	}
	return out
}

// posts are the ids that changes of the server's log named, by the last part of their path.
func (b *bench) posts(tail string) []string {
	var out []string
	for _, e := range b.sim.Log() {
		if e.Method == http.MethodGet || !strings.HasSuffix(e.Path, "/"+tail) {
			continue
		}
		_, list, _ := strings.Cut(e.Body, `"EndpointsList":"`)
		list, _, _ = strings.Cut(list, `"`)
		out = append(out, strings.Split(list, ",")...)
	}
	slices.Sort(out)
	return out
}

// joinable are the machines whose agent's report is certainly theirs: no other machine of the site has their name.
func joinable(w unitytest.Snapshot) func(unitytest.EndpointTruth) bool {
	type name struct{ site, host string }
	n := map[name]int{}
	for _, e := range w.Endpoints {
		n[name{e.SiteID, unity.Fold(e.HostName)}]++
	}
	return func(e unitytest.EndpointTruth) bool {
		return e.HostName != "" && n[name{e.SiteID, unity.Fold(e.HostName)}] == 1
	}
}

// plainName tells that a name can be typed.
func plainName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// workflow is one of the tasks that technicians do every day.
type workflow struct {
	n    int
	name string
	// starts says where the cursor is at first, "" for anywhere.
	starts string
	// most is the number of keys that is allowed, 0 where none is set.
	most int
	// world is changed from the usual one before it is made.
	world func(*unitytest.Options)
	walk  func(*bench)
}

// tally collects how many keys each workflow took in each world.
type tally struct {
	mu   sync.Mutex
	took map[int]map[int]bool
}

func (a *tally) add(n, keys int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.took[n] == nil {
		a.took[n] = map[int]bool{}
	}
	a.took[n][keys] = true
}

// words are the numbers of keys of a workflow: "9", or "13 to 14" where they depend on the world.
func (a *tally) words(n int) string {
	var all []int
	for k := range a.took[n] {
		all = append(all, k)
	}
	slices.Sort(all)
	switch len(all) {
	case 0:
		return ""
	case 1:
		return fmt.Sprint(all[0])
	}
	return fmt.Sprintf("%d to %d", all[0], all[len(all)-1])
}

// TestWorkflows does every workflow in three random worlds, on windows of three sizes, by keys alone, and holds what the server saw against what was meant.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	sizes := [][2]int{{160, 60}, {80, 24}, {120, 30}}
	if testing.Short() {
		sizes = sizes[:1]
	}
	took := &tally{took: map[int]map[int]bool{}}
	t.Run("walks", func(t *testing.T) {
		for _, f := range workflows() {
			for seed := range sizes {
				t.Run(fmt.Sprintf("%02d %s/seed %d", f.n, f.name, seed), func(t *testing.T) {
					t.Parallel()
					o := unitytest.Options{Seed: uint64(100 + seed), Sites: 16, Endpoints: 320, AccessTTL: 200 * 24 * time.Hour}
					if f.world != nil {
						f.world(&o)
					}
					sim := unitytest.New(o)
					if err := sim.Err(); err != nil {
						t.Fatal(err)
					}
					b := workbench(t, sim, sizes[seed][0], sizes[seed][1])
					f.walk(b)
					if f.most > 0 && b.keys > f.most {
						t.Errorf("it took %d keys, %d are allowed", b.keys, f.most)
					}
					took.add(f.n, b.keys)
				})
			}
		}
	})
	if t.Failed() || testing.Short() {
		return // the page tells of all three worlds
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "workflows.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range workflows() {
		if took.words(f.n) == "" {
			continue // it was not asked for
		}
		row := ""
		for line := range strings.SplitSeq(string(page), "\n") {
			if strings.HasPrefix(line, fmt.Sprintf("| %d |", f.n)) {
				row = line
			}
		}
		cells := strings.Split(row, "|")
		t.Logf("%2d %-32s keys %s", f.n, f.name, took.words(f.n))
		if len(cells) < 6 || strings.TrimSpace(cells[4]) != took.words(f.n) {
			t.Errorf("docs/workflows.md: the row of workflow %d says %q, it took %s keys", f.n, row, took.words(f.n))
		}
	}
}
