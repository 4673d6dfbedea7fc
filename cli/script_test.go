package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestScripts runs the program as others call it: each script of testdata/script is one verb or one promise.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scriptParams())
}

func scriptParams() testscript.Params {
	return testscript.Params{
		Dir: filepath.Join("testdata", "script"), RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: prepareScript, Condition: func(c string) (bool, error) {
			switch c {
			case "long":
				return long(), nil
			case "kernelkeys":
				return kernelKeys(), nil
			}
			return false, fmt.Errorf("unknown condition %q", c)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sim": simCmd, "simctl": simctlCmd, "simlog": simlogCmd, "signin": signinCmd, "lastbody": lastbodyCmd,
			"run": runCmd, "interrupt": interruptCmd, "jq": jqCmd, "fields": fieldsCmd, "lines": linesCmd, "secrets": secretsCmd,
			"truth": truthCmd, "cheapkey": cheapkeyCmd,
		},
	}
}

// long tells whether the tests that take minutes were asked for.
func long() bool { return os.Getenv("UNITTY_TEST_LONG") != "" }

// kernelKeys tells whether the kernel has a keyring for this process.
func kernelKeys() bool {
	s, err := auth.OpenKeyringStore("keyctl")
	if err != nil {
		return false
	}
	defer func() { _ = s.Close() }()
	return auth.Canary(context.Background(), s) == nil
}

// simsOf is the key of the simulators of a script.
type simsOf struct{}

// scriptSims are the simulators that a script has started; the last one counts.
type scriptSims struct{ all []*testSim }

func prepareScript(env *testscript.Env) error {
	sims := &scriptSims{}
	env.Values[simsOf{}] = sims
	env.Defer(func() {
		for _, s := range sims.all {
			s.close()
		}
		// The kernel would keep the key of the script's file store until the machine starts again, and it takes only so many.
		_ = auth.ForgetFileKey(context.Background(), filepath.Join(env.WorkDir, "home", ".local", "state", "unitty", "secrets"))
	})
	for _, dir := range []string{"home", "run"} {
		if err := os.Mkdir(filepath.Join(env.WorkDir, dir), 0o700); err != nil {
			return err
		}
	}
	// Only what a script says reaches the program: nothing of the machine that runs the tests.
	var kept []string
	for _, kv := range env.Vars {
		if name, _, _ := strings.Cut(kv, "="); !strings.HasPrefix(name, "UNITTY_") && !strings.HasPrefix(name, "XDG_") && !strings.HasPrefix(name, "DBUS_") {
			kept = append(kept, kv)
		}
	}
	env.Vars = kept
	for _, kv := range [][2]string{{"HOME", filepath.Join(env.WorkDir, "home")}, {"XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "run")},
		{"UNITTY_KEYRING", "memory"}, {"TZ", "UTC"}, {"TERM", "xterm-256color"}, {"SEED", "1"}, {"ESC", "\x1b"}} {
		env.Setenv(kv[0], kv[1])
	}
	return nil
}

// setFacts gives a script the names and ids it works with.
func setFacts(ts *testscript.TestScript, s *testSim) {
	sites := plainSites(s)
	var small, big *siteFacts
	for i := range sites {
		f := &sites[i]
		switch {
		case f.active > 25 && len(f.machines) > 0:
			if big == nil || f.active < big.active {
				big = f
			}
		case len(f.machines) >= 4 && small == nil:
			small = f
		}
	}
	if small == nil {
		ts.Fatalf("sim: this world has no site with four plain machines; take another seed or more endpoints")
	}
	set := ts.Setenv
	set("SITE", small.site.Name)
	set("SITE_ID", small.site.ID)
	set("KEY", small.site.Keycode)
	set("KEY_DASHED", dashedKey(small.site.Keycode))
	set("KEY_LOWER", strings.ToLower(small.site.Keycode))
	set("SITE_UPPER", strings.ToUpper(small.site.Name))
	set("N_SITE", fmt.Sprint(small.active))
	set("GROUP", small.site.Groups[0].Name)
	set("GROUP_ID", small.site.Groups[0].ID)
	for i, m := range small.machines[:4] {
		set(fmt.Sprintf("H%d", i+1), m.HostName)
		set(fmt.Sprintf("E%d", i+1), m.ID)
	}
	if big != nil {
		set("BIG", big.site.Name)
		set("BIG_ID", big.site.ID)
		set("BIG_GROUP_ID", big.site.Groups[0].ID)
		set("N_BIG", fmt.Sprint(big.active))
		set("BIG_HOST", big.machines[0].HostName)
		set("BIG_E", big.machines[0].ID)
	}
	w := s.World()
	site, group, n, inGroup := largest(w)
	set("HUGE_ID", site)
	set("HUGE_GROUP_ID", group)
	set("N_HUGE", fmt.Sprint(n))
	set("N_HUGE_GROUP", fmt.Sprint(inGroup))
	set("CONSOLE", w.Console)
	set("GSMKEY", w.GSMKey)
	set("N_SITES", fmt.Sprint(len(w.Sites)))
	set("N_ENDPOINTS", fmt.Sprint(len(w.Endpoints)))
	set("POLICY", w.Policies[0].Name)
	set("POLICY_ID", w.Policies[0].ID)
}

// largest is the largest group of all, with its site and the numbers of machines in both, whatever state they are in.
func largest(w unitytest.Snapshot) (site, group string, n, inGroup int) {
	sites, groups, home := map[string]int{}, map[string]int{}, map[string]string{}
	for _, e := range w.Endpoints {
		sites[e.SiteID]++
		groups[e.GroupID]++
		home[e.GroupID] = e.SiteID
		if groups[e.GroupID] > groups[group] {
			group = e.GroupID
		}
	}
	return home[group], group, sites[home[group]], groups[group]
}

func dashedKey(k string) string {
	var parts []string
	for ; len(k) > 4; k = k[4:] {
		parts = append(parts, k[:4])
	}
	return strings.Join(append(parts, k), "-")
}
