package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

const jobShowHelp = `Shows a job with the result for each target; CSV gives the results alone. Beside each command that was sent stands how far its agent
was with it when it was last looked up, when the agent is expected, and what it has reported since: a later scan, an infection
that is cleared or not. That is told from the journal and the snapshot on disk, without any call; --fresh asks the server.

In JSON and CSV these are Tracking, LastSeen, ExpectedFrom, ExpectedUntil, LaterScan, and Infection ("infected", "infection cleared",
"not infected"); what is not known is null. "unitty command watch ID" goes on following the commands.`

func (a *app) jobShowCommand() *cobra.Command {
	var fresh bool
	c := &cobra.Command{Use: "show ID", Short: "Show a job with the result for each target; CSV gives the results alone", Args: cobra.ExactArgs(1),
		Long: jobShowHelp + "\n\n" + jobHelp, RunE: func(cmd *cobra.Command, args []string) error { return a.jobShow(cmd.Context(), args[0], fresh) }}
	c.Flags().BoolVar(&fresh, "fresh", false, "ask the server what the agents have reported since")
	return c
}

// jobShown is a job as it is shown, with what is known of its agents.
type jobShown struct {
	jobs *dispatch.Jobs
	*dispatch.Past
	// agents is nil where nothing can be known of them.
	agents *agents
}

func (a *app) jobShow(ctx context.Context, id string, fresh bool) error {
	jobs, err := a.pastJobs()
	if err != nil {
		return err
	}
	p, err := jobs.Load(id)
	if err != nil {
		return jobFailure(err)
	}
	shown := &jobShown{jobs: jobs, Past: p}
	if !fresh {
		shown.remember(ctx, a)
		return a.printShown(shown)
	}
	return a.verb(ctx, func(ctx context.Context, sess *session) error {
		if err := sameConsole(sess, p); err != nil {
			return err
		}
		shown.note(sess)
		if err := shown.ask(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			a.withoutReports(err)
		}
		return a.printShown(shown)
	})
}

// sameConsole refuses a job that was run on another console than the session's.
func sameConsole(sess *session, p *dispatch.Past) error {
	if p.Binding.Key != sess.client.Key() || p.Binding.BaseURL != sess.client.BaseURL() {
		return usagef("job %s is of another console: give its --profile", p.ID)
	}
	return nil
}

// given tells whether a result is a command that an agent was given.
func (s *jobShown) given(r *dispatch.Result) bool {
	return s.Operation.AgentCommand() && r.State == dispatch.Sent
}

// note takes over what the journal knows of the machines.
func (s *jobShown) note(sess *session) {
	s.agents = newAgents(sess, sess.env())
	if s.Operation.AgentCommand() {
		_ = s.agents.env.Ledger().Read() // how often the agents poll; a journal that cannot be read says nothing of that
	}
	for i := range s.Results {
		if r := &s.Results[i]; s.given(r) {
			s.agents.note(r.Ref)
		}
	}
}

// ask reads the sites of the machines that were given a command.
func (s *jobShown) ask(ctx context.Context) error {
	var sites []unity.SiteID
	seen := map[unity.SiteID]bool{}
	for i := range s.Results {
		if r := &s.Results[i]; s.given(r) && !seen[r.Ref.Site] {
			seen[r.Ref.Site] = true
			sites = append(sites, r.Ref.Site)
		}
	}
	if len(sites) == 0 {
		return nil
	}
	return s.agents.readSites(ctx, sites...)
}

// remember takes over what the snapshot on disk tells of the machines. Nobody is asked and nothing is called for it: where there is
// no snapshot, or its key is not at hand, the journal is all there is.
func (s *jobShown) remember(ctx context.Context, a *app) {
	quiet := *a
	quiet.terminal, quiet.err = false, io.Discard
	set, err := quiet.settings()
	if err != nil {
		return
	}
	sess := &session{settings: set, calls: newCallLog()}
	defer sess.close()
	if sess.client, err = unity.New(unity.Options{BaseURL: set.BaseURL, GSMKey: set.Key, Tokens: signedOut{}, Version: version, Observe: sess.calls.add}); err != nil {
		return
	}
	s.note(sess)
	if sameConsole(sess, s.Past) != nil || !s.Operation.AgentCommand() || !sess.keeps() {
		return
	}
	if sess.store, err = quiet.openStore(ctx, set); err != nil {
		return
	}
	k, err := sess.readKept(ctx, keptReader{})
	if err != nil {
		return
	}
	var machines []*fleet.Machine
	for i := range s.Results {
		if row, ok := k.pic.Get(s.Results[i].Ref.ID); ok {
			machines = append(machines, row.Machine(set.StaleAfter))
		}
	}
	s.agents.keep(machines)
}

