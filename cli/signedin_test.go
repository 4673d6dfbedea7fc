//go:build unix

package cli

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestStaysSignedInWhileBrowsing browses and idles through many lives of an access token: no request carries a dead one,
// the password is sent once, and there is one refresh for every 70 to 80 % of a life. The long form is ten minutes of
// 20-second tokens.
func TestStaysSignedInWhileBrowsing(t *testing.T) {
	t.Parallel()
	ttl, length := 2*time.Second, 14*time.Second
	if long() {
		ttl, length = 20*time.Second, 10*time.Minute
	}
	sim := startTestSim(t, unitytest.Options{Seed: 21, AccessTTL: ttl})
	term := screenOn(t, sim, ptytest.Opt{W: 120, H: 40, Deadline: length + time.Minute})
	term.WaitText("40 rows")
	r := rand.New(rand.NewPCG(3, 3))
	keys := []string{"j", "j", "k", "enter", "esc", "tab", "r", "pgdown"}
	end := time.Now().Add(length)
	for time.Now().Before(end) {
		term.Keys(keys[r.IntN(len(keys))])
		term.WaitIdle()
		// Idle for up to two lives, as a technician does who reads.
		idle := time.NewTimer(time.Duration(r.Int64N(int64(ttl))))
		<-idle.C
	}
	grants := map[string]int{}
	for _, e := range sim.Log() {
		if strings.HasPrefix(e.Path, "/service/") && e.TokenState != "valid" && e.TokenState != "none" {
			t.Errorf("%s %s with a token that is %s", e.Method, e.Path, e.TokenState)
		}
		if e.Grant != "" {
			grants[e.Grant]++
		}
	}
	least, most := int(float64(length)/(0.8*float64(ttl)))-1, int(float64(length)/(0.7*float64(ttl)))+2
	t.Logf("%d refreshes in %v of %v tokens", grants["refresh_token"], length, ttl)
	if grants["password"] != 1 || grants["refresh_token"] < least || grants["refresh_token"] > most {
		t.Errorf("grants %v, wanted one password and %d to %d refreshes", grants, least, most)
	}
}

// TestPasswordChangeAndBackOnTheSameRow changes the password at the server: the banner comes, the form opens by its key, and
// after the sign-in the cursor is where it was.
func TestPasswordChangeAndBackOnTheSameRow(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Seed: 22, AccessTTL: 3 * time.Second})
	term := screenOn(t, sim, ptytest.Opt{W: 140, H: 40})
	term.WaitText("40 rows")
	term.WaitFor(func(s ptytest.Screen) bool { return strings.HasPrefix(s.Line(s.Cursor.Y), ">") })
	term.Keys("j", "j", "j")
	// The fourth row, counted from the head of the list: what stands above the list still grows and shrinks.
	at := term.WaitFor(func(s ptytest.Screen) bool {
		return s.Cursor.Y > 4 && strings.HasPrefix(s.Line(s.Cursor.Y), ">") && strings.Contains(s.Line(s.Cursor.Y-4), "Site ^")
	})
	row := strings.TrimSpace(at.Line(at.Cursor.Y))
	name := strings.Join(strings.Fields(row)[1:3], " ") // the first field is the sign of the cursor
	sim.ChangePassword(unitytest.UserSuper, "another one")
	term.WaitText("f2 signs in")
	term.Keys("f2")
	term.WaitText("> Password") // the screen behind goes on counting, so it need not come to rest
	term.Type("another one")
	term.Keys("enter", "enter")
	term.WaitText("done: signed in")
	term.WaitFor(func(s ptytest.Screen) bool {
		return !s.Contains("Refresh token") && strings.HasPrefix(s.Line(s.Cursor.Y), ">") && strings.Contains(s.Line(s.Cursor.Y), name)
	})
}
