package unity

import (
	"encoding/json"
	"net/http"
)

// Inheritance says what a move of endpoints makes of their policies (§3.7.5).
type Inheritance int

// The two ways; a third one is retired and behaves as the first.
const (
	// InheritKeep leaves the assignment of policies alone: what inherited from the old group inherits from the new one.
	InheritKeep Inheritance = 0
	// InheritTarget gives all moved endpoints the policy of the target group.
	InheritTarget Inheritance = 1
)

// checkGUID refuses what is no id before it becomes part of an address or a body.
func checkGUID(kind, id string) error {
	if !IsGUID(id) {
		return refuse("%q is no %s id", Clean(clip(id, 60)), kind)
	}
	return nil
}

// listed builds a change of the endpoints in t, whose list stands first in the body.
func (c *Client) listed(t Targets, method string, body any, path ...string) (Request, error) {
	if t.Len() == 0 {
		return Request{}, refuse("no targets")
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return Request{}, err
	}
	return Request{Method: method, Path: c.gsmPath(append([]string{"sites", string(t.site), "endpoints"}, path...)...), Body: raw}, nil
}

// MoveRequest builds the move of endpoints to another group of their site: PUT …/endpoints (§3.7.5).
func (c *Client) MoveRequest(t Targets, group GroupID, how Inheritance) (Request, error) {
	if err := checkGUID("group", string(group)); err != nil {
		return Request{}, err
	}
	if how != InheritKeep && how != InheritTarget {
		return Request{}, refuse("Inheritance has to be 0 or 1")
	}
	return c.listed(t, http.MethodPut, struct {
		EndpointsList string
		TargetGroupID string `json:"TargetGroupId"`
		Inheritance   Inheritance
	}{t.list(), string(group), how})
}

// PolicyRequest builds the assignment of a policy to endpoints: PUT …/endpoints/policy (§3.7.6).
func (c *Client) PolicyRequest(t Targets, policy PolicyID) (Request, error) {
	if err := checkGUID("policy", string(policy)); err != nil {
		return Request{}, err
	}
	return c.listed(t, http.MethodPut, struct {
		EndpointsList string
		PolicyID      string `json:"PolicyId"`
	}{t.list(), string(policy)}, "policy")
}

// DeactivateRequest builds the deactivation of endpoints, which frees their seats: POST …/endpoints/deactivate (§3.7.7).
func (c *Client) DeactivateRequest(t Targets) (Request, error) {
	return c.listed(t, http.MethodPost, struct{ EndpointsList string }{t.list()}, "deactivate")
}

// ReactivateRequest builds the reactivation of endpoints, which takes seats again: POST …/endpoints/reactivate (§3.7.7).
func (c *Client) ReactivateRequest(t Targets) (Request, error) {
	return c.listed(t, http.MethodPost, struct{ EndpointsList string }{t.list()}, "reactivate")
}

// GroupPolicyRequest builds the assignment of a policy to all endpoints of a group: PUT …/groups/{g}/endpoints/policy
// (§3.7.6). machines is how many the group has, as counted and confirmed.
func (c *Client) GroupPolicyRequest(site SiteID, group GroupID, policy PolicyID, machines int) (Request, error) {
	if err := firstError(checkGUID("site", string(site)), checkGUID("group", string(group)), checkGUID("policy", string(policy))); err != nil {
		return Request{}, err
	}
	raw, err := json.Marshal(struct {
		PolicyID string `json:"PolicyId"`
	}{string(policy)})
	if err != nil {
		return Request{}, err
	}
	return Request{Method: http.MethodPut, Path: c.gsmPath("sites", string(site), "groups", string(group), "endpoints", "policy"), Body: raw,
		Machines: machines, Counted: true}, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
