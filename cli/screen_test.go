//go:build unix

package cli

import (
	"fmt"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// size is a terminal's size in cells.
type size struct{ w, h int }

func sizes() []size { return []size{{80, 24}, {200, 60}, {40, 10}} }

func (s size) String() string { return fmt.Sprintf("%dx%d", s.w, s.h) }

// firstSite is the name of the site that the list of sites begins with.
func firstSite(seed uint64) string {
	var names []string
	for _, s := range unitytest.New(unitytest.Options{Seed: seed}).World().Sites {
		names = append(names, s.Name)
	}
	sort.Slice(names, func(i, j int) bool { return unity.Fold(names[i]) < unity.Fold(names[j]) })
	return names[0]
}

func TestDemoShowsTheSites(t *testing.T) {
	t.Parallel()
	for i, z := range sizes() {
		t.Run(z.String(), func(t *testing.T) {
			t.Parallel()
			seed := uint64(i + 1)
			term := demoOn(t, ptytest.Opt{W: z.w, H: z.h}, "--seed", fmt.Sprint(seed))
			name := firstSite(seed)
			s := term.WaitFor(func(s ptytest.Screen) bool {
				return s.Contains(name[:min(len(name), 10)]) && s.Contains("40 rows") && s.Contains("DEMO")
			})
			if !s.Alt || !strings.Contains(s.Title, "DEMO") {
				t.Errorf("alternate screen %v, title %q", s.Alt, s.Title)
			}
			term.Keys("q")
			if e := term.Exit(); e.Code != 0 {
				t.Errorf("exit %+v", e)
			}
			sane(t, term.Raw())
		})
	}
}

// tailOf gives the last five characters of a host name that finds this machine and nothing else.
func tailOf(s *testSim) (tail string, m unitytest.EndpointTruth, ok bool) {
	w := s.World()
	for _, f := range plainSites(s) {
		for _, m := range f.machines {
			if len(m.HostName) < 8 {
				continue
			}
			tail, n := strings.ToLower(m.HostName[len(m.HostName)-5:]), 0
			if strings.ContainsAny(tail, "-. ") {
				continue
			}
			for _, e := range w.Endpoints {
				for _, text := range []string{e.HostName, e.User, e.IP, e.PublicIP, e.MAC, e.ID} {
					if strings.Contains(strings.ToLower(text), tail) {
						n++
					}
				}
			}
			if n == 1 {
				return tail, m, true
			}
		}
	}
	return "", unitytest.EndpointTruth{}, false
}

func TestKnownHostToSentScanInNineKeys(t *testing.T) {
	t.Parallel()
	for i, z := range sizes() {
		t.Run(z.String(), func(t *testing.T) {
			t.Parallel()
			sim := startTestSim(t, unitytest.Options{Seed: uint64(i + 1)})
			tail, m, ok := tailOf(sim)
			if !ok {
				t.Fatal("no host of this world has a tail of its own")
			}
			term := screenOn(t, sim, ptytest.Opt{W: z.w, H: z.h})
			term.WaitText("40 rows")
			term.Keys("f")
			term.Keys(strings.Split(tail, "")...)
			host := m.HostName[:min(len(m.HostName), 12)]
			term.WaitText(host)
			term.WaitIdle()
			term.Keys("enter")
			term.WaitText("Status ")
			term.WaitIdle()
			term.Keys("s")
			term.WaitText(" y send")
			press(t, term, "y", gone(" y send"))
			waitChange(t, sim)
			if n := sim.count(`^POST /service/\S*/commands 204 .*committed.*"EndpointsList":"` + m.ID + `","Command":"scan"`); n != 1 || sim.changes() != 1 {
				t.Errorf("%d fitting changes of %d:\n%s", n, sim.changes(), strings.Join(sim.lines(), "\n"))
			}
			term.Keys("ctrl+c")
			term.WaitIdle()
			term.Keys("ctrl+c")
			term.Exit()
			sane(t, term.Raw())
		})
	}
}

// waitChange waits until a change has reached the simulator.
func waitChange(t *testing.T, s *testSim) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for s.changes() == 0 {
		select {
		case <-s.arrived:
		case <-deadline.C:
			t.Fatalf("no change has arrived:\n%s", strings.Join(s.lines(), "\n"))
		}
	}
}

