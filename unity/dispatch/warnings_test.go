package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestNoticesCountWhatIsTheSameOfMany and leave single warnings as they are, in their order.
func TestNoticesCountWhatIsTheSameOfMany(t *testing.T) {
	m := maker{plan: &Plan{}}
	suspended, expired := warnKind{"the licence of %s is suspended", "customers are suspended"}, warnKind{"%s has expired", "customers have expired"}
	m.warn("the clock is off")
	for i := range 20 {
		m.warnOf(suspended, fmt.Sprintf("Site %d", i))
	}
	m.warnOf(expired, "Harbour")
	m.warnOf(warnKind{"your access to %s is %q", "customers where it is read"}, "Harbour", "read")
	m.plan.Warnings = append(m.plan.Warnings, "first a report is written")
	want := []string{"the clock is off", "20 customers are suspended: Site 0, Site 1, Site 2, Site 3, Site 4, Site 5, Site 6, Site 7 and 12 more",
		"Harbour has expired", `your access to Harbour is "read"`, "first a report is written"}
	if got := m.plan.Notices(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(m.plan.Warnings) != 24 {
		t.Errorf("%d warnings one by one", len(m.plan.Warnings))
	}
	if got := (&Plan{Warnings: []string{"a", "a"}}).Notices(); !slices.Equal(got, []string{"a", "a"}) {
		t.Errorf("plain ones: %q", got)
	}
}

// TestMachinesAreNamedWithTheirCustomers in what a plan says of them.
func TestMachinesAreNamedWithTheirCustomers(t *testing.T) {
	ref := fleet.Ref{ID: "id", Site: "site", HostName: unity.NewText("TILL-01")}
	if Named(ref) != "TILL-01 · site" {
		t.Errorf("without a name of the customer: %q", Named(ref))
	}
	ref.SiteName = unity.NewText("Harbour")
	m := maker{plan: &Plan{}}
	m.stale([]fleet.Ref{ref})
	if len(m.plan.Stale) != 1 || m.plan.Stale[0] != "TILL-01 · Harbour: never seen" {
		t.Errorf("%q", m.plan.Stale)
	}
}

// TestCommandsUnderWayAreThoseThatAreCounted, sent last first, and not those that were seen at their end, were never sent or are of
// another console.
func TestCommandsUnderWayAreThoseThatAreCounted(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 5)
		job, jobs, err := l.journalled(t, l.plan(t, "scan", refs, PlanOptions{}), RunOptions{})
		if err != nil || job.Count(Sent) != 5 {
			t.Fatalf("%s, %v", job.Words(), err)
		}
		waits := NewWaits(jobs, l.binding())
		names := func() string {
			t.Helper()
			all, err := waits.Read(l.client.Now())
			n, err2 := jobs.OpenCommands(l.binding(), l.client.Now())
			if err != nil || err2 != nil || n != len(all) {
				t.Fatalf("%d commands, %d counted, %v, %v", len(all), n, err, err2)
			}
			var out []string
			for _, c := range all {
				if c.Job != job.ID || c.Operation.ID != "endpoint.scan" || c.Given.IsZero() {
					t.Fatalf("%+v", c)
				}
				out = append(out, string(c.Ref.ID))
			}
			slices.Sort(out)
			return strings.Join(out, " ")
		}
		ids := func(refs []fleet.Ref) string {
			var out []string
			for _, r := range refs {
				out = append(out, string(r.ID))
			}
			slices.Sort(out)
			return strings.Join(out, " ")
		}
		if got := names(); got != ids(refs) {
			t.Fatalf("%s, want %s", got, ids(refs))
		}
		at := slices.IndexFunc(job.Results, func(r Result) bool { return r.Ref.ID == refs[2].ID })
		f := newFollowed(job, func([]Tracked) {})
		f.news[at], f.open = unity.StateExecuted, f.open-1
		NewTracker(jobs, l.client, l.binding()).note(f)
		if got, want := names(), ids(slices.Delete(slices.Clone(refs), 2, 3)); got != want {
			t.Fatalf("one was fetched: %s, want %s", got, want)
		}
		other := Binding{BaseURL: "https://elsewhere.example", Key: l.binding().Key}
		if all, err := NewWaits(jobs, other).Read(l.client.Now()); err != nil || len(all) != 0 {
			t.Errorf("another console has %d, %v", len(all), err)
		}
		if all, err := waits.Read(l.client.Now().Add(2 * lookBack)); err != nil || len(all) != 0 {
			t.Errorf("long after any command lives there are %d, %v", len(all), err)
		}
	})
}
