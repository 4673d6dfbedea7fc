package ui

import (
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// sitesShown is how many customers a running job names; the unfinished ones come first.
const sitesShown = 4

// jobBarCells is the width of the bar of a running job.
const jobBarCells = 24

// progressLines draw how far a running job is: in all with its rate and what is left, and per customer. A job that is over, or
// that has one target, needs none.
func progressLines(th theme.Theme, j *jobRun, w int) []string {
	all, sites := j.job.Progress()
	if j.finished || all.Total < 2 {
		return nil
	}
	out := []string{ansi.Truncate(bar(th, all)+" "+rateWords(j.job, all), w, th.Glyphs.Ellipsis)}
	if len(sites) < 2 {
		return out
	}
	var open []Progress
	for _, s := range sites {
		if s.Done < s.Total {
			open = append(open, s)
		}
	}
	for i, s := range open {
		if i == sitesShown {
			out = append(out, th.Paint(theme.Muted, ansi.Truncate("and "+plural(len(open)-i, "more customer", "more customers"), w, th.Glyphs.Ellipsis)))
			break
		}
		out = append(out, ansi.Truncate(fit(clean(s.Name), 24, th.Glyphs.Ellipsis)+" "+group(s.Done)+" of "+group(s.Total), w, th.Glyphs.Ellipsis))
	}
	return append(out, th.Paint(theme.Muted, ansi.Truncate(group(len(sites)-len(open))+" of "+plural(len(sites), "customer", "customers")+" done", w, th.Glyphs.Ellipsis)))
}

// agentWords count how far the agents are with what was sent: "agents: 12 sent to agent, 3 not yet received". "" where none was
// looked up, and for what is no command of an agent.
func agentWords(j *jobRun) string {
	counts, sent := map[Agent]int{}, 0
	for i := range j.job.Targets {
		if t := &j.job.Targets[i]; t.Outcome == Sent {
			counts[t.Agent]++
			sent++
		}
	}
	if counts[""] == sent {
		return ""
	}
	var parts []string
	for _, a := range []Agent{AgentHas, AgentWaiting, AgentScheduled, AgentElapsed, ""} {
		word := string(a)
		if a == "" {
			word = "not looked up yet"
		}
		if n := counts[a]; n > 0 {
			parts, sent = append(parts, group(n)+" "+word), sent-n
		}
	}
	if sent > 0 {
		parts = append(parts, group(sent)+" in another state")
	}
	return "agents: " + strings.Join(parts, ", ")
}

// rateWords word a progress: "120 of 900 · 14.2 per second · about 1 min left". The estimate is left out while nobody knows.
func rateWords(j Job, all Progress) string {
	text := group(all.Done) + " of " + group(all.Total)
	if j.PerSecond > 0 && all.Done < all.Total {
		text += " · " + rate(j.PerSecond) + " per second · " + leftWords(j.Left)
	}
	return text
}

// rate writes a number with as many digits as anybody reads.
func rate(x float64) string {
	if x >= 10 {
		return group(int(x + 0.5))
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// lasted writes how long a job took, to the second where seconds matter.
func lasted(d time.Duration) string {
	if d < time.Second {
		return "less than 1 s"
	}
	if d < time.Minute {
		return itoa(int(d/time.Second)) + " s"
	}
	return span(d)
}

func leftWords(d time.Duration) string {
	if d < 10*time.Second {
		return "some seconds left"
	}
	return "about " + span(d) + " left"
}

func bar(th theme.Theme, p Progress) string {
	full := jobBarCells * p.Done / max(p.Total, 1)
	return th.Paint(theme.Good, strings.Repeat("#", full)) + th.Paint(theme.Muted, strings.Repeat(th.Glyphs.H, jobBarCells-full))
}
