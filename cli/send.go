package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/views"
)

// sendFlags are what sending takes besides the selection.
type sendFlags struct {
	param    string
	dryRun   bool
	yes      bool
	expect   int
	note     string
	failedTo string
	wait     string
	again    bool
	fresh    bool
}

func (s *sendFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.dryRun, "dry-run", false, "show the plan and send nothing")
	f.BoolVarP(&s.yes, "yes", "y", false, "do not ask")
	f.IntVar(&s.expect, "expect", -1, "the number of machines you expect; needed with --yes for more than 25")
	f.StringVar(&s.note, "note", "", "remark for the audit, a ticket number for example")
	f.StringVar(&s.failedTo, "failed-to", "", "write the ids of failed and unknown machines to this file")
	f.StringVar(&s.wait, "wait", "", "wait until the agents have the command; --wait=10m waits that long at most")
	f.Lookup("wait").NoOptDefVal = "24h"
	f.BoolVar(&s.again, "again", false, "send also where the same command is still waiting")
	f.BoolVar(&s.fresh, "fresh", true, "read the machines from the server first")
}

func (a *app) commandCommand() *cobra.Command {
	c := &cobra.Command{Use: "command", Short: "Agent commands: send and list"}
	var sel selection
	var send sendFlags
	cmd := &cobra.Command{Use: "send NAME", Short: "Send an agent command: " + strings.Join(commandNames(), ", "), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			op, err := dispatch.OperationNamed(args[0], send.param)
			if err != nil {
				return usagef("%v; there are %s", err, strings.Join(commandNames(), " "))
			}
			sel.whereSet = cmd.Flags().Changed("where")
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.send(ctx, sess, op, sel, send) })
		}}
	sel.flags(cmd)
	send.flags(cmd)
	cmd.Flags().StringVar(&send.param, "param", "", "parameter of the command: on or off for sysisolate")
	c.AddCommand(cmd, a.commandList())
	return c
}

func commandNames() []string {
	var names []string
	seen := map[string]bool{}
	for _, op := range dispatch.Operations() {
		for _, n := range []string{op.Name, op.Command} {
			if !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
	}
	return names
}

// shortCommands are the verbs scan, cleanup, restart, isolate and release, made from the same declarations as the keys.
func (a *app) shortCommands() []*cobra.Command {
	var out []*cobra.Command
	specs := views.EndpointSpecs()
	for i, op := range dispatch.Operations() {
		var sel selection
		var send sendFlags
		cmd := &cobra.Command{Use: op.Name + " [HOST…]", Short: specs[i].Help, RunE: func(cmd *cobra.Command, args []string) error {
			sel.hosts = append(sel.hosts, args...)
			sel.whereSet = cmd.Flags().Changed("where")
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.send(ctx, sess, op, sel, send) })
		}}
		sel.flags(cmd)
		send.flags(cmd)
		out = append(out, cmd)
	}
	return out
}

// send plans, asks, sends and reports.
func (a *app) send(ctx context.Context, sess *session, op dispatch.Operation, sel selection, flags sendFlags) error {
	limit, err := waitLimit(flags.wait)
	if err != nil {
		return err
	}
	if sess.settings.ReadOnly && !flags.dryRun {
		return refusedf("refused: this profile is read-only")
	}
	refs, f, err := a.targets(ctx, sess, sel)
	if err != nil {
		return err
	}
	frozen, err := dispatch.Freeze(dispatch.Binding{BaseURL: sess.client.BaseURL(), Key: sess.client.Key(), User: sess.settings.Username}, refs)
	if err != nil {
		return err
	}
	plan, err := dispatch.Make(ctx, sess.client, op, frozen, dispatch.PlanOptions{Sites: f.Sites, Again: flags.again})
	if err != nil {
		return err
	}
	if flags.dryRun {
		return a.printPlan(plan)
	}
	if err := a.confirm(plan, flags); err != nil {
		return err
	}
	job, err := plan.Run(ctx, sess.client, dispatch.RunOptions{Audit: sess.audit, Note: flags.note})
	if job == nil {
		return err
	}
	if perr := a.printJob(job); perr != nil && err == nil {
		err = perr
	}
	if ferr := writeFailed(flags.failedTo, job); ferr != nil && err == nil {
		err = ferr
	}
	if err != nil {
		return err
	}
	if limit > 0 && job.Count(dispatch.Sent) > 0 {
		if err := a.track(ctx, sess, job, limit); err != nil {
			return err
		}
	}
	return jobError(job)
}

func waitLimit(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, usagef("--wait: %q is no length of time; write 10m or 2h", unity.Clean(s))
	}
	return d, nil
}

