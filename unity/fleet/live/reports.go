package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// reports are what agents reported, until it is joined.
type reports struct {
	picture.Reports
	// whole tells that all reports of the console are there.
	whole bool
	// err says why not.
	err error
	// at is when the reading began, by the server's clock.
	at time.Time
}

// maxStatusWalks is how often the reports of the console are walked before they are read site by site.
const maxStatusWalks = 3

// walkReports reads the reports of the whole console. A walk whose continuation dies is begun anew. What could be read is
// given in any case.
func (f *Fleet) walkReports(ctx context.Context) *reports {
	r := &reports{at: f.client.Now()}
	if !f.withStatus() {
		r.err = fmt.Errorf("agents' reports: %w", unity.ErrScope)
		return r
	}
	for range maxStatusWalks {
		r.Reports = picture.Reports{}
		r.at = f.client.Now()
		r.err = f.walkOnce(ctx, r, unity.StatusQuery{})
		if r.err == nil {
			r.whole = true
			return r
		}
		// A token that lacks the scope or the right will lack it the next time.
		if ctx.Err() != nil || !passing(r.err) && !errors.Is(r.err, unity.ErrInvalid) {
			return r
		}
	}
	return r
}

func (f *Fleet) walkOnce(ctx context.Context, r *reports, q unity.StatusQuery) error {
	for page, err := range f.client.GSMStatus(ctx, q) {
		if err != nil {
			return err
		}
		at := f.client.Now()
		if at.Before(r.at) {
			r.at = at // a clock was set meanwhile: what was just read must not count as older than the reading
		}
		r.Add(page.Items, at)
	}
	return nil
}

// siteReports reads the reports of one site. They are that site's, whether or not the rows say so.
func (f *Fleet) siteReports(ctx context.Context, site *unity.Site) (*reports, error) {
	r := &reports{at: f.client.Now()}
	for page, err := range f.client.SiteStatus(ctx, site.Keycode, unity.StatusQuery{}) {
		if err != nil {
			return nil, err
		}
		r.AddSite(site.Keycode, page.Items, f.client.Now())
	}
	r.whole = true
	return r, nil
}

// noteOf words why machines have no report.
func noteOf(err error) string {
	switch {
	case err == nil:
		return fleet.NoteNotJoined
	case errors.Is(err, unity.ErrScope):
		return fleet.NoteNoScope
	case errors.Is(err, unity.ErrDenied):
		return fleet.NoteNoAccess
	default:
		return fleet.NoteNotLoaded
	}
}

// wholeFleet tells that the machines of all sites that the reports cover are there: a host name is unique only then. A
// site that was not read, or may not be seen, could have another machine of the same name. The lock must be held.
func (f *Fleet) wholeFleet() bool {
	if len(f.meta.Failed) > 0 {
		return false
	}
	return !slices.ContainsFunc(f.meta.Sites, func(s unity.Site) bool { return f.chunks[s.ID] == nil })
}
