package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

const watchHelp = `Follows agent commands until the agents have fetched them all or let them elapse, or until it is interrupted (exit code 130).
Without an argument it follows what all jobs of this profile have under way; with jobs, what those have sent; with --site, --group,
--host or --endpoint, what is under way there, whoever gave it. On a terminal it is a table that is kept current, elsewhere one
JSON line for every change of a state. Beside each command stands when the agent is expected, as far as its usual gap is known,
and what it has reported since: a later scan, an infection that is cleared or not.

Exit codes: 0 all were fetched, 4 some elapsed.`

// watchRow is one command that is watched.
type watchRow struct {
	JobID         string `json:"JobId"`
	By            string
	EndpointID    unity.EndpointID `json:"EndpointId"`
	HostName      unity.Text
	SiteID        unity.SiteID `json:"SiteId"`
	SiteName      unity.Text
	Command       string
	State         string
	DateRequested *time.Time
	EndDate       *time.Time
	agentJSON

	key   string
	state unity.CommandState
	// given is when the command was given.
	given time.Time
}

// commandWatcher follows commands. What it follows is given to follow functions, which run at the same time and tell of changes.
type commandWatcher struct {
	app     *app
	sess    *session
	follows []func(ctx context.Context, told func(watchRow)) error
	// rows are what is known at the beginning.
	rows   []watchRow
	agents *agents
}

func (a *app) commandWatch() *cobra.Command {
	var at place
	c := &cobra.Command{Use: "watch [JOB…]", Short: "Follow agent commands until all are fetched or elapsed", Long: watchHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			placed := at != place{}
			if placed && len(args) > 0 {
				return usagef("give jobs, or a place, not both")
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				w := &commandWatcher{app: a, sess: sess, agents: newAgents(sess, sess.env())}
				var err error
				if placed {
					err = w.place(ctx, at)
				} else {
					err = w.jobs(args)
				}
				if err != nil {
					return err
				}
				if err := w.readAgents(ctx); err != nil {
					return err
				}
				return w.run(ctx)
			})
		}}
	at.flags(c)
	return c
}

// jobs has the named jobs followed, or all that have commands under way.
func (w *commandWatcher) jobs(ids []string) error {
	ledger := w.agents.env.Ledger()
	jobs := dispatch.NewJobs(w.sess.jobs()).With(ledger)
	if err := ledger.Read(); err != nil { // how often the agents poll, as earlier runs heard
		return err
	}
	var all []*dispatch.Past
	if len(ids) == 0 {
		var err error
		if all, err = jobs.OpenJobs(w.sess.binding(), w.sess.client.Now()); err != nil {
			return err
		}
	}
	for _, id := range ids {
		p, err := jobs.Load(id)
		if err != nil {
			return jobFailure(err)
		}
		if err := sameConsole(w.sess, p); err != nil {
			return err
		}
		if !p.Operation.AgentCommand() {
			return usagef("job %s sent no agent command", p.ID)
		}
		all = append(all, p)
	}
	tracker := dispatch.NewTracker(jobs, w.sess.client, w.sess.binding())
	for _, p := range all {
		w.job(tracker, p)
	}
	return nil
}

// job has a job followed. The lists of commands are read once for all of them.
func (w *commandWatcher) job(tracker *dispatch.Tracker, p *dispatch.Past) {
	rows := map[unity.EndpointID]watchRow{}
	for i := range p.Results {
		r := &p.Results[i]
		if r.State != dispatch.Sent {
			continue
		}
		row := watchRow{JobID: p.ID, By: dispatch.ByUnitty, EndpointID: r.Ref.ID, HostName: r.Ref.HostName, SiteID: r.Ref.Site, SiteName: r.Ref.SiteName,
			Command: p.Operation.Name, key: p.ID + "/" + string(r.Ref.ID), state: p.Tracked(r.Ref.ID), given: r.At}
		w.agents.note(r.Ref)
		rows[r.Ref.ID] = row
		w.rows = append(w.rows, row)
	}
	w.follows = append(w.follows, func(ctx context.Context, told func(watchRow)) error {
		return tracker.Follow(ctx, &p.Job, func(all []dispatch.Tracked) {
			for _, t := range all {
				row := rows[t.ID]
				row.state, row.DateRequested, row.EndDate, row.given = t.State, instant(t.Requested.Time), instant(t.Until.Time), t.Requested.Time
				told(row)
			}
		})
	})
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// place has the commands followed that are under way at a site, a group or a machine.
func (w *commandWatcher) place(ctx context.Context, at place) error {
	r, err := w.app.resolvePlace(ctx, w.sess, at)
	if err != nil {
		return err
	}
	if r.machine != nil {
		w.agents.keep([]*fleet.Machine{r.machine})
	}
	ledger := w.agents.env.Ledger()
	if err := ledger.Read(); err != nil {
		return err
	}
	read := func(ctx context.Context) ([]watchRow, error) { return w.read(ctx, r, ledger) }
	all, err := read(ctx)
	if err != nil {
		return err
	}
	open := map[string]bool{}
	for _, row := range all {
		if row.state.Open() {
			open[row.key] = true
			w.rows = append(w.rows, row)
		}
	}
	w.follows = append(w.follows, func(ctx context.Context, told func(watchRow)) error {
		for pause := 2 * time.Second; len(open) > 0; pause = min(pause*3/2, time.Minute) {
			if err := pauseFor(ctx, pause); err != nil {
				return err
			}
			rows, err := read(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, unity.ErrUnauthenticated) {
				return err
			}
			for _, row := range rows { // none when it cannot be read; it is read again
				if open[row.key] {
					told(row)
					if !row.state.Open() {
						delete(open, row.key)
					}
				}
			}
		}
		return nil
	})
	return nil
}

func pauseFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *commandWatcher) read(ctx context.Context, r resolved, ledger *dispatch.Ledger) ([]watchRow, error) {
	pages := w.sess.client.SiteCommands(ctx, r.site.ID, unity.CommandQuery{})
	switch {
	case r.endpoint != "":
		pages = w.sess.client.EndpointCommands(ctx, r.site.ID, r.endpoint, unity.CommandQuery{})
	case r.group != "":
		pages = w.sess.client.GroupCommands(ctx, r.site.ID, r.group, unity.CommandQuery{})
	}
	commands, err := unity.Collect(pages)
	out := make([]watchRow, 0, len(commands))
	claims, twins := ledger.Claims(commands), map[string]int{}
	for i := range commands {
		c := &commands[i]
		// Two equal commands of one second have one key.
		key := c.Key()
		twins[key]++
		out = append(out, watchRow{JobID: claims[i].Job, By: claims[i].Who, EndpointID: c.EndpointID, HostName: c.HostName, SiteID: r.site.ID, SiteName: r.site.Name, Command: c.Words(),
			DateRequested: instant(c.DateRequested.Time), EndDate: instant(c.EndDate.Time), key: fmt.Sprintf("%s\x00%d", key, twins[key]), state: c.State, given: c.DateRequested.Time})
	}
	return out, err
}