// confirm asks by risk, or wants the flags that stand for the answers where nobody can be asked.
func (a *app) confirm(p *dispatch.Plan, flags sendFlags) error {
	n := len(p.Targets)
	if n == 0 {
		return nil
	}
	if flags.expect >= 0 && flags.expect != n {
		return refusedf("refused: %s would get the command, not the %d that --expect says; nothing was sent", dispatch.Machines(n), flags.expect)
	}
	risk := p.Risk()
	if !a.terminal {
		switch {
		case risk == dispatch.Destroy && (!flags.yes || flags.expect < 0):
			return refusedf("refused: %s on %s needs --yes --expect %d", p.Operation.Name, dispatch.Machines(n), n)
		case risk == dispatch.Disrupt && !flags.yes:
			return refusedf("refused: %s interrupts somebody's work and needs --yes", p.Operation.Name)
		}
		return nil
	}
	if flags.yes && (risk != dispatch.Destroy || flags.expect == n) {
		return nil
	}
	return a.ask(p)
}

// ask shows the plan on the terminal and asks as the screens do.
func (a *app) ask(p *dispatch.Plan) error {
	_, _ = fmt.Fprintf(a.err, "%s\n  console   %s\n", unity.Clean(p.Line()), unity.Clean(p.Console))
	for _, c := range p.Customers() {
		_, _ = fmt.Fprintf(a.err, "  customer  %s\n", unity.Clean(c))
	}
	for _, group := range []struct {
		name  string
		lines []string
	}{{"warning", p.Warnings}, {"stale", p.Stale}, {"skipped", skippedLines(p)}} {
		for i, line := range group.lines {
			if i == 10 {
				_, _ = fmt.Fprintf(a.err, "  %-9s … and %d more\n", group.name, len(group.lines)-10)
				break
			}
			_, _ = fmt.Fprintf(a.err, "  %-9s %s\n", group.name, unity.Clean(line))
		}
	}
	want, label := p.Typed()
	if want != "" {
		_, _ = fmt.Fprintf(a.err, "Type the %s (%s) to go on: ", label, unity.Clean(want))
		if answer, err := a.readLine(); err != nil || strings.TrimSpace(answer) != want {
			return refusedf("cancelled: nothing was sent")
		}
		return nil
	}
	_, _ = fmt.Fprintf(a.err, "Send? y/N ")
	answer, err := a.readLine()
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return refusedf("cancelled: nothing was sent")
	}
	return nil
}

func skippedLines(p *dispatch.Plan) []string {
	var out []string
	for _, s := range p.Skipped {
		out = append(out, s.Ref.Name()+": "+s.Reason)
	}
	return out
}

// readLine reads a line byte by byte, so that nothing of the next answer is lost.
func (a *app) readLine() (string, error) {
	var b bytes.Buffer
	buf := make([]byte, 1)
	for {
		n, err := a.in.Read(buf)
		if n > 0 && buf[0] == '\n' {
			return strings.TrimRight(b.String(), "\r"), nil
		}
		if n > 0 {
			b.WriteByte(buf[0])
		}
		if err != nil {
			return b.String(), err
		}
		if b.Len() > 4096 {
			return "", fmt.Errorf("the answer is too long")
		}
	}
}

// planJSON is what --dry-run prints.
type planJSON struct {
	Action   string
	Command  string
	Console  string
	Risk     string
	Machines int
	Sites    int
	Requests []requestJSON
	Targets  []targetJSON
	Warnings []string
	Stale    []string
	Skipped  []resultJSON
}

type requestJSON struct {
	Method string
	Path   string
	Body   json.RawMessage
}

type targetJSON struct {
	EndpointID string `json:"EndpointId"`
	HostName   string
	SiteID     string `json:"SiteId"`
	SiteName   string
	LastSeen   *time.Time
}

type resultJSON struct {
	EndpointID string `json:"EndpointId"`
	HostName   string
	SiteID     string `json:"SiteId"`
	SiteName   string
	State      string
	Reason     string
	RequestID  string `json:"RequestId"`
}

func (a *app) printPlan(p *dispatch.Plan) error {
	if a.flags.output == "" || a.flags.output == "table" {
		_, err := fmt.Fprintf(a.out, "%s (%s)\nconsole %s\n", unity.Clean(p.Line()), p.Risk(), unity.Clean(p.Console))
		for _, c := range append(append(p.Customers(), p.Warnings...), append(p.Stale, skippedLines(p)...)...) {
			_, _ = fmt.Fprintf(a.out, "  %s\n", unity.Clean(c))
		}
		for _, b := range p.Batches {
			_, _ = fmt.Fprintf(a.out, "%s %s\n%s\n", b.Request.Method, b.Request.Path, escapeJSON(b.Request.Body))
		}
		_, _ = fmt.Fprintln(a.out, "nothing was sent: this is a dry run")
		return err
	}
	out := planJSON{Action: p.Operation.ID, Command: p.Operation.Name, Console: p.Console, Risk: p.Risk().String(), Machines: len(p.Targets), Sites: p.Sites(),
		Requests: []requestJSON{}, Targets: []targetJSON{}, Warnings: append([]string{}, p.Warnings...), Stale: append([]string{}, p.Stale...), Skipped: []resultJSON{}}
	for _, b := range p.Batches {
		out.Requests = append(out.Requests, requestJSON{b.Request.Method, b.Request.Path, b.Request.Body})
	}
	for _, t := range p.Targets {
		row := targetJSON{EndpointID: string(t.ID), HostName: t.HostName.Raw(), SiteID: string(t.Site), SiteName: t.SiteName.Raw()}
		if !t.LastSeen.IsZero() {
			at := t.LastSeen.UTC()
			row.LastSeen = &at
		}
		out.Targets = append(out.Targets, row)
	}
	for _, s := range p.Skipped {
		out.Skipped = append(out.Skipped, refJSON(s.Ref, dispatch.Skipped, s.Reason, ""))
	}
	return a.printValue(out)
}

