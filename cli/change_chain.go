package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
)

// runChain shows a combined action, asks about it as about its gravest step, and carries the steps out.
func (a *app) runChain(ctx context.Context, sess *session, ch *change.Chain, flags sendFlags) error {
	if ch.First.Object != nil && flags.dryRun {
		return a.printObjectPlans([]*dispatch.Plan{ch.First})
	}
	err := a.withoutChanged(ch.First)
	if flags.dryRun {
		// A dry run is never sent, so its plan may list the requests of the later steps too. Those are made of all machines.
		for _, r := range ch.Later() {
			if len(ch.First.LeftOut()) == 0 {
				ch.First.Batches = append(ch.First.Batches, dispatch.Batch{Request: r})
			}
		}
		return errors.Join(a.printPlan(ch.First), err)
	}
	if err != nil {
		return err
	}
	if err := a.confirmChain(ch.First, flags); err != nil {
		return err
	}
	options := sess.runOptions(flags.note)
	options.Pause, options.Report = a.pause(sess), a.waits()
	var partly error
	var done chainJSON
	sent := 0
	lost := failedOf{}
	err = ch.Run(ctx, func(step int, plan *dispatch.Plan) (*dispatch.Job, error) {
		_, _ = fmt.Fprintf(a.err, "step %d of %d: %s\n", step+1, len(ch.Steps), unity.Clean(ch.Steps[step].Title))
		job, err := plan.Run(ctx, sess.client, options)
		if job == nil {
			return nil, err
		}
		partly = errors.Join(partly, stepError(job, sent > 0, unity.Clean(ch.Steps[step].Title)))
		sent += job.Count(dispatch.Sent)
		if a.structured() {
			done.add(unity.Clean(ch.Steps[step].Title), job)
		} else {
			err = errors.Join(err, a.printJob(job))
		}
		lost.add(job)
		return job, errors.Join(err, lost.write(flags.failedTo)) // after each step: it may be the last
	})
	if len(done.Steps) > 0 {
		err = errors.Join(err, a.printChain(&done))
	}
	var stopped *change.StateError
	if errors.As(err, &stopped) {
		return &codeError{exitPartly, stopped.Error()}
	}
	if err != nil {
		return err
	}
	return partly
}

// stepError gives the exit code of a step. Where one fails after something was sent by those before it, not all has failed.
func stepError(j *dispatch.Job, sent bool, title string) error {
	err := jobError(j)
	var code *codeError
	if sent && errors.As(err, &code) && code.code == exitFailed {
		return &codeError{exitPartly, title + ": " + j.Words() + failedReason(j) + "; the steps before it were sent"}
	}
	return err
}

// confirmChain asks about the first step of what is left of a combined action: it may be the change of an object.
func (a *app) confirmChain(p *dispatch.Plan, flags sendFlags) error {
	if p.Object == nil {
		return a.confirm(p, flags)
	}
	if err := expectNamed(1, flags.ofObject()); err != nil {
		return err
	}
	return a.confirmObject(p, flags.ofObject(), 1)
}

// printChain prints what became of a combined action: as JSON with its steps, else the latest outcome of each target.
func (a *app) printChain(done *chainJSON) error {
	if f := a.flags.output; f == "ndjson" || f == "csv" {
		return printAll(a, done.Results, nil, func(r *resultJSON) ([]byte, error) { return json.Marshal(r) })
	}
	return a.printValue(done)
}

// chainJSON is what became of a combined action: the job of the last step that ran, for each target its latest outcome, and
// the steps one by one.
type chainJSON struct {
	JobID    string `json:"JobId"`
	Results  []resultJSON
	Steps    []stepJSON
	Warnings []string `json:",omitempty"`
	// at are the places of the results, said the warnings that are there.
	at   map[[2]string]int
	said map[string]bool
}

// stepJSON is one step.
type stepJSON struct {
	Title   string
	JobID   string `json:"JobId"`
	Results []resultJSON
}

