package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
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
	resend   bool
	batch    int
	foreign  bool
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
	f.BoolVar(&s.again, "again", false, "send also where the same command, or the opposite one, is still waiting")
	f.BoolVar(&s.resend, "resend-unknown", false, "send once more where the outcome is unknown and the command is not listed a minute later; it may arrive twice")
	f.IntVar(&s.batch, "batch", 0, "machines per request; 0 means 100, and 25 for what destroys")
}

// foreignFlag is for verbs that may send machines to another console.
func (s *sendFlags) foreignFlag(c *cobra.Command) {
	c.Flags().BoolVar(&s.foreign, "foreign-keycode", false, "changekeycode: send also where the keycode is of no site of this console, which the machines leave then")
}

// sendHelp is what every verb that sends says about itself.
const sendHelp = `Machines are named as arguments or by --host, --endpoint, --from, --where, or --all with --site. Names are resolved to
ids first; one name that is not found, and nothing is sent.

A name means one machine when every site was asked. The snapshot on disk, complete and kept current within the last hour,
spares most of that: it proposes the machine, the list of sites tells which sites have another number of machines since
(they are read again), and the machine is read by its id and has to have that name still. It is not noticed when another
machine was renamed to it, or when one came as another left at the same site. --fresh reads the whole console all the
same; --cached never does, and refuses instead (exit code 2).

On a terminal the plan is shown and asked about. Elsewhere a scan or a release is sent at once; what interrupts work
(cleanup, restart, isolate) needs --yes; more than 25 machines need --yes --expect N with the right N. A machine that was
renamed, moved to another group or deactivated since it was chosen is left out there, as skipped with the reason (exit code 4,
or 5 when no other is left): named by --endpoint it is meant as it is now. --dry-run shows the plan and sends nothing.

Exit codes: 0 all sent, 1 nothing sent, 2 usage, 3 sign-in needed, 4 some failed or unknown, 5 refused, 6 out of reach.`

func (a *app) commandCommand() *cobra.Command {
	c := &cobra.Command{Use: "command", Short: "Agent commands: send, list and watch"}
	var sel selection
	var send sendFlags
	cmd := &cobra.Command{Use: "send NAME", Short: "Send an agent command: " + strings.Join(commandNames(), ", "), Args: cobra.ExactArgs(1), Long: sendHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			sel.whereSet = cmd.Flags().Changed("where")
			if args[0] == unity.CommandChangeKeycode {
				if strings.TrimSpace(send.param) == "" {
					return usagef("changekeycode takes --param with the target site, by name, id or keycode")
				}
				return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
					op, err := sess.changeKeycode(ctx, send.param)
					if err != nil {
						return err
					}
					return a.send(ctx, sess, op, sel, send)
				})
			}
			op, err := dispatch.OperationNamed(args[0], send.param)
			if err != nil || !op.AgentCommand() {
				return usagef("%v; there are %s", commandError(err, args[0]), strings.Join(commandNames(), " "))
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.send(ctx, sess, op, sel, send) })
		}}
	sel.flags(cmd)
	send.flags(cmd)
	send.foreignFlag(cmd)
	cmd.Flags().StringVar(&send.param, "param", "", "parameter of the command: on or off for sysisolate, the target site for changekeycode")
	c.AddCommand(cmd, a.commandList(), a.commandWatch())
	return c
}

func commandError(err error, name string) error {
	if err == nil {
		return fmt.Errorf("%s is no agent command: see `unitty endpoint`", unity.Clean(name))
	}
	return err
}

// changeKeycode completes the command with the keycode of the site that is named. A keycode of no site of this console is
// taken as it is; the plan says so.
func (sess *session) changeKeycode(ctx context.Context, name string) (dispatch.Operation, error) {
	s, err := sess.site(ctx, name)
	var missing *fleet.NotFoundError
	if errors.As(err, &missing) {
		if key, keyErr := unity.ParseKeycode(name); keyErr == nil {
			return dispatch.OperationByID("endpoint.changekeycode", dispatch.Args{{Name: dispatch.ArgKeycode, Value: key.String()}})
		}
	}
	if err != nil {
		return dispatch.Operation{}, err
	}
	return dispatch.OperationByID("endpoint.changekeycode", dispatch.Args{{Name: dispatch.ArgKeycode, Value: s.Keycode.String()},
		{Name: dispatch.ArgSite, Value: string(s.ID)}, {Name: dispatch.ArgSiteName, Value: s.Name.Raw()}})
}

