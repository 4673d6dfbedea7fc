package views

import (
	"context"
	"strconv"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// EndpointScreen shows one machine with its commands and its threats.
func (e *Env) EndpointScreen(m fleet.Machine) ui.Screen {
	r := e.endpoints(m.Name(), true)
	r.Title = m.Name()
	r.More = func(ctx context.Context, row *fleet.Machine) ([]ui.Field, error) { return e.readMachine(ctx, row) }
	r.Depends = []string{"endpoint/" + string(m.ID), "endpoints/" + string(m.SiteID)}
	e.keepMachines([]*fleet.Machine{&m})
	return ui.NewDetail(r, &m, ui.NewList(e.EndpointCommands(m)), ui.NewList(e.EndpointThreats(m)))
}

// readMachine reads the endpoint and its agent's report again.
func (e *Env) readMachine(ctx context.Context, m *fleet.Machine) ([]ui.Field, error) {
	site, err := e.readSite(ctx, m.SiteID)
	if err != nil {
		return nil, err
	}
	fresh, err := e.Client.Endpoint(ctx, m.SiteID, m.ID)
	if err != nil {
		return nil, err
	}
	full := fleet.NewMachine(*fresh, site, fleet.SiteOptions{StaleAfter: e.StaleAfter, Policies: e.policyNames()}, e.Client.Now())
	full.Group = m.Group
	if full.Policy.Empty() {
		e.loadPolicyNames(ctx, m.SiteID)
		full.Policy = e.policyNames()[full.PolicyID]
	}
	full.Status, full.StatusNote = m.Status, m.StatusNote
	note := ""
	if fresh.MachineID != "" {
		rows, err := unity.Collect(e.Client.SiteStatus(ctx, site.Keycode, unity.StatusQuery{MachineID: fresh.MachineID}))
		switch {
		case err != nil:
			note = scopeAdvice(err)
		case len(rows) == 1:
			full.Status = &rows[0]
		}
	}
	e.keepMachines([]*fleet.Machine{full})
	out := e.machineDetail(full)
	if note != "" {
		out = append(out, ui.Field{Section: "Agent", Name: "Report", Value: note, Tone: theme.Muted})
	}
	return out, nil
}

func (e *Env) machineDetail(m *fleet.Machine) []ui.Field {
	now := e.Client.Now()
	f := (&fields{}).in("Machine").add("Host", hostText(m)).toned("Status", statusText(m, now), statusTone(m, now)).
		add("Customer", m.SiteName.String()).add("Group", m.GroupLabel()).add("Policy", e.policyLabel(m.PolicyID, m.Policy)).
		add("Last seen", when(unity.NewTime(m.Seen()), now)).add("Next poll", e.NextPoll(m.ID)).
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