func (c *chainJSON) add(title string, j *dispatch.Job) {
	step := stepJSON{Title: title, JobID: j.ID, Results: resultsOf(j)}
	c.JobID, c.Steps = j.ID, append(c.Steps, step)
	if c.at == nil {
		c.at, c.said = map[[2]string]int{}, map[string]bool{}
	}
	for _, w := range j.Warnings {
		if !c.said[w] {
			c.said[w], c.Warnings = true, append(c.Warnings, w)
		}
	}
	for _, r := range step.Results {
		key := [2]string{r.SiteID, r.EndpointID}
		if at, there := c.at[key]; there {
			c.Results[at] = r
			continue
		}
		c.at[key] = len(c.Results)
		c.Results = append(c.Results, r)
	}
}

// endpointDeactivate is the verb with its two combined forms: only the older records of machines that have several, and
// reactivating first.
func (a *app) endpointDeactivate() *cobra.Command {
	var sel selection
	var send sendFlags
	var older, again bool
	short := "Deactivate machines, which frees their seats; their agents are uninstalled at the next poll"
	c := &cobra.Command{Use: "deactivate [HOST…]", Short: short, Long: short + ".\n\n" + endpointChangeHelp + `

--older-duplicates selects, at --site or everywhere, the records that a newer one of the same machine (same host name and MAC
address) has replaced. --reactivate-first is for machines that are deactivated and billed all the same, because their agents
still report in: they are reactivated, and those for which that was sent are deactivated again.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			sel.hosts = append(sel.hosts, args...)
			sel.whereSet = cmd.Flags().Changed("where")
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				return a.deactivate(ctx, sess, sel, send, older, again)
			})
		}}
	sel.flags(c)
	send.changeFlags(c)
	c.Flags().BoolVar(&older, "older-duplicates", false, "select the older records of machines that have several")
	c.Flags().BoolVar(&again, "reactivate-first", false, "reactivate first, for machines that are deactivated but still billed")
	return c
}

func (a *app) deactivate(ctx context.Context, sess *session, sel selection, flags sendFlags, older, again bool) error {
	if sess.settings.ReadOnly && !flags.dryRun {
		return refusedf("refused: this profile is read-only")
	}
	if older && (again || sel.all || sel.whereSet || sel.from != "" || len(sel.hosts)+len(sel.endpoints) > 0) {
		return usagef("--older-duplicates selects by itself; only --site and --group go with it")
	}
	read := func() ([]fleet.Ref, *fleet.Fleet, error) { return a.targets(ctx, sess, sel) }
	if older {
		read = func() ([]fleet.Ref, *fleet.Fleet, error) { return a.olderRecords(ctx, sess, sel) }
	}
	refs, f, err := read()
	if err != nil {
		return err
	}
	if again {
		ch, err := change.Rebill(ctx, sess.client, sess.binding(), f.Sites, refs)
		if err != nil {
			return err
		}
		return a.runChain(ctx, sess, ch, flags)
	}
	op, err := dispatch.OperationByID("endpoint.deactivate", nil)
	if err != nil {
		return err
	}
	return a.sendTo(ctx, sess, op, refs, f.Sites, flags)
}

// olderRecords finds the records that a newer one has replaced. A site that did not answer would hide newer ones, so all have
// to answer.
func (a *app) olderRecords(ctx context.Context, sess *session, sel selection) ([]fleet.Ref, *fleet.Fleet, error) {
	missing, err := sess.missing(ctx)
	if err != nil {
		return nil, nil, err
	}
	if missing("SkyStatus.GSM") && missing("SkyStatus.Site") {
		return nil, nil, &codeError{exitFailed, "the sign-in has no scope for agent status, and without MAC addresses records cannot be told apart"}
	}
	f, err := a.sweep(ctx, sess, scope{site: sel.site, group: sel.group, status: true})
	if err != nil {
		return nil, nil, err
	}
	if len(f.Failed) > 0 || f.StatusErr != nil {
		return nil, nil, &codeError{exitFailed, "not all sites and reports could be read, so a newer record may be hidden; narrow by --site"}
	}
	if err := a.askEach(ctx, sess, f, f.Namesakes()); err != nil {
		return nil, nil, err
	}
	records := make([]change.Record, 0, len(f.Machines))
	for _, m := range f.Machines {
		records = append(records, change.Record{Ref: m.Ref(), Same: change.SameMachine(m)})
	}
	refs := change.OlderRecords(records)
	if len(refs) == 0 {
		return nil, nil, &codeError{exitFailed, "no machine has an older record besides its newest" + inPlace(sel.site)}
	}
	return refs, f, nil
}

func inPlace(site string) string {
	if site == "" {
		return ""
	}
	return " at " + unity.Clean(site)
}

// siteOffboard ends the service of a customer.
func (a *app) siteOffboard() *cobra.Command {
	var send sendFlags
	var report string
	c := &cobra.Command{Use: "offboard SITE", Short: "End the service of a customer: report, deactivate all machines, suspend", Args: cobra.ExactArgs(1),
		Long: `Ends the service of a customer, named by id, keycode or name. First --report writes what the site has to a file, then all its
active machines are deactivated, and when that was sent for every one of them the site is suspended. What will be done is
shown and asked about before; elsewhere than on a terminal it takes --yes --expect N with the number of machines.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.offboard(ctx, sess, args[0], report, send) })
		}}
	c.Flags().StringVar(&report, "report", "", "write the site's machines as JSON to this file before anything is sent")
	send.changeFlags(c)
	return c
}

