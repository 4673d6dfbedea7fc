//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Exit codes of unitty that matter here.
const (
	codeDone    = 0
	codePartly  = 4
	codeRefused = 5
)

// planned is what a dry run prints, as far as it is looked at.
type planned struct {
	Sites    int
	Requests []struct{ Method, Path string }
	Targets  []struct{ EndpointID, SiteID string }
	Warnings []string
	run      *run
}

// outcome is a line of a job's result.
type outcome struct{ EndpointID, SiteID, State, Reason string }

// plan has the program plan and send nothing.
func (w *world) plan(ctx context.Context, o options) (*planned, error) {
	r, err := w.program(ctx, "command", "send", "scan", "--where", o.where, "--dry-run", "-o", "json")
	if err != nil {
		return nil, err
	}
	p := &planned{run: r}
	if err := json.Unmarshal(r.out, p); err != nil || r.code != codeDone {
		return nil, fmt.Errorf("the dry run ended with %d: %w\n%s", r.code, err, tail(r.errs))
	}
	if len(p.Targets) == 0 {
		return nil, fmt.Errorf("%q selects no machine of this world", o.where)
	}
	return p, nil
}

// changedNumber finds in a refusal how many machines are selected now: while time goes on, machines fall out of a selector
// of times, or poll and come in.
var changedNumber = regexp.MustCompile(`refused: (\d+) machines would get the command`) //nolint:gochecknoglobals // a constant

// send has the program do what it planned. When the number of machines has changed since, it goes by the number that the
// refusal names, which must not have sent anything.
func (w *world) send(ctx context.Context, o options, r *report) error {
	n := len(r.plan.Targets)
	for r.refusals = 0; r.refusals < 4; r.refusals++ {
		sent, err := w.program(ctx, "command", "send", "scan", "--where", o.where, "--yes", "--expect", strconv.Itoa(n), "-o", "json")
		if err != nil {
			return err
		}
		if sent.code == codeRefused {
			m := changedNumber.FindSubmatch(sent.errs)
			if m == nil || len(sent.changes) > 0 {
				return fmt.Errorf("refused, with %d changes sent: %s", len(sent.changes), tail(sent.errs))
			}
			if n, err = strconv.Atoi(string(m[1])); err != nil {
				return err
			}
			continue
		}
		var job struct{ Results []outcome }
		if err := json.Unmarshal(sent.out, &job); err != nil || sent.code != codeDone && sent.code != codePartly {
			return fmt.Errorf("sending ended with %d: %w\n%s", sent.code, err, tail(sent.errs))
		}
		r.sent, r.job, r.expected = sent, job.Results, n
		return nil
	}
	return fmt.Errorf("the number of machines changed each time: %d machines at last", n)
}

// truth is what the console itself knows.
type truth struct {
	// given counts the scans that machines were given by this run.
	given map[string]int
	// silent are machines that have not polled for so long that they may have fallen out of the selector.
	silent map[string]bool
}

// almostWeek is short of the week of the usual selector by more than a run lasts.
const almostWeek = 7*24*time.Hour - 3*time.Hour

// truth asks the console about the time since a run began.
func (w *world) truth(since time.Time) truth {
	t := truth{given: map[string]int{}, silent: map[string]bool{}}
	now := w.sim.World()
	for i := range now.Commands {
		if c := &now.Commands[i]; c.Name == "scan" && !c.Requested.Before(since.Add(-time.Second)) {
			t.given[c.EndpointID]++
		}
	}
	for i := range now.Endpoints {
		if e := &now.Endpoints[i]; now.Now.Sub(e.LastSeen) > almostWeek {
			t.silent[e.ID] = true
		}
	}
	return t
}

// tail is the end of what a program said.
func tail(text []byte) string {
	text = bytes.TrimSpace(text)
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return strings.ToValidUTF8(string(text), "?")
}
