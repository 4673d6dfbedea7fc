package views

import (
	"context"
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
		"endpoint.scan":          {"scan", "Runs a scan at the machine's next poll.", "s", 20},
		"endpoint.cleanup":       {"clean up", "Scans and quarantines what is found, at the machine's next poll.", "c", 21},
		"endpoint.restart":       {"restart", "Reboots the machine at its next poll; unsaved work is lost.", "R", 22},
		"endpoint.isolate":       {"isolate", "Cuts the machine off the network at its next poll.", "i", 23},
		"endpoint.release":       {"release", "Ends the isolation of the machine at its next poll.", "I", 24},
		"endpoint.uninstall":     {"uninstall", "Removes the agent, and with it the protection, at the machine's next poll; the seat stays taken.", "U", 0},
		"endpoint.changekeycode": {"change keycode", "Moves the agent to another site at the machine's next poll.", "K", 0},
		"endpoint.deactivate":    {"deactivate", "Deactivates the machine and frees its seat; the agent is removed.", "D", 0},
		"endpoint.reactivate":    {"reactivate", "Reactivates the machine, which takes a seat again.", "E", 0},
		"endpoint.move":          {"move", "Moves the machine to another group of its site.", "m", 25},
		"endpoint.set-policy":    {"set policy", "Gives the machine a policy of its own.", "p", 26},
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
	rebill, movePolicy := chainSpecs()
	out = append(out, threatSpec(), favouriteSpec(), rebill, movePolicy, againSpec(), cleanSpec(), groupPolicySpec())
	for _, a := range e.siteActions() {
		out = append(out, a.Spec)
	}
	for _, a := range e.groupActions(unity.Site{}) {
		out = append(out, a.Spec)
	}
	for _, a := range e.adminActions(nil) {
		out = append(out, a.Spec)
	}
	return out
}

func threatSpec() ui.Spec {
	return ui.Spec{ID: "endpoint.threats", Title: "threats", Help: "Lists the machine's threat history of the past three months.",
		Keys: []string{"t"}, Arity: ui.One, Hint: 30}
}

func (e *Env) endpointActions() []ui.Action[fleet.Machine] {
	return endpointActionsOf(e, (*fleet.Machine).Ref)
}

// endpointActionsOf are the actions on machines, whatever rows stand for them: refOf tells which machine a row is.
func endpointActionsOf[T any](e *Env, refOf func(*T) fleet.Ref) []ui.Action[T] {
	var out []ui.Action[T]
	specs := EndpointSpecs()
	ready := func(sel ui.Selection[T]) string { return e.sendable(refsOf(sel, refOf)) }
	for i, op := range dispatch.Operations() {
		out = append(out, ui.Action[T]{Spec: specs[i], Ready: ready, Do: func(sel ui.Selection[T]) tea.Cmd {
			c := choiceOf(sel, refOf)
			if len(op.Needs) == 0 {
				return e.proposeOn(specs[i].Title, op, c)
			}
			return e.askArguments(op, e.chosen(c), func(whole dispatch.Operation) tea.Cmd { return e.proposeOn(specs[i].Title, whole, c) })
		}})
	}
	out = append(append(out, chainActions(e, refOf)...), userActions(e, refOf)...)
	return append(out, ui.Action[T]{Spec: threatSpec(), Do: func(sel ui.Selection[T]) tea.Cmd {
		ref := refOf(sel.Items[0])
		m := fleet.Machine{SiteID: ref.Site, SiteName: ref.SiteName}
		m.ID, m.HostName = ref.ID, ref.HostName
		return ui.Push(ui.NewList(e.EndpointThreats(m)))
	}})
}

// choice is a selection of machines, whatever its rows were.
type choice struct {
	refs []fleet.Ref
	keys []string
	// hidden are those of the keys that the list holds and its filter hides.
	hidden []string
	filter string
	// marked is true when the machines were marked, false for the one under the cursor.
	marked bool
	// explain tells how the filter came upon the machines; nil where there is none.
	explain func(*Env) map[unity.EndpointID]fleet.Found
}

func choiceOf[T any](sel ui.Selection[T], refOf func(*T) fleet.Ref) choice {
	return choice{refs: refsOf(sel, refOf), keys: sel.Keys, hidden: sel.HiddenKeys, filter: sel.Filter, marked: sel.Marked, explain: explaining(sel)}
}

func refsOf[T any](sel ui.Selection[T], refOf func(*T) fleet.Ref) []fleet.Ref {
	out := make([]fleet.Ref, 0, len(sel.Items))
	for _, row := range sel.Items {
		out = append(out, refOf(row))
	}
	return out
}

// sendable gives the reason why nothing can be sent to the chosen machines.
func (e *Env) sendable(refs []fleet.Ref) string {
	if e.Client.ReadOnly() {
		return "this profile is read-only"
	}
	if reason := e.offline(); reason != "" {
		return reason
	}
	for _, r := range refs {
		if s := e.site(r.Site); s != nil && !s.Writable() {
			return "needs admin access to " + siteName(s) + ", you have " + unity.AccessWord(s.AccessLevel)
		}
	}
	return ""
}

// proposeOn plans a complete operation on chosen machines and asks about it.
func (e *Env) proposeOn(title string, op dispatch.Operation, c choice) tea.Cmd {
	return ui.Propose(title, func(ctx context.Context) (ui.Plan, error) { return e.plan(ctx, op, c) })
}

// plan freezes the chosen machines and plans an operation on them.
func (e *Env) plan(ctx context.Context, op dispatch.Operation, c choice) (ui.Plan, error) {
	refs, err := e.allOf(c)
	if err != nil {
		return ui.Plan{}, err
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
	return c.nameHidden(e.present(p), refs), nil
}

// nameHidden adds to a plan which of its machines the list in front does not show: its filter hides them, or they were marked
// elsewhere.
func (c choice) nameHidden(out ui.Plan, refs []fleet.Ref) ui.Plan {
	out.Hidden = hiddenLines(c.hidden, refs)
	out.Elsewhere = c.elsewhere(refs)
	if n := len(out.Elsewhere); n > 0 && n == len(refs) {
		out.Warnings = append(out.Warnings, "what is marked is on another screen; the machine under the cursor is not meant")
	}
	if c.filter != "" && len(c.hidden) > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d of the machines are hidden by the filter %q", len(c.hidden), unity.Clean(c.filter)))
	}
	return out
}

// allOf are the chosen machines, each with how the filter came upon it, or an error when some are not known any more: fewer than were marked is not what was asked for.
func (e *Env) allOf(c choice) ([]fleet.Ref, error) {
	refs := e.chosen(c)
	if lost := len(c.keys) - len(refs); lost > 0 {
		return nil, fmt.Errorf("%d of the %d marked machines are not known any more; open their list once, or clear the marks", lost, len(c.keys))
	}
	if c.explain != nil {
		found := c.explain(e)
		for i := range refs {
			refs[i].Found = found[refs[i].ID]
		}
	}
	return refs, nil
}

// chosen are the machines of a selection: the rows at hand as they are, marked ones of other lists as last read.
func (e *Env) chosen(c choice) []fleet.Ref {
	if len(c.keys) == 0 {
		return append([]fleet.Ref(nil), c.refs...)
	}
	rows := map[unity.EndpointID]fleet.Ref{}
	for _, r := range c.refs {
		rows[r.ID] = r
	}
	var out []fleet.Ref
	for _, k := range c.keys {
		if r, ok := rows[unity.EndpointID(k)]; ok {
			out = append(out, r)
			continue
		}
		out = append(out, e.refs([]string{k})...)
	}
	return out
}
