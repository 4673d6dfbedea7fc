package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// warnSites warns about sites whose machines will not obey, or where the user may not send. Machines of sites that cannot
// be read are left out by name.
func (m *maker) warnSites(ctx context.Context, refs []fleet.Ref) ([]fleet.Ref, error) {
	by := bySite(refs)
	failed := map[unity.SiteID]error{}
	for _, id := range siteOrder(refs) {
		s, err := m.site(ctx, id)
		if err != nil {
			if endsPlan(ctx, err) {
				return nil, fmt.Errorf("the site of %s cannot be read: %w", by[id][0].Name(), err)
			}
			failed[id] = err
			continue
		}
		switch {
		case s.Deactivated.On:
			m.warnOf(warnKind{"%s is deactivated", "customers are deactivated"}, s.Name.String())
		case s.Suspended.On:
			m.warnOf(warnKind{"the licence of %s is suspended", "customers are suspended"}, s.Name.String())
		case s.AllKeysExpired.On:
			m.warnOf(warnKind{"the licence of %s has expired", "customers have an expired licence"}, s.Name.String())
		}
		if !s.Writable() {
			access := unity.AccessWord(s.AccessLevel)
			m.warnOf(warnKind{"your access to %s is %q, so the server will probably refuse", "customers where your access is \"" + access + "\", so the server will probably refuse"}, s.Name.String(), access)
		}
		if m.plan.Operation.ID == "endpoint.reactivate" {
			m.seats(s, len(by[id]))
		}
	}
	if len(failed) == 0 {
		return refs, nil
	}
	var out []fleet.Ref
	for _, ref := range refs {
		if err := failed[ref.Site]; err != nil {
			m.unread(ref, err)
			continue
		}
		out = append(out, ref)
	}
	return out, nil
}

// site gives a site as it is known, or reads it.
func (m *maker) site(ctx context.Context, id unity.SiteID) (*unity.Site, error) {
	if s := m.known(id); s != nil {
		return s, nil
	}
	return m.client.Site(ctx, id)
}

// known gives a site as it is known, or nil.
func (m *maker) known(id unity.SiteID) *unity.Site {
	if m.sites == nil {
		m.sites = map[unity.SiteID]*unity.Site{}
		for i := range m.options.Sites {
			m.sites[m.options.Sites[i].ID] = &m.options.Sites[i]
		}
	}
	return m.sites[id]
}

// seats warns when machines that come to a site take more seats than it has.
func (m *maker) seats(s *unity.Site, coming int) {
	total, allowed := s.TotalEndpoints, s.DevicesAllowed
	if total.Known && allowed.Known && total.N+int64(coming) > allowed.N {
		verb := "exceed"
		if coming == 1 {
			verb = "exceeds"
		}
		m.warn("%s has %d of %d seats taken; %s more %s them", s.Name, total.N, allowed.N, Machines(coming), verb)
	}
}

// aim looks at where the change leads: the group, the policy, the site whose keycode is given.
func (m *maker) aim(ctx context.Context, refs []fleet.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	switch m.plan.Operation.ID {
	case "endpoint.move":
		return m.aimGroup(ctx, refs)
	case "endpoint.set-policy":
		return m.aimPolicy(ctx, refs)
	case "endpoint.changekeycode":
		return m.aimKeycode(ctx, refs)
	}
	return nil
}

func (m *maker) aimGroup(ctx context.Context, refs []fleet.Ref) error {
	wanted := map[unity.SiteID]map[unity.GroupID]bool{}
	for _, ref := range refs {
		if wanted[ref.Site] == nil {
			wanted[ref.Site] = map[unity.GroupID]bool{}
		}
		wanted[ref.Site][unity.GroupID(strings.ToLower(m.argsOf(ref).Get(ArgGroup)))] = true
	}
	if len(wanted) > 1 && len(m.plan.each) == 0 {
		return errors.New("a group belongs to one site, and the machines are of several")
	}
	by := bySite(refs)
	for _, site := range siteOrder(refs) {
		groups := wanted[site]
		known, err := m.client.Groups(ctx, site)
		if err != nil {
			m.warn("the groups cannot be read (%s), so nobody knows whether the target is one of them, nor whether its policy protects the machines", err)
			continue
		}
		there := map[unity.GroupID]bool{}
		for i := range known {
			there[known[i].ID] = true
		}
		for id := range groups {
			if !there[id] {
				return fmt.Errorf("group %s is not a group of the machines' site", id)
			}
		}
		m.weighGroups(ctx, by[site], known)
	}
	return nil
}

func (m *maker) aimPolicy(ctx context.Context, refs []fleet.Ref) error {
	names := map[unity.PolicyID]unity.Text{}
	readable, by := true, bySite(refs)
	for _, site := range siteOrder(refs) {
		policies, err := m.client.SitePolicies(ctx, site)
		if err != nil {
			readable = false
			m.warn("the policies of %s cannot be read (%s)", siteLabel(by[site][0]), err)
			continue
		}
		there := map[unity.PolicyID]bool{}
		for i := range policies {
			names[policies[i].ID], there[policies[i].ID] = policies[i].Name, true
		}
		for _, ref := range by[site] {
			if id := m.policyFor(ref); !there[id] {
				m.warn("policy %s is not among those that %s can use", m.policyLabel(ref, names), siteLabel(ref))
				break
			}
		}
	}
	for _, ref := range refs {
		name := m.argsOf(ref).Get(ArgPolicyName)
		if read, ok := names[m.policyFor(ref)]; ok && readable {
			name = read.Raw()
		}
		if unity.Fold(name) == unmanaged {
			m.plan.Operation.Risk = Destroy
			m.warn("policy %s leaves the protection to the user of the machine", unity.Clean(name))
			break
		}
	}
	return nil
}

