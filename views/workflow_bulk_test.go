package views_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// bulk is how many machines are isolated together.
const bulk = 300

// TestIsolateThreeHundredOfTwelve marks 300 machines of twelve customers through the fleet views and filters and isolates them:
// the question names the customers, the silent ones and those that the filter hides, and wants the number typed. What elapses
// is sent again. The judge is what the server saw.
func TestIsolateThreeHundredOfTwelve(t *testing.T) {
	t.Parallel()
	seeds := 3
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			sim := unitytest.New(unitytest.Options{Seed: uint64(300 + seed), Sites: 12, Endpoints: 480, PollWithin: time.Hour, AccessTTL: 200 * 24 * time.Hour})
			if err := sim.Err(); err != nil {
				t.Fatal(err)
			}
			b := workbench(t, sim, 160, 60)
			meant := b.markMany()
			b.askAboutMany(meant)
			b.sendMany(meant)
			b.sendElapsed(meant)
		})
	}
}

// markMany marks 300 active machines of all twelve customers: the silent ones in their view, others by a filter on everything.
func (b *bench) markMany() map[string]bool {
	b.t.Helper()
	w := b.sim.World()
	silent := func(e unitytest.EndpointTruth) bool { return !e.Deactivated && w.Now.Sub(e.LastSeen) > 7*24*time.Hour }
	b.Press("3", "a")
	meant := machines(w, silent)
	if got := b.marked(); !maps.Equal(got, meant) {
		b.t.Fatalf("%d machines are marked, %d are silent\n%s", len(got), len(meant), b.Screen())
	}
	rest := machines(w, func(e unitytest.EndpointTruth) bool { return !e.Deactivated && !silent(e) })
	b.Press("0", "/")
	b.Type("!status:deactivated seen:<7d")
	b.Press("enter", "a", "home")
	b.Settle()
	maps.Copy(meant, rest)
	if got := b.marked(); !maps.Equal(got, meant) || len(got) < bulk {
		b.t.Fatalf("%d machines are marked, meant are %d\n%s", len(got), len(meant), b.Screen())
	}
	for range len(meant) - bulk { // marks are taken away one by one until so many are left
		b.Press("space")
	}
	meant = b.marked()
	customers := map[string]bool{}
	for _, e := range w.Endpoints {
		if meant[e.ID] {
			customers[e.SiteID] = true
		}
	}
	if len(meant) != bulk || len(customers) != 12 {
		b.t.Fatalf("%d machines of %d customers are marked", len(meant), len(customers))
	}
	return meant
}

func (b *bench) marked() map[string]bool {
	out := map[string]bool{}
	for _, id := range b.env.Marks.Keys() {
		out[string(id)] = true
	}
	return out
}

// wholeQuestion reads the text of a question to its end.
func (b *bench) wholeQuestion() string {
	text := ""
	for range 60 {
		text += b.Screen()
		if b.Has("end of the text") || !b.Has("more lines") {
			return text
		}
		b.Press("pgdown")
	}
	b.t.Fatalf("the question does not end:\n%s", b.Screen())
	return ""
}

// askAboutMany opens the question with most of the machines hidden by a filter, reads it and answers it wrongly once.
func (b *bench) askAboutMany(meant map[string]bool) {
	b.t.Helper()
	w := b.sim.World()
	silent := machines(w, func(e unitytest.EndpointTruth) bool { return meant[e.ID] && w.Now.Sub(e.LastSeen) > 7*24*time.Hour })
	b.Press("esc", "/")
	b.Type("status:stale")
	b.Press("enter", "i")
	b.Settle()
	text := b.wholeQuestion()
	if n := strings.Count(text, "POST /service"); n == 0 || !strings.Contains(text, "requests like it, with the other ") {
		b.t.Errorf("the question does not write one request out for all")
	}
	for _, s := range w.Sites {
		n := len(machines(w, func(e unitytest.EndpointTruth) bool { return meant[e.ID] && e.SiteID == s.ID }))
		if !strings.Contains(text, fmt.Sprintf(" - %d machine", n)) {
			b.t.Errorf("no customer has %d machines in the question, %s has", n, s.Name)
		}
	}
	servers := len(machines(w, func(e unitytest.EndpointTruth) bool { return meant[e.ID] && strings.Contains(e.OS, "Server") }))
	known, obscure := 0, 0 // of machines whose agent's report is not joined the system is not known
	_, tail, _ := strings.Cut(text, "servers  ")
	if n, _ := fmt.Sscanf(tail, "%d of them, %d of unknown system", &known, &obscure); n != 2 || known == 0 || known > servers || known+obscure < servers {
		b.t.Errorf("%d of the machines are servers, the question says %.50q", servers, tail)
	}
	for _, want := range []string{
		fmt.Sprintf("Servers (%d)", known), "high: 300 machines; may interrupt somebody's work",
		"300 machines of 12 customers", "Customers (12)", fmt.Sprintf("Not seen for long (%d)", len(silent)),
		"Hidden by the filter, but marked (", "type the number of machines to confirm: 300",
	} {
		if !strings.Contains(text, want) {
			b.t.Fatalf("the question does not say %q:\n%s", want, text[:min(len(text), 12000)])
		}
	}
	_, tail, _ = strings.Cut(text, "Hidden by the filter, but marked (")
	number, _, _ := strings.Cut(tail, ")")
	hidden, _ := strconv.Atoi(number)
	if hidden < bulk-len(silent) || hidden >= bulk {
		b.t.Errorf("%d machines are said to be hidden, %d are not silent", hidden, bulk-len(silent))
	}
	b.Advance(time.Second)
	b.Type("299")
	b.Press("enter")
	b.Settle()
	if n := len(b.sent()); n > 0 {
		b.t.Fatalf("%d requests went out for the wrong number", n)
	}
	b.Press("backspace", "backspace", "backspace")
}

