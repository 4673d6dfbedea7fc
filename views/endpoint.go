package views

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// EndpointScreen shows one machine with its commands and its threats.
func (e *Env) EndpointScreen(m fleet.Machine) ui.Screen {
	r := e.endpoints(m.Name(), true)
	r.Title = m.Name()
	// What was read last of the machine goes before the row that was opened, which may be of the picture and have no record.
	var last atomic.Pointer[fleet.Machine]
	latest := func(row *fleet.Machine) *fleet.Machine {
		if m := last.Load(); m != nil {
			return m
		}
		return row
	}
	detail, record := r.Detail, r.Raw
	r.Detail = func(row *fleet.Machine) []ui.Field { return detail(latest(row)) }
	r.Raw = func(row *fleet.Machine) []byte { return record(latest(row)) }
	r.More = func(ctx context.Context, row *fleet.Machine) ([]ui.Field, error) {
		read, note, err := e.readMachine(ctx, latest(row))
		if err != nil {
			return nil, err
		}
		last.Store(read)
		if note == "" {
			return nil, nil
		}
		return []ui.Field{{Section: "Agent", Name: "Report", Value: note, Tone: theme.Muted}}, nil
	}
	r.Depends = []string{"endpoint/" + string(m.ID), "endpoints/" + string(m.SiteID)}
	e.keepMachines([]*fleet.Machine{&m})
	return ui.NewDetail(r, &m, ui.NewList(e.EndpointCommands(m)), ui.NewList(e.EndpointThreats(m)))
}

// readMachine reads the endpoint and its agent's report again. Where the report cannot be had the last one stays, and note says
// why.
func (e *Env) readMachine(ctx context.Context, m *fleet.Machine) (full *fleet.Machine, note string, err error) {
	site, err := e.readSite(ctx, m.SiteID)
	if err != nil {
		return nil, "", err
	}
	fresh, err := e.Client.Endpoint(ctx, m.SiteID, m.ID)
	if err != nil {
		return nil, "", err
	}
	full = fleet.NewMachine(*fresh, site, fleet.SiteOptions{StaleAfter: e.StaleAfter, Policies: e.policyNames()}, e.Client.Now())
	e.nameGroup(ctx, full, m)
	if full.Policy.Empty() {
		e.loadPolicyNames(ctx, m.SiteID)
		full.Policy = e.policyNames()[full.PolicyID]
	}
	full.Status, full.StatusNote = m.Status, m.StatusNote
	switch report, err := e.ownReport(ctx, site, fresh); {
	case err != nil:
		note = scopeAdvice(err)
	case report != nil:
		report.Keycode = site.Keycode
		full.Status, full.StatusNote = report, ""
	}
	e.keepMachines([]*fleet.Machine{full})
	return full, note, nil
}

// nameGroup puts the name of its group to a machine that was just read: the one it had before, if it is in that group still.
func (e *Env) nameGroup(ctx context.Context, full, before *fleet.Machine) {
	if full.GroupID == before.GroupID && full.Group.Empty() {
		full.Group = before.Group
	}
	if full.GroupID != "" && full.Group.Empty() && full.GroupName.Empty() {
		full.Group = fleet.GroupNames(ctx, e.Client, full.SiteID)[full.GroupID]
	}
}

// ownReport asks for the report of one machine by its machine id; nil where the server gives none that is the machine's for
// certain. What the lists tell holds then.
func (e *Env) ownReport(ctx context.Context, site *unity.Site, m *unity.Endpoint) (*unity.Status, error) {
	if m.MachineID == "" || e.idShared(site.ID, m) {
		return nil, nil
	}
	report, err := e.oneByOne().Report(ctx, site.Keycode, m.MachineID, m.HostName)
	if errors.Is(err, fleet.ErrNotNarrowed) {
		return nil, nil
	}
	return report, err
}

// oneByOne asks for reports of single machines. It is the same each time: what it has found out of the server holds for all.
func (e *Env) oneByOne() *fleet.Asker {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.asker == nil {
		e.asker = fleet.NewAsker(e.Client)
	}
	return e.asker
}

// idShared tells that another record of the site is known to have the machine id too, so that it does not say whose a report is.
func (e *Env) idShared(site unity.SiteID, m *unity.Endpoint) bool {
	p := e.current()
	if p == nil {
		return false
	}
	c, key := p.Chunk(site), fleet.KeyOf(m.MachineID)
	if c == nil {
		return false
	}
	for i := range c.Len() {
		row := c.Row(i)
		if other, known := row.MachineKey(); known && other == key && row.ID() != m.ID {
			return true
		}
	}
	return false
}

func (e *Env) machineDetail(m *fleet.Machine) []ui.Field {
	now := e.Client.Now()
	f := (&fields{}).in("Machine").add("Host", hostText(m)).toned("Status", statusText(m, now), statusTone(m, now)).
		add("Customer", m.SiteName.String()).add("Group", m.GroupLabel()).add("Policy", e.policyLabel(m.PolicyID, m.Policy)).
		add("Last seen", when(unity.NewTime(m.Seen()), now)).add("Next poll", e.expectedNext(m.ID)).
		add("First seen", when(m.FirstSeen, now)).add("Last infected", when(m.LastInfected, now)).
		add("Deactivated", yesNo(m.Deactivated)).add("Agent", m.Version()).
		add("Id", string(m.ID)).add("Machine id", unity.Clean(string(m.MachineID))).add("Site keycode", m.SiteKey.String())
	s := m.Status
	if s == nil {
		return f.in("Agent").toned("Report", m.StatusNote, theme.Muted).out
	}
	tone := func(bad bool) theme.Tone {
		if bad {
			return theme.Bad
		}
		return theme.Plain
	}
	f.in("Agent").toned("Infected", yesNo(s.BasicInfo.Infected), tone(s.BasicInfo.Infected.On)).
		toned("Active threats", s.BasicInfo.ActiveThreats.String(), tone(s.BasicInfo.ActiveThreats.Or(0) > 0)).
		toned("Needs attention", yesNo(s.BasicInfo.AttentionRequired), tone(s.BasicInfo.AttentionRequired.On)).
		add("Ever infected", yesNo(s.ExtendedInfo.HasBeenInfected)).add("Managed", yesNo(s.BasicInfo.Managed)).
		add("Threats removed", s.TimesAndStats.ThreatsRemoved.String()).add("Last scan", when(s.TimesAndStats.LastScan, now)).
		add("Last deep scan", when(s.TimesAndStats.LastDeepScan, now)).add("Scheduled scans", yesNo(s.Scheduling.ScheduledScansEnabled)).
		add("Report from", when(s.LastSeen, now))
	sys := s.OSAndVersions
	f.in("System").add("Type", m.Type()).add("System", m.OS()).add("User", m.User()).add("Own address", sys.IPV4.String()).
		add("Public address", s.IPAddress.String()).add("MAC", m.MAC()).add("Workgroup", sys.Workgroup.String()).
		add("Firewall on", yesNo(sys.IsFirewallEnabled)).add("Browser", sys.PrimaryBrowser.String())
	f.in("Force a poll").add("On the machine", `WRSA.exe -poll`)
	return f.out
}

func integer(n unity.Int) string {
	if !n.Known {
		return ""
	}
	return strconv.FormatInt(n.N, 10)
}
