package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
)

// jobFlags are what the verbs take that go on with a job.
func (s *sendFlags) jobFlags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.dryRun, "dry-run", false, "show the plan and send nothing")
	f.BoolVarP(&s.yes, "yes", "y", false, "do not ask")
	f.IntVar(&s.expect, "expect", -1, "the number of machines you expect; needed with --yes for what destroys, or more than 25")
	f.BoolVar(&s.again, "again", false, "send also where the same command, or the opposite one, is still waiting")
	f.StringVar(&s.note, "note", "", "remark for the audit, a ticket number for example")
	f.StringVar(&s.failedTo, "failed-to", "", "write the ids of failed and unknown machines to this file")
	f.StringVar(&s.wait, "wait", "", "wait until the agents have the command; --wait=10m waits that long at most")
	f.Lookup("wait").NoOptDefVal = "24h"
	f.IntVar(&s.batch, "batch", 0, "machines per request; 0 means 100, and 25 for what destroys")
}

// ofObject are the flags of a verb that goes on with the change of an object. It names one.
func (s *sendFlags) ofObject() changeFlags {
	return changeFlags{dryRun: s.dryRun, yes: s.yes, expect: s.expect, note: s.note}
}

func (a *app) jobResume() *cobra.Command {
	var flags sendFlags
	c := &cobra.Command{Use: "resume ID", Short: "Go on with a job that was interrupted or cancelled", Args: cobra.ExactArgs(1),
		Long: "Goes on with a job that was interrupted or cancelled.\n\n" + jobHelp + "\n\nAnother process that runs the job is named, exit code 5.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.resume(ctx, sess, args[0], flags) })
		}}
	f := c.Flags()
	f.BoolVar(&flags.dryRun, "dry-run", false, "show what is left to send and send nothing")
	f.BoolVarP(&flags.yes, "yes", "y", false, "do not ask")
	f.IntVar(&flags.expect, "expect", -1, "the number of machines you expect to be sent to")
	f.StringVar(&flags.note, "note", "", "remark for the audit, a ticket number for example")
	f.StringVar(&flags.failedTo, "failed-to", "", "write the ids of failed and unknown machines to this file")
	f.BoolVar(&flags.resend, "resend-unknown", false, "send once more where the outcome is unknown and the command is not listed a minute later; it may arrive twice")
	f.StringVar(&flags.wait, "wait", "", "wait until the agents have the command; --wait=10m waits that long at most")
	f.Lookup("wait").NoOptDefVal = "24h"
	return c
}

func (a *app) resume(ctx context.Context, sess *session, id string, flags sendFlags) error {
	if _, err := waitLimit(flags.wait); err != nil {
		return err
	}
	if sess.settings.ReadOnly && !flags.dryRun {
		return refusedf("refused: this profile is read-only")
	}
	jobs := dispatch.NewJobs(sess.jobs())
	p, err := jobs.Load(id)
	if err != nil {
		return jobFailure(err)
	}
	if p.State == dispatch.JobRunning {
		return refusedf("refused: job %s is run by %s", p.ID, p.Holder)
	}
	if !p.Open() {
		_, _ = fmt.Fprintf(a.err, "unitty: job %s is %s: nothing is left to send\n", p.ID, p.State)
		return a.printJob(&p.Job)
	}
	if flags.dryRun {
		return a.printRest(sess, p)
	}
	if err := a.confirmResume(p, flags); err != nil {
		return err
	}
	options := sess.runOptions(flags.note)
	options.Pause, options.ResendUnknown, options.Report = a.pause(sess), flags.resend, a.waits()
	job, err := jobs.Resume(ctx, sess.client, p.ID, sess.binding(), options)
	if job == nil {
		return jobFailure(err)
	}
	a.nameSteps(jobs, p.ID)
	return a.reportJob(ctx, sess, job, err, flags)
}

// printRest prints what a resume of a job would send.
func (a *app) printRest(sess *session, p *dispatch.Past) error {
	rest, err := p.RestPlan(sess.client)
	if err != nil {
		return err
	}
	if rest.Object != nil {
		return a.printObjectPlans([]*dispatch.Plan{rest})
	}
	return a.printPlan(rest)
}

// nameSteps says which steps of a combined action were not begun when it was left.
func (a *app) nameSteps(jobs *dispatch.Jobs, id string) {
	p, err := jobs.Load(id)
	if err != nil {
		return
	}
	if line := stepsLine(jobs, p); line != "" {
		_, _ = fmt.Fprintf(a.err, "unitty: %s\n", line)
	}
}

// stepsLine names the steps of a combined action that were not begun and how they are started, "" for none.
func stepsLine(jobs *dispatch.Jobs, p *dispatch.Past) string {
	next, err := jobs.Unfinished(p)
	if err != nil || len(next) == 0 {
		return ""
	}
	titles := make([]string, len(next))
	for i, n := range next {
		titles[i] = unity.Clean(n.Title)
	}
	return fmt.Sprintf("%s was left before %s; go on with: unitty job next %s", unity.Clean(p.Link.Name), strings.Join(titles, ", then "), p.ID)
}

