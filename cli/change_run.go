package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
)

// objectPlanJSON is what --dry-run prints of changes of objects.
type objectPlanJSON struct {
	Action   string
	Console  string
	Risk     string
	Machines int
	Requests []requestJSON
	Targets  []objectJSON
	Diff     []diffJSON
	Warnings []string
	Skipped  []string
}

// diffJSON is a field before and after.
type diffJSON struct{ Field, Before, After string }

// objectJSON is one object as a target.
type objectJSON struct {
	Kind, Name string
	ID         string `json:"Id"`
	SiteID     string `json:"SiteId"`
	SiteName   string
}

// objectResult is what became of one change of an object.
type objectResult struct {
	objectJSON
	State, Reason string
	RequestID     string `json:"RequestId"`
	// AccountKeyCode is the keycode of a new site.
	AccountKeyCode string `json:",omitempty"`
	Notes          []string
	Alarms         []string
}

// objectsJSON is the result of a verb that changes objects.
type objectsJSON struct {
	JobID    string `json:"JobId"`
	Results  []objectResult
	Warnings []string `json:",omitempty"`
}

// change plans, asks, sends and reads again, for every object that the command line names.
func (a *app) change(ctx context.Context, sess *session, all []*change.Prepared, flags changeFlags) error {
	if sess.settings.ReadOnly && !flags.dryRun {
		return refusedf("refused: this profile is read-only")
	}
	if err := expectNamed(len(all), flags); err != nil {
		return err
	}
	plans := make([]*dispatch.Plan, 0, len(all))
	for _, p := range all {
		plan, err := dispatch.MakeObject(ctx, sess.client, p.ObjectChange, dispatch.PlanOptions{Binding: sess.binding()})
		if err != nil {
			return err
		}
		plans = append(plans, plan)
	}
	return a.changePlanned(ctx, sess, all, plans, flags)
}

// expectNamed refuses another number of objects than --expect says.
func expectNamed(n int, flags changeFlags) error {
	if flags.expect >= 0 && flags.expect != n {
		return refusedf("refused: the command line names %d, not the %d that --expect says; nothing was sent", n, flags.expect)
	}
	return nil
}

// changePlanned prints the plans, or asks, sends and reads again.
func (a *app) changePlanned(ctx context.Context, sess *session, all []*change.Prepared, plans []*dispatch.Plan, flags changeFlags) error {
	if err := expectNamed(len(all), flags); err != nil {
		return err
	}
	if flags.dryRun {
		return a.printObjectPlans(plans)
	}
	for _, plan := range plans {
		if err := a.confirmObject(plan, flags, len(all)); err != nil {
			return err
		}
	}
	return a.runObjects(ctx, sess, all, plans, flags)
}

// confirmObject asks by risk, or wants the flags that stand for the answers where nobody can be asked.
func (a *app) confirmObject(p *dispatch.Plan, flags changeFlags, named int) error {
	destroy := p.Risk() == dispatch.Destroy
	words := p.Object.Verb + " " + unity.Clean(p.Object.Name)
	switch {
	case flags.yes && (!destroy || flags.expect >= 0):
		a.warnPlan(p)
		return nil
	case a.terminal:
		return a.askObject(p)
	case destroy:
		return refusedf("refused: %s needs --yes --expect %d", words, named)
	case p.Risk() == dispatch.Disrupt:
		return refusedf("refused: %s needs --yes", words)
	}
	a.warnPlan(p)
	return nil
}

// askObject shows the plan on the terminal and asks as the screens do.
func (a *app) askObject(p *dispatch.Plan) error {
	for _, line := range objectLines(p) {
		_, _ = fmt.Fprintln(a.err, line)
	}
	want, label := p.Typed()
	if want == "" {
		_, _ = fmt.Fprint(a.err, "Send? y/N ")
		if answer, err := a.readLine(); err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
			return refusedf("cancelled: nothing was sent")
		}
		return nil
	}
	_, _ = fmt.Fprintf(a.err, "Type the %s (%s) to go on: ", label, unity.Clean(want))
	if answer, err := a.readLine(); err != nil || strings.TrimSpace(answer) != want {
		return refusedf("cancelled: nothing was sent")
	}
	return nil
}

// objectLines is a plan for people.
func objectLines(p *dispatch.Plan) []string {
	o := p.Object
	out := []string{fmt.Sprintf("%s the %s %s (%s)", unity.Clean(o.Verb), o.Kind, unity.Clean(o.Name), p.Risk()), "  console   " + unity.Clean(p.Console)}
	if o.SiteName != "" && o.Kind != "site" {
		out = append(out, "  site      "+unity.Clean(o.SiteName))
	}
	if o.Touches > 0 {
		out = append(out, "  touches   "+dispatch.Machines(o.Touches))
	}
	for _, d := range o.Diff {
		out = append(out, fmt.Sprintf("  %s: %s → %s", d.Field, orNothing(d.Before), orNothing(d.After)))
	}
	for _, w := range p.Warnings {
		out = append(out, "  warning   "+unity.Clean(w))
	}
	return out
}

func orNothing(s string) string {
	if s == "" {
		return "-"
	}
	return unity.Clean(s)
}

