package unity

import (
	"context"
	"encoding/json"
	"net/http"
)

// adminPath is the address of the admins of the console, or of a site when one is given, or of one of them.
func (c *Client) adminPath(site SiteID, user UserID) ([]string, error) {
	var path []string
	if site != "" {
		if err := checkGUID("site", string(site)); err != nil {
			return nil, err
		}
		path = append(path, "sites", string(site))
	}
	path = append(path, "admins")
	if user != "" {
		if err := checkGUID("user", string(user)); err != nil {
			return nil, err
		}
		path = append(path, string(user))
	}
	return path, nil
}

// Admin reads one admin of the console: GET …/admins/{userId} (§3.4.1). An answer about another one is an ErrProtocol.
func (c *Client) Admin(ctx context.Context, id UserID) (*Admin, error) { return c.admin(ctx, "", id) }

// SiteAdmin reads one admin of a site: GET …/sites/{s}/admins/{userId} (§3.4.1).
func (c *Client) SiteAdmin(ctx context.Context, site SiteID, id UserID) (*Admin, error) {
	return c.admin(ctx, site, id)
}

func (c *Client) admin(ctx context.Context, site SiteID, id UserID) (*Admin, error) {
	parts, err := c.adminPath(site, id)
	if err != nil {
		return nil, err
	}
	path := c.gsmPath(parts...)
	a, err := getOne(ctx, c, path, "Admins", adminRow)
	if err != nil {
		return nil, err
	}
	if err := sameID(path, string(id), string(a.ID)); err != nil {
		return nil, err
	}
	return &a, nil
}

// CreateAdminRequest builds the creation of an admin of the console, or of a site only when one is given: POST …/admins or
// POST …/sites/{s}/admins (§3.4.2).
func (c *Client) CreateAdminRequest(site SiteID, body json.RawMessage) (Request, error) {
	path, err := c.adminPath(site, "")
	if err != nil {
		return Request{}, err
	}
	return c.objectRequest(http.MethodPost, body, path...)
}

// EditAdminRequest builds the change of an admin's names, at the console or at a site (§3.4.4).
func (c *Client) EditAdminRequest(site SiteID, user UserID, body json.RawMessage) (Request, error) {
	path, err := c.adminPath(site, user)
	if err == nil && user == "" {
		err = refuse("no admin is named")
	}
	if err != nil {
		return Request{}, err
	}
	return c.objectRequest(http.MethodPut, body, path...)
}

// DeleteAdminRequest builds the removal of an admin from the console and all its sites, or from one site when one is given
// (§3.4.4).
func (c *Client) DeleteAdminRequest(site SiteID, user UserID) (Request, error) {
	path, err := c.adminPath(site, user)
	if err == nil && user == "" {
		err = refuse("no admin is named")
	}
	if err != nil {
		return Request{}, err
	}
	return Request{Method: http.MethodDelete, Path: c.gsmPath(path...)}, nil
}

// Grant is the access of one admin of the console to a site.
type Grant struct {
	User UserID
	// Level is AccessAdmin, AccessView or AccessNone.
	Level int
}

// GrantRequest builds the change of access to a site: PUT …/sites/{s}/admins (§3.4.3).
func (c *Client) GrantRequest(site SiteID, grants ...Grant) (Request, error) {
	if err := checkGUID("site", string(site)); err != nil {
		return Request{}, err
	}
	if len(grants) == 0 {
		return Request{}, refuse("no admin is named")
	}
	type admin struct {
		UserID      string `json:"UserId"`
		AccessLevel int
	}
	body := struct{ Admins []admin }{}
	seen := map[UserID]bool{}
	for _, g := range grants {
		switch {
		case !IsGUID(string(g.User)):
			return Request{}, checkGUID("user", string(g.User))
		case g.Level != AccessAdmin && g.Level != AccessView && g.Level != AccessNone:
			return Request{}, refuse("an access level is 128, 1 or 0")
		case seen[g.User]:
			return Request{}, refuse("an admin is named twice")
		}
		seen[g.User] = true
		body.Admins = append(body.Admins, admin{string(g.User), g.Level})
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return Request{}, err
	}
	return Request{Method: http.MethodPut, Path: c.gsmPath("sites", string(site), "admins"), Body: raw}, nil
}
