package change

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// Offboard ends the service of a customer: all active machines are deactivated, and once all of them are, the site is
// suspended. refs are the active machines of the site, from its complete list.
func Offboard(ctx context.Context, c *unity.Client, b dispatch.Binding, s *unity.Site, refs []fleet.Ref) (*Chain, error) {
	op, err := dispatch.OperationByID("endpoint.deactivate", nil)
	if err != nil {
		return nil, err
	}
	first, err := stepOf(ctx, c, b, []unity.Site{*s}, op, refs, true)
	if err != nil {
		return nil, err
	}
	second, err := suspendStep(ctx, c, b, s)
	if err != nil {
		return nil, err
	}
	ch, err := NewChain(ctx, "site.offboard", "off-board "+siteLabel(s), refs, first, second)
	if err != nil {
		return nil, err
	}
	ch.First.Warnings = append(ch.First.Warnings, "agents are removed at their next poll; whether a suspended licence keeps a silent one from it is not documented")
	return ch, nil
}

// suspendAction is the action of the step that suspends a site.
const suspendAction = "site.suspend"

// suspendStep suspends a site, once every machine came through the steps before.
func suspendStep(ctx context.Context, c *unity.Client, b dispatch.Binding, s *unity.Site) (Step, error) {
	suspend, err := SiteState(ctx, c, s, unity.SiteSuspend)
	if err != nil {
		return Step{}, err
	}
	return Step{Title: "suspend " + siteLabel(s), Risk: dispatch.Destroy, Requests: []unity.Request{suspend.Request}, Whole: true,
		Next: dispatch.NextStep{Action: suspendAction, Site: s.ID},
		Plan: func(ctx context.Context, _ []fleet.Ref) (*dispatch.Plan, error) {
			if err := nobodyLeft(ctx, c, s); err != nil {
				return nil, err
			}
			fresh, err := c.Site(ctx, s.ID)
			if err != nil {
				return nil, err
			}
			p, err := SiteState(ctx, c, fresh, unity.SiteSuspend)
			if err != nil {
				return nil, err
			}
			return dispatch.MakeObject(ctx, c, p.ObjectChange, dispatch.PlanOptions{Binding: b})
		}}, nil
}

// nobodyLeft refuses the suspension of a site that has active machines: they were reactivated, or came, after the others had
// been deactivated.
func nobodyLeft(ctx context.Context, c *unity.Client, s *unity.Site) error {
	rows, err := unity.Collect(c.Endpoints(ctx, s.ID, unity.EndpointQuery{}))
	if err != nil {
		return fmt.Errorf("the machines of %s cannot be read: %w", siteLabel(s), err)
	}
	var names []string
	active := 0
	for i := range rows {
		if rows[i].Deactivated.On {
			continue
		}
		if active++; active <= 5 {
			names = append(names, rows[i].Name())
		}
	}
	if active == 0 {
		return nil
	}
	return &StateError{fmt.Sprintf("%s was not suspended: %s active (%s)", siteLabel(s), areMachines(active), strings.Join(names, ", "))}
}

func areMachines(n int) string {
	if n == 1 {
		return "1 machine is"
	}
	return dispatch.Machines(n) + " are"
}

// Record is one record of a machine, for finding those that a later one has replaced.
type Record struct {
	Ref fleet.Ref
	// Same is equal for records of the same machine, "" where that cannot be told.
	Same string
	// Keep leaves the record alone whatever its age.
	Keep bool
}

// OlderRecords gives the records that a newer one of the same machine has replaced. Of each machine the record seen last is
// kept; where two were seen last at once, or never, none of them is older, so all stay.
func OlderRecords(records []Record) []fleet.Ref {
	by := map[string][]Record{}
	for _, r := range records {
		if r.Same != "" && !r.Ref.Inactive {
			by[r.Same] = append(by[r.Same], r)
		}
	}
	names := make([]string, 0, len(by))
	for name := range by {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []fleet.Ref
	for _, name := range names {
		all := by[name]
		newest := all[0].Ref.LastSeen
		for _, r := range all {
			if r.Ref.LastSeen.After(newest) {
				newest = r.Ref.LastSeen
			}
		}
		for _, r := range all {
			if !r.Keep && r.Ref.LastSeen.Before(newest) {
				out = append(out, r.Ref)
			}
		}
	}
	return out
}

// SameMachine is what records of one machine have in common: its host name and its MAC address, at one site. A machine without
// either cannot be told from others.
func SameMachine(m *fleet.Machine) string {
	host, mac := unity.Fold(m.HostName.Raw()), strings.ToUpper(strings.TrimSpace(m.MAC()))
	if host == "" || mac == "" {
		return ""
	}
	return string(m.SiteID) + "\x00" + host + "\x00" + mac
}
