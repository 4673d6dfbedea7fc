package dispatch

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// reads counts the calls for lists of machines, for single ones and for lists of commands that the server saw from entry n on.
func (l *lab) reads(n int) (lists, single, commands int) {
	for _, e := range l.sim.Log()[n:] {
		switch {
		case e.Method != http.MethodGet:
		case strings.HasSuffix(e.Path, "/endpoints"):
			lists++
		case strings.HasSuffix(e.Path, "/commands"):
			commands++
		case strings.Contains(e.Path, "/endpoints/"):
			single++
		}
	}
	return lists, single, commands
}

func siteOf(s unitytest.SiteTruth) unity.Site {
	return unity.Site{ID: unity.SiteID(s.ID), Name: unity.NewText(s.Name), TotalEndpoints: unity.Int{N: int64(s.Endpoints), Known: true}}
}

func TestTheCheaperReadingIsTaken(t *testing.T) {
	for _, x := range []struct {
		name          string
		endpoints, n  int
		known         bool
		lists, single int
	}{
		{"two of few", 60, 2, true, 1, 0},
		{"one of few", 60, 1, true, 0, 1},
		{"three of many", 900, 3, true, 0, 3},
		{"ten of many", 900, 10, true, 1, 0},
		{"of nobody knows how many", 60, 3, false, 0, 3},
		{"many of nobody knows how many", 60, 21, false, 1, 0},
	} {
		simulated(t, unitytest.Options{Sites: 1, Endpoints: x.endpoints, Seed: 4}, func(t *testing.T, l *lab) {
			o := PlanOptions{Console: "x", Again: true}
			if x.known {
				o.Sites = []unity.Site{siteOf(l.sim.World().Sites[0])}
			}
			before := len(l.sim.Log())
			p := l.plan(t, "restart", l.pick(t, 0, x.n), o)
			if lists, single, commands := l.reads(before); lists != x.lists || single != x.single || commands != 1 || len(p.Targets) != x.n {
				t.Errorf("%s: %d lists, %d single machines, %d lists of commands for %d targets", x.name, lists, single, commands, len(p.Targets))
			}
		})
	}
}

// TestOnlyOldReadingsAreRepeated makes a plan of many sites, of which some were read too long ago when it is carried out.
func TestOnlyOldReadingsAreRepeated(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 3, Endpoints: 90, Seed: 9}, func(t *testing.T, l *lab) {
		var refs []fleet.Ref
		o := PlanOptions{Console: "x"}
		for i, s := range l.sim.World().Sites {
			refs = append(refs, l.pick(t, i, 2)...)
			o.Sites = append(o.Sites, siteOf(s))
		}
		p := l.plan(t, "restart", refs, o)
		_ = wait(t.Context(), 40*time.Second) // in simulated time
		for i := range p.Targets {
			if p.Targets[i].ReadAt.IsZero() {
				t.Fatal("nobody knows when the machine was read")
			}
			if p.Targets[i].Site == refs[0].Site {
				p.Targets[i].ReadAt = p.Targets[i].ReadAt.Add(-30 * time.Second)
			}
		}
		if err := l.sim.RemoveEndpoint(string(refs[0].ID)); err != nil {
			t.Fatal(err)
		}
		before := len(l.sim.Log())
		job := l.run(t, p)
		if lists, single, _ := l.reads(before); lists != 1 || single != 0 {
			t.Errorf("%d lists and %d single machines were read again", lists, single)
		}
		if job.Count(Skipped) != 1 || job.Count(Sent) != len(refs)-1 || job.Results[0].State != Skipped {
			t.Errorf("%s", job.Words())
		}
	})
}

// TestWhatIsFoundOutTogetherIsWrittenTogether loses the answers of requests with fifty machines.
func TestWhatIsFoundOutTogetherIsWrittenTogether(t *testing.T) {
	for _, x := range []struct {
		fault string
		want  State
	}{{"reset-after", Sent}, {"reset-before", Unknown}} {
		simulated(t, unitytest.Options{Sites: 1, Endpoints: 120, Seed: 4}, func(t *testing.T, l *lab) {
			p := l.plan(t, "scan", l.pick(t, 0, 50), PlanOptions{})
			l.intercept = func(r *http.Request) (*http.Response, error) {
				rate := 0.0
				if r.Method == http.MethodPost {
					rate = 1
				}
				return nil, l.sim.SetFault(x.fault, rate)
			}
			dir := filepath.Join(t.TempDir(), "jobs")
			job, err := p.Run(t.Context(), l.client, RunOptions{Journal: journal.At(dir)})
			if err != nil || job.Count(x.want) != 50 {
				t.Fatalf("%v %s", err, job.Words())
			}
			files, err := filepath.Glob(filepath.Join(dir, "*"+job.ID+"*"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no journal: %v", err)
			}
			raw, err := os.ReadFile(files[0])
			// One is the doubt, the other what came of it.
			if n := bytes.Count(raw, []byte(`"kind":"outcome"`)); err != nil || n != 2 {
				t.Errorf("%s: %v, %d records of outcomes:\n%s", x.fault, err, n, raw)
			}
		})
	}
}
