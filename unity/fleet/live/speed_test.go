package live

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// oneByOne reads the same console as a script would: call after call.
func oneByOne(t testing.TB, c *unity.Client, size int) (machines int) {
	t.Helper()
	list, err := c.Sites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Sites {
		rows, err := unity.Collect(c.Endpoints(t.Context(), list.Sites[i].ID, unity.EndpointQuery{PageSize: size}))
		if err != nil {
			t.Fatal(err)
		}
		machines += len(rows)
	}
	if _, err := unity.Collect(c.GSMStatus(t.Context(), unity.StatusQuery{BatchSize: size})); err != nil {
		t.Fatal(err)
	}
	return machines
}

// TestSyncSpeed measures in simulated time, which holds still while the processors work: what is left is the waiting for
// the server. The budget is an eighth of the same calls one after another at the page size of 50 that the API has by
// itself, for 200 sites and 10,000 machines at 80 ms per call.
func TestSyncSpeed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, world := range []struct{ sites, machines int }{{40, 1000}, {200, 10_000}} {
		for _, latency := range []time.Duration{20 * time.Millisecond, 80 * time.Millisecond} {
			for _, limit := range []struct {
				name string
				set  func(*unitytest.Options)
			}{
				{"no limit", func(*unitytest.Options) {}},
				{"no limit, reports without ids", func(o *unitytest.Options) { o.Variants = nil }},
				{"4 at once", func(o *unitytest.Options) { o.Parallel = 4 }},
				{"4 at once, pages of 50", func(o *unitytest.Options) {
					o.Parallel = 4
					o.Variants = append(o.Variants, "page-size-clamp-50")
				}},
				{"20 calls a second", func(o *unitytest.Options) { o.Rate = 20 }},
			} {
				if latency < 80*time.Millisecond && limit.name != "no limit" {
					continue
				}
				o := unitytest.Options{Sites: world.sites, Endpoints: world.machines, Seed: 3, Latency: latency, Variants: []string{"status-with-ids"}}
				limit.set(&o)
				sync, calls, paint := measure(t, o, world.machines)
				line := fmt.Sprintf("%d sites, %d machines, %v a call, %s: sync %.2f s with %d calls, sites on screen after %.2f s",
					world.sites, world.machines, latency, limit.name, sync.Seconds(), calls, paint.Seconds())
				if strings.HasPrefix(limit.name, "no limit") {
					small, large := sequential(t, o, 50), sequential(t, o, 1000)
					line += fmt.Sprintf("; one by one %.2f s (1/%.1f) at 50, %.2f s (1/%.1f) at 1000", small.Seconds(), small.Seconds()/sync.Seconds(),
						large.Seconds(), large.Seconds()/sync.Seconds())
					if world.sites == 200 && latency == 80*time.Millisecond && sync > small/8 {
						t.Errorf("the budget is %v, the sync took %v", small/8, sync)
					}
				}
				t.Log(line)
			}
		}
	}
}

// measure syncs and tells how long it took, with how many calls, and when the first picture was there.
func measure(t *testing.T, o unitytest.Options, machines int) (took time.Duration, calls int64, paint time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, o)
		f := l.fleet(Options{})
		if _, err := l.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- f.Sync(t.Context()) }()
		for running := true; running; {
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				running = false
			case <-f.Changed():
				if paint == 0 && len(f.Current().Sites) > 0 {
					paint = time.Since(began)
				}
			}
		}
		took, calls = time.Since(began), f.State().Calls
		if p := f.Current(); p.Len() != machines || !p.Complete() {
			t.Errorf("%d machines, %v failed", p.Len(), p.Failed)
		}
	})
	return took, calls, paint
}

func sequential(t *testing.T, o unitytest.Options, size int) (took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, o)
		if _, err := l.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if n := oneByOne(t, l.client, size); n != o.Endpoints {
			t.Fatalf("%d machines", n)
		}
		took = time.Since(began)
	})
	return took
}

// BenchmarkSync reads 200 sites with 10,000 machines from a server that answers at once: what is left is the work of both
// sides, the simulator's included.
func BenchmarkSync(b *testing.B) {
	l := newLab(b, unitytest.Options{Sites: 200, Endpoints: 10_000, Seed: 3, Variants: []string{"status-with-ids"}})
	for b.Loop() {
		sync1(b, l.fleet(Options{}))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10_000, "µs/machine")
}

// BenchmarkSyncOneByOne is the same console read call after call, without keeping or joining anything.
func BenchmarkSyncOneByOne(b *testing.B) {
	for _, size := range []int{50, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l := newLab(b, unitytest.Options{Sites: 200, Endpoints: 10_000, Seed: 3, Variants: []string{"status-with-ids"}})
			for b.Loop() {
				oneByOne(b, l.client, size)
			}
		})
	}
}