// jobNext starts the steps of a combined action that were not begun when it was left.
func (a *app) jobNext() *cobra.Command {
	var flags sendFlags
	c := &cobra.Command{Use: "next ID", Short: "Start the steps of a combined action that were not begun when it was left", Args: cobra.ExactArgs(1),
		Long: `Starts the steps that follow a job in its combined action (move and set policy, reactivate and deactivate again, off-board), when the
action was left before they were planned. They go to the machines that came through the job, and are asked about as a new
change. What the job itself has not sent is resumed first.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				if sess.settings.ReadOnly && !flags.dryRun {
					return refusedf("refused: this profile is read-only")
				}
				jobs := dispatch.NewJobs(sess.jobs())
				p, err := jobs.Load(args[0])
				if err != nil {
					return jobFailure(err)
				}
				ch, err := change.Continue(ctx, sess.client, jobs, sess.binding(), p)
				if errors.Is(err, dispatch.ErrNothingToDo) {
					return &codeError{exitFailed, "no step of the job is left"}
				}
				if err != nil {
					return jobFailure(err)
				}
				return a.runChain(ctx, sess, ch, flags)
			})
		}}
	flags.jobFlags(c)
	return c
}

// oldJob is the age from which a job that a script goes on with may be one that somebody gave up on purpose.
const oldJob = 24 * time.Hour

// confirmResume asks once more: the job was confirmed by its risk when it was planned.
func (a *app) confirmResume(p *dispatch.Past, flags sendFlags) error {
	n := p.Unsent()
	if flags.expect >= 0 && flags.expect != n {
		return refusedf("refused: %s would be sent to, not the %d that --expect says; nothing was sent", dispatch.Machines(n), flags.expect)
	}
	age := time.Since(p.Started)
	switch {
	case !a.terminal && flags.yes && age > oldJob && flags.expect < 0:
		return refusedf("refused: job %s was started %s ago: to go on with it needs --expect %d too", p.ID, dispatch.AgeWords(age), n)
	case flags.yes:
		return nil
	case !a.terminal:
		return refusedf("refused: to resume job %s needs --yes: %s %s not sent to, %d may have been", p.ID, dispatch.Machines(n), are(n), p.Count(dispatch.Unknown))
	}
	_, _ = fmt.Fprintf(a.err, "%s\n  console   %s\n  started   %s, %s ago\n  so far    %s\n  left      %s\n", unity.Clean(p.Title()), unity.Clean(p.Console),
		p.Started.Local().Format("2006-01-02 15:04:05"), dispatch.AgeWords(age), p.Words(), dispatch.Machines(n))
	_, _ = fmt.Fprint(a.err, "Go on? y/N ")
	if answer, err := a.readLine(); err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return refusedf("cancelled: nothing was sent")
	}
	return nil
}

func (a *app) jobRetry() *cobra.Command {
	var flags sendFlags
	var unknown, elapsed bool
	c := &cobra.Command{Use: "retry ID", Short: "Make a new job of the machines that failed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			some := dispatch.SomeFailed
			switch {
			case unknown && elapsed:
				return usagef("give --resend-unknown or --elapsed, not both")
			case unknown:
				some = dispatch.SomeUnseen
			case elapsed:
				some = dispatch.SomeElapsed
			}
			return a.again(cmd.Context(), flags, func(ctx context.Context, jobs *dispatch.Jobs, sess *session) (change.Way, error) {
				return change.Retry(ctx, sess.client, jobs, args[0], sess.binding(), some, dispatch.PlanOptions{BatchSize: flags.batch, Again: flags.again})
			})
		}}
	flags.jobFlags(c)
	flags.foreignFlag(c)
	c.Flags().BoolVar(&unknown, "resend-unknown", false, "also machines whose outcome is unknown and whose command was not seen; it may arrive twice")
	c.Flags().BoolVar(&elapsed, "elapsed", false, "instead those whose agents let the command elapse")
	return c
}

func (a *app) jobRevert() *cobra.Command {
	var flags sendFlags
	c := &cobra.Command{Use: "revert ID", Short: "Take a job back: move, policy, isolate, suspend, deactivate and what else has an inverse", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.again(cmd.Context(), flags, func(ctx context.Context, jobs *dispatch.Jobs, sess *session) (change.Way, error) {
				return change.Revert(ctx, sess.client, jobs, args[0], sess.binding(), dispatch.PlanOptions{BatchSize: flags.batch, Again: flags.again})
			})
		}}
	flags.jobFlags(c)
	return c
}

// again plans a new job from an old one, asks, sends and reports.
func (a *app) again(ctx context.Context, flags sendFlags, plan func(context.Context, *dispatch.Jobs, *session) (change.Way, error)) error {
	if _, err := waitLimit(flags.wait); err != nil {
		return err
	}
	return a.verb(ctx, func(ctx context.Context, sess *session) error {
		if sess.settings.ReadOnly && !flags.dryRun {
			return refusedf("refused: this profile is read-only")
		}
		way, err := plan(ctx, dispatch.NewJobs(sess.jobs()), sess)
		if errors.Is(err, dispatch.ErrNothingToDo) {
			return &codeError{exitFailed, err.Error()}
		}
		if err != nil {
			return jobFailure(err)
		}
		switch {
		case way.Object != nil:
			return a.changePlanned(ctx, sess, []*change.Prepared{way.Object}, []*dispatch.Plan{way.Plan}, flags.ofObject())
		case way.Chain != nil:
			return a.runChain(ctx, sess, way.Chain, flags)
		}
		return a.carryOut(ctx, sess, way.Plan, flags)
	})
}
