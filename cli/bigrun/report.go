//go:build unix

package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

// report is what came of a run.
type report struct {
	options  options
	plan     *planned
	sent     *run
	job      []outcome
	verdict  verdict
	expected int // the number that --expect was given at last
	refusals int // runs that --expect stopped, since the number had changed
	loadBefore,
	loadAfter string
}

// slack is how much longer than the server's rate demands a run may take.
const slack = 1.6

// demanded is the least time in which the server lets these calls through. Those that it turned away for their number
// count for nothing.
func (r *report) demanded(calls []wiretap.Exchange) time.Duration {
	n := 0
	for i := range calls {
		if calls[i].ServerStatus != http.StatusTooManyRequests {
			n++
		}
	}
	return time.Duration(float64(n) / r.options.rate * float64(time.Second))
}

// broken lists the promises that were not kept.
func (r *report) broken() []string {
	var out []string
	v := r.verdict
	say := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(len(r.plan.run.changes) > 0, "the dry run sent %d changes", len(r.plan.run.changes))
	say(v.twice > 0, "%d machines got the command more than once", v.twice)
	say(v.strays > 0, "%d machines got the command and are not in the job", v.strays)
	say(v.whole > 0, "%d requests named no machine", v.whole)
	say(v.falseWords > 0, "%d outcomes are not true", v.falseWords)
	say(v.open+v.doubled > 0, "%d machines have no outcome, %d have two", v.open, v.doubled)
	say(v.unnamed > 0, "%d machines of the plan are not in the job", v.unnamed)
	say(len(r.job) < r.expected, "%d machines have an outcome of %d that were expected", len(r.job), r.expected)
	say(v.states[stateSent] == 0, "nothing was sent")
	say(v.changes > v.allowed+v.refused, "%d changes, %d were needed and %d refused", v.changes, v.allowed, v.refused)
	say(v.torn > 0, "record and console differ about %d machines: the rig is at fault", v.torn)
	took, demanded := r.sent.took(), r.demanded(r.sent.calls)
	say(!r.options.quick && took > time.Duration(slack*float64(demanded)), "%s is more than %.1f times the %s that the calls take at the server's rate",
		seconds(took), slack, seconds(demanded))
	return out
}

// print writes the table.
func (r *report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	o, v := r.options, r.verdict
	row("world", "%d sites, %d endpoints, %s a call, %g calls a second, seed %d", o.sites, o.endpoints, o.latency, o.rate, o.seed)
	row("faults", "%s", o.faults)
	row("machine", "%d processors, load %s before, %s after", runtime.NumCPU(), r.loadBefore, r.loadAfter)
	row("dry run", "%s: %d machines at %d sites in %d requests", r.timing(r.plan.run), len(r.plan.Targets), r.plan.Sites, len(r.plan.Requests))
	row("", "calls: %s", kinds(r.plan.run.calls))
	row("sending", "%s", r.timing(r.sent))
	row("", "calls: %s", kinds(r.sent.calls))
	row("", "faults: %s", driver.Counted(faultsOf(r.sent.calls)))
	row("", "turned away by --expect before: %d times", r.refusals)
	row("wall time", "%s, %.2f times the %s that the server's rate demands (at most %.1f%s)", seconds(r.sent.took()),
		r.sent.took().Seconds()/max(r.demanded(r.sent.calls).Seconds(), 0.001), seconds(r.demanded(r.sent.calls)), slack, unjudged(o.quick))
	row("changes", "%d; %d needed, %d refused", v.changes, v.allowed, v.refused)
	row("outcomes", "%s", driver.Counted(v.states))
	for _, why := range slices.Sorted(maps.Keys(v.skipped)) {
		row("", "skipped: %d, %s", v.skipped[why], why)
	}
	row("", "%d of unknown outcome got it; %d fell silent before the second run", v.unknownArrived, v.fallen)
	row("twice", "%d", v.twice)
	row("not named", "%d", v.strays+v.unnamed)
	row("not true", "%d", v.falseWords)
	for _, b := range r.broken() {
		row("BROKEN", "%s", b)
	}
	return w.Flush()
}

// timing says how long a run took, and its calls.
func (r *report) timing(x *run) string {
	return fmt.Sprintf("%s, %d calls, %.0f a second, the processor busy for %s", seconds(x.took()), len(x.calls), float64(len(x.calls))/max(x.took().Seconds(), 0.001), seconds(x.busy))
}

func unjudged(quick bool) string {
	if quick {
		return ", not judged in the small form"
	}
	return ""
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// kinds counts calls by what they are: the method and the last word of the path that is no id.
func kinds(calls []wiretap.Exchange) string {
	n := map[string]int{}
	for i := range calls {
		parts := strings.Split(strings.Trim(calls[i].Path, "/"), "/")
		for k, p := range parts {
			if strings.ContainsAny(p, "0123456789") {
				parts[k] = "*"
			}
		}
		n[calls[i].Method+" "+strings.Join(parts[max(0, len(parts)-2):], "/")]++
	}
	return driver.Counted(n)
}

func faultsOf(calls []wiretap.Exchange) map[string]int {
	n := map[string]int{}
	for i := range calls {
		switch {
		case calls[i].Fault != "":
			n[calls[i].Fault]++
		case calls[i].ServerStatus == http.StatusTooManyRequests:
			n["429 by the server's rate"]++
		}
	}
	return n
}