func TestThreeMarkedMachinesAreScannedAndFollowed(t *testing.T) {
	t.Parallel()
	for i, z := range sizes() {
		t.Run(z.String(), func(t *testing.T) {
			t.Parallel()
			sim := startTestSim(t, unitytest.Options{Seed: uint64(i + 4), PollWithin: 4 * time.Second})
			f := plainSites(sim)[0]
			term := screenOn(t, sim, ptytest.Opt{W: z.w, H: z.h, Deadline: 20 * time.Second})
			term.WaitText("40 rows")
			term.Keys("/")
			term.Type("site:=\"" + f.site.Name + "\"")
			term.WaitText("1/40")
			term.Keys("enter", "enter")
			term.WaitText("Endpoints")
			term.WaitIdle()
			var ids, hosts []string
			for _, m := range f.machines[:3] {
				ids, hosts = append(ids, m.ID), append(hosts, m.HostName)
			}
			sort.Strings(ids)
			term.Keys("/")
			term.Type("host:" + strings.Join(hosts, "|"))
			term.WaitText("3/")
			term.Keys("enter")
			term.WaitIdle()
			term.Keys("home", "space", "space", "space")
			term.WaitText("3 marked")
			term.Keys("s")
			term.WaitText("Send (y)")
			press(t, term, "enter", gone("Send (y)"))
			waitChange(t, sim)
			checkDelivered(t, sim, ids)
			term.Keys("J")
			term.WaitText("Jobs")
			// Three outcomes: what the server said to each.
			term.WaitText("3 sent")
			if z.h > 10 {
				term.WaitFor(timesThree("sent "))
			}
			// Two esc in one breath would be alt+esc, so each waits for the screen to come to rest.
			press(t, term, "esc", gone("Jobs"))
			// The list of the site's commands follows the agents.
			press(t, term, "esc", gone("3/"))
			press(t, term, "esc", func(s ptytest.Screen) bool { return s.Contains("site:=") })
			term.Keys("c")
			term.WaitText("Commands")
			if z.w >= 80 {
				s := term.WaitFor(timesThree("sent to agent"))
				for _, h := range hosts {
					if !s.Contains(h[:min(len(h), 8)]) {
						t.Errorf("%s is not in the list of commands:\n%s", h, s)
					}
				}
			}
			checkDelivered(t, sim, ids)
			term.Signal(syscall.SIGTERM)
			term.Exit()
			if bad := ptytest.Audit(term.Raw(), ptytest.AllowTitle(titles(term)...)); len(bad) > 0 {
				t.Errorf("the output holds %v", bad)
			}
		})
	}
}

// timesThree wants a word at least three times.
func timesThree(word string) func(ptytest.Screen) bool {
	return func(s ptytest.Screen) bool { return strings.Count(s.Text(), word) >= 3 }
}

// titles accepts the window title only when it is plain text of our own making.
func titles(term *ptytest.Term) []string {
	var out []string
	for _, q := range ptytest.Scan(term.Raw()) {
		if q.Kind != ptytest.OSC {
			continue
		}
		number, text, _ := strings.Cut(q.Params, ";")
		if (number == "0" || number == "2") && (text == "" || strings.HasPrefix(text, "unitty")) && obeyed(text) == "" {
			out = append(out, text)
		}
	}
	return out
}

// checkDelivered wants exactly one scan for exactly these machines in the simulator's log.
func checkDelivered(t *testing.T, s *testSim, ids []string) {
	t.Helper()
	var got []string
	for _, e := range s.Log() {
		if !strings.HasSuffix(e.Path, "/commands") || e.Method != "POST" || !e.Committed {
			continue
		}
		_, list, _ := strings.Cut(e.Body, `"EndpointsList":"`)
		list, _, _ = strings.Cut(list, `"`)
		got = append(got, strings.Split(list, ",")...)
	}
	sort.Strings(got)
	if strings.Join(got, " ") != strings.Join(ids, " ") {
		t.Errorf("delivered to %q, want %q", got, ids)
	}
}

// TestSignalsLeaveASaneTerminal ends the program in every way it may be ended by.
func TestSignalsLeaveASaneTerminal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(*ptytest.Term)
		code int
	}{
		{"q", func(term *ptytest.Term) { term.Keys("q") }, 0},
		{"ctrl+c twice", func(term *ptytest.Term) { term.Keys("ctrl+c", "ctrl+c") }, 0},
		{"SIGINT", func(term *ptytest.Term) { term.Signal(syscall.SIGINT) }, 130},
		{"SIGTERM", func(term *ptytest.Term) { term.Signal(syscall.SIGTERM) }, 130},
		{"SIGHUP", func(term *ptytest.Term) { term.Signal(syscall.SIGHUP) }, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			term := demoOn(t, ptytest.Opt{W: 80, H: 24})
			term.WaitText("40 rows")
			term.WaitIdle()
			c.end(term)
			if e := term.Exit(); e.Code != c.code || e.Signal != 0 {
				t.Errorf("ended with %+v, want code %d", e, c.code)
			}
			sane(t, term.Raw())
			if s := term.Screen(); s.Alt || !s.Cursor.Visible {
				t.Errorf("alternate screen %v, cursor %v", s.Alt, s.Cursor.Visible)
			}
		})
	}
}

func TestHangupEndsTheProgram(t *testing.T) {
	t.Parallel()
	term := demoOn(t, ptytest.Opt{W: 80, H: 24})
	term.WaitText("40 rows")
	term.Hangup()
	term.Exit() // has a deadline of its own
}

