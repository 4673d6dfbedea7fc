package views_test

import (
	"testing"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// TestRestoredSitesFollowThePicture: the list of sites that an earlier session left is the one that the palette opens.
func TestRestoredSitesFollowThePicture(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	s := show(t, p, 140, 40)
	s.Deliver(ui.Push(s.env.Restore("sites"))())
	s.Settle()
	s.want("12 rows", "kept current", p.Sites[0].Name.String())
	s.Press("b")
	s.want("is a favourite")
}
