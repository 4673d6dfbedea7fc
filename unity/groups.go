package unity

import (
	"context"
	"encoding/json"
)

// Group is a set of endpoints of one site (§3.6.1). Only its id is certain.
type Group struct {
	Record      Record   `json:"-"`
	ID          GroupID  `json:"GroupId"`
	Name        Text     `json:"GroupName"`
	Description Text     `json:"GroupDescription"`
	PolicyID    PolicyID `json:"PolicyId"`
	PolicyName  Text
}

// Label is the group's name, or its id when it has none.
func (g *Group) Label() string {
	if g.Name.Empty() {
		return string(g.ID)
	}
	return g.Name.String()
}

func groupRow(raw json.RawMessage) (Group, error) {
	g, err := decodeRow(func(g *Group) *Record { return &g.Record })(raw)
	g.ID, g.PolicyID = GroupID(lower(string(g.ID))), PolicyID(lower(string(g.PolicyID)))
	return g, err
}

// Groups reads a site's groups: GET …/groups (§3.6.1). The list is not paged.
func (c *Client) Groups(ctx context.Context, site SiteID) ([]Group, error) {
	return getAll(ctx, c, c.gsmPath("sites", string(site), "groups"), "Groups", groupRow)
}

// Policy is a set of agent settings (§3.5). No source shows its fields; these are read where they are there.
type Policy struct {
	Record      Record   `json:"-"`
	ID          PolicyID `json:"PolicyId"`
	Name        Text     `json:"PolicyName"`
	Description Text     `json:"PolicyDescription"`
}

// Label is the policy's name, or its id when it has none.
func (p *Policy) Label() string {
	if p.Name.Empty() {
		return string(p.ID)
	}
	return p.Name.String()
}

func policyRow(raw json.RawMessage) (Policy, error) {
	p, err := decodeRow(func(p *Policy) *Record { return &p.Record })(raw)
	if p.ID == "" && err == nil {
		// Other lists of the API call the same things Id, Name and Description (§3.11.5).
		var short struct{ ID, Name, Description Text }
		if json.Unmarshal(raw, &short) == nil {
			p.ID, p.Name, p.Description = PolicyID(short.ID.Raw()), short.Name, short.Description
		}
	}
	p.ID = PolicyID(lower(string(p.ID)))
	return p, err
}

// Policies reads the console's policies: GET …/policies (§3.5).
func (c *Client) Policies(ctx context.Context) ([]Policy, error) {
	return getAll(ctx, c, c.gsmPath("policies"), "Policies", policyRow)
}

// Policy reads one policy of the console: GET …/policies/{policyId} (§3.5).
func (c *Client) Policy(ctx context.Context, id PolicyID) (*Policy, error) {
	p, err := getOne(ctx, c, c.gsmPath("policies", string(id)), "Policies", policyRow)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// SitePolicies reads the policies a site can use: GET …/sites/{s}/policies (§3.5).
func (c *Client) SitePolicies(ctx context.Context, site SiteID) ([]Policy, error) {
	return getAll(ctx, c, c.gsmPath("sites", string(site), "policies"), "Policies", policyRow)
}
