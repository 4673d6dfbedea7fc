package views

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// EndpointSpecs declares what can be done to endpoints: key map, help, palette, hints, verbs and audit all come from it.
func EndpointSpecs() []ui.Spec {
	words := map[string]struct {
		title, help, key string
		hint             int
	}{
		"endpoint.scan":    {"scan", "Runs a scan at the machine's next poll.", "s", 20},
		"endpoint.cleanup": {"clean up", "Scans and quarantines what is found, at the machine's next poll.", "c", 21},
		"endpoint.restart": {"restart", "Reboots the machine at its next poll; unsaved work is lost.", "R", 22},
		"endpoint.isolate": {"isolate", "Cuts the machine off the network at its next poll.", "i", 23},
		"endpoint.release": {"release", "Ends the isolation of the machine at its next poll.", "I", 24},
	}
	var out []ui.Spec
	for _, op := range dispatch.Operations() {
		w := words[op.ID]
		out = append(out, ui.Spec{ID: op.ID, Title: w.title, Help: w.help, Keys: []string{w.key}, Arity: ui.Many, Risk: riskOf(op.Risk), Hint: w.hint})
	}
	return out
}

func riskOf(r dispatch.Risk) ui.Risk {
	switch r {
	case dispatch.Change:
		return ui.RiskChange
	case dispatch.Disrupt:
		return ui.RiskDisrupt
	case dispatch.Destroy:
		return ui.RiskDestroy
	default:
		return ui.RiskRead
	}
}

// Catalog lists the specs of all row actions.
func Catalog() []ui.Spec {
	out := EndpointSpecs()
	e := &Env{}
	out = append(out, threatSpec())
	for _, a := range e.siteActions() {
		out = append(out, a.Spec)
	}
	for _, a := range e.groupActions(unity.Site{}) {
		out = append(out, a.Spec)
	}
	return out
}

func threatSpec() ui.Spec {
	return ui.Spec{ID: "endpoint.threats", Title: "threats", Help: "Lists the machine's threat history of the past three months.",
		Keys: []string{"t"}, Arity: ui.One, Hint: 30}
}

func (e *Env) endpointActions() []ui.Action[fleet.Machine] {
	var out []ui.Action[fleet.Machine]
	specs := EndpointSpecs()
	for i, op := range dispatch.Operations() {
		out = append(out, ui.Action[fleet.Machine]{Spec: specs[i], Ready: e.sendable, Do: func(sel ui.Selection[fleet.Machine]) tea.Cmd {
			return ui.Propose(specs[i].Title, func(ctx context.Context) (ui.Plan, error) { return e.plan(ctx, op, sel) })
		}})
	}
	return append(out, ui.Action[fleet.Machine]{Spec: threatSpec(), Do: func(sel ui.Selection[fleet.Machine]) tea.Cmd {
		return ui.Push(ui.NewList(e.EndpointThreats(*sel.Items[0])))
	}})
}

// sendable gives the reason why nothing can be sent to the chosen machines.
func (e *Env) sendable(sel ui.Selection[fleet.Machine]) string {
	if e.Client.ReadOnly() {
		return "this profile is read-only"
	}
	for _, m := range sel.Items {
		if s := e.site(m.SiteID); s != nil && !s.Writable() {
			return "needs admin access to " + siteName(s) + ", you have " + unity.AccessWord(s.AccessLevel)
		}
	}
	return ""
}

// plan freezes the chosen machines and plans an operation on them.
func (e *Env) plan(ctx context.Context, op dispatch.Operation, sel ui.Selection[fleet.Machine]) (ui.Plan, error) {
	refs := e.chosen(sel)
	if len(refs) < len(sel.Keys) {
		return ui.Plan{}, fmt.Errorf("%d of the %d marked machines are not known any more; open their list once, or clear the marks", len(sel.Keys)-len(refs), len(sel.Keys))
	}
	frozen, err := dispatch.Freeze(e.Binding(), refs)
	if err != nil {
		return ui.Plan{}, err
	}
	console, err := e.Console(ctx)
	if err != nil {
		return ui.Plan{}, err
	}
	p, err := dispatch.Make(ctx, e.Client, op, frozen, dispatch.PlanOptions{Sites: e.knownSites(refs), Console: console.Name.String()})
	if err != nil {
		return ui.Plan{}, err
	}
	out := e.present(p)
	out.Hidden = sel.Hidden
	if sel.Filter != "" && len(sel.Hidden) > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d of the machines are hidden by the filter %q", len(sel.Hidden), unity.Clean(sel.Filter)))
	}
	return out, nil
}

