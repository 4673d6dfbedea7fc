package dispatch

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// unmanaged is the policy that leaves the protection to the user of the machine.
const unmanaged = "unmanaged"

// Unprotected tells the policy under which nobody but the machine's user is in charge of its protection: it is called
// Unmanaged in every console, and the API shows no settings to tell it by.
func Unprotected(name unity.Text) bool { return unity.Fold(name.Raw()) == unmanaged }

// Aim says how grave an operation on machines is by what it leads to (the group, the policy, the site whose keycode is given), and
// what speaks against it. It is for steps that are planned later than they are asked about.
func Aim(ctx context.Context, c *unity.Client, op Operation, refs []fleet.Ref) (Risk, []string, error) {
	m := maker{client: c, plan: &Plan{Operation: op, MadeAt: c.Now()}}
	err := m.aim(ctx, refs)
	return m.plan.Operation.Risk, m.plan.Warnings, err
}

// weighGroups looks at the policies of the groups that machines of a site come to: who inherits the policy gets that of the new
// group, and which machines inherit the API does not say.
func (m *maker) weighGroups(ctx context.Context, refs []fleet.Ref, groups []unity.Group) {
	site, by := refs[0].Site, map[unity.GroupID]*unity.Group{}
	for i := range groups {
		by[groups[i].ID] = &groups[i]
	}
	into, unknown, order := map[unity.GroupID]int{}, false, []*unity.Group(nil)
	for _, ref := range refs {
		g := by[unity.GroupID(strings.ToLower(m.argsOf(ref).Get(ArgGroup)))]
		if g == nil {
			continue
		}
		if into[g.ID]++; into[g.ID] == 1 {
			order = append(order, g)
		}
	}
	policies, err := m.client.SitePolicies(ctx, site)
	if err != nil {
		m.warn("the policies of %s cannot be read (%s), so nobody knows whether that of the group protects the machines", siteLabel(refs[0]), err)
		return
	}
	for _, g := range order {
		g, policy := m.policyOfGroup(ctx, site, g)
		name, known := policyName(policies, policy)
		switch {
		case !known:
			unknown = true
		case Unprotected(name):
			m.plan.Operation.Risk = Destroy
			m.warn("the policy of the group %s, %s, leaves the protection to the user of the machine", g.Label(), name)
		}
	}
	if unknown {
		m.warn("the policy of the group is not known, nor whether it protects the machines")
	}
}

// policyOfGroup gives the policy of a group, and the group as far as it can be read: some consoles list ids only. A group without
// a policy of its own has that of its site.
func (m *maker) policyOfGroup(ctx context.Context, site unity.SiteID, g *unity.Group) (*unity.Group, unity.PolicyID) {
	if g.PolicyID == "" {
		if whole, err := m.client.Group(ctx, site, g.ID); err == nil {
			g = whole
		}
	}
	var shown map[string]json.RawMessage
	if err := json.Unmarshal(g.Record.Raw(), &shown); err != nil || g.PolicyID != "" || shown["PolicyId"] == nil {
		return g, g.PolicyID // what is not shown at all can be any
	}
	s, err := m.site(ctx, site)
	if err != nil {
		return g, ""
	}
	return g, s.PolicyID
}

func policyName(policies []unity.Policy, id unity.PolicyID) (unity.Text, bool) {
	for i := range policies {
		if policies[i].ID == id && id != "" {
			return policies[i].Name, true
		}
	}
	return unity.Text{}, false
}
