//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is the small form. The test is about what is sent, so the server allows more calls than the documented form does.
func small(t *testing.T) options {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the built program for seconds: left out by -short")
	}
	o := options{quick: true, seed: 1, rate: 200, faults: "-", where: "seen:<7d type:pc"}
	o.fill()
	return o
}

func text(t *testing.T, r *report) string {
	t.Helper()
	var b strings.Builder
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTwoThousandMachinesAtAHundredSites(t *testing.T) {
	t.Parallel()
	r, err := drive(t.Context(), small(t), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if broken := r.broken(); len(broken) > 0 {
		t.Fatalf("%s", text(t, r))
	}
	// All would be well for faults that never strike, too.
	if r.verdict.states[stateSent] < 1000 || len(faultsOf(r.sent.calls)) < 2 {
		t.Errorf("too little has happened:\n%s", text(t, r))
	}
}

// TestNoticesCommandsThatAreSentTwice puts a program in unitty's place that does all of it twice.
func TestNoticesCommandsThatAreSentTwice(t *testing.T) {
	t.Parallel()
	o := small(t)
	o.sites, o.endpoints, o.faults, o.latency = 5, 60, "", time.Millisecond
	dir := t.TempDir()
	program := filepath.Join(dir, "real")
	if err := driver.Build(t.Context(), program, driver.Program); err != nil {
		t.Fatal(err)
	}
	o.bin = filepath.Join(dir, "unitty")
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *--dry-run*) exec '%s' \"$@\";; esac\n'%s' \"$@\" >/dev/null && exec '%s' \"$@\" --again\n", program, program, program)
	if err := os.WriteFile(o.bin, []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	r, err := drive(t.Context(), o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if r.verdict.twice == 0 || !strings.Contains(strings.Join(r.broken(), "\n"), "more than once") {
		t.Errorf("%s", text(t, r))
	}
}

// TestJudge breaks each promise once.
func TestJudge(t *testing.T) {
	sent := func(state string, ids ...string) (out []outcome) {
		for _, id := range ids {
			out = append(out, outcome{EndpointID: id, SiteID: "s", State: state})
		}
		return out
	}
	change := func(ids ...string) wiretap.Change { return wiretap.Change{IDs: ids, Delivered: true, Status: 204} }
	for _, x := range []struct {
		name    string
		job     []outcome
		changes []wiretap.Change
		given   map[string]int
		want    string // part of the promise that is broken; "" for none
	}{
		{"all well", sent(stateSent, "a", "b"), []wiretap.Change{change("a", "b")}, map[string]int{"a": 1, "b": 1}, ""},
		{"unknown that arrived", sent(stateUnknown, "a", "b"), []wiretap.Change{change("a")}, map[string]int{"a": 1}, "nothing was sent"},
		{"twice", sent(stateSent, "a", "b"), []wiretap.Change{change("a", "b"), change("a")}, map[string]int{"a": 2, "b": 1}, "1 machines got the command more than once"},
		{"a stray", sent(stateSent, "a", "b"), []wiretap.Change{change("a", "b", "c")}, map[string]int{"a": 1, "b": 1, "c": 1}, "1 machines got the command and are not in the job"},
		{"called sent", sent(stateSent, "a", "b"), []wiretap.Change{change("a")}, map[string]int{"a": 1}, "1 outcomes are not true"},
		{"called failed", append(sent(stateSent, "a"), sent(stateFailed, "b")...), []wiretap.Change{change("a", "b")}, map[string]int{"a": 1, "b": 1}, "1 outcomes are not true"},
		{"no outcome", append(sent(stateSent, "a"), sent("running", "b")...), []wiretap.Change{change("a")}, map[string]int{"a": 1}, "1 machines have no outcome"},
		{"missing", sent(stateSent, "a"), []wiretap.Change{change("a")}, map[string]int{"a": 1}, "1 machines of the plan are not in the job"},
		{"too many", sent(stateSent, "a", "b"), []wiretap.Change{change("a"), change("b")}, map[string]int{"a": 1, "b": 1}, "2 changes, 1 were needed"},
		{"the rig", sent(stateSent, "a", "b"), []wiretap.Change{change("a", "b")}, map[string]int{"a": 1}, "the rig is at fault"},
		{"refused", sent(stateSent, "a", "b"), []wiretap.Change{{IDs: []string{"a", "b"}, Status: 429}, change("a", "b")}, map[string]int{"a": 1, "b": 1}, ""},
		{"everything", sent(stateSent, "a", "b"), []wiretap.Change{change("a", "b"), {WholeSet: true, Status: 400}}, map[string]int{"a": 1, "b": 1}, "1 requests named no machine"},
	} {
		p := &planned{run: &run{}}
		for _, id := range []string{"a", "b"} {
			p.Targets = append(p.Targets, struct{ EndpointID, SiteID string }{id, "s"})
		}
		r := &report{options: options{quick: true, rate: 1}, plan: p, sent: &run{}, job: x.job}
		r.verdict = judge(p, x.job, x.changes, truth{given: x.given})
		broken := strings.Join(r.broken(), "\n")
		if (x.want == "") != (broken == "") || !strings.Contains(broken, x.want) {
			t.Errorf("%s: %q", x.name, broken)
		}
	}
}

func TestTheWallTimeIsJudged(t *testing.T) {
	now := time.Now()
	r := &report{options: options{rate: 10}, plan: &planned{run: &run{}}, sent: &run{from: now, to: now.Add(17 * time.Second), calls: make([]wiretap.Exchange, 100)}}
	r.verdict.states = map[string]int{stateSent: 1}
	if broken := strings.Join(r.broken(), "\n"); !strings.Contains(broken, "17.0 s is more than 1.6 times the 10.0 s") {
		t.Errorf("%q", broken)
	}
	r.sent.to = now.Add(15 * time.Second)
	if broken := r.broken(); len(broken) > 0 {
		t.Errorf("%q", broken)
	}
	r.sent.calls[0].ServerStatus = 429 // what the server turns away does not make room for more time
	if got := r.demanded(r.sent.calls); got != 9900*time.Millisecond {
		t.Errorf("%s", got)
	}
}

func TestOptions(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{{"-rate", "-1"}, {"-faults", "nonsense:0.1"}, {"-faults", "delay:2"}, {"-where", " "}, {"more"}, {"-sites", "-3"}} {
		if code := command(t.Context(), args, &out, &out); code != 2 {
			t.Errorf("%q gives %d", args, code)
		}
	}
	if code := command(t.Context(), []string{"-h"}, &out, &out); code != 0 {
		t.Errorf("-h gives %d", code)
	}
	o, err := parseOptions([]string{"-quick", "-faults", ""}, &out)
	if err != nil || o.sites != 100 || o.endpoints != 2000 || o.faults != "" {
		t.Errorf("%+v %v", o, err)
	}
}
