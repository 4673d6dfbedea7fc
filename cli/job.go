package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
)

// jobJSON is a job in lists.
type jobJSON struct {
	JobID      string `json:"JobId"`
	Action     string
	Profile    string
	State      string
	Targets    int
	Sent       int
	Failed     int
	Unknown    int
	Skipped    int
	Cancelled  int
	StartedAt  time.Time
	FinishedAt *time.Time
}

// jobDetailJSON is a job by itself.
type jobDetailJSON struct {
	jobJSON
	RetryOf  string `json:",omitempty"`
	RevertOf string `json:",omitempty"`
	User     string
	Console  string
	Note     string
	RunBy    string `json:",omitempty"`
	// NextSteps names the steps of a combined action that were not begun when it was left.
	NextSteps []string `json:",omitempty"`
	Warnings  []string
	Results   []jobResultJSON
}

// jobResultJSON is a result with how far the agent was known to be with a command, "" where none was sent or it was not looked
// up, and what is known of the agent since.
type jobResultJSON struct {
	resultJSON
	Tracking string
	agentJSON
}

const jobHelp = `Every change is written down before it is sent, so that a job whose process was killed can be gone on with: what was or
may have been sent is found out about by reading and never sent again, the rest is sent. An id may be shortened; last is the newest job.`

func (a *app) jobCommand() *cobra.Command {
	c := &cobra.Command{Use: "job", Short: "Jobs: past, running and interrupted changes", Long: "Jobs: past, running and interrupted changes.\n\n" + jobHelp}
	list := &cobra.Command{Use: "list", Short: "List jobs, newest first", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return a.jobList() }}
	c.AddCommand(list, a.jobShowCommand(), a.jobResume(), a.jobNext(), a.jobRetry(), a.jobRevert())
	return c
}

// pastJobs are the jobs of the settings' folder; no sign-in is needed to look at them.
func (a *app) pastJobs() (*dispatch.Jobs, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	return dispatch.NewJobs(journal.At(s.paths.jobs())), nil
}

func (a *app) jobList() error {
	jobs, err := a.pastJobs()
	if err != nil {
		return err
	}
	all, unreadable, err := jobs.Digests()
	if err != nil {
		return err
	}
	for _, u := range unreadable {
		_, _ = fmt.Fprintf(a.err, "unitty: %s\n", unity.Clean(u.Error()))
	}
	p, err := newPrinter(a, jobColumns(), func(d *dispatch.Digest) ([]byte, error) { return json.Marshal(digestRow(d)) })
	if err != nil {
		return err
	}
	for i := range all {
		if err := p.add(&all[i]); err != nil {
			return err
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	return jobs.Tidy(time.Now())
}

func jobRow(p *dispatch.Past) jobJSON {
	out := jobJSON{JobID: p.ID, Action: p.Operation.ID, Profile: p.Profile, State: string(p.State), Targets: len(p.Results),
		Sent: p.Count(dispatch.Sent), Failed: p.Count(dispatch.Failed), Unknown: p.Count(dispatch.Unknown), Skipped: p.Count(dispatch.Skipped),
		Cancelled: p.Count(dispatch.Cancelled), StartedAt: p.Started.UTC()}
	if !p.Finished.IsZero() {
		at := p.Finished.UTC()
		out.FinishedAt = &at
	}
	return out
}

// digestRow is a job in the list.
func digestRow(d *dispatch.Digest) jobJSON {
	out := jobJSON{JobID: d.ID, Action: d.Action, Profile: d.Profile, State: string(d.State), Targets: d.Targets(),
		Sent: d.Count(dispatch.Sent), Failed: d.Count(dispatch.Failed), Unknown: d.Count(dispatch.Unknown), Skipped: d.Count(dispatch.Skipped),
		Cancelled: d.Count(dispatch.Cancelled), StartedAt: d.Started.UTC()}
	if !d.Finished.IsZero() {
		at := d.Finished.UTC()
		out.FinishedAt = &at
	}
	return out
}

func jobColumns() []table.Column[dispatch.Digest] {
	return []table.Column[dispatch.Digest]{
		{ID: "id", Title: "Job", Min: idCells, Text: func(d *dispatch.Digest) string { return d.ID }},
		{ID: "state", Title: "State", Min: 11, Text: func(d *dispatch.Digest) string { return string(d.State) }},
		{ID: "started", Title: "Started", Min: 19, Priority: 2, Text: func(d *dispatch.Digest) string { return d.Started.Local().Format("2006-01-02 15:04:05") }},
		{ID: "what", Title: "What", Min: 12, Text: func(d *dispatch.Digest) string { return unity.Clean(d.Title) }},
		{ID: "result", Title: "Result", Min: 10, Priority: 1, Text: func(d *dispatch.Digest) string { return d.Words() }},
		{ID: "profile", Title: "Profile", Priority: 3, Text: func(d *dispatch.Digest) string { return unity.Clean(d.Profile) }},
	}
}

// jobFailure gives errors of journals their exit codes: a job that another process runs, or that a newer version wrote, is
// refused.
func jobFailure(err error) error {
	var busy *journal.BusyError
	switch {
	case errors.As(err, &busy):
		return refusedf("refused: %v", busy)
	case errors.Is(err, journal.ErrNewer), errors.Is(err, journal.ErrCorrupt):
		return refusedf("refused: %v; the file is left alone", err)
	}
	return err
}

// readingPace is how often it is said how far the reading of a job that goes on is.
const readingPace = 10 * time.Second

// waits says on standard error that a job waits for the server, once for each time, and how far it is with the machines that it
// reads before it sends: without a word it would seem to hang.
func (a *app) waits() func(dispatch.Job) {
	waited := false
	var read time.Time
	return func(j dispatch.Job) {
		waits := j.Note == dispatch.NoteThrottled
		if waits && !waited || j.ReadsFirst() && time.Since(read) >= readingPace {
			_, _ = fmt.Fprintf(a.err, "unitty: %s\n", j.Note)
			read = time.Now()
		}
		waited = waits
	}
}

// pause waits on a terminal until somebody has signed in again elsewhere; without one the job stops and can be resumed.
func (a *app) pause(sess *session) func(context.Context, error) error {
	if !a.terminal {
		return nil
	}
	return func(ctx context.Context, lost error) error {
		_, _ = fmt.Fprintf(a.err, "unitty: the sign-in is lost (%v). Sign in with `%s` in another terminal; the job goes on by itself. ctrl+c stops it, and `unitty job resume` goes on later.\n", lost, a.loginLine())
		return untilSignedIn(ctx, sess)
	}
}

// untilSignedIn asks for a token with ever longer pauses, of half a minute at most.
func untilSignedIn(ctx context.Context, sess *session) error {
	for pause := 2 * time.Second; ; pause = min(2*pause, 30*time.Second) {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		if _, err := sess.engineToken(ctx); err == nil {
			return nil
		}
	}
}
