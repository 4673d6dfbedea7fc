//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestBrokenPromises(t *testing.T) {
	good := func(mode string) report {
		return report{Mode: mode, Shifts: 3, Faults: map[string]int{"auth-500": 2}, Printed: 9, ReadsPerLife: 20, Verdicts: map[verdict]int{accepted: 9}, Refreshes: 43, Budget: 43, CPUs: 2}
	}
	for _, c := range []struct {
		name, mode string
		spoil      func(*report)
		want       string
	}{
		{"steady", modeSteady, func(*report) {}, ""},
		{"one too many", modeSteady, func(r *report) { r.Refreshes++ }, "the budget is 43"},
		{"more after jumps", modeLogins, func(r *report) { r.Refreshes, r.Verdicts[outdated] = 99, 3 }, ""},
		{"nothing printed", modeSteady, func(r *report) { r.Printed = 0 }, "no token"},
		{"idle", modeSteady, func(r *report) { r.ReadsPerLife = 19.9 }, "19.9 reads"},
		{"expired", modeSignals, func(r *report) { r.Verdicts[expired] = 1 }, "had expired"},
		{"unknown", modeKill, func(r *report) { r.Verdicts[refused] = 1 }, "were refused"},
		{"refused", modeSignals, func(r *report) { r.Refused = 1 }, "1 refreshes were refused"},
		{"reuse", modeLogins, func(r *report) { r.Reuse = 1 }, "used again"},
		{"lost", modeSignals, func(r *report) { r.Lost, r.Explained = 1, 1 }, "sign-ins were lost"},
		{"orphans", modeSteady, func(r *report) { r.Verdicts[orphaned] = 1 }, "lost sign-in"},
		{"signed out", modeLogins, func(r *report) { r.Unexpected = 1 }, "without a reason"},
		{"failures", modeSteady, func(r *report) { r.Failures = 1 }, "runs failed"},
		{"kill with a reason", modeKill, func(r *report) { r.Lost, r.Explained, r.Refused, r.Reuse, r.Verdicts[orphaned] = 2, 2, 3, 3, 1 }, ""},
		{"kill without", modeKill, func(r *report) { r.Lost, r.Explained, r.Refused = 2, 1, 2 }, "not detected and explained"},
		{"faults", modeFaults, func(r *report) { r.ReadsPerLife, r.Failures = 3, 9 }, ""},
		{"faults with a reason", modeFaults, func(r *report) { r.Lost, r.Explained, r.Refused, r.Reuse, r.Verdicts[orphaned] = 2, 2, 3, 3, 1 }, ""},
		{"faults without", modeFaults, func(r *report) { r.Lost, r.Explained, r.Refused = 2, 1, 2 }, "not the server's doing"},
		{"refused without a loss", modeFaults, func(r *report) { r.Refused = 1 }, "without a lost sign-in"},
		{"no fault", modeFaults, func(r *report) { r.Faults = nil }, "nothing went wrong"},
		{"clocks", modeClock, func(r *report) { r.ReadsPerLife, r.Refreshes, r.Verdicts[outdated] = 3, 200, 4 }, ""},
		{"right clocks", modeClock, func(r *report) { r.Shifts = 0 }, "no clock"},
		{"clocks that spend twice", modeClock, func(r *report) { r.Reuse = 1 }, "used again"},
		{"clocks that print dead tokens", modeClock, func(r *report) { r.Verdicts[expired] = 1 }, "had expired"},
		{"refused without kill", modeKill, func(r *report) { r.Refused = 1 }, "without a lost sign-in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := good(c.mode)
			c.spoil(&r)
			got := strings.Join(r.broken(), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			r.BrokenPromises = r.broken()
			var text bytes.Buffer
			if err := r.print(&text); err != nil || strings.Contains(text.String(), "BROKEN") != (got != "") {
				t.Errorf("%v\n%s", err, text.String())
			}
		})
	}
}

