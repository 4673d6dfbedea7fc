package views_test

import (
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestWithoutReportsNobodySaysThatAllIsWell opens the views that take the agents' reports with a token that cannot read any.
func TestWithoutReportsNobodySaysThatAllIsWell(t *testing.T) {
	c := open(t, 130, 40, unitytest.Options{Sites: 3, Endpoints: 60, Seed: 5, Variants: []string{"fewer-scopes"}})
	for key, lie := range map[string]string{"1": "No agent reports an infection.", "2": "No agent asks for attention.", "6": "Every agent is the newest"} {
		c.Press(key)
		if !c.Until(func() bool { c.Elapse(time.Second); return c.Has("Nobody knows: the agents' reports cannot be read") }) {
			t.Fatalf("%s does not say that nobody knows:\n%s", key, c.Screen())
		}
		if c.Has(lie) {
			t.Fatalf("%s says %q:\n%s", key, lie, c.Screen())
		}
		c.Press("q")
	}
	// A number that cannot be listed says why.
	c.Press("tab", "g", "down", "down", "down", "down", "down", "down", "down", "down", "down", "down", "enter")
	c.want("ok machines cannot be listed: status: needs the scope SkyStatus.GSM")
}

// TestDriftIsNotCertainWithoutReports: a machine may be unmanaged by a report that nobody knows.
func TestDriftIsNotCertainWithoutReports(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	s := show(t, p, 130, 40)
	drift := p.Class(t.Context(), picture.PolicyDrift, picturetest.Now(), fleet.DefaultStaleAfter)
	if p.Unreported() == 0 || drift.Len() == 0 {
		t.Fatal("the picture is not one for this test")
	}
	if got := s.number("policy drift"); got != grouped(drift.Len())+"+" {
		t.Fatalf("policy drift is %q, want %d+:\n%s", got, drift.Len(), s.Screen())
	}
}

// TestFindOnDiskSearchesAllOfIt: what comes from disk is searched, whether or not the server was reached since.
func TestFindOnDiskSearchesAllOfIt(t *testing.T) {
	p := picturetest.Random(4, 12, 400)
	p.Stale, p.Done, p.Total = true, 0, 12
	s := show(t, p, 130, 40)
	s.album.turn(func(a *album) { a.state.Err = &unity.Error{Kind: unity.ErrUnreachable} })
	s.Press("f")
	s.Type("desktop")
	s.want("searched 12 of 12 sites", "from disk", "the best 200")
	s.Press("esc", "f")
	s.Type("lin dental")
	if s.Has("the best") {
		t.Fatalf("a few findings are said to be the best of more:\n%s", s.Screen())
	}
}
