//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestAProgramOfTheUserOnItsOwnKey binds a program of the configuration to a key and presses it in the real program: the program
// gets the machine under the cursor. On a key that is taken the console does not start, and says so.
func TestAProgramOfTheUserOnItsOwnKey(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Seed: 4, Sites: 6, Endpoints: 120})
	f := plainSites(sim)[0]
	start := func(key string) (*ptytest.Term, string) {
		dir := t.TempDir()
		got := filepath.Join(dir, "got.json")
		text := fmt.Sprintf("version = 1\n[keys]\n\"run.note\" = [%q]\n[commands.note]\nprogram = [\"sh\", \"-c\", \"cat > %s\"]\n", key, got)
		if err := writePrivate(filepath.Join(dir, "unitty", "config.toml"), []byte(text)); err != nil {
			t.Fatal(err)
		}
		return screenOn(t, sim, ptytest.Opt{W: 240, H: 40, Env: []string{"XDG_CONFIG_HOME=" + dir}}), got
	}
	term, _ := start("s")
	if e := term.Exit(); e.Code != exitUsage {
		t.Errorf("with a key that is taken: %+v", e)
	}
	if s := term.Screen(); !s.Contains("are both on") {
		t.Errorf("it does not say so:\n%s", s)
	}
	term, got := start("ctrl+t")
	term.WaitText("6 rows")
	term.Keys("/")
	term.Type("site:=\"" + f.site.Name + "\"")
	term.WaitText("1/6")
	term.Keys("enter", "enter")
	term.WaitText("Endpoints")
	term.WaitText(f.machines[0].HostName)
	term.WaitIdle()
	term.Keys("ctrl+t")
	term.WaitText("[note: ended]")
	var rows []commandInputRow
	raw, err := os.ReadFile(got) //nolint:gosec // the test's own file
	if err != nil || json.Unmarshal(raw, &rows) != nil || len(rows) != 1 || rows[0].SiteID != f.site.ID || rows[0].EndpointID == "" {
		t.Errorf("the program got %s (%v)", raw, err)
	}
	term.Keys("enter")
	term.WaitText("note has ended")
}

// commandInputRow is what a program reads of a machine.
type commandInputRow struct {
	EndpointID string `json:"EndpointId"`
	SiteID     string `json:"SiteId"`
}
