package views

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
)

// chainSpecs declares the combined actions on machines.
func chainSpecs() (rebill, movePolicy ui.Spec) {
	return ui.Spec{ID: "endpoint.rebill", Title: "reactivate and deactivate again", Arity: ui.Many, Risk: ui.RiskDestroy,
			Help: "For machines that are deactivated and billed all the same: reactivates them, then deactivates them again."},
		ui.Spec{ID: "endpoint.move-policy", Title: "move and set policy", Arity: ui.Many, Risk: ui.RiskChange,
			Help: "Moves the machines to another group of their site and gives them a policy."}
}

// chainActions are the combined actions on machines, whatever rows stand for them.
func chainActions[T any](e *Env, refOf func(*T) fleet.Ref) []ui.Action[T] {
	rebill, movePolicy := chainSpecs()
	ready := func(sel ui.Selection[T]) string { return e.sendable(refsOf(sel, refOf)) }
	return []ui.Action[T]{
		{Spec: rebill, Ready: ready, Do: func(sel ui.Selection[T]) tea.Cmd {
			return e.proposeChain(rebill.Title, choiceOf(sel, refOf), func(ctx context.Context, refs []fleet.Ref) (*change.Chain, error) {
				return change.Rebill(ctx, e.Client, e.Binding(), e.knownSites(refs), refs)
			})
		}},
		{Spec: movePolicy, Ready: ready, Do: func(sel ui.Selection[T]) tea.Cmd {
			return e.moveAndPolicy(movePolicy.Title, choiceOf(sel, refOf))
		}},
	}
}

// moveAndPolicy asks for the group and for the policy, and plans both.
func (e *Env) moveAndPolicy(title string, c choice) tea.Cmd {
	refs := e.chosen(c)
	ops := map[string]dispatch.Operation{}
	for _, op := range dispatch.Operations() {
		ops[op.ID] = op
	}
	return e.askArguments(ops["endpoint.move"], refs, func(move dispatch.Operation) tea.Cmd {
		return e.askArguments(ops["endpoint.set-policy"], refs, func(policy dispatch.Operation) tea.Cmd {
			return e.proposeChain(title, c, func(ctx context.Context, refs []fleet.Ref) (*change.Chain, error) {
				return change.MoveAndPolicy(ctx, e.Client, e.Binding(), e.knownSites(refs), refs, move, policy)
			})
		})
	})
}

// offboardSite plans the end of the service of a customer, from the complete list of its machines. Before anything is sent a
// report of them is written.
func (e *Env) offboardSite(s unity.Site) tea.Cmd {
	return ui.Propose("off-board "+siteName(&s), func(ctx context.Context) (ui.Plan, error) {
		fresh, err := e.Client.Site(ctx, s.ID)
		if err != nil {
			return ui.Plan{}, err
		}
		rows, err := unity.Collect(e.Client.Endpoints(ctx, s.ID, unity.EndpointQuery{}))
		if err != nil {
			return ui.Plan{}, err
		}
		names := fleet.SiteOptions{StaleAfter: e.StaleAfter}
		if e.Report != nil {
			e.loadPolicyNames(ctx, s.ID)
			names.Policies, names.Groups = e.policyNames(), fleet.GroupNames(ctx, e.Client, s.ID)
		}
		var refs []fleet.Ref
		machines := make([]*fleet.Machine, 0, len(rows))
		for _, row := range rows {
			m := fleet.NewMachine(row, fresh, names, e.Client.Now())
			e.addReport(m)
			machines = append(machines, m)
			if !row.Deactivated.On {
				refs = append(refs, m.Ref())
			}
		}
		if len(refs) == 0 {
			return ui.Plan{}, errors.New("the site has no active machine; suspending it is all there is to do")
		}
		ch, err := change.Offboard(ctx, e.Client, e.Binding(), fresh, refs)
		if err != nil {
			return ui.Plan{}, err
		}
		if e.Report == nil {
			return e.presentChain(ch, nil), nil
		}
		ch.First.Warnings = append(ch.First.Warnings, "first a report of "+dispatch.Machines(len(machines))+" is written; when it cannot be, nothing is sent")
		return e.presentChain(ch, func() (string, error) { return e.Report(*fresh, machines) }), nil
	})
}