func (m *maker) policyFor(ref fleet.Ref) unity.PolicyID {
	return unity.PolicyID(strings.ToLower(m.argsOf(ref).Get(ArgPolicy)))
}

func (m *maker) policyLabel(ref fleet.Ref, names map[unity.PolicyID]unity.Text) string {
	if name, ok := names[m.policyFor(ref)]; ok && !name.Empty() {
		return name.String()
	}
	if name := m.argsOf(ref).Get(ArgPolicyName); name != "" {
		return unity.Clean(name)
	}
	return string(m.policyFor(ref))
}

// aimKeycode reads the site of the target keycode fresh: a wrong one makes the machines vanish from their customer.
func (m *maker) aimKeycode(ctx context.Context, refs []fleet.Ref) error {
	key, err := unity.ParseKeycode(m.plan.Operation.Args.Get(ArgKeycode))
	if err != nil {
		return err
	}
	all, err := m.client.Sites(ctx)
	if err != nil {
		return fmt.Errorf("the target site cannot be read: %w", err)
	}
	var to *unity.Site
	for i := range all.Sites {
		if all.Sites[i].Keycode == key {
			to = &all.Sites[i]
		}
	}
	if to == nil {
		m.plan.Foreign = fmt.Sprintf("keycode %s is of no site of this console: the machines leave it", key)
		m.warn("%s", m.plan.Foreign)
		return nil
	}
	if want := m.plan.Operation.Args.Get(ArgSite); want != "" && !strings.EqualFold(want, string(to.ID)) {
		return fmt.Errorf("keycode %s is not that of the chosen site but of %s", key, to.Name)
	}
	coming, by := 0, bySite(refs)
	for _, site := range siteOrder(refs) {
		if site != to.ID {
			coming += len(by[site])
			m.warn("%s would go from %s to another customer, %s", Machines(len(by[site])), siteLabel(by[site][0]), to.Name)
		}
	}
	switch {
	case to.Deactivated.On:
		m.warn("the target site %s is deactivated", to.Name)
	case to.Suspended.On:
		m.warn("the licence of the target site %s is suspended", to.Name)
	case to.AllKeysExpired.On:
		m.warn("the licence of the target site %s has expired", to.Name)
	}
	m.seats(to, coming)
	return nil
}

// argsOf are the arguments for one machine.
func (m *maker) argsOf(ref fleet.Ref) Args { return m.plan.argsOf(ref.ID) }

func (p *Plan) argsOf(id unity.EndpointID) Args {
	if args := p.each[id]; args != nil {
		return args
	}
	return p.Operation.Args
}

// What is said of machines that are as a change would make them.
const (
	inGroup     = "it is in this group already"
	hasPolicy   = "it has this policy already"
	isInactive  = "it is deactivated already"
	notInactive = "it is not deactivated"
)

// AlreadySo tells that a machine was skipped since it is as the change would make it. A machine that was skipped for another reason
// is not.
func (r *Result) AlreadySo() bool {
	return r.skippedAs(inGroup, hasPolicy, isInactive, notInactive)
}

// already says that a machine is as the change would make it, or "".
func (m *maker) already(ref fleet.Ref) string {
	v, read := m.plan.values[ref.ID]
	if !read {
		return ""
	}
	switch m.plan.Operation.ID {
	case "endpoint.move":
		if v.Group == unity.GroupID(strings.ToLower(m.argsOf(ref).Get(ArgGroup))) && m.argsOf(ref).Get(ArgInheritance) != "1" {
			return inGroup
		}
	case "endpoint.set-policy":
		if v.Policy == m.policyFor(ref) {
			return hasPolicy
		}
	case "endpoint.deactivate":
		if v.Inactive {
			return isInactive
		}
	case "endpoint.reactivate":
		if !v.Inactive {
			return notInactive
		}
	}
	return ""
}

// staleDays is the silence that is worth a word before sending.
const staleDays = 7

func (m *maker) stale(refs []fleet.Ref) {
	for _, r := range refs {
		switch {
		case r.Inactive && m.plan.Operation.ID != "endpoint.reactivate":
			m.warnOf(warnKind{"%s is deactivated", "machines are deactivated"}, Named(r))
		case r.LastSeen.IsZero():
			m.plan.Stale = append(m.plan.Stale, Named(r)+": never seen")
		case m.plan.MadeAt.Sub(r.LastSeen) > staleDays*24*time.Hour:
			m.plan.Stale = append(m.plan.Stale, fmt.Sprintf("%s: not seen for %s", Named(r), AgeWords(m.plan.MadeAt.Sub(r.LastSeen))))
		}
	}
}

// Limits of how far this machine's clock may be off the server's.
const (
	skewWarns   = time.Minute
	skewRefuses = 10 * time.Minute
)

func (m *maker) skew() {
	if skew, ok := m.client.Skew(); ok && skew.Abs() > skewWarns {
		m.warn("this machine's clock is %s off the server's", AgeWords(skew.Abs()))
	}
}

// SkewAllows refuses selectors of relative times (fields seen and first) while this machine's clock is more than ten
// minutes off the server's: one of the two is wrong, and nobody knows which dates to trust.
func SkewAllows(c *unity.Client, fields []string) error {
	skew, ok := c.Skew()
	if !ok || skew.Abs() <= skewRefuses {
		return nil
	}
	for _, f := range fields {
		if f == "seen" || f == "first" {
			return fmt.Errorf("this machine's clock is %s off the server's: %s: cannot be trusted; set the clock, or name the machines", AgeWords(skew.Abs()), f)
		}
	}
	return nil
}
