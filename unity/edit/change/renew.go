package change

import (
	"context"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// renewing makes a change anew from what prepare reads now, so that one that was looked at for long can be compared with it.
func renewing(prepare func(context.Context, *unity.Client) (*Prepared, error)) func(context.Context, *unity.Client) (*dispatch.ObjectChange, error) {
	return func(ctx context.Context, c *unity.Client) (*dispatch.ObjectChange, error) {
		p, err := prepare(ctx, c)
		if err != nil {
			return nil, err
		}
		return &p.ObjectChange, nil
	}
}

// renewingSite does the same for a change that is prepared from a site.
func renewingSite(id unity.SiteID, prepare func(context.Context, *unity.Client, *unity.Site) (*Prepared, error)) func(context.Context, *unity.Client) (*dispatch.ObjectChange, error) {
	return renewing(func(ctx context.Context, c *unity.Client) (*Prepared, error) {
		now, err := c.Site(ctx, id)
		if err != nil {
			return nil, err
		}
		return prepare(ctx, c, now)
	})
}

// renewingAdmin does the same for a change that is prepared from an admin of the console, or of a site.
func renewingAdmin(s *unity.Site, id unity.UserID, prepare func(context.Context, *unity.Client, *unity.Admin) (*Prepared, error)) func(context.Context, *unity.Client) (*dispatch.ObjectChange, error) {
	return renewing(func(ctx context.Context, c *unity.Client) (*Prepared, error) {
		now, err := adminNow(ctx, c, s, id)
		if err != nil {
			return nil, err
		}
		return prepare(ctx, c, now)
	})
}