// addReport adds what the picture knows of a machine's agent.
func (e *Env) addReport(m *fleet.Machine) {
	p := e.current()
	if p == nil {
		return
	}
	if row, ok := p.Get(m.ID); ok {
		kept := row.Machine(e.StaleAfter)
		m.Status, m.StatusNote = kept.Status, kept.StatusNote
	}
}

// proposeChain plans a combined action on chosen machines and asks about it as about its gravest step.
func (e *Env) proposeChain(title string, c choice, plan func(context.Context, []fleet.Ref) (*change.Chain, error)) tea.Cmd {
	return ui.Propose(title, func(ctx context.Context) (ui.Plan, error) {
		refs, err := e.allOf(c)
		if err != nil {
			return ui.Plan{}, err
		}
		ch, err := plan(ctx, refs)
		if err != nil {
			return ui.Plan{}, err
		}
		return c.nameHidden(e.presentChain(ch, nil), refs), nil
	})
}

// presentChain makes plain data of a combined action. before, when it is set, writes a file once the action is confirmed and
// gives its path; its error stops the action.
func (e *Env) presentChain(ch *change.Chain, before func() (string, error)) ui.Plan {
	out := e.present(ch.First)
	out.Grave = "" // its steps are taken back one by one
	out.Action, out.Title, out.Line = ch.ID, ch.Name, ch.Name+" · "+dispatch.Machines(len(ch.First.Targets))
	for _, r := range ch.Later() {
		out.Calls++
		out.Requests = append(out.Requests, r.Method+" "+r.Path+"\n"+string(r.Body))
	}
	out.Touches = append(out.Touches, "sites")
	for _, t := range ch.First.Targets {
		out.Touches = append(out.Touches, "endpoints/"+string(t.Site))
	}
	out.Follow = nil
	path := ""
	out.Run = func(ctx context.Context, report func(ui.Job)) {
		if before != nil {
			var err error
			if path, err = before(); err != nil {
				report(e.notBegun(ch, err))
				return
			}
		}
		e.runChain(ctx, ch, report)
	}
	out.Then = func(ui.Job) tea.Cmd {
		if path == "" {
			return nil
		}
		return ui.Toast(ui.Good, "report written to "+path)
	}
	return out
}

// notBegun is the report of a combined action of which nothing was sent.
func (e *Env) notBegun(ch *change.Chain, why error) ui.Job {
	now := e.Client.Now()
	job := ui.Job{Title: ch.Name, Started: now, Finished: now, Note: "nothing was sent"}
	for _, t := range ch.First.Targets {
		job.Targets = append(job.Targets, ui.Target{Key: string(t.ID), Name: t.Name(), Site: t.SiteName.String(), Outcome: ui.Failed, Reason: why.Error()})
	}
	return job
}

// runChain carries the steps out as one job: machines that a step lost stay in its list of targets to the end.
func (e *Env) runChain(ctx context.Context, ch *change.Chain, report func(ui.Job)) {
	var lost []ui.Target
	var shown ui.Job
	err := ch.Run(ctx, func(step int, plan *dispatch.Plan) (*dispatch.Job, error) {
		last := step == len(ch.Steps)-1
		job := e.run(ctx, plan, func(j ui.Job) {
			shown = j
			shown.Title = ch.Name
			shown.Targets = append(append([]ui.Target(nil), lost...), j.Targets...)
			if !last {
				shown.Finished = time.Time{} // the whole goes on
				shown.Note = fmt.Sprintf("step %d of %d: %s", step+1, len(ch.Steps), ch.Steps[step].Title)
			}
			report(shown)
		}, func(o dispatch.RunOptions) (*dispatch.Job, error) { return plan.Run(ctx, e.Client, o) })
		for _, t := range shown.Targets[len(lost):] {
			if !last && t.Outcome != ui.Sent && t.Outcome != ui.Skipped {
				lost = append(lost, t)
			}
		}
		return job, nil
	})
	if err != nil {
		shown.Finished, shown.Note = e.Client.Now(), unity.Clean(err.Error())
		report(shown)
	}
}