func TestRunsAreSorted(t *testing.T) {
	at := time.Now()
	tt := &torture{began: at, absences: []absence{{at.Add(time.Second), at.Add(2 * time.Second)}}}
	for _, c := range []struct {
		name                           string
		run                            run
		signOuts, unexpected, failures int
	}{
		{"ended by a signal", run{code: -1, struck: true}, 0, 0, 0},
		{"interrupted", run{code: codeInterrupted, struck: true}, 0, 0, 0},
		{"died by itself", run{code: -1}, 0, 0, 1},
		{"while nobody was signed in", run{code: codeSignIn, start: at.Add(1900 * time.Millisecond), end: at.Add(3 * time.Second)}, 1, 0, 0},
		{"while somebody was", run{code: codeSignIn, start: at.Add(2100 * time.Millisecond), end: at.Add(3 * time.Second)}, 1, 1, 0},
		{"signed out though struck", run{code: codeSignIn, struck: true, start: at, end: at}, 1, 1, 0},
		{"out of reach", run{code: 6, struck: true}, 0, 0, 1},
	} {
		var r report
		tt.count(&r, c.run)
		if r.SignOuts != c.signOuts || r.Unexpected != c.unexpected || r.Failures != c.failures {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

func TestLossesNeedTheRightProcess(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 3, 4, 5, 500e6, time.Local)
	spent := refreshing{arrived: at, decided: at.Add(10 * time.Millisecond)}
	tt := &torture{crowd: &crowd{blows: []blow{{7, at.Add(30 * time.Millisecond), syscall.SIGKILL}, {8, at.Add(30 * time.Millisecond), syscall.SIGTERM},
		{9, at.Add(-300 * time.Millisecond), syscall.SIGKILL}}}}
	says := func(pid, host, clock string) string {
		return "(pid " + pid + ", host " + host + ", 2026-11-22 " + clock + ") was interrupted"
	}
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{says("7", host, "03:04:05"), true},
		{says("9", host, "03:04:05; pid 7, host "+host+", 2026-11-22 03:04:05"), true},
		{says("8", host, "03:04:05"), false},
		{says("9", host, "03:04:05"), false},
		{says("6", host, "03:04:05"), false},
		{says("7", host+"x", "03:04:05"), false},
		{says("7", host, "03:04:06"), false},
		{says("7", host, "03:03:05"), false},
		{"the server no longer accepts the saved sign-in", false},
	} {
		l := loss{Text: c.text}
		tt.weigh(spent, &l)
		if l.Explained != c.ok || c.ok != (l.Why == "") || c.ok && l.Window != 20*time.Millisecond {
			t.Errorf("%s: %+v", c.text, l)
		}
	}
}

func TestLossesByTheServerNeedItsFault(t *testing.T) {
	j := newJudge(nil, options{})
	j.swallowed["aa"] = "auth-truncate"
	tt := &torture{judge: j}
	for _, c := range []struct {
		hash, text string
		ok         bool
	}{
		{"aa", "the connection broke at 03:04:05 while the server was rotating the sign-in", true},
		{"aa", "a previous session (pid 7, host jump1, 2026-11-22 03:04:05) was interrupted", true},
		{"aa", "the server no longer accepts the saved sign-in", false},
		{"bb", "the connection broke at 03:04:05 while the server was rotating the sign-in", false},
	} {
		l := loss{Text: c.text}
		tt.swallowed(refreshing{hash: c.hash}, &l)
		if l.Explained != c.ok || c.ok != (l.Why == "") {
			t.Errorf("%s %s: %+v", c.hash, c.text, l)
		}
	}
}

func TestOptions(t *testing.T) {
	o, err := parseOptions(nil, &bytes.Buffer{})
	if err != nil || o.budget() != 43 || o.minTTL != 400*time.Millisecond {
		t.Errorf("%+v, %v, budget %d", o, err, o.budget())
	}
	for _, bad := range []string{"-processes=4", "-ttl=500ms", "-ttl=1500ms", "-duration=1s", "-min-ttl=1s", "-mode=storm", "-store=memory", "-latency=-1s", "extra"} {
		if _, err := parseOptions([]string{bad}, &bytes.Buffer{}); err == nil {
			t.Errorf("%s was accepted", bad)
		}
		if code := command(t.Context(), []string{bad}, &bytes.Buffer{}, &bytes.Buffer{}); code != 2 {
			t.Errorf("%s: exit code %d", bad, code)
		}
	}
}

func TestCrowdStrikesItsOwnOnly(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid, start := cmd.Process.Pid, time.Now()
	c := &crowd{}
	if c.strike(pid, syscall.SIGKILL, false) {
		t.Fatal("a process of somebody else was struck")
	}
	leave := c.enter(victim{proc: cmd.Process})
	if !c.strike(pid, syscall.SIGTERM, true) || len(c.struck(pid, start)) != 1 || len(c.struck(pid, time.Now())) != 0 {
		t.Errorf("%+v", c.blows)
	}
	_ = cmd.Wait()
	if c.strike(pid, syscall.SIGTERM, false) {
		t.Error("a process that has ended was struck")
	}
	leave()
	if runs, blows, most := c.sums(); runs != 1 || blows != 1 || most != 1 {
		t.Error(runs, blows, most)
	}
}
