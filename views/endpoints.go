package views

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

type machineResource = ui.Resource[fleet.Machine, unity.EndpointID]

// endpoints is what every list of endpoints has in common.
func (e *Env) endpoints(title string, withSite bool) machineResource {
	language := fleet.MachineLanguage(false, e.Client.Now, func(scope string) bool { return !e.hasScope(scope) })
	language.Views = e.expressions()
	return machineResource{
		Kind: "endpoint", Title: title,
		Key:     func(m *fleet.Machine) unity.EndpointID { return m.ID },
		Name:    func(m *fleet.Machine) string { return m.Name() },
		Columns: e.machineColumns(withSite),
		Sort:    []table.SortKey{{Column: "host"}},
		Search: func(m *fleet.Machine) string {
			return strings.Join([]string{m.HostName.Raw(), m.SiteName.Raw(), m.User(), m.IPs(), m.MAC(), m.SiteKey.String()}, " ")
		},
		Filter:   filterOf(e, language),
		Complete: language.Complete,
		Every:    e.Refresh,
		Enter:    func(m *fleet.Machine) tea.Cmd { return ui.Push(e.EndpointScreen(*m)) },
		Detail:   e.machineDetail,
		Raw:      func(m *fleet.Machine) []byte { return raw(m.Record) },
		Marks:    e.Marks,
		Actions:  e.endpointActions(),
	}
}

// SiteEndpoints is the list of one site's endpoints.
func (e *Env) SiteEndpoints(s unity.Site) machineResource {
	r := e.endpoints("Endpoints", false)
	r.Depends = []string{"endpoints/" + string(s.ID)}
	r.Load = orKept(e, s.ID, func(ctx context.Context, emit func(ui.Page[fleet.Machine])) error { return e.loadSite(ctx, s, emit) }, e.keptMachines)
	r.Empty = "This site has no endpoints yet: they appear when an agent with its keycode reports in."
	return r
}

// MachineColumns are the columns of machines of several customers, for the tables of verbs.
func (e *Env) MachineColumns() []table.Column[fleet.Machine] { return e.machineColumns(true) }

func (e *Env) machineColumns(withSite bool) []table.Column[fleet.Machine] {
	now := paced(e.Client.Now)
	return []table.Column[fleet.Machine]{
		{ID: "host", Title: "Host", Min: 15, Max: 40, Flex: 3, Text: hostText, Data: func(m *fleet.Machine) string { return m.HostName.String() }},
		{ID: "status", Title: "Status", Min: 11, Max: 11, Priority: 1, Text: func(m *fleet.Machine) string { return statusText(m, now()) },
			Less: byInt(func(m *fleet.Machine) int64 { return statusRank(m, now()) }), Tone: func(m *fleet.Machine) theme.Tone { return statusTone(m, now()) }},
		{ID: "site", Title: "Site", Min: 12, Max: 36, Flex: 2, Priority: 1, Hidden: !withSite, Text: func(m *fleet.Machine) string { return m.SiteName.String() }},
		{ID: "seen", Title: "Seen", Min: 8, Right: true, Priority: 2, Text: func(m *fleet.Machine) string { return since(m.Seen(), now()) },
			Data: func(m *fleet.Machine) string { return stamp(m.Seen()) },
			Less: byTime((*fleet.Machine).Seen), Tone: func(m *fleet.Machine) theme.Tone {
				s, _ := m.State(now())
				return seenTone(s, m.Stale(now()))
			}},
		{ID: "user", Title: "User", Min: 6, Max: 20, Flex: 1, Priority: 4, Text: (*fleet.Machine).User},
		{ID: "version", Title: "Agent", Min: 9, Max: 12, Priority: 7, Text: (*fleet.Machine).Version,
			Less: func(a, b *fleet.Machine) int { return compareVersions(a.Version(), b.Version()) }},
		{ID: "os", Title: "System", Min: 12, Max: 36, Flex: 1, Priority: 9, Text: (*fleet.Machine).OS},
		{ID: "ip", Title: "Addresses", Min: 12, Max: 32, Priority: 8, Text: (*fleet.Machine).IPs},
		// What is the same in most rows stands last: a page sends the cells of a line up to the last one that differs.
		{ID: "group", Title: "Group", Min: 8, Max: 24, Flex: 1, Priority: 5, Text: (*fleet.Machine).GroupLabel},
		{ID: "policy", Title: "Policy", Min: 10, Max: 28, Flex: 1, Priority: 6, Text: func(m *fleet.Machine) string { return e.policyLabel(m.PolicyID, m.Policy) }},
		{ID: "mac", Title: "MAC", Min: 17, Priority: 10, Hidden: true, Text: (*fleet.Machine).MAC},
		{ID: "first", Title: "First seen", Min: 10, Priority: 11, Hidden: true, Text: func(m *fleet.Machine) string { return e.dateText(m.FirstSeen) },
			Data: func(m *fleet.Machine) string { return stampText(m.FirstSeen) },
			Less: byTime(func(m *fleet.Machine) time.Time { return m.FirstSeen.Time })},
		{ID: "id", Title: "Id", Min: 36, Priority: 12, Hidden: true, Text: func(m *fleet.Machine) string { return string(m.ID) }},
	}
}

func hostText(m *fleet.Machine) string {
	if m.HostName.Empty() {
		return nameless(m.ID)
	}
	return m.HostName.String()
}

// statusText is the state, or why it is not known; what the console alone knows is said all the same.
func statusText(m *fleet.Machine, now time.Time) string {
	state, known := m.State(now)
	if known {
		return state
	}
	if m.StatusNote == "" {
		return fleet.StateUnknown
	}
	return m.StatusNote
}

