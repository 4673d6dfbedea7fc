package unity

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Group reads one group of a site: GET …/groups/{g} (§3.6.1). An answer about another one is an ErrProtocol.
func (c *Client) Group(ctx context.Context, site SiteID, id GroupID) (*Group, error) {
	path := c.gsmPath("sites", string(site), "groups", string(id))
	g, err := getOne(ctx, c, path, "Groups", groupRow)
	if err != nil {
		return nil, err
	}
	if err := sameID(path, string(id), string(g.ID)); err != nil {
		return nil, err
	}
	return &g, nil
}

// CreateGroupRequest builds the creation of a group from its fields as JSON: POST …/groups (§3.6.2).
func (c *Client) CreateGroupRequest(site SiteID, body json.RawMessage) (Request, error) {
	if err := checkGUID("site", string(site)); err != nil {
		return Request{}, err
	}
	return c.objectRequest(http.MethodPost, body, "sites", string(site), "groups")
}

// EditGroupRequest builds the change of a group's fields: PUT …/groups/{g} (§3.6.3). What the body leaves out stays.
func (c *Client) EditGroupRequest(site SiteID, group GroupID, body json.RawMessage) (Request, error) {
	if err := firstError(checkGUID("site", string(site)), checkGUID("group", string(group))); err != nil {
		return Request{}, err
	}
	return c.objectRequest(http.MethodPut, body, "sites", string(site), "groups", string(group))
}

// DeleteGroupRequest builds the deletion of a group whose endpoints go to another one: DELETE …/groups/{g}?newGroupId=
// (§3.6.4). Whether the receiver may be left out is not known, so here it may not. machines is how many are moved, as
// counted and confirmed.
func (c *Client) DeleteGroupRequest(site SiteID, group, receiver GroupID, machines int) (Request, error) {
	if err := firstError(checkGUID("site", string(site)), checkGUID("group", string(group)), checkGUID("group", string(receiver))); err != nil {
		return Request{}, err
	}
	if group == receiver {
		return Request{}, refuse("a group that is deleted cannot receive its own endpoints")
	}
	return Request{Method: http.MethodDelete, Path: c.gsmPath("sites", string(site), "groups", string(group)),
		Query: url.Values{"newGroupId": {string(receiver)}}, Machines: machines, Counted: true}, nil
}

// CreatedGroup reads the id of a new group from the answer of POST …/groups (§3.6.2); "" when it has none.
func CreatedGroup(body []byte) GroupID {
	fields, err := objectFields(trimBody(body))
	if err != nil {
		return ""
	}
	raw, ok := member(fields, "GroupId")
	if !ok {
		return ""
	}
	id, err := scalar(raw)
	if err != nil || !IsGUID(lower(id)) {
		return ""
	}
	return GroupID(lower(id))
}
