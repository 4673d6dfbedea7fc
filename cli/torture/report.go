//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/unitty/unitty/cli/driver"
)

// report is what came of a run.
type report struct {
	Mode           string          `json:"mode"`
	Store          string          `json:"store"`
	Processes      int             `json:"processes"`
	Screens        int             `json:"screens"`
	Seconds        float64         `json:"seconds"`
	TTLSeconds     float64         `json:"ttl_seconds"`
	Runs           int             `json:"runs"`
	AtOnce         int             `json:"most_at_once"`
	Reads          int             `json:"reads"`
	ReadsPerLife   float64         `json:"reads_per_life"`
	Calls          int             `json:"api_calls"`
	Printed        int             `json:"tokens_printed"`
	Verdicts       map[verdict]int `json:"verdicts"`
	Refreshes      int             `json:"refreshes"`
	Budget         int             `json:"refreshes_budget"`
	Earliest       float64         `json:"earliest_refresh"` // as a part of the token's life
	Refused        int             `json:"refreshes_refused"`
	Reuse          int             `json:"reuse_detected"`
	Dropped        int             `json:"requests_dropped_undecided"`
	Signals        int             `json:"signals"`
	Lost           int             `json:"chains_lost"`
	Explained      int             `json:"losses_explained"`
	Losses         []loss          `json:"losses,omitempty"`
	WorstWindow    time.Duration   `json:"worst_window_ns"`
	Faults         map[string]int  `json:"faults,omitempty"`
	Shifts         int             `json:"client_clock_jumps"`
	Logins         int             `json:"logins"`
	Logouts        int             `json:"logouts"`
	Jumps          int             `json:"clock_jumps"`
	SignOuts       int             `json:"sign_outs_seen"`
	Unexpected     int             `json:"sign_outs_without_reason"`
	Failures       int             `json:"other_failures"`
	Samples        []string        `json:"samples,omitempty"`
	Stall          time.Duration   `json:"driver_stall_ns"`
	LoadBefore     string          `json:"load_before"`
	LoadAfter      string          `json:"load_after"`
	CPUs           int             `json:"cpus"`
	BrokenPromises []string        `json:"broken_promises"`
}

// samplesKept bounds how many texts of failures are shown.
const samplesKept = 5

// report sums up.
func (t *torture) report() report {
	b := t.judge.close(t.began.Add(t.opt.duration))
	t.mu.Lock()
	defer t.mu.Unlock()
	r := report{Mode: t.opt.mode, Store: t.opt.store, Processes: t.opt.processes, Screens: t.opt.screens, Seconds: t.opt.duration.Seconds(),
		TTLSeconds: t.opt.ttl.Seconds(), Reads: t.reads, Calls: b.calls, Verdicts: t.verdicts, Refreshes: b.refreshes, Budget: t.opt.budget(),
		Earliest: b.earliest.Seconds() / t.opt.ttl.Seconds(), Refused: b.refused, Reuse: b.reuse, Dropped: b.dropped, Lost: len(t.losses), Losses: t.losses,
		Logins: t.logins, Logouts: t.logouts, Jumps: t.jumps, CPUs: runtime.NumCPU()}
	r.ReadsPerLife = float64(t.reads) * t.opt.ttl.Seconds() / t.opt.duration.Seconds()
	for _, n := range t.verdicts {
		r.Printed += n
	}
	r.Runs, r.Signals, r.AtOnce = t.crowd.sums()
	for _, l := range t.losses {
		if l.Explained && l.Detected {
			r.Explained++
		}
		r.WorstWindow = max(r.WorstWindow, l.Window)
	}
	for _, f := range t.failures {
		t.count(&r, f)
	}
	r.Stall, r.Shifts = t.stall, t.shifts
	if t.judge.faults != nil {
		r.Faults = t.judge.faults.hits
	}
	r.Samples = append(r.Samples, t.late[:min(len(t.late), samplesKept)]...)
	r.BrokenPromises = r.broken()
	return r
}

// count sorts a run that did not end with 0. The caller holds the lock.
func (t *torture) count(r *report, f run) {
	switch {
	case f.struck && (f.code == codeInterrupted || f.code == -1 || f.code == 0):
		return
	case f.code == codeSignIn:
		r.SignOuts++
		during := slices.ContainsFunc(t.absences, func(a absence) bool { return f.end.After(a.from) && f.start.Before(a.to) })
		if during {
			return
		}
		r.Unexpected++
	default:
		r.Failures++
	}
	if len(r.Samples) < samplesKept {
		r.Samples = append(r.Samples, fmt.Sprintf("%s at %.1f s, exit code %d: %s", f.kind, f.start.Sub(t.began).Seconds(), f.code, strings.TrimSpace(f.errors)))
	}
}

