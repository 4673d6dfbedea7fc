package views

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/edit/change"
)

// present makes plain data of a plan.
func (e *Env) present(p *dispatch.Plan) ui.Plan {
	out := ui.Plan{Action: p.Operation.ID, Title: p.Operation.Words(), Risk: riskOf(p.Risk()), Own: riskOf(p.Operation.Risk), Grave: gravity(p),
		Console: p.Console, Line: p.Line(),
		Machines: p.Machines(), Sites: p.Sites(), Customers: p.Customers(), Warnings: p.Notices(), Stale: p.Stale, Opposed: p.Opposed, Incomplete: p.Incomplete(), Found: p.Found()}
	out.Type, out.TypeLabel = p.Typed()
	if len(p.Targets) == 1 {
		out.Stale = nil // the line says when it was seen
	}
	for _, t := range p.Targets {
		out.Names = append(out.Names, dispatch.Named(t))
	}
	out.Touches = touches(p)
	for _, s := range slices.Concat(p.Skipped, p.Unread) {
		out.Skipped = append(out.Skipped, dispatch.Named(s.Ref)+": "+s.Reason)
	}
	out.Requests, out.Calls = requests(p.Batches), len(p.Batches)
	if p.Object == nil {
		out.Servers, out.Serving = e.servers(p.Targets)
	}
	if p.Object != nil {
		out.Title, out.Names, out.Customers, out.Dialog = p.Line(), nil, nil, true
		if p.Object.SiteName != "" {
			out.Customers = []string{unity.Clean(p.Object.SiteName)}
		}
		for _, d := range p.Object.Diff {
			out.Changes = append(out.Changes, d.Field+": "+orNone(d.Before)+" → "+orNone(d.After))
		}
	}
	if len(p.Targets) == 0 {
		out.Blocked = "nothing is left to do: every chosen machine is skipped"
	}
	// The job is handed from Run to Follow, which is called after Run has returned.
	var done *dispatch.Job
	out.Run = func(ctx context.Context, report func(ui.Job)) {
		done = e.run(ctx, p, report, func(o dispatch.RunOptions) (*dispatch.Job, error) { return p.Run(ctx, e.Client, o) })
	}
	out.Follow = func(ctx context.Context, finished ui.Job, report func(ui.Job)) { e.follow(ctx, done, finished, report) }
	return out
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return unity.Clean(s)
}

// touches are the keys of the lists that a plan alters.
func touches(p *dispatch.Plan) []string {
	var out []string
	seen := map[string]bool{}
	add := func(key string) {
		if !seen[key] {
			seen[key] = true
			out = append(out, key)
		}
	}
	if ch := p.Object; ch != nil {
		site := string(ch.Site)
		switch ch.Kind {
		case "site":
			add("sites")
			if site != "" {
				add("site/" + site)
				add("endpoints/" + site)
			}
		case "group":
			add("groups/" + site)
			add("endpoints/" + site)
		default:
			add("admins")
			add("admins/" + site)
		}
		return out
	}
	for _, t := range p.Targets {
		add("endpoint/" + string(t.ID))
		add("commands/" + string(t.Site))
		if !p.Operation.AgentCommand() {
			add("endpoints/" + string(t.Site))
		}
	}
	return out
}

// follow watches the sent commands until the agents have them.
func (e *Env) follow(ctx context.Context, job *dispatch.Job, shown ui.Job, report func(ui.Job)) {
	if job == nil || !job.Operation.AgentCommand() {
		return
	}
	type word struct {
		agent          ui.Agent
		tracking, hint string
	}
	words := map[string]word{}
	// An error only ends the watching; the lists of commands go on telling.
	_ = e.tracking().Follow(ctx, job, func(all []dispatch.Tracked) {
		news := false
		for _, seen := range all {
			id, text := string(seen.ID), e.trackingWords(seen.ID, seen.State, seen.Requested.Time)
			if words[id].tracking != text {
				words[id], news = word{ui.Agent(seen.State.String()), text, e.pollHint(seen.ID, seen.State)}, true
			}
		}
		if !news {
			return
		}
		next := shown
		next.Targets = append([]ui.Target(nil), shown.Targets...)
		for i := range next.Targets {
			if w, ok := words[next.Targets[i].Key]; ok {
				next.Targets[i].Agent, next.Targets[i].Tracking, next.Targets[i].Hint = w.agent, w.tracking, w.hint
			}
		}
		report(next)
	})
}

