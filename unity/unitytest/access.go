package unitytest

import (
	"net/mail"
	"strings"
)

// accessRequest is a request that makes a user an API-only super admin of the
// console, section 3.2 of the reference.
type accessRequest struct {
	user, confirm string
	initiated     int64
}

// How far such a request is after a time, as if the owner of the console
// answered the mail: the reference lists the states and no times.
const (
	accessPending  = minute
	accessApproved = 10 * minute
	accessComplete = 11 * minute
)

func (r *accessRequest) state(now int64) (name string, since int64) {
	switch age := now - r.initiated; {
	case age < accessPending:
		return "Initiated", r.initiated
	case age < accessApproved:
		return "PendingApproval", r.initiated + accessPending
	case age < accessComplete:
		return "Approved", r.initiated + accessApproved
	default:
		return "RequestComplete", r.initiated + accessComplete
	}
}

// addAdminRequest starts the approval by mail. A second request for the same
// two people starts anew.
func (c *call) addAdminRequest() reply {
	var q struct{ UserEmail, ConfirmEmail *string }
	if r := c.decode(&q); r != nil {
		return *r
	}
	for _, v := range []*string{q.UserEmail, q.ConfirmEmail} {
		if blank(v) {
			return c.invalid("UserEmail and ConfirmEmail are required.")
		}
		if _, err := mail.ParseAddress(*v); err != nil {
			return c.invalid("The e-mail address is invalid.")
		}
	}
	w := c.s.world
	if old := w.accessRequest(*q.UserEmail, *q.ConfirmEmail); old != nil {
		old.initiated = c.now
	} else {
		w.access = append(w.access, &accessRequest{user: *q.UserEmail, confirm: *q.ConfirmEmail, initiated: c.now})
	}
	c.commit()
	return noContent()
}

func (w *world) accessRequest(user, confirm string) *accessRequest {
	for _, r := range w.access {
		if strings.EqualFold(r.user, user) && strings.EqualFold(r.confirm, confirm) {
			return r
		}
	}
	return nil
}

func (c *call) addAdminStatus() reply {
	user, confirm := c.query.Get("useremail"), c.query.Get("confirmemail")
	if user == "" || confirm == "" {
		return badRequest("userEmail and confirmEmail are required.")
	}
	r := c.s.world.accessRequest(user, confirm)
	if r == nil {
		return notFound("The request")
	}
	state, since := r.state(c.now)
	return ok(object{{"Status", state}, {"InitiatedDate", stamp(r.initiated)}, {"StatusChangeDate", stamp(since)}})
}
