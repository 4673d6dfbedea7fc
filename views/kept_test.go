package views_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// TestACustomerIsBrowsableOffline opens a customer while the server is known to be out of reach: its machines and groups are
// those of the picture, with their age.
func TestACustomerIsBrowsableOffline(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	p.Stale = true
	s := show(t, p, 160, 40)
	s.album.turn(func(a *album) { a.state.Err = &unity.Error{Kind: unity.ErrUnreachable} })
	c := largest(p)
	s.Press("/")
	s.Type(c.Site().Name.String())
	s.Press("enter", "enter")
	s.want("All groups", "Endpoints")
	for _, r := range hosts(c)[:5] {
		s.want(r)
	}
	s.Press("s")
	s.want("scan is not available: offline:")
}

// largest is the site with the most machines.
func largest(p *picture.Picture) *picture.Chunk {
	return slices.MaxFunc(p.Chunks(), func(a, b *picture.Chunk) int { return a.Len() - b.Len() })
}

// hosts are the names of a site's machines, in the order of lists.
func hosts(c *picture.Chunk) []string {
	var out []string
	for i := range c.Len() {
		if name := c.Row(i).HostName().String(); name != "" {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(unity.Fold(a), unity.Fold(b)) })
	return out
}