// run carries a plan out and reports it as plain data.
func (e *Env) run(ctx context.Context, p *dispatch.Plan, report func(ui.Job), start func(dispatch.RunOptions) (*dispatch.Job, error)) *dispatch.Job {
	var last ui.Job
	o := dispatch.RunOptions{Audit: e.Audit, Journal: e.Journal, Profile: e.Profile, Report: func(j dispatch.Job) {
		last = e.jobOf(&j)
		report(last)
	}}
	if e.SignedIn != nil {
		o.Pause = func(ctx context.Context, _ error) error { return e.SignedIn(ctx) }
	}
	job, err := start(o)
	if job != nil && job.Link != nil && len(job.Link.Next) > 0 {
		if next := e.stepsAfter(job.ID); next != "" {
			last.Next = next
			report(last)
		}
	}
	if err == nil {
		return job
	}
	// The job did not start, or its end could not be written down.
	if last.ID == "" {
		last = ui.Job{Title: p.Line(), Started: e.Client.Now()}
		for _, t := range p.Targets {
			last.Targets = append(last.Targets, ui.Target{Key: string(t.ID), Name: t.Name(), Site: t.SiteName.String(), Outcome: ui.Failed, Reason: err.Error()})
		}
	}
	last.Finished = e.Client.Now()
	last.Note = err.Error()
	if errors.Is(err, unity.ErrRefused) {
		last.Note = "refused: nothing was sent"
	}
	report(last)
	return job
}

func (e *Env) jobOf(j *dispatch.Job) ui.Job {
	out := ui.Job{ID: j.ID, Title: j.Title(), Started: j.Started, Finished: j.Finished, Note: j.Note, OneWay: !j.HasInverse()}
	if j.Finished.IsZero() {
		p := j.Progress(e.Client.Now())
		out.PerSecond, out.Left = p.PerSecond, p.Left
	}
	for i := range j.Results {
		r := &j.Results[i]
		t := ui.Target{Key: string(r.Ref.ID), Name: r.Ref.Name(), Site: r.Ref.SiteName.String(),
			Outcome: ui.Outcome(r.State), Reason: r.Reason, RequestID: r.RequestID}
		if s := j.Tracked(r.Ref.ID); s != 0 {
			t.Agent, t.Tracking = ui.Agent(s.String()), e.trackingWords(r.Ref.ID, s, r.At)
		}
		if r.State == dispatch.Sent && j.Operation.AgentCommand() {
			t.Hint = e.pollHint(r.Ref.ID, openUnless(j.Tracked(r.Ref.ID)))
		}
		out.Targets = append(out.Targets, t)
	}
	return out
}

// openUnless takes a command that was not looked up yet for a waiting one.
func openUnless(s unity.CommandState) unity.CommandState {
	if s == 0 {
		return unity.StateNotYetReceived
	}
	return s
}

// PastJobs are the jobs of earlier runs, and those of other processes, without their machines.
func (e *Env) PastJobs(context.Context) ([]ui.PastJob, error) {
	all, unreadable, err := e.keptJobs().Digests()
	if err != nil {
		return nil, err
	}
	outlines := make([]*dispatch.Past, 0, len(all))
	for i := range all {
		outlines = append(outlines, all[i].Past())
	}
	out := make([]ui.PastJob, 0, len(all))
	for i := range all {
		d := &all[i]
		if !d.Is(e.Binding()) {
			continue // of another console: its own profile lists it
		}
		past := ui.PastJob{Job: ui.Job{ID: d.ID, Title: d.Title, Started: d.Started, Finished: d.Finished}, State: string(d.State), Version: d.Version(),
			Resumable: d.Open(), Interrupted: d.State == dispatch.JobInterrupted, Elapsed: d.Elapsed, Counts: map[ui.Outcome]int{}}
		for _, s := range outcomes {
			if n := d.Count(s); n > 0 {
				past.Counts[ui.Outcome(s)] = n
			}
		}
		past.Next = titles(dispatch.StepsLeft(outlines[i], outlines))
		if d.State == dispatch.JobRunning {
			past.Note = "run by " + d.Holder.String()
		}
		out = append(out, past)
	}
	for _, u := range unreadable {
		out = append(out, ui.PastJob{Job: ui.Job{ID: u.ID, Title: "unreadable", Note: u.Err.Error()}, State: "unreadable"})
	}
	return out, nil
}

// outcomes are all states of a target.
var outcomes = [...]dispatch.State{dispatch.Waiting, dispatch.Running, dispatch.Sent, dispatch.Failed, dispatch.Unknown, dispatch.Skipped, dispatch.Cancelled}

// openJob reads a job of the past with its machines.
func (e *Env) openJob(_ context.Context, id string) (ui.Job, error) {
	p, err := e.keptJobs().Load(id)
	if err != nil {
		return ui.Job{}, err
	}
	return e.jobOf(&p.Job), nil
}

// stepsAfter names the steps of a combined action that were not begun after a job, "" for none.
func (e *Env) stepsAfter(id string) string {
	past, err := e.keptJobs().Load(id)
	if err != nil {
		return "" // it is not written down, so nothing goes on from it
	}
	next, err := e.keptJobs().Unfinished(past)
	if err != nil {
		return ""
	}
	return titles(next)
}

func titles(steps []dispatch.NextStep) string {
	var out []string
	for _, n := range steps {
		out = append(out, n.Title)
	}
	return strings.Join(out, ", then ")
}