func (a *app) printObjectPlans(plans []*dispatch.Plan) error {
	if (a.flags.output == "" || a.flags.output == "table") && a.flags.jq == "" {
		for _, p := range plans {
			for _, line := range objectLines(p) {
				_, _ = fmt.Fprintln(a.out, line)
			}
			for _, b := range p.Batches {
				_, _ = fmt.Fprintf(a.out, "%s %s\n", b.Request.Method, requestPath(b.Request))
				if len(b.Request.Body) > 0 {
					_, _ = fmt.Fprintf(a.out, "%s\n", escapeJSON(b.Request.Body))
				}
			}
		}
		_, err := fmt.Fprintln(a.out, "nothing was sent: this is a dry run")
		return err
	}
	out := objectPlanJSON{Requests: []requestJSON{}, Targets: []objectJSON{}, Diff: []diffJSON{}, Warnings: []string{}, Skipped: []string{}}
	for _, p := range plans {
		out.Action, out.Console, out.Risk = p.Object.ID, p.Console, p.Risk().String()
		out.Machines += p.Object.Touches
		for _, b := range p.Batches {
			body := json.RawMessage(b.Request.Body)
			if len(body) == 0 {
				body = json.RawMessage("null")
			}
			out.Requests = append(out.Requests, requestJSON{Method: b.Request.Method, Path: requestPath(b.Request), Body: body})
		}
		out.Targets = append(out.Targets, objectOf(p.Object))
		for _, d := range p.Object.Diff {
			out.Diff = append(out.Diff, diffJSON{d.Field, d.Before, d.After})
		}
		out.Warnings = append(out.Warnings, p.Warnings...)
	}
	return a.printValue(out)
}

func requestPath(r unity.Request) string {
	if len(r.Query) == 0 {
		return r.Path
	}
	return r.Path + "?" + r.Query.Encode()
}

func objectOf(o *dispatch.ObjectChange) objectJSON {
	return objectJSON{Kind: o.Kind, Name: o.Name, ID: o.ObjectID, SiteID: string(o.Site), SiteName: o.SiteName}
}

// runObjects sends one change after another; one that is not sent for certain ends the verb, so that no later one builds on it.
func (a *app) runObjects(ctx context.Context, sess *session, all []*change.Prepared, plans []*dispatch.Plan, flags changeFlags) error {
	out := objectsJSON{Results: []objectResult{}}
	var failed error
	options := sess.runOptions(flags.note)
	options.Pause, options.Report = a.pause(sess), a.waits()
	for i, plan := range plans {
		job, err := plan.Run(ctx, sess.client, options)
		if job == nil {
			return errors.Join(err, a.printObjects(out))
		}
		out.JobID, out.Warnings = job.ID, append(out.Warnings, plan.Warnings...)
		r := objectResult{objectJSON: objectOf(&all[i].ObjectChange), Notes: []string{}, Alarms: []string{}}
		if len(job.Results) > 0 {
			r.State, r.Reason, r.RequestID = string(job.Results[0].State), job.Results[0].Reason, job.Results[0].RequestID
		}
		if failed = errors.Join(err, jobError(job)); job.Count(dispatch.Sent) == 1 {
			failed = errors.Join(failed, readAgain(ctx, sess, all[i], &r))
		}
		out.Results = append(out.Results, r)
		if failed != nil {
			break
		}
	}
	if err := a.printObjects(out); err != nil && failed == nil && !unread(ctx, err) { // they are changed all the same
		return err
	}
	return failed
}

// readAgain reads a changed object and notes what it is now. What is not as it was asked for is an error.
func readAgain(ctx context.Context, sess *session, p *change.Prepared, r *objectResult) error {
	now, err := p.After(ctx, sess.client)
	if err != nil {
		r.Notes = append(r.Notes, "it was sent, but could not be read again: "+err.Error())
		return nil //nolint:nilerr // the change was sent, and the note says what is not known
	}
	r.Notes, r.Alarms = append(r.Notes, now.Notes...), append(r.Alarms, now.Alarms...)
	switch {
	case now.Site != nil:
		r.ID, r.SiteID, r.SiteName = string(now.Site.ID), string(now.Site.ID), now.Site.Name.Raw()
		if p.ID == "site.create" {
			r.AccountKeyCode = now.Site.Keycode.String()
		}
	case now.Group != nil:
		r.ID = string(now.Group.ID)
	case now.Admin != nil:
		r.ID = string(now.Admin.ID)
	}
	if len(now.Alarms) > 0 {
		return &codeError{exitPartly, "it was sent, but not all is as it should be: " + strings.Join(now.Alarms, "; ")}
	}
	return nil
}

func (a *app) printObjects(out objectsJSON) error {
	if a.flags.output == "json" || a.flags.jq != "" {
		return a.printValue(out)
	}
	if a.flags.output == "ndjson" || a.flags.output == "csv" {
		p, err := newPrinter(a, nil, func(r *objectResult) ([]byte, error) { return json.Marshal(r) })
		if err != nil {
			return err
		}
		for i := range out.Results {
			if err := p.add(&out.Results[i]); err != nil {
				return err
			}
		}
		return p.flush()
	}
	for _, r := range out.Results {
		if _, err := fmt.Fprintf(a.out, "%-9s %s  %s\n", r.State, unity.Clean(r.Name), unity.Clean(strings.Join(r.Notes, "; "))); err != nil {
			return err
		}
		if r.Reason != "" {
			_, _ = fmt.Fprintf(a.out, "          %s\n", unity.Clean(r.Reason))
		}
	}
	return nil
}
