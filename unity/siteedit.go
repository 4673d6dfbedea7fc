package unity

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// objectBody checks that a body is one JSON object with something in it; an edit of nothing is a mistake.
func objectBody(body json.RawMessage) error {
	fields, err := objectFields(body)
	if err != nil || !json.Valid(body) {
		return refuse("the body has to be one JSON object")
	}
	if len(fields) == 0 {
		return refuse("nothing is changed")
	}
	for i, f := range fields {
		for _, other := range fields[:i] {
			if other.name == f.name {
				return refuse("the body holds %s twice", f.name)
			}
		}
	}
	return nil
}

func (c *Client) objectRequest(method string, body json.RawMessage, path ...string) (Request, error) {
	if err := objectBody(body); err != nil {
		return Request{}, err
	}
	return Request{Method: method, Path: c.gsmPath(path...), Body: bytes.Clone(body)}, nil
}

// CreateSiteRequest builds the creation of a site from its fields as JSON: POST …/sites (§3.3.3).
func (c *Client) CreateSiteRequest(body json.RawMessage) (Request, error) {
	return c.objectRequest(http.MethodPost, body, "sites")
}

// EditSiteRequest builds the change of a site's fields: PUT …/sites/{s} (§3.3.4). What the body leaves out stays.
func (c *Client) EditSiteRequest(site SiteID, body json.RawMessage) (Request, error) {
	if err := checkGUID("site", string(site)); err != nil {
		return Request{}, err
	}
	return c.objectRequest(http.MethodPut, body, "sites", string(site))
}

// SiteAction is one of the changes of a site's state (§3.3.5), as its address calls it.
type SiteAction string

// The four changes of a site's state.
const (
	SiteSuspend      SiteAction = "suspend"
	SiteResume       SiteAction = "resume"
	SiteConvertTrial SiteAction = "converttrial"
	SiteDeactivate   SiteAction = "deactivate"
)

// SiteActionRequest builds a change of a site's state: POST …/sites/{s}/{action}, without a body (§3.3.5). machines is how
// many the site has, as counted and confirmed, since all of them are touched.
func (c *Client) SiteActionRequest(site SiteID, action SiteAction, machines int) (Request, error) {
	if err := checkGUID("site", string(site)); err != nil {
		return Request{}, err
	}
	switch action {
	case SiteSuspend, SiteResume, SiteConvertTrial, SiteDeactivate:
	default:
		return Request{}, refuse("%q is no action on a site", Clean(clip(string(action), 20)))
	}
	return Request{Method: http.MethodPost, Path: c.gsmPath("sites", string(site), string(action)), Machines: machines, Counted: true}, nil
}

// CreatedSite reads what the server says about a new site. The answer is not documented (§3.3.3), so either value may be
// empty, and the site is then to be found in the list.
func CreatedSite(body []byte) (SiteID, Keycode) {
	fields, err := objectFields(trimBody(body))
	if err != nil {
		return "", ""
	}
	text := func(names ...string) string {
		for _, name := range names {
			if raw, ok := member(fields, name); ok {
				if s, err := scalar(raw); err == nil && s != "" {
					return s
				}
			}
		}
		return ""
	}
	id := lower(text("SiteId"))
	if !IsGUID(id) {
		id = ""
	}
	key, err := ParseKeycode(text("AccountKeyCode", "SiteKeyCode", "KeyCode"))
	if err != nil {
		key = ""
	}
	return SiteID(id), key
}
