//go:build unix

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestProxyCurl runs the recipes of docs/scripts.md over three lives of a token: no call may fail, and none may reach the
// server with a token that is no longer good.
func TestProxyCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "scripts.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name, recipe := range map[string]struct{ args, curl string }{
		"socket": {"", `curl -sS -f --unix-socket "$socket" "http://localhost/service/api/console/gsm/$key/sites"`},
		"tcp":    {"--listen 127.0.0.1:0", `curl -sS -f -H @"$header_file" "$base_url/service/api/console/gsm/$key/sites"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(page), recipe.curl) {
				t.Errorf("the page does not show what is tested: %s", recipe.curl)
			}
			sim := startTestSim(t, unitytest.Options{Sites: 3, Endpoints: 12, AccessTTL: 2 * time.Second})
			p := startProxy(t, proxyHome(t), sim, strings.Fields(recipe.args)...)
			calls := 0
			for start := time.Now(); sim.count(`grant=refresh_token.* committed`) < 3 || time.Since(start) < 6*time.Second; calls++ {
				cmd := exec.CommandContext(t.Context(), "sh", "-c", recipe.curl)
				cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/local/bin", "socket=" + p.line.Socket, "base_url=" + p.line.BaseURL, "header_file=" + p.line.HeaderFile, "key=" + p.line.GSMKey}
				out, err := cmd.CombinedOutput()
				if err != nil || !strings.Contains(string(out), `"Sites"`) {
					t.Fatalf("call %d: %v %s", calls, err, out)
				}
				if time.Since(start) > time.Minute {
					t.Fatal("the token is not refreshed")
				}
			}
			p.stop()
			if n := sim.count(`^GET /service/.* 401 `); n != 0 {
				t.Errorf("%d of %d calls had a dead token", n, calls)
			}
			if n := sim.count(`^GET /service/.* 200 `); n < calls {
				t.Errorf("%d calls were answered, want %d", n, calls)
			}
			if n := sim.count(`grant=password`); n != 1 {
				t.Errorf("%d sign-ins, want 1", n)
			}
			if n := sim.count(`^POST /auth/token [45]`); n != 0 {
				t.Errorf("%d refused token requests", n)
			}
		})
	}
}
