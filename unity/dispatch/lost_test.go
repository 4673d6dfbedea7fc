package dispatch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestLostAnswersAreFollowedToo loses the answer to one of two requests: what reading found is followed like the rest, and written
// down.
func TestLostAnswersAreFollowedToo(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 4)
		var posts atomic.Int32
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/commands") || posts.Add(1) > 1 {
				return nil, nil
			}
			l.sim.ServeHTTP(httptest.NewRecorder(), r) // done, and the answer gets lost
			return nil, errors.New("connection reset by peer")
		}
		job, jobs, err := l.journalled(t, l.plan(t, "scan", refs, PlanOptions{BatchSize: 2}), RunOptions{})
		if err != nil || job.Count(Sent) != 4 {
			t.Fatal(job.Words(), err)
		}
		if err := l.sim.Poll(string(refs[0].ID)); err != nil {
			t.Fatal(err)
		}
		lost := 0
		for i := range job.Results {
			if job.Results[i].Reason != "" {
				lost++
			}
		}
		l.sim.Advance(31 * 24 * time.Hour)
		if err := jobs.Track(t.Context(), l.client, job, func(Tracked) {}); err != nil {
			t.Fatal(err)
		}
		p, err := jobs.Load(job.ID)
		if err != nil || lost != 2 {
			t.Fatalf("%d answers were lost, %v", lost, err)
		}
		for i, r := range refs {
			want := unity.StateElapsed
			if i == 0 {
				want = unity.StateExecuted
			}
			if got := p.Tracked(r.ID); got != want {
				t.Errorf("machine %d is %s, want %s", i, got, want)
			}
		}
	})
}