// broken lists the promises of the mode that were not kept.
func (r report) broken() []string {
	out := []string{}
	say := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(r.Printed == 0, "no token was printed")
	// A server that fails and clocks that are wrong make processes wait.
	undisturbed := r.Mode != modeFaults && r.Mode != modeClock
	say(undisturbed && r.ReadsPerLife < 20, "%.1f reads in the life of a token; at least 20 were meant", r.ReadsPerLife)
	say(r.Verdicts[expired] > 0, "%d printed tokens had expired", r.Verdicts[expired])
	say(r.Verdicts[refused] > 0, "%d printed tokens were refused", r.Verdicts[refused])
	say(r.Unexpected > 0, "%d processes were signed out without a reason", r.Unexpected)
	if r.Mode == modeKill {
		say(r.Lost > r.Explained, "%d lost sign-ins were not detected and explained", r.Lost-r.Explained)
		say(r.Refused > 0 && r.Lost == 0, "%d refreshes were refused without a lost sign-in", r.Refused)
		return out
	}
	if r.Mode == modeFaults {
		say(len(r.Faults) == 0, "nothing went wrong at the server")
		say(r.Lost > r.Explained, "%d lost sign-ins were not the server's doing, or were not detected and explained", r.Lost-r.Explained)
		say(r.Refused > 0 && r.Lost == 0, "%d refreshes were refused without a lost sign-in", r.Refused)
		return out
	}
	say(r.Mode == modeClock && r.Shifts == 0, "no clock was wrong")
	say(r.Verdicts[orphaned] > 0, "%d printed tokens belonged to a lost sign-in", r.Verdicts[orphaned])
	say(r.Refused > 0, "%d refreshes were refused", r.Refused)
	say(r.Reuse > 0, "%d spent refresh tokens were used again", r.Reuse)
	say(r.Lost > 0, "%d sign-ins were lost", r.Lost)
	if r.Mode == modeSteady {
		say(r.Refreshes > r.Budget, "%d refreshes; the budget is %d", r.Refreshes, r.Budget)
		say(r.Failures > 0, "%d runs failed", r.Failures)
	}
	return out
}

// print writes the report for people.
func (r report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { _, _ = fmt.Fprintf(w, name+"\t"+format+"\n", args...) } // Flush reports the error
	row("mode", "%s, store %s, %.0f s of %.0f s tokens", r.Mode, r.Store, r.Seconds, r.TTLSeconds)
	row("processes", "%d loops and screens (%d full-screen), %d runs, at most %d at once", r.Processes, r.Screens, r.Runs, r.AtOnce)
	row("reads", "%d (%.0f per token life), %d API calls", r.Reads, r.ReadsPerLife, r.Calls)
	row("tokens printed", "%d", r.Printed)
	for _, v := range []verdict{accepted, outdated, orphaned, expired, refused} {
		if n := r.Verdicts[v]; n > 0 || v == accepted {
			row("  "+string(v), "%d", n)
		}
	}
	row("refreshes", "%d (one per generation would be %d)%s", r.Refreshes, r.Budget, r.earliest())
	row("refused refreshes", "%d", r.Refused)
	row("reuse detected", "%d", r.Reuse)
	row("sign-ins lost", "%d", r.Lost)
	row("sign-outs seen", "%d, without a reason %d", r.SignOuts, r.Unexpected)
	row("other failures", "%d", r.Failures)
	switch r.Mode {
	case modeLogins:
		row("log-ins", "%d, log-outs %d, clock jumps %d", r.Logins, r.Logouts, r.Jumps)
	case modeFaults:
		row("faults", "%s", driver.Counted(r.Faults))
		row("losses explained", "%d of %d, each after an answer that the server did not deliver", r.Explained, r.Lost)
	case modeClock:
		row("jumps", "%d of the clocks of processes", r.Shifts)
	case modeSignals:
		row("signals", "%d", r.Signals)
	case modeKill:
		row("kills", "%d, requests given up before the decision %d", r.Signals, r.Dropped)
		row("losses explained", "%d of %d, the latest kill %.1f ms after the decision", r.Explained, r.Lost, float64(r.WorstWindow)/1e6)
	}
	row("load average", "%s before, %s after, %d processors; the driver stood still for %.0f ms at most", r.LoadBefore, r.LoadAfter, r.CPUs, ms(r.Stall))
	for _, s := range r.Samples {
		row("sample", "%s", strings.ReplaceAll(s, "\n", "\n\t"))
	}
	for _, l := range r.Losses {
		if l.Why != "" {
			row("loss", "%s: %s", l.Why, strings.TrimSpace(l.Text))
		}
	}
	for _, b := range r.BrokenPromises {
		row("BROKEN", "%s", b)
	}
	return w.Flush()
}

// earliest says how old a token was at least when it was refreshed, where nothing but age makes a process refresh.
func (r report) earliest() string {
	if r.Mode != modeSteady && r.Mode != modeSignals {
		return ""
	}
	return fmt.Sprintf(", the earliest at %.0f %% of the life", 100*r.Earliest)
}

func (r report) printJSON(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