// chosen are the machines of a selection: the rows at hand as they are, marked ones of other lists as last read.
func (e *Env) chosen(sel ui.Selection[fleet.Machine]) []fleet.Ref {
	rows := map[unity.EndpointID]fleet.Ref{}
	for _, m := range sel.Items {
		rows[m.ID] = m.Ref()
	}
	if len(sel.Keys) == 0 {
		var out []fleet.Ref
		for _, m := range sel.Items {
			out = append(out, m.Ref())
		}
		return out
	}
	var out []fleet.Ref
	for _, k := range sel.Keys {
		if r, ok := rows[unity.EndpointID(k)]; ok {
			out = append(out, r)
			continue
		}
		out = append(out, e.refs([]string{k})...)
	}
	return out
}

// present makes plain data of a plan.
func (e *Env) present(p *dispatch.Plan) ui.Plan {
	out := ui.Plan{Action: p.Operation.ID, Title: p.Operation.Name, Risk: riskOf(p.Risk()), Console: p.Console, Line: p.Line(),
		Machines: len(p.Targets), Sites: p.Sites(), Customers: p.Customers(), Warnings: p.Warnings, Stale: p.Stale}
	out.Type, out.TypeLabel = p.Typed()
	if len(p.Targets) == 1 {
		out.Stale = nil // the line says when it was seen
	}
	for _, t := range p.Targets {
		out.Names = append(out.Names, t.Name())
		out.Touches = append(out.Touches, "endpoint/"+string(t.ID))
	}
	for _, s := range p.Skipped {
		out.Skipped = append(out.Skipped, s.Ref.Name()+": "+s.Reason)
	}
	sites := map[unity.SiteID]bool{}
	for _, b := range p.Batches {
		out.Requests = append(out.Requests, b.Request.Method+" "+b.Request.Path+"\n"+string(b.Request.Body))
		if site := b.Targets.Site(); !sites[site] {
			sites[site] = true
			out.Touches = append(out.Touches, "commands/"+string(site))
		}
	}
	if len(p.Targets) == 0 {
		out.Blocked = "nothing is left to do: every chosen machine is skipped"
	}
	// The job is handed from Run to Follow, which is called after Run has returned.
	var done *dispatch.Job
	out.Run = func(ctx context.Context, report func(ui.Job)) { done = e.run(ctx, p, report) }
	out.Follow = func(ctx context.Context, finished ui.Job, report func(ui.Job)) { e.follow(ctx, done, finished, report) }
	return out
}

// follow watches the sent commands until the agents have them.
func (e *Env) follow(ctx context.Context, job *dispatch.Job, shown ui.Job, report func(ui.Job)) {
	if job == nil {
		return
	}
	words := map[string]string{}
	// An error only ends the watching; the lists of commands go on telling.
	_ = dispatch.Track(ctx, e.Client, job, func(id unity.EndpointID, s unity.CommandState) {
		text := s.String()
		if s.Open() {
			text += " · " + e.NextPoll(id)
		}
		if words[string(id)] == text {
			return
		}
		words[string(id)] = text
		next := shown
		next.Targets = append([]ui.Target(nil), shown.Targets...)
		for i := range next.Targets {
			if w, ok := words[next.Targets[i].Key]; ok {
				next.Targets[i].Tracking = w
			}
		}
		report(next)
	})
}

// run carries a plan out and reports it as plain data.
func (e *Env) run(ctx context.Context, p *dispatch.Plan, report func(ui.Job)) *dispatch.Job {
	var last ui.Job
	job, err := p.Run(ctx, e.Client, dispatch.RunOptions{Audit: e.Audit, Report: func(j dispatch.Job) {
		last = jobOf(j)
		report(last)
	}})
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

func jobOf(j dispatch.Job) ui.Job {
	out := ui.Job{ID: j.ID, Title: fmt.Sprintf("%s %s", j.Operation.Name, dispatch.Machines(len(j.Results))), Started: j.Started, Finished: j.Finished, Note: j.Note}
	for _, r := range j.Results {
		out.Targets = append(out.Targets, ui.Target{Key: string(r.Ref.ID), Name: r.Ref.Name(), Site: r.Ref.SiteName.String(),
			Outcome: ui.Outcome(r.State), Reason: r.Reason, RequestID: r.RequestID})
	}
	return out
}