func (a *app) offboard(ctx context.Context, sess *session, name, report string, flags sendFlags) error {
	if sess.settings.ReadOnly && !flags.dryRun {
		return refusedf("refused: this profile is read-only")
	}
	s, err := sess.site(ctx, name)
	if err != nil {
		return err
	}
	told := report != "" // reports of agents and names are for the file only
	f, err := a.sweep(ctx, sess, scope{site: string(s.ID), status: told, names: told})
	if err != nil {
		return err
	}
	if len(f.Failed) > 0 {
		return &codeError{exitFailed, "the machines of the site could not be read: " + f.Failed[0].Err.Error()}
	}
	var refs []fleet.Ref
	for _, m := range f.Machines {
		if !m.Deactivated.On {
			refs = append(refs, m.Ref())
		}
	}
	if len(refs) == 0 {
		return &codeError{exitFailed, "the site has no active machine; `unitty site suspend` is all there is to do"}
	}
	ch, err := change.Offboard(ctx, sess.client, sess.binding(), s, refs)
	if err != nil {
		return err
	}
	if err := writeReport(report, sess, f); err != nil {
		return err
	}
	return a.runChain(ctx, sess, ch, flags)
}

// writeReport writes the machines of a site to a private file, as `endpoint list -o ndjson` would print them.
func writeReport(path string, sess *session, f *fleet.Fleet) error {
	if path == "" {
		return nil
	}
	out, err := reportOf(sess, f.Machines)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return nil
}

func reportOf(sess *session, machines []*fleet.Machine) ([]byte, error) {
	var out []byte
	toJSON := machineJSON(sess.client.Now)
	for _, m := range machines {
		row, err := toJSON(m)
		if err != nil {
			return nil, err
		}
		out = append(append(out, row...), '\n')
	}
	return out, nil
}

// offboardReport writes the machines of a site to a new private file beside the exports, and gives its path.
func (sess *session) offboardReport(site unity.Site, machines []*fleet.Machine) (string, error) {
	out, err := reportOf(sess, machines)
	if err != nil {
		return "", err
	}
	dir := sess.settings.paths.exports()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	// The id and not the name: a name may hold anything.
	name := string(site.ID)
	if !unity.IsGUID(name) {
		name = "site"
	}
	path := filepath.Join(dir, fmt.Sprintf("offboard-%s-%s.ndjson", name, sess.client.Now().UTC().Format("20060102-150405")))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	_, err = f.Write(out)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return path, nil
}