func refJSON(r fleet.Ref, s dispatch.State, reason, requestID string) resultJSON {
	return resultJSON{EndpointID: string(r.ID), HostName: r.HostName.Raw(), SiteID: string(r.Site), SiteName: r.SiteName.Raw(),
		State: string(s), Reason: reason, RequestID: requestID}
}

func (a *app) printValue(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	if a.flags.jq == "" {
		return a.printJSON(raw, nil)
	}
	code, err := compileJQ(a.flags.jq)
	if err != nil {
		return err
	}
	return a.printJSON(raw, code)
}

func (a *app) printJob(j *dispatch.Job) error {
	results := make([]resultJSON, 0, len(j.Results))
	for _, r := range j.Results {
		results = append(results, refJSON(r.Ref, r.State, r.Reason, r.RequestID))
	}
	switch a.flags.output {
	case "json":
		return a.printValue(struct {
			JobID   string `json:"JobId"`
			Results []resultJSON
		}{j.ID, results})
	case "ndjson", "csv":
		p, err := newPrinter(a, nil, func(r *resultJSON) ([]byte, error) { return json.Marshal(r) })
		if err != nil {
			return err
		}
		for i := range results {
			if err := p.add(&results[i]); err != nil {
				return err
			}
		}
		return p.flush()
	}
	if a.flags.jq != "" {
		return a.printValue(map[string]any{"JobId": j.ID, "Results": results})
	}
	for _, r := range j.Results {
		_, _ = fmt.Fprintf(a.out, "%-9s %s  %s  %s\n", r.State, r.Ref.Name(), r.Ref.SiteName, unity.Clean(r.Reason))
	}
	_, err := fmt.Fprintf(a.out, "%s\n", j.Words())
	return err
}

func writeFailed(path string, j *dispatch.Job) error {
	if path == "" {
		return nil
	}
	var b strings.Builder
	for _, r := range j.Results {
		if r.State == dispatch.Failed || r.State == dispatch.Unknown || r.State == dispatch.Cancelled {
			b.WriteString(string(r.Ref.ID) + "\n")
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("--failed-to: %w", err)
	}
	return nil
}

// jobError gives the exit code of a job.
func jobError(j *dispatch.Job) error {
	bad := j.Count(dispatch.Failed) + j.Count(dispatch.Unknown) + j.Count(dispatch.Cancelled)
	switch {
	case bad == 0:
		return nil
	case j.Count(dispatch.Sent) == 0 && j.Count(dispatch.Unknown) == 0 && j.Count(dispatch.Skipped) == 0:
		return &codeError{exitFailed, "nothing was sent: " + j.Words() + failedReason(j)}
	default:
		return &codeError{exitPartly, j.Words() + failedReason(j)}
	}
}

func failedReason(j *dispatch.Job) string {
	for _, r := range j.Results {
		if (r.State == dispatch.Failed || r.State == dispatch.Unknown) && r.Reason != "" {
			return ": " + r.Reason
		}
	}
	return ""
}

// track waits until the agents have the command, and says what changes.
func (a *app) track(ctx context.Context, sess *session, j *dispatch.Job, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	names := map[unity.EndpointID]string{}
	for _, r := range j.Results {
		names[r.Ref.ID] = r.Ref.Name()
	}
	last := map[unity.EndpointID]unity.CommandState{}
	err := dispatch.Track(ctx, sess.client, j, func(id unity.EndpointID, s unity.CommandState) {
		if last[id] != s {
			last[id] = s
			_, _ = fmt.Fprintf(a.err, "%s  %s\n", names[id], s)
		}
	})
	elapsed := 0
	for _, s := range last {
		if s == unity.StateElapsed {
			elapsed++
		}
	}
	switch {
	case err != nil:
		return &codeError{exitPartly, "the waiting ended before every agent had the command; `unitty command list` shows how far they are"}
	case elapsed > 0:
		return &codeError{exitPartly, fmt.Sprintf("%s let the command elapse", dispatch.Machines(elapsed))}
	}
	return nil
}