// AgainPlan plans what is done with a job of the past: to go on with it, to repeat a part of it, or to take it back.
func (e *Env) AgainPlan(ctx context.Context, id string, what ui.Again) (ui.Plan, error) {
	if e.Client.ReadOnly() {
		return ui.Plan{}, errors.New("this profile is read-only")
	}
	jobs := e.keptJobs()
	o := dispatch.PlanOptions{Binding: e.Binding()}
	if console, err := e.Console(ctx); err == nil {
		o.Console = console.Name.String()
	}
	some := dispatch.SomeFailed
	switch what {
	case ui.AgainUnknown:
		return e.resendPlan(ctx, jobs, id, o)
	case ui.AgainResume:
		return e.resumePlan(jobs, id)
	case ui.AgainRevert:
		return e.presentWay(change.Revert(ctx, e.Client, jobs, id, e.Binding(), o)) //nolint:contextcheck // what is read after a change outlives its planning
	case ui.AgainStep:
		past, err := jobs.Load(id)
		if err != nil {
			return ui.Plan{}, err
		}
		ch, err := change.Continue(ctx, e.Client, jobs, e.Binding(), past)
		if err != nil {
			return ui.Plan{}, err
		}
		return e.presentChain(ch, nil), nil
	case ui.AgainElapsed:
		some = dispatch.SomeElapsed
	case ui.AgainFailed:
	}
	return e.presentWay(change.Retry(ctx, e.Client, jobs, id, e.Binding(), some, o)) //nolint:contextcheck // what is read after a change outlives its planning
}

// resendPlan is a new job of what failed, and of what is unknown and of which the server shows nothing now. The latter is never low
// a risk: the first try may have arrived all the same.
func (e *Env) resendPlan(ctx context.Context, jobs *dispatch.Jobs, id string, o dispatch.PlanOptions) (ui.Plan, error) {
	w, err := change.Retry(ctx, e.Client, jobs, id, e.Binding(), dispatch.SomeUnseen, o)
	if errors.Is(err, dispatch.ErrNothingToDo) {
		err = fmt.Errorf("%w: what was unknown was found, or was sent less than a minute ago", err)
	}
	out, err := e.presentWay(w, err) //nolint:contextcheck // what is read after a change outlives its planning
	if err != nil {
		return out, err
	}
	past, err := jobs.Load(id) // as it stands after the server was asked
	if err != nil {
		return out, err
	}
	if n := twice(past, w.Plan); n > 0 {
		out.Risk, out.Own, out.Dialog = max(out.Risk, ui.RiskDisrupt), max(out.Own, ui.RiskDisrupt), true
		out.Warnings = append(out.Warnings, thousands(n)+" of these may get it twice: nobody knows whether the first try arrived, and the server shows nothing of it")
	}
	return out, nil
}

// twice counts the targets of a plan of which a job does not know the outcome.
func twice(past *dispatch.Past, p *dispatch.Plan) int {
	unknown := map[unity.EndpointID]bool{}
	for i := range past.Results {
		if r := &past.Results[i]; r.State == dispatch.Unknown {
			unknown[r.Ref.ID] = true
		}
	}
	n := 0
	for _, t := range p.Targets {
		if unknown[t.ID] {
			n++
		}
	}
	return n
}

// presentWay makes plain data of what is done with a job of the past.
func (e *Env) presentWay(w change.Way, err error) (ui.Plan, error) {
	switch {
	case err != nil:
		return ui.Plan{}, err
	case w.Chain != nil:
		return e.presentChain(w.Chain, nil), nil
	case w.Object != nil:
		return e.presentChange(w.Object, w.Plan, nil), nil // it is read again afterwards as after any change of it
	}
	return e.present(w.Plan), nil
}

// resumePlan is the rest of a job as it was confirmed.
func (e *Env) resumePlan(jobs *dispatch.Jobs, id string) (ui.Plan, error) {
	past, err := jobs.Load(id)
	if err != nil {
		return ui.Plan{}, err
	}
	if past.State == dispatch.JobRunning {
		return ui.Plan{}, &journal.BusyError{ID: past.ID, Holder: past.Holder}
	}
	rest := past.Rest()
	out := e.present(rest)
	out.Title, out.Line = "go on with "+past.Title(), ""
	out.Blocked = ""
	out.Warnings = append(out.Warnings, "so far: "+past.Words())
	if n := past.Count(dispatch.Unknown); n > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("of %s nobody knows yet; they are looked up and never sent to again", dispatch.Machines(n)))
	}
	var done *dispatch.Job
	out.Run = func(ctx context.Context, report func(ui.Job)) {
		done = e.run(ctx, rest, report, func(o dispatch.RunOptions) (*dispatch.Job, error) {
			return jobs.Resume(ctx, e.Client, past.ID, e.Binding(), o)
		})
	}
	out.Follow = func(ctx context.Context, finished ui.Job, report func(ui.Job)) { e.follow(ctx, done, finished, report) }
	return out, nil
}
