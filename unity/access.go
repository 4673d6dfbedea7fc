package unity

import (
	"context"
	"encoding/json"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
)

// ScopeAccess is the scope of Console.Access (§3.2).
const ScopeAccess = "Console.Access"

// AccessRequest is how far the request is that makes a user an API-only super admin of the console (§3.2.2).
type AccessRequest struct {
	Record Record `json:"-"`
	// Status is Initiated, EmailFailed, PendingApproval, Approved, RequestComplete, RequestDenied, or one that is not listed.
	Status           Text
	InitiatedDate    Time
	StatusChangeDate Time
}

func (c *Client) accessPath(last string) string {
	return "/service/api/console/access/gsm/" + url.PathEscape(c.key.String()) + "/" + last
}

// Address reads one e-mail address without a name; the form is what mail programs take.
func Address(s string) (string, bool) {
	s = strings.TrimSpace(s)
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || strings.ContainsAny(s, ",;<>\" ") {
		return "", false
	}
	return s, true
}

// SuperAdminRequest builds the start of the approval by e-mail that makes a user an API-only super admin: POST
// …/addadminrequest (§3.2.1). The user loses the interactive sign-in to every console.
func (c *Client) SuperAdminRequest(user, confirm string) (Request, error) {
	u, ok := Address(user)
	if !ok {
		return Request{}, refuse("%q is no e-mail address", Clean(clip(user, 60)))
	}
	by, ok := Address(confirm)
	if !ok {
		return Request{}, refuse("%q is no e-mail address", Clean(clip(confirm, 60)))
	}
	raw, err := json.Marshal(struct{ UserEmail, ConfirmEmail string }{u, by})
	if err != nil {
		return Request{}, err
	}
	return Request{Method: http.MethodPost, Path: c.accessPath("addadminrequest"), Body: raw}, nil
}

// SuperAdminStatus reads how far the request for a user is: GET …/addadminstatus (§3.2.2). It takes the scope Console.Access.
func (c *Client) SuperAdminStatus(ctx context.Context, user, confirm string) (*AccessRequest, error) {
	path := c.accessPath("addadminstatus")
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: url.Values{"userEmail": {user}, "confirmEmail": {confirm}}})
	if err != nil {
		return nil, err
	}
	out, err := decodeRow(func(a *AccessRequest) *Record { return &a.Record })(trimBody(resp.Body))
	if err != nil {
		return nil, protocolError(path, err)
	}
	return &out, nil
}
