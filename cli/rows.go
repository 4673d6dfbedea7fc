package cli

import (
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// The JSON of rows: the API's own names and order, with what unitty adds beside them.

func siteJSON(s *unity.Site) ([]byte, error) { return s.Record.JSON(unity.DateKeys()) }

func groupJSON(site *unity.Site) func(*unity.Group) ([]byte, error) {
	return func(g *unity.Group) ([]byte, error) {
		return g.Record.JSON(unity.DateKeys(), unity.Extra{Name: "SiteId", Value: site.ID}, unity.Extra{Name: "SiteName", Value: site.Name})
	}
}

func policyJSON(p *unity.Policy) ([]byte, error) { return p.Record.JSON(unity.DateKeys()) }

func adminJSON(a *unity.Admin) ([]byte, error) { return a.Record.JSON(unity.DateKeys()) }

func commandJSON(site *unity.Site, ledger *dispatch.Ledger, agents *agents) func(*unity.Command) ([]byte, error) {
	return func(c *unity.Command) ([]byte, error) {
		who, job := ledger.By(c)
		extras := []unity.Extra{{Name: "SiteId", Value: site.ID}, {Name: "SiteName", Value: site.Name}, {Name: "State", Value: c.State.String()},
			{Name: "By", Value: who}, {Name: "JobId", Value: job}}
		return c.Record.JSON(unity.DateKeys(), append(extras, agents.beside(c.EndpointID, c.State.Open(), c.DateRequested.Time).extras()...)...)
	}
}

func threatJSON(site *unity.Site) func(*unity.Threat) ([]byte, error) {
	return func(t *unity.Threat) ([]byte, error) {
		return t.Record.JSON(unity.DateKeys(), unity.Extra{Name: "SiteId", Value: site.ID}, unity.Extra{Name: "SiteName", Value: site.Name})
	}
}

func machineJSON(now func() time.Time) func(*fleet.Machine) ([]byte, error) {
	return func(m *fleet.Machine) ([]byte, error) {
		return m.Record.JSON(unity.DateKeys(), machineExtras(m, now(),
			unity.Extra{Name: "GroupName", Value: nameOrNull(m.Group)}, unity.Extra{Name: "PolicyName", Value: nameOrNull(m.Policy)})...)
	}
}

// nameOrNull is null for a name that is not known.
func nameOrNull(name unity.Text) any {
	if name.Empty() {
		return nil
	}
	return name
}

// machineExtras are what unitty adds to an endpoint: its site, the names of its group and policy as they are given, its age, its state,
// and what its agent reported.
func machineExtras(m *fleet.Machine, now time.Time, names ...unity.Extra) []unity.Extra {
	extras := append([]unity.Extra{{Name: "SiteId", Value: m.SiteID}, {Name: "SiteName", Value: m.SiteName}}, names...)
	if days := m.SeenDays(now); days >= 0 {
		extras = append(extras, unity.Extra{Name: "SeenDays", Value: days})
	} else {
		extras = append(extras, unity.Extra{Name: "SeenDays", Value: nil})
	}
	state, known := m.State(now)
	switch {
	case known:
		extras = append(extras, unity.Extra{Name: "Status", Value: state})
	default:
		extras = append(extras, unity.Extra{Name: "Status", Value: nil}, unity.Extra{Name: "StatusNote", Value: m.StatusNote})
	}
	if s := m.Status; s != nil {
		extras = append(extras, unity.Extra{Name: "CurrentUser", Value: s.OSAndVersions.CurrentUser}, unity.Extra{Name: "IPV4", Value: s.OSAndVersions.IPV4},
			unity.Extra{Name: "IPAddress", Value: s.IPAddress}, unity.Extra{Name: "MACAddress", Value: s.OSAndVersions.MACAddress},
			unity.Extra{Name: "OS", Value: s.OS}, unity.Extra{Name: "DeviceType", Value: s.BasicInfo.DeviceType})
	}
	return extras
}
