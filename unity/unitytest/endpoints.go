package unitytest

import (
	"sort"
	"strings"
)

// endpointRow is an endpoint record: all keys of the sample in the reference
// section Console endpoints, fewer or more as the variants want.
func (c *call) endpointRow(m *machine) object {
	seen := stamp(m.lastSeen(c.now))
	if c.s.variants["endpoint-minimal"] {
		return object{{"EndpointId", m.id}, {"MachineId", m.machineID}, {"HostName", m.host}, {"LastSeen", seen}, {"Deactivated", m.deactivated}}
	}
	p := m.effectivePolicy()
	o := object{{"EndpointId", m.id}, {"MachineId", m.machineID}, {"HostName", m.host}, {"FirstSeen", stamp(m.firstSeen)}, {"LastSeen", seen},
		{"LastInfected", stamp(m.lastInfected)}, {"AgentVersion", m.version}, {"Deactivated", m.deactivated}, {"GroupId", m.group.id},
		{"PolicyId", p.id}}
	if c.s.variants["endpoint-names"] {
		o = append(o, field{"GroupName", m.group.name}, field{"PolicyName", p.name})
	}
	return o
}

func (c *call) oneEndpoint() reply {
	row := c.endpointRow(c.machine)
	if c.s.variants["single-envelope"] {
		return ok(object{{"TotalAvailable", 1}, {"PageNr", 1}, {"PageSize", 1}, {"Endpoints", list{row}}})
	}
	return ok(row)
}

// listEndpoints serves the lists of a site and of a group; only the former
// has filters.
func (c *call) listEndpoints() reply {
	p, bad := c.page()
	if bad != nil {
		return *bad
	}
	if p.number > 1 && c.s.faults.strikes("rows-inserted") {
		c.mark("rows-inserted")
		c.s.world.appear(c.site, "AAA-NEW-"+c.s.world.ids.letters(5), c.now)
	}
	rows, bad := c.filtered()
	if bad != nil {
		return *bad
	}
	c.order(rows)
	out := make(list, 0, min(p.size, len(rows)))
	for _, m := range cut(rows, p) {
		out = append(out, c.endpointRow(m))
	}
	return ok(object{{"TotalAvailable", len(rows)}, {"PageNr", p.number}, {"PageSize", p.size}, {"Endpoints", out}})
}

// filtered copies the machines that the query asks for, by host name.
func (c *call) filtered() ([]*machine, *reply) {
	kind, host, machineID := "", "", ""
	if c.group == nil {
		kind, host, machineID = strings.ToLower(c.query.Get("type")), strings.ToLower(c.query.Get("hostname")), c.query.Get("machineid")
	}
	if kind != "" && kind != "active" && kind != "deactivated" {
		r := badRequest("The type must be active or deactivated.")
		return nil, &r
	}
	all := c.site.hosts()
	rows := make([]*machine, 0, len(all))
	for _, m := range all {
		if m.removed || (c.group != nil && m.group != c.group) || (kind != "" && m.deactivated != (kind == "deactivated")) {
			continue
		}
		if host != "" && !c.hostMatches(strings.ToLower(m.host), host) {
			continue
		}
		if machineID != "" && !strings.EqualFold(machineID, m.machineID) {
			continue
		}
		rows = append(rows, m)
	}
	return rows, nil
}

func (c *call) hostMatches(host, wanted string) bool {
	if c.s.variants["host-search-exact"] {
		return host == wanted
	}
	return strings.Contains(host, wanted)
}

// order sorts rows, which come by host name, as the query asks.
func (c *call) order(rows []*machine) {
	var value func(*machine) int64
	switch strings.ToLower(c.query.Get("order")) {
	case "firstseen":
		value = func(m *machine) int64 { return m.firstSeen }
	case "lastseen":
		value = func(m *machine) int64 { return m.lastSeen(c.now) }
	case "lastinfected":
		value = func(m *machine) int64 { return m.lastInfected }
	case "agentversion":
		sort.SliceStable(rows, func(i, j int) bool { return rows[i].version < rows[j].version })
	}
	if value != nil {
		sort.SliceStable(rows, func(i, j int) bool { return value(rows[i]) < value(rows[j]) })
	}
	if strings.EqualFold(c.query.Get("orderdirection"), "D") {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
}

type selection struct {
	EndpointsList *string
	SourceGroupID *string `json:"SourceGroupId"`
	TargetGroupID *string `json:"TargetGroupId"`
	PolicyID      *string `json:"PolicyId"`
	Inheritance   *int
	Command       *string
	Parameters    *string
}

// moveEndpoints is PUT endpoints. EndpointsList wins over SourceGroupId; both
// empty moves the whole site.
func (c *call) moveEndpoints() reply {
	var q selection
	if r := c.decode(&q); r != nil {
		return *r
	}
	if blank(q.TargetGroupID) {
		return c.invalid("TargetGroupId is required.")
	}
	target := c.site.group(*q.TargetGroupID)
	if target == nil {
		return notFound("The target group")
	}
	if q.Inheritance != nil && (*q.Inheritance < 0 || *q.Inheritance > 3) {
		return c.invalid("Inheritance is invalid.")
	}
	if emptyList(q.EndpointsList) && !blank(q.SourceGroupID) {
		if c.group = c.site.group(*q.SourceGroupID); c.group == nil {
			return notFound("The source group")
		}
	}
	hit, bad := c.targets(q.EndpointsList)
	if bad != nil {
		return *bad
	}
	for _, m := range hit {
		m.group, m.modified = target, c.now
		if q.Inheritance != nil && *q.Inheritance == 1 {
			m.policy = target.policy
		}
	}
	c.commit()
	return noContent()
}

func (c *call) setPolicy() reply {
	var q selection
	if r := c.decode(&q); r != nil {
		return *r
	}
	if blank(q.PolicyID) {
		return c.invalid("PolicyId is required.")
	}
	p := c.s.world.policyFor(c.site, *q.PolicyID)
	if p == nil {
		return notFound("The policy")
	}
	hit, bad := c.targets(q.EndpointsList)
	if bad != nil {
		return *bad
	}
	for _, m := range hit {
		m.policy, m.modified = p, c.now
	}
	c.commit()
	return noContent()
}

func (c *call) deactivate() reply { return c.setDeactivated(true) }

func (c *call) reactivate() reply { return c.setDeactivated(false) }

func (c *call) setDeactivated(off bool) reply {
	var q selection
	if r := c.decode(&q); r != nil {
		return *r
	}
	hit, bad := c.targets(q.EndpointsList)
	if bad != nil {
		return *bad
	}
	for _, m := range hit {
		if m.deactivated != off {
			m.deactivated, m.modified = off, c.now
		}
	}
	c.commit()
	return noContent()
}
