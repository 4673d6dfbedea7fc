package views_test

import (
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestWhatIsOldIsNotCalledCurrent: machines that were read 40 hours ago are current only if the server has told since what is new, and
// the first screen, the lists and the search say the same.
func TestWhatIsOldIsNotCalledCurrent(t *testing.T) {
	const age = 40 * time.Hour
	now := picturetest.Now()
	for name, c := range map[string]struct {
		stale bool
		state live.State
		says  string
		told  bool
	}{
		"from disk":               {true, live.State{Phase: live.PhaseIdle}, "from disk, not yet read again", false},
		"from disk, being read":   {true, live.State{Phase: live.PhaseSites}, "from disk, not yet read again", false},
		"the machine slept":       {false, live.State{Phase: live.PhaseIdle, LastDelta: now.Add(-age)}, "not yet read again", false},
		"the server told of news": {false, live.State{Phase: live.PhaseIdle, LastDelta: now}, "oldest site read 40 h ago", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := readAt(now.Add(-age))
			p.Stale = c.stale
			if c.told {
				p.SitesAt = now // the list of sites is part of it
			}
			s := show(t, p, 160, 40)
			s.album.turn(func(a *album) { a.state = c.state })
			s.Advance(time.Second)
			if !s.WaitFor(c.says) {
				t.Fatalf("the first screen does not say %q:\n%s", c.says, s.Screen())
			}
			if line := s.LineWith("- Console -"); strings.Contains(line, " - read 40 h ago") == c.told {
				t.Errorf("the first screen says %q", line)
			}
			s.Press("8")
			if s.Has("kept current") != c.told {
				t.Errorf("the list of sites is wrong about being current:\n%s", s.Screen())
			}
			s.Press("0")
			s.want(c.says)
			if s.Has("kept current") || s.Has("40 h old") == c.told {
				t.Errorf("the list of machines is wrong about being current:\n%s", s.Screen())
			}
			if c.state.Phase != live.PhaseIdle {
				return // the search would go on
			}
			s.Press("f")
			s.Type("pc-0")
			if line := s.LineWith("searched"); strings.Contains(line, "read 40 h ago") == c.told {
				t.Errorf("the search says %q", line)
			}
		})
	}
}

// TestAgesAreByTheClockOfThisMachine: what was read a moment ago from a server whose clock is five hours slow is not five hours old.
func TestAgesAreByTheClockOfThisMachine(t *testing.T) {
	c := open(t, 160, 40, unitytest.Options{Seed: 5, Sites: 4, Endpoints: 60, Now: func() time.Time { return time.Now().Add(-5 * time.Hour) }})
	c.untilRead()
	for _, key := range []string{"8", "0"} {
		c.Press(key)
		if !c.WaitFor("just read") || c.Has("h old") {
			t.Errorf("%s is old:\n%s", key, c.Screen())
		}
	}
}