func commandNames() []string {
	var names []string
	seen := map[string]bool{}
	for _, op := range dispatch.Operations() {
		if !op.AgentCommand() {
			continue
		}
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
		if !op.Short {
			continue
		}
		var sel selection
		var send sendFlags
		cmd := &cobra.Command{Use: op.Name + " [HOST…]", Short: specs[i].Help, Long: specs[i].Help + "\n\n" + sendHelp, RunE: func(cmd *cobra.Command, args []string) error {
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

// send resolves the machines, and plans, asks, sends and reports.
func (a *app) send(ctx context.Context, sess *session, op dispatch.Operation, sel selection, flags sendFlags) error {
	if _, err := waitLimit(flags.wait); err != nil {
		return err
	}
	if sess.settings.ReadOnly && !flags.dryRun {
		return refusedf("refused: this profile is read-only")
	}
	refs, f, err := a.targets(ctx, sess, sel)
	if err != nil {
		return err
	}
	return a.sendTo(ctx, sess, op, refs, f.Sites, flags)
}

// sendTo plans an operation on machines, asks, sends and reports.
func (a *app) sendTo(ctx context.Context, sess *session, op dispatch.Operation, refs []fleet.Ref, sites []unity.Site, flags sendFlags) error {
	frozen, err := dispatch.Freeze(sess.binding(), refs)
	if err != nil {
		return err
	}
	seen := a.progress(sess.calls)
	plan, err := dispatch.Make(ctx, sess.client, op, frozen, dispatch.PlanOptions{Sites: sites, Console: sess.console, Again: flags.again, BatchSize: flags.batch})
	seen.end()
	if err != nil {
		return err
	}
	return a.carryOut(ctx, sess, plan, flags)
}

// carryOut prints a plan, or asks about it, runs it and reports.
func (a *app) carryOut(ctx context.Context, sess *session, plan *dispatch.Plan, flags sendFlags) error {
	err := a.withoutChanged(plan)
	if flags.dryRun {
		return errors.Join(a.printPlan(plan), err)
	}
	if err == nil {
		err = a.confirm(plan, flags)
	}
	if err != nil {
		return err
	}
	options := sess.runOptions(flags.note)
	options.ResendUnknown, options.Pause, options.Report = flags.resend, a.pause(sess), a.waits()
	job, err := plan.Run(ctx, sess.client, options)
	if job == nil {
		return err
	}
	return a.reportJob(ctx, sess, job, err, flags)
}

// reportJob prints what became of a job, writes the file of failed machines, and waits for the agents where that was asked for.
func (a *app) reportJob(ctx context.Context, sess *session, job *dispatch.Job, err error, flags sendFlags) error {
	limit, werr := waitLimit(flags.wait)
	if werr != nil {
		return werr
	}
	if perr := a.printJob(job); perr != nil && err == nil && !unread(ctx, perr) { // the job is done all the same
		err = perr
	}
	if ferr := writeFailed(flags.failedTo, job); ferr != nil && err == nil {
		err = ferr
	}
	if err != nil {
		return err
	}
	if limit > 0 && job.Count(dispatch.Sent) > 0 && job.Operation.AgentCommand() {
		if err := a.track(ctx, sess, job, limit); err != nil {
			return err
		}
	}
	return jobError(job)
}

// binding is the console and the user that changes are made for.
func (sess *session) binding() dispatch.Binding {
	return dispatch.Binding{BaseURL: sess.client.BaseURL(), Key: sess.client.Key(), User: sess.settings.Username}
}

// runOptions are how this session carries changes out: written down, and audited.
func (sess *session) runOptions(note string) dispatch.RunOptions {
	if sess.changing != nil {
		sess.changing()
	}
	return dispatch.RunOptions{Audit: sess.audit, Journal: sess.jobs(), Profile: sess.settings.Profile, Note: note}
}

// jobs is where the session's changes are written down.
func (sess *session) jobs() *journal.Dir { return journal.At(sess.settings.paths.jobs()) }

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

// readLine reads a line byte by byte, so that nothing of the next answer is lost.
func (a *app) readLine() (string, error) { return untilEnd(a.ended, a.readKeys) }

// readKeys reads up to the end of a line, byte by byte: what comes after it belongs to the next question.
func (a *app) readKeys() (string, error) {
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

// writeFailed writes the ids of the machines that a job did not reach, or may not have.
func writeFailed(path string, j *dispatch.Job) error {
	lost := failedOf{}
	lost.add(j)
	return lost.write(path)
}

// failedOf are the machines that one or several jobs did not reach, or may not have, in the order in which they were lost.
type failedOf struct {
	ids  []unity.EndpointID
	seen map[unity.EndpointID]bool
}

// add takes the machines of another job. What came through an earlier one and not this one counts.
func (f *failedOf) add(j *dispatch.Job) {
	if f.seen == nil {
		f.seen = map[unity.EndpointID]bool{"": true} // the change of an object has no machine
	}
	for _, r := range j.Results {
		bad := r.State == dispatch.Failed || r.State == dispatch.Unknown || r.State == dispatch.Cancelled
		if bad && !f.seen[r.Ref.ID] {
			f.seen[r.Ref.ID] = true
			f.ids = append(f.ids, r.Ref.ID)
		}
	}
}

func (f *failedOf) write(path string) error {
	if path == "" {
		return nil
	}
	var b strings.Builder
	for _, id := range f.ids {
		b.WriteString(string(id) + "\n")
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("--failed-to: %w", err)
	}
	return nil
}

// jobError gives the exit code of a job. A machine that was left out since it is gone, or not as it was confirmed, counts as failed.
func jobError(j *dispatch.Job) error {
	changed := 0
	for i := range j.Results {
		if j.Results[i].Changed() {
			changed++
		}
	}
	bad := j.Count(dispatch.Failed) + j.Count(dispatch.Unknown) + j.Count(dispatch.Cancelled) + changed
	switch {
	case bad == 0:
		return nil
	case j.Count(dispatch.Sent) == 0 && j.Count(dispatch.Unknown) == 0 && j.Count(dispatch.Skipped) == changed:
		return &codeError{exitFailed, "nothing was sent: " + j.Words() + failedReason(j)}
	default:
		return &codeError{exitPartly, j.Words() + failedReason(j)}
	}
}

func failedReason(j *dispatch.Job) string {
	for _, r := range j.Results {
		if (r.State == dispatch.Failed || r.State == dispatch.Unknown || r.Changed()) && r.Reason != "" {
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
	err := dispatch.NewJobs(sess.jobs()).Track(ctx, sess.client, j, func(t dispatch.Tracked) {
		if last[t.ID] != t.State {
			last[t.ID] = t.State
			_, _ = fmt.Fprintf(a.err, "%s  %s\n", names[t.ID], t.State)
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
