//go:build unix

package cli

import (
	"regexp"
	"testing"

	"github.com/unitty/unitty/ui/terminal/ptytest"
)

// TestViewsInARealTerminal goes through the views of the demo, one key each, at three sizes.
func TestViewsInARealTerminal(t *testing.T) {
	t.Parallel()
	for _, z := range sizes() {
		t.Run(z.String(), func(t *testing.T) {
			t.Parallel()
			term := demoOn(t, ptytest.Opt{W: z.w, H: z.h}, "--seed", "4")
			term.WaitText("40 rows")
			for _, v := range [][2]string{{"1", "Infected"}, {"3", "Stale"}, {"8", "Seats over"}, {"0", "Everything"}} {
				press(t, term, v[0], func(s ptytest.Screen) bool { return s.Contains(v[1]) && s.Contains(" row") })
			}
			press(t, term, "q", func(s ptytest.Screen) bool { return s.Contains("40 rows") })
			term.Keys("q")
			if e := term.Exit(); e.Code != 0 {
				t.Errorf("exit %+v", e)
			}
			sane(t, term.Raw())
		})
	}
}

// TestTheDemosNumbersAreExact: a console in this process is asked for everything at once, so no number of the first screen stays
// one that is known in part.
func TestTheDemosNumbersAreExact(t *testing.T) {
	t.Parallel()
	term := demoOn(t, ptytest.Opt{W: 120, H: 40}, "--endpoints", "4000")
	partly := regexp.MustCompile(`\d\+ `)
	exact := regexp.MustCompile(`without a report +0 `)
	term.WaitFor(func(s ptytest.Screen) bool {
		return exact.MatchString(s.Text()) && s.Contains("4,000") && !partly.MatchString(s.Text()) && !s.Contains("are not known")
	})
}
