package unitytest

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func (c *call) groupList(groups []*group) reply {
	rows := make(list, 0, len(groups))
	for _, g := range groups {
		row := object{{"GroupId", g.id}}
		if !c.s.variants["groups-bare-count"] {
			row = append(row, object{{"GroupName", g.name}, {"GroupDescription", g.description}, {"PolicyId", policyID(g.policy)}}...)
		}
		rows = append(rows, row)
	}
	if c.s.variants["groups-bare-count"] {
		return ok(object{{"Groups", rows}})
	}
	return ok(object{{"TotalCount", len(rows)}, {"Groups", rows}})
}

func policyID(p *policy) any {
	if p == nil {
		return nil
	}
	return p.id
}

func (c *call) listGroups() reply { return c.groupList(c.site.groups) }

func (c *call) oneGroup() reply { return c.groupList([]*group{c.group}) }

type groupRequest struct {
	GroupName        *string
	GroupDescription *string
	PolicyID         *string `json:"PolicyId"`
	Inheritance      *int
}

// check applies the rules that creating and editing share.
func (q groupRequest) check(c *call) (*policy, *reply) {
	for name, v := range map[string]*string{"GroupName": q.GroupName, "GroupDescription": q.GroupDescription} {
		if v != nil && utf8.RuneCountInString(*v) > 50 {
			r := c.invalid(name + " must not be longer than 50 characters.")
			return nil, &r
		}
	}
	if q.PolicyID == nil || *q.PolicyID == "" {
		return nil, nil
	}
	p := c.s.world.policyFor(c.site, *q.PolicyID)
	if p == nil {
		r := notFound("The policy")
		return nil, &r
	}
	return p, nil
}

func blank(s *string) bool { return s == nil || strings.TrimSpace(*s) == "" }

func (c *call) createGroup() reply {
	var q groupRequest
	if r := c.decode(&q); r != nil {
		return *r
	}
	if blank(q.GroupName) || blank(q.GroupDescription) {
		return c.invalid("GroupName and GroupDescription are required.")
	}
	p, r := q.check(c)
	if r != nil {
		return *r
	}
	if p == nil {
		p = c.site.policy
	}
	g := &group{id: c.s.world.ids.guid(), name: *q.GroupName, description: *q.GroupDescription, policy: p}
	c.site.groups = append(c.site.groups, g)
	c.commit()
	return ok(object{{"GroupId", g.id}})
}

func (c *call) editGroup() reply {
	var q groupRequest
	if r := c.decode(&q); r != nil {
		return *r
	}
	p, r := q.check(c)
	if r != nil {
		return *r
	}
	if !blank(q.GroupName) {
		c.group.name = *q.GroupName
	}
	if q.GroupDescription != nil {
		c.group.description = *q.GroupDescription
	}
	if p != nil {
		c.group.policy = p
		if q.Inheritance != nil && *q.Inheritance == 1 {
			for _, m := range c.everyone() {
				m.policy, m.modified = nil, c.now
			}
		}
	}
	c.commit()
	return noContent()
}

// deleteGroup moves the machines of the group to newGroupId, or to the site's
// first group when none is named.
func (c *call) deleteGroup() reply {
	if c.group == c.site.groups[0] {
		return fail(http.StatusConflict, "", "The default group cannot be deleted.")
	}
	target := c.site.groups[0]
	if id := c.query.Get("newgroupid"); id != "" {
		if target = c.site.group(id); target == nil || target == c.group {
			return notFound("The new group")
		}
	}
	for _, m := range c.everyone() {
		m.group, m.modified = target, c.now
	}
	c.site.groups = slices.DeleteFunc(c.site.groups, func(g *group) bool { return g == c.group })
	c.commit()
	return noContent()
}