func TestOddTerminals(t *testing.T) {
	t.Parallel()
	t.Run("0x0", func(t *testing.T) {
		t.Parallel()
		term := demoOn(t, ptytest.Opt{W: 80, H: 24, ZeroSize: true})
		term.WaitText("Albion")
		term.Keys("q")
		if e := term.Exit(); e.Code != 0 {
			t.Errorf("ended with %+v", e)
		}
	})
	t.Run("mute", func(t *testing.T) {
		t.Parallel()
		term := demoOn(t, ptytest.Opt{W: 80, H: 24, Mute: true, Deadline: 4 * time.Second})
		term.WaitText("40 rows")
	})
	t.Run("grows and shrinks", func(t *testing.T) {
		t.Parallel()
		term := demoOn(t, ptytest.Opt{W: 80, H: 24})
		term.WaitText("40 rows")
		for _, z := range []size{{200, 60}, {20, 5}, {3, 1}, {1, 2}, {40, 10}, {120, 40}} {
			term.Resize(z.w, z.h)
			term.WaitIdle()
		}
		if s := term.WaitText("40 rows"); !s.Contains("Albion") {
			t.Errorf("the list is gone:\n%s", s)
		}
	})
	t.Run("NO_COLOR", func(t *testing.T) {
		t.Parallel()
		term := demoOn(t, ptytest.Opt{W: 80, H: 24, Env: []string{"NO_COLOR=1"}})
		term.WaitText("40 rows")
		term.Keys("j", "enter")
		term.WaitText("Endpoints")
		term.WaitIdle()
		for _, q := range ptytest.Scan(term.Raw()) {
			if q.Kind == ptytest.CSI && q.Final == 'm' && q.Prefix == 0 && colours(q.Params) {
				t.Fatalf("a colour: %s", q)
			}
		}
	})
	t.Run("TERM=dumb", func(t *testing.T) {
		t.Parallel()
		term := demoOn(t, ptytest.Opt{W: 80, H: 24, Env: []string{"TERM=dumb"}})
		if e := term.Exit(); e.Code != exitUsage {
			t.Errorf("ended with %+v", e)
		}
		if raw := string(term.Raw()); strings.Contains(raw, "\x1b") || strings.Count(strings.TrimSpace(raw), "\n") != 0 || !strings.Contains(raw, "unitty site list") {
			t.Errorf("not one plain line that names the verbs: %q", raw)
		}
	})
}

// colours tells whether parameters of SGR choose a colour.
func colours(params string) bool {
	for _, p := range strings.FieldsFunc(params, func(r rune) bool { return r == ';' || r == ':' }) {
		if len(p) == 2 && (p[0] == '3' || p[0] == '4') && p[1] != '9' || len(p) == 2 && p[0] == '9' || len(p) == 3 && strings.HasPrefix(p, "10") {
			return true
		}
	}
	return false
}

// TestHostileNamesOnScreen walks through a world whose names attack the terminal and looks at every byte written.
func TestHostileNamesOnScreen(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Seed: 11})
	f := plainSites(sim)[0]
	for _, name := range []string{"\x1b]0;pwned\x07", "\x1b]52;c;ZXZpbA==\x07x", "a\x9b31mb", "\u202eevil\u200b", "line\nbreak\ttab", "\x1b[2J\x1b[H", "\x00nul", "\u009d0;c1\u009c", "\x1bPq\x1b\\"} {
		if _, err := sim.InsertEndpoint(f.site.ID, "AAA"+name); err != nil {
			t.Fatal(err)
		}
	}
	term := screenOn(t, sim, ptytest.Opt{W: 120, H: 50})
	term.WaitText("40 rows")
	term.Keys("G", "g", "/")
	term.Type("site:=\"" + f.site.Name + "\"")
	term.WaitText("1/40")
	term.Keys("enter", "enter")
	term.WaitText("AAA")
	for range 9 {
		term.Keys("enter")
		term.WaitText("Machine id")
		term.Keys("esc")
		term.WaitGone("Machine id")
		term.WaitIdle()
		term.Keys("j")
	}
	term.Keys("home", "space", "space", "space", "s")
	term.WaitText("Send (y)")
	press(t, term, "esc", gone("Send (y)"))
	term.Keys("f")
	term.Type("AAA")
	term.WaitFor(func(s ptytest.Screen) bool { return strings.Count(s.Text(), "AAA") >= 9 })
	term.Keys("esc")
	term.WaitIdle()
	term.Signal(syscall.SIGTERM)
	term.Exit()
	if bad := ptytest.Audit(term.Raw(), ptytest.AllowTitle(titles(term)...)); len(bad) > 0 {
		t.Errorf("the output holds %v", bad)
	}
	if len(term.Clipboard()) > 0 {
		t.Errorf("the clipboard was written: %q", term.Clipboard())
	}
	if sim.changes() != 0 {
		t.Errorf("something was sent:\n%s", strings.Join(sim.lines(), "\n"))
	}
}
