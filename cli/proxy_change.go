package cli

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// expectHeader carries what --expect says elsewhere: how many machines the script means to touch.
const expectHeader = "X-Unitty-Expect"

// change lets a change through when it was allowed and counted, and writes it down before and after.
func (d *door) change(ctx context.Context, req unity.Request, g unity.Gate, expect []string) (*unity.Response, error) {
	n, err := d.permit(ctx, g, expect)
	if err != nil {
		return nil, err
	}
	// From here on the script's going away changes nothing: a change half-way would be one of unknown outcome.
	ctx = context.WithoutCancel(ctx)
	entry := dispatch.Entry{Event: "proxy", Action: "proxy", BaseURL: d.sess.client.BaseURL(), GSMKey: d.sess.client.Key().String(),
		User: d.sess.settings.Username, Method: req.Method, Path: req.Path, Note: d.note}
	for _, id := range g.Endpoints {
		entry.Targets = append(entry.Targets, dispatch.Target{EndpointID: string(id), SiteID: string(g.Site)})
	}
	if err := d.sess.audit.Write(entry); err != nil {
		d.complain("the audit cannot be written: " + err.Error())
		if d.sess.audit.Required() {
			return nil, &doorRefusal{http.StatusServiceUnavailable, "the audit cannot be written and this profile requires it; nothing was sent"}
		}
	}
	req.Machines, req.Counted = n, true
	resp, err := d.sess.client.Do(ctx, req)
	entry.Event = "proxy-outcome"
	if err != nil {
		entry.Error = err.Error()
		var e *unity.Error
		if errors.As(err, &e) {
			entry.Status = e.Status
		}
	} else {
		entry.Status = resp.Status
	}
	if aerr := d.sess.audit.Write(entry); aerr != nil {
		d.complain("the audit cannot be written: " + aerr.Error())
	}
	return resp, err
}

// permit is the gate's second half: whether the change was agreed to, with the number of machines where that counts.
func (d *door) permit(ctx context.Context, g unity.Gate, expect []string) (int, error) {
	switch {
	case d.sess.settings.ReadOnly:
		return 0, barred("this profile is read-only: %s", unity.Clean(g.What))
	case !d.yes:
		return 0, barred("a change needs a proxy that was started with --yes: %s", unity.Clean(g.What))
	case len(expect) > 1:
		return 0, barred("%s stands there twice", expectHeader)
	}
	want := -1
	if len(expect) == 1 {
		n, err := strconv.Atoi(expect[0])
		if err != nil || n < 0 {
			return 0, barred("%s has to be a number", expectHeader)
		}
		want = n
	}
	if g.Reach == unity.ReachSet && want < 0 {
		return 0, barred("to %s touches every machine of the set: say how many in %s", unity.Clean(g.What), expectHeader)
	}
	n, err := d.app.reach(ctx, d.sess, g)
	if err != nil {
		return 0, err
	}
	counted := g.Reach != unity.ReachOther
	switch {
	case counted && want >= 0 && want != n:
		return 0, barred("this touches %s, not the %d of %s; nothing was sent", dispatch.Machines(n), want, expectHeader)
	case apiRisk(g, n) == dispatch.Destroy && want != n:
		return 0, barred("to %s (%s) needs %s: %d", unity.Clean(g.What), dispatch.Machines(n), expectHeader, n)
	}
	return n, nil
}