// sendMany types the right number and holds the requests against the machines.
func (b *bench) sendMany(meant map[string]bool) {
	b.t.Helper()
	b.answer("300")
	if got, want := b.delivered("sysisolate"), slices.Sorted(maps.Keys(meant)); !slices.Equal(got, want) {
		b.t.Fatalf("%d machines got the command, %d were meant\n%s", len(got), len(want), b.Screen())
	}
	for _, r := range b.sent() {
		if len(r) > 101 {
			b.t.Errorf("a request names %d machines", len(r)-1)
		}
	}
	b.Press("J")
	b.want("300 sent")
}

// delivered are the ids that the server got with a command, sorted; one that came twice stands twice.
func (b *bench) delivered(command string) []string {
	var out []string
	for _, r := range b.sent() {
		if r[0] == command {
			out = append(out, r[1:]...)
		}
	}
	slices.Sort(out)
	return out
}

// sendElapsed lets a month go by: machines that poll are isolated, for the others the command elapses and is sent again.
func (b *bench) sendElapsed(meant map[string]bool) {
	b.t.Helper()
	b.sim.Advance(32 * 24 * time.Hour)
	elapsed := map[string]bool{}
	for _, c := range b.sim.World().Commands {
		if c.Name == "sysisolate" && c.ExecutedAt.IsZero() {
			elapsed[c.EndpointID] = true
		}
	}
	for _, e := range b.sim.World().Endpoints {
		if meant[e.ID] && e.Isolated == elapsed[e.ID] {
			b.t.Errorf("%s is isolated: %v, and its command elapsed: %v", e.ID, e.Isolated, elapsed[e.ID])
		}
		if !meant[e.ID] && e.Isolated {
			b.t.Errorf("%s was isolated, and nobody meant it", e.ID)
		}
	}
	if len(elapsed) == 0 || len(elapsed) == bulk {
		b.t.Fatalf("%d of %d commands elapsed, which shows nothing", len(elapsed), bulk)
	}
	patience := b.Patience
	b.Patience = time.Second // looking at the panel may take in the last report, after which none comes
	for range 30 {
		if b.tracked("elapsed") == len(elapsed) {
			break
		}
		b.news()
	}
	b.Patience = patience
	if n := b.tracked("elapsed"); n != len(elapsed) {
		b.t.Fatalf("%d commands elapsed, shown are %d\n%s", len(elapsed), n, b.Screen())
	}
	b.want("agents: ", fmt.Sprintf(", %d elapsed", len(elapsed)), "u revert")
	b.sim.ResetLog()
	b.Press("E")
	b.Settle()
	b.answer(strconv.Itoa(len(elapsed)))
	if got, want := b.delivered("sysisolate"), slices.Sorted(maps.Keys(elapsed)); !slices.Equal(got, want) {
		b.t.Fatalf("%d machines got the command again, for %d it elapsed\n%s", len(got), len(want), b.Screen())
	}
}

// tracked counts the machines in the open panel of jobs whose command is in that state, by the panel's export.
func (b *bench) tracked(word string) int {
	n := 0
	for _, r := range b.exported(func(...string) { b.Press("e") }) {
		if strings.HasPrefix(r["Tracking"], word) {
			n++
		}
	}
	return n
}

// news waits for one more thing to come in.
func (b *bench) news() {
	more := false
	b.Until(func() bool { was := more; more = true; return was })
}
