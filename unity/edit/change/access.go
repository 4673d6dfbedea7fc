package change

import (
	"context"
	"errors"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit"
)

// Access prepares the request that makes a user an API-only super admin of the console (§3.2.1). It takes the scope
// Console.Access. Whether it arrived is found out by its state (§3.2.2), which is read before as well.
func Access(ctx context.Context, c *unity.Client, v edit.Values) (*Prepared, error) {
	form := edit.AdminAccess()
	if _, err := creation(form, v); err != nil {
		return nil, err
	}
	v = form.Tidy(v)
	user, confirm := v["UserEmail"], v["ConfirmEmail"]
	request, err := c.SuperAdminRequest(user, confirm)
	if err != nil {
		return nil, err
	}
	before, err := accessState(ctx, c, user, confirm)
	if err != nil {
		return nil, err
	}
	warnings := []string{user + " cannot sign in to any web console any more once this is approved, and nothing here takes that back",
		confirm + " gets a mail and has to approve it", "access to sites has to be granted afterwards"}
	if before != nil {
		warnings = append(warnings, "there is such a request already: "+AccessWords(before, c.Now()))
	}
	p := &Prepared{ObjectChange: dispatch.ObjectChange{ID: "admin.access", Verb: "ask for API-only super admin", Kind: "admin", Name: user, Risk: dispatch.Destroy,
		Request: request, After: asJSON(v), Diff: fieldChanges(form, edit.Values{}, v), Warnings: warnings, Typed: user, TypedLabel: "e-mail address of the user",
		Verify: func(ctx context.Context, c *unity.Client) (dispatch.State, string) {
			now, err := accessState(ctx, c, user, confirm)
			switch {
			case err != nil:
				return dispatch.Unknown, "its state cannot be read: " + err.Error()
			case now != nil && (before == nil || now.InitiatedDate.After(before.InitiatedDate.Time)):
				return dispatch.Sent, "the answer was lost; the request is under way"
			}
			return dispatch.Unknown, "the server does not know of the request"
		}}, Keys: adminKeys(nil)}
	p.after = func(ctx context.Context, c *unity.Client) (Outcome, error) {
		now, err := accessState(ctx, c, user, confirm)
		if err != nil {
			return Outcome{}, err
		}
		if now == nil {
			return Outcome{Notes: []string{"the server does not show the request yet"}}, nil
		}
		return Outcome{Notes: []string{AccessWords(now, c.Now())}}, nil
	}
	p.Again = func(ctx context.Context, c *unity.Client) (*dispatch.ObjectChange, error) {
		now, err := accessState(ctx, c, user, confirm)
		switch {
		case err != nil:
			return nil, err
		case (now == nil) != (before == nil), now != nil && (now.Status.Raw() != before.Status.Raw() || !now.InitiatedDate.Equal(before.InitiatedDate.Time)):
			return nil, &StateError{"there is another request of that user by now"}
		}
		return &p.ObjectChange, nil
	}
	return p, nil
}

// accessState reads how far a request is; nil means that there is none.
func accessState(ctx context.Context, c *unity.Client, user, confirm string) (*unity.AccessRequest, error) {
	r, err := c.SuperAdminStatus(ctx, user, confirm)
	if errors.Is(err, unity.ErrNotFound) {
		return nil, nil //nolint:nilnil // no request is no error
	}
	return r, err
}

// AccessWords words the state of a request for people: "waits for the approval by mail, since 5 min".
func AccessWords(r *unity.AccessRequest, now time.Time) string {
	words := map[string]string{"Initiated": "the mail is sent out", "EmailFailed": "the mail could not be sent", "PendingApproval": "waits for the approval by mail",
		"Approved": "approved by the owner of the console", "RequestComplete": "done: the user is an API-only super admin", "RequestDenied": "denied"}
	text := words[r.Status.Raw()]
	if text == "" {
		text = r.Status.String()
	}
	if r.StatusChangeDate.Known() {
		text += ", since " + dispatch.AgeWords(now.Sub(r.StatusChangeDate.Time))
	}
	return text
}