// run follows everything at once and shows it.
func (w *commandWatcher) run(ctx context.Context) error {
	show, err := w.shown()
	if err != nil {
		return err
	}
	latest := map[string]watchRow{}
	take := func(row watchRow) error {
		if old, known := latest[row.key]; known && old.state == row.state {
			return nil
		}
		row.State = row.state.String()
		row = w.beside(ctx, row)
		latest[row.key] = row
		return show.row(row)
	}
	for i := range w.rows {
		w.rows[i].agentJSON = w.agents.beside(w.rows[i].EndpointID, w.rows[i].waiting(), w.rows[i].given)
	}
	if err := show.begin(w.rows); err != nil {
		return err
	}
	for _, row := range w.rows {
		if row.state != 0 { // else its first look tells
			if err := take(row); err != nil {
				return err
			}
		}
	}
	if len(w.rows) == 0 {
		_, _ = fmt.Fprintf(w.app.err, "unitty: %v\n", dispatch.ErrNoCommands)
	}
	news := make(chan watchRow)
	group, inner := errgroup.WithContext(ctx)
	for _, follow := range w.follows {
		group.Go(func() error {
			return follow(inner, func(row watchRow) {
				select {
				case news <- row:
				case <-inner.Done():
				}
			})
		})
	}
	done := make(chan error, 1)
	go func() { done <- group.Wait(); close(news) }()
	var failed error
	for row := range news {
		if failed == nil {
			failed = take(row)
		}
	}
	err = errors.Join(<-done, failed, show.end())
	if err != nil {
		return err
	}
	return elapsedError(latest)
}

// elapsedError gives commands that nobody fetched an exit code.
func elapsedError(latest map[string]watchRow) error {
	n := 0
	for _, row := range latest {
		if row.state == unity.StateElapsed {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &codeError{exitPartly, fmt.Sprintf("%s let the command elapse; `unitty job retry ID --elapsed` sends it again", dispatch.Machines(n))}
}

// watchView shows what is watched.
type watchView interface {
	begin(rows []watchRow) error
	row(watchRow) error
	end() error
}

// shown is the table on a terminal, and what --output says elsewhere: JSON lines where it says nothing.
func (w *commandWatcher) shown() (watchView, error) {
	a := w.app
	if a.tty && a.flags.output == "" && a.flags.jq == "" && a.env("TERM") != "dumb" {
		return &liveTable{app: a, now: w.sess.client.Now, words: func(r watchRow) string { return w.agents.words(r.EndpointID, r.waiting(), r.given) }}, nil
	}
	if a.flags.output == "" {
		a.flags.output = "ndjson"
	}
	p, err := newPrinter(a, watchColumns(w.agents), func(r *watchRow) ([]byte, error) { return json.Marshal(r) })
	return &printedRows{p}, err
}

// printedRows prints every change as it comes.
type printedRows struct{ *printer[watchRow] }

func (p *printedRows) begin([]watchRow) error { return nil }
func (p *printedRows) row(r watchRow) error   { return p.add(&r) }
func (p *printedRows) end() error             { return p.flush() }

func watchColumns(agents *agents) []table.Column[watchRow] {
	return []table.Column[watchRow]{
		{ID: "state", Title: "State", Min: 16, Text: func(r *watchRow) string { return r.State }},
		{ID: "command", Title: "Command", Min: 8, Text: func(r *watchRow) string { return unity.Clean(r.Command) }},
		{ID: "host", Title: "Host", Min: 12, Max: 40, Text: func(r *watchRow) string { return r.HostName.String() }},
		{ID: "site", Title: "Site", Min: 10, Max: 36, Priority: 1, Text: func(r *watchRow) string { return r.SiteName.String() }},
		{ID: "agent", Title: "Agent", Min: 16, Priority: 2, Text: func(r *watchRow) string { return agents.words(r.EndpointID, r.waiting(), r.given) }},
		{ID: "by", Title: "By", Min: 7, Priority: 4, Text: func(r *watchRow) string { return r.By }},
		{ID: "job", Title: "Job", Priority: 3, Text: func(r *watchRow) string { return r.JobID }},
	}
}