func (a *app) printShown(s *jobShown) error {
	results := s.results()
	switch {
	case a.flags.output == "csv":
		out, err := newPrinter(a, nil, func(r *jobResultJSON) ([]byte, error) { return json.Marshal(r) })
		if err != nil {
			return err
		}
		for i := range results {
			if err := out.add(&results[i]); err != nil {
				return err
			}
		}
		return out.flush()
	case a.flags.output == "json" || a.flags.output == "ndjson" || a.flags.jq != "":
		d := jobDetailJSON{jobJSON: jobRow(s.Past), RetryOf: s.RetryOf, RevertOf: s.RevertOf, User: s.Binding.User, Console: s.Console, Note: s.Remark,
			Warnings: append([]string{}, s.Warnings...), Results: results}
		if s.State == dispatch.JobRunning {
			d.RunBy = s.Holder.String()
		}
		next, err := s.jobs.Unfinished(s.Past)
		if err != nil {
			return err
		}
		for _, n := range next {
			d.NextSteps = append(d.NextSteps, n.Title)
		}
		return a.printValue(d)
	}
	return a.printPast(s, results)
}

// results are the results with what is known of the agents.
func (s *jobShown) results() []jobResultJSON {
	out := make([]jobResultJSON, 0, len(s.Results))
	for i := range s.Results {
		r := &s.Results[i]
		row := jobResultJSON{resultJSON: refJSON(r.Ref, r.State, r.Reason, r.RequestID)}
		if s.Object != nil {
			row.EndpointID = s.Object.ObjectID
		}
		if t := s.Tracked(r.Ref.ID); t != 0 {
			row.Tracking = t.String()
		}
		if s.agents != nil && s.given(r) {
			row.agentJSON = s.agents.beside(r.Ref.ID, s.waiting(r), r.At)
		}
		out = append(out, row)
	}
	return out
}

// waiting tells whether an agent may still fetch the command, as far as it was looked up.
func (s *jobShown) waiting(r *dispatch.Result) bool {
	t := s.Tracked(r.Ref.ID)
	return t == 0 || t.Open()
}

func (a *app) printPast(s *jobShown, results []jobResultJSON) error {
	lines := [][2]string{{"job", s.ID}, {"what", s.Title()}, {"state", string(s.State)}, {"console", s.Console}, {"user", s.Binding.User},
		{"started", s.Started.Local().Format("2006-01-02 15:04:05")}, {"note", s.Remark}, {"retry of", s.RetryOf}, {"reverts", s.RevertOf}}
	if !s.Finished.IsZero() {
		lines = append(lines, [2]string{"finished", s.Finished.Local().Format("2006-01-02 15:04:05")})
	}
	if s.State == dispatch.JobRunning {
		lines = append(lines, [2]string{"run by", s.Holder.String()})
	}
	for _, l := range lines {
		if l[1] != "" {
			_, _ = fmt.Fprintf(a.out, "%-9s %s\n", l[0], unity.Clean(l[1]))
		}
	}
	for i, r := range results {
		agent := ""
		if s.agents != nil && s.given(&s.Results[i]) {
			agent = s.agents.words(s.Results[i].Ref.ID, s.waiting(&s.Results[i]), s.Results[i].At)
		}
		line := fmt.Sprintf("%-9s %s  %s  %s  %s  %s", r.State, unity.Clean(firstOf(r.HostName, r.EndpointID)), unity.Clean(r.SiteName), unity.Clean(r.Reason), r.Tracking, agent)
		_, _ = fmt.Fprintln(a.out, strings.TrimRight(line, " "))
	}
	_, err := fmt.Fprintln(a.out, s.Words())
	if err == nil && s.State == dispatch.JobInterrupted {
		_, err = fmt.Fprintf(a.out, "go on with: unitty job resume %s\n", s.ID)
	}
	if line := stepsLine(s.jobs, s.Past); err == nil && line != "" {
		_, err = fmt.Fprintln(a.out, line)
	}
	return err
}
