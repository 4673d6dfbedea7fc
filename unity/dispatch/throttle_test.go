package dispatch

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// refuseUntil answers commands with 429, without a word of how long, until a moment; the zero time means always. It counts them.
func (l *lab) refuseUntil(end time.Time, refused *atomic.Int64) {
	l.intercept = func(r *http.Request) (*http.Response, error) {
		if isPost(r) && (end.IsZero() || time.Now().Before(end)) {
			refused.Add(1)
			return status(http.StatusTooManyRequests), nil
		}
		return nil, nil
	}
}

// TestAJobWaitsWhileThereAreTooManyRequests is refused for five minutes: the job says that it waits, asks ever more rarely, and
// sends everything once afterwards.
func TestAJobWaitsWhileThereAreTooManyRequests(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 6)
		start, said := time.Now(), false
		var refused atomic.Int64
		p := l.plan(t, "scan", refs, PlanOptions{BatchSize: 1})
		l.refuseUntil(start.Add(5*time.Minute), &refused)
		job, _, err := l.journalled(t, p, RunOptions{Report: func(j Job) { said = said || strings.Contains(j.Note, "too many requests") }})
		if err != nil || job.Count(Sent) != 6 || !said || job.Note != "" {
			t.Errorf("%s, %v; it was said: %v", job.Words(), err, said)
		}
		if took := time.Since(start); took > 9*time.Minute || refused.Load() > 60 {
			t.Errorf("%s and %d refusals", took, refused.Load())
		}
		l.once(t, refs, "scan", start)
	})
}

// TestAJobDoesNotWaitForEver is refused always, and stopped by a person or by itself: what was not sent can be resumed.
func TestAJobDoesNotWaitForEver(t *testing.T) {
	for _, x := range []struct {
		stop time.Duration
		want error
		took time.Duration
	}{{time.Minute, nil, time.Minute}, {time.Hour, unity.ErrRateLimited, 20 * time.Minute}} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			refs := l.silent(t, 3)
			start := time.Now()
			var refused atomic.Int64
			p := l.plan(t, "scan", refs, PlanOptions{})
			l.refuseUntil(time.Time{}, &refused)
			dir, _ := inFolder(t)
			ctx, cancel := context.WithTimeout(t.Context(), x.stop)
			defer cancel()
			job, err := p.Run(ctx, l.client, RunOptions{Journal: dir})
			if !errors.Is(err, x.want) || job.Count(Cancelled) != 3 || time.Since(start) > x.took {
				t.Errorf("%s after %s and %d refusals: %v", job.Words(), time.Since(start), refused.Load(), err)
			}
			l.intercept = nil
			if job, err = NewJobs(dir).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); err != nil || job.Count(Sent) != 3 {
				t.Errorf("resumed: %s, %v", job.Words(), err)
			}
			l.once(t, refs, "scan", start)
		})
	}
}

// TestPausesThatChangeNothingEnd has a server that hands out tokens and takes none of them for a change.
func TestPausesThatChangeNothingEnd(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 2)
		p := l.plan(t, "scan", refs, PlanOptions{})
		posts, pauses := 0, 0
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if isPost(r) {
				posts++
				answer := status(http.StatusUnauthorized)
				answer.Body = readCloser(`{"statusCode":401,"requestId":"r","error":"invalid_token","error_description":"not for changes"}`)
				return answer, nil
			}
			return nil, nil
		}
		job, jobs, err := l.journalled(t, p, RunOptions{Pause: func(ctx context.Context, _ error) error {
			pauses++
			_, err := l.Token(ctx)
			return errors.Join(err, wait(ctx, 2*time.Second))
		}})
		if !errors.Is(err, unity.ErrUnauthenticated) || job.Count(Cancelled) != 2 || pauses != maxFruitless || posts > 4*(maxFruitless+1) {
			t.Errorf("%s after %d pauses and %d requests: %v", job.Words(), pauses, posts, err)
		}
		if past, err := jobs.Load(job.ID); err != nil || past.Unsent() != 2 {
			t.Errorf("%d are left, %v", past.Unsent(), err)
		}
	})
}