func statusRank(m *fleet.Machine, now time.Time) int64 { return stateRank(m.State(now)) }

// stateRank orders states, the gravest first.
func stateRank(state string, known bool) int64 {
	if !known {
		return 9
	}
	for i, s := range []string{fleet.StateInfected, fleet.StateAttention, fleet.StateStale, fleet.StateOK, fleet.StateGone} {
		if s == state {
			return int64(i)
		}
	}
	return 8
}

func statusTone(m *fleet.Machine, now time.Time) theme.Tone { return stateTone(m.State(now)) }

// seenTone warns of a silent machine, unless its state says so already.
func seenTone(state string, stale bool) theme.Tone {
	if stale && state != fleet.StateStale && state != fleet.StateGone {
		return theme.Warn
	}
	return theme.Plain
}

func stateTone(state string, known bool) theme.Tone {
	switch {
	case !known:
		return theme.Muted
	case state == fleet.StateInfected:
		return theme.Bad
	case state == fleet.StateAttention, state == fleet.StateStale:
		return theme.Warn
	case state == fleet.StateGone:
		return theme.Muted
	default:
		return theme.Good
	}
}

// loadSite reads a site's endpoints, and then what their agents reported.
func (e *Env) loadSite(ctx context.Context, s unity.Site, emit func(ui.Page[fleet.Machine])) error {
	s, err := e.siteOf(ctx, s)
	if err != nil {
		return err
	}
	type report struct {
		rows []unity.Status
		err  error
	}
	reports := make(chan report, 1)
	go func() {
		rows, err := unity.Collect(e.Client.SiteStatus(ctx, s.Keycode, unity.StatusQuery{}))
		reports <- report{rows, err}
	}()
	options := fleet.SiteOptions{StaleAfter: e.StaleAfter, Groups: fleet.GroupNames(ctx, e.Client, s.ID), Policies: e.policyNames()}
	var machines []*fleet.Machine
	for page, err := range e.Client.Endpoints(ctx, s.ID, unity.EndpointQuery{}) {
		if err != nil {
			return err
		}
		part := ui.Page[fleet.Machine]{Total: page.Total}
		for i := range page.Items {
			m := fleet.NewMachine(page.Items[i], &s, options, e.Client.Now())
			machines = append(machines, m)
			part.Items = append(part.Items, m)
		}
		e.recall(s.ID, part.Items)
		e.keepMachines(part.Items)
		emit(part)
	}
	r := <-reports
	emit(e.joined(machines, &s, r.rows, r.err))
	return nil
}

// joined puts the agents' reports to copies of the machines: those that are on the screen already do not change.
func (e *Env) joined(machines []*fleet.Machine, s *unity.Site, rows []unity.Status, err error) ui.Page[fleet.Machine] {
	out := ui.Page[fleet.Machine]{Total: len(machines)}
	for _, m := range machines {
		c := *m
		c.Status, c.StatusNote = nil, fleet.NoteNotLoaded
		out.Items = append(out.Items, &c)
	}
	if err != nil {
		note := fleet.NoteNotLoaded
		if errors.Is(err, unity.ErrScope) {
			note = fleet.NoteNoScope
		}
		for _, m := range out.Items {
			m.StatusNote = note
		}
		out.Problems = []string{"agent status: " + scopeAdvice(err)}
		return out
	}
	for i := range rows {
		rows[i].Keycode = s.Keycode
	}
	fleet.Join(out.Items, rows, true)
	e.askedBefore(out.Items)
	out.Notes = silent(out.Items)
	e.keepReports(s.ID, out.Items)
	e.keepMachines(out.Items)
	return out
}

// askedBefore gives machines that no list of reports tells from others what the picture has of them, since it asked for each by itself:
// one machine must not be two things on two screens.
func (e *Env) askedBefore(machines []*fleet.Machine) {
	p := e.current()
	if p == nil {
		return
	}
	for _, m := range machines {
		if m.Status != nil {
			continue
		}
		if row, ok := p.Get(m.ID); ok && row.Asked() && row.SameMachine(m.MachineID) && row.HostName() == m.HostName {
			kept := row.Machine(e.StaleAfter)
			m.Status, m.StatusNote = kept.Status, kept.StatusNote
		}
	}
}

// silentNamed is how many machines without a report are named.
const silentNamed = 20

// silent says which active machines have no report, as the numbers of the first screen count them.
func silent(machines []*fleet.Machine) []string {
	var names []string
	n, active := 0, 0
	for _, m := range machines {
		if m.Deactivated.On {
			continue
		}
		active++
		if m.Status != nil {
			continue
		}
		if n++; n <= silentNamed {
			names = append(names, hostText(m))
		}
	}
	if n == 0 {
		return nil
	}
	if more := n - len(names); more > 0 {
		names = append(names, "and "+thousands(more)+" more")
	}
	return []string{thousands(n) + " of " + counted(active, "active machine has", "active machines have") +
		" no agent status that is theirs for certain: " + strings.Join(names, ", ")}
}

// scopeAdvice words a refusal for lack of scope with whom to ask.
func scopeAdvice(err error) string {
	var refused *unity.Error
	if errors.As(err, &refused) && errors.Is(err, unity.ErrScope) {
		text := "ask your Webroot representative for " + refused.Scope
		if refused.RequestID != "" {
			text += " (requestId " + refused.RequestID + ")"
		}
		return text
	}
	return err.Error()
}

func compareVersions(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return -1
	case b == "":
		return 1
	}
	return selector.CompareVersions(a, b)
}
