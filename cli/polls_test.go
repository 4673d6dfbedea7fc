//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestPollsOfEarlierRuns: when an agent is expected is told from the polls that earlier runs have heard of and written down, by every
// verb that shows a command, though it has heard of one poll at most itself.
func TestPollsOfEarlierRuns(t *testing.T) {
	t.Parallel()
	c := newKeptConsole(t, unitytest.Options{Sites: 3, Endpoints: 60, Seed: 5, PollWithin: 100 * time.Hour})
	m := plainSites(c.sim)[0].machines[0]
	id := unity.EndpointID(m.ID)
	op, err := dispatch.OperationNamed("scan", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.app.send(t.Context(), c.sess, op, selection{endpoints: []string{m.ID}}, sendFlags{expect: -1}); err != nil {
		t.Fatal(err)
	}
	expected := func() (from, until *time.Time) {
		t.Helper()
		var job struct{ Results []agentJSON }
		c.out.Reset()
		if err := c.app.jobShow(t.Context(), "last", false); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(c.out.Bytes(), &job); err != nil || len(job.Results) != 1 {
			t.Fatalf("%v: %s", err, c.out)
		}
		return job.Results[0].ExpectedFrom, job.Results[0].ExpectedUntil
	}
	if from, _ := expected(); from != nil {
		t.Errorf("expected from %v, though nobody has heard how often it polls", from)
	}

	// Another run hears of four polls, one or two hours apart, while it waits for the agent.
	var heard []time.Time
	for _, ago := range []time.Duration{6, 5, 3, 2} {
		heard = append(heard, m.LastSeen.Add(-ago*time.Hour).UTC().Truncate(time.Second))
	}
	ledger := c.sess.env().Ledger()
	ledger.Hear(func(unity.EndpointID) []time.Time { return heard })
	jobs := dispatch.NewJobs(c.sess.jobs()).With(ledger)
	past, err := jobs.Load("last")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := jobs.Track(ctx, c.sess.client, &past.Job, func(dispatch.Tracked) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}

	from, until := expected()
	last := m.LastSeen.UTC()
	if from == nil || from.Sub(last).Abs() > 62*time.Minute || until.Sub(*from) < time.Hour-2*time.Second {
		t.Errorf("job show: expected %v to %v, last seen %v", from, until, last)
	}
	c.out.Reset()
	w := &commandWatcher{app: c.app, sess: c.sess, agents: newAgents(c.sess, c.sess.env())}
	if err := w.jobs([]string{"last"}); err != nil {
		t.Fatal(err)
	}
	if got := w.agents.beside(id, true, last); got.ExpectedFrom == nil || got.ExpectedUntil.Sub(*got.ExpectedFrom) < time.Hour-2*time.Second {
		t.Errorf("command watch: %+v", got)
	}
}
