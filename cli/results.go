package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// planJSON is what --dry-run prints.
type planJSON struct {
	Action   string
	Command  string
	Console  string
	Risk     string
	Machines int
	Sites    int
	Requests []requestJSON
	Targets  []targetJSON
	Warnings []string
	Opposed  []string
	Stale    []string
	Skipped  []resultJSON
	// Incomplete says which sites did not answer; their machines are among Skipped, as failed.
	Incomplete []string
	// Found says through which fields of the selector the targets were found.
	Found []string
}

type requestJSON struct {
	Method string
	Path   string
	Body   json.RawMessage
}

type targetJSON struct {
	EndpointID string `json:"EndpointId"`
	HostName   string
	SiteID     string `json:"SiteId"`
	SiteName   string
	LastSeen   *time.Time
	// Matched are the fields of the selector through which it was found.
	Matched []string `json:",omitempty"`
}

// planJSON and resultJSON name the machines as the API does; the target of a change of an object has the object's id.
type resultJSON struct {
	EndpointID string `json:"EndpointId"`
	HostName   string
	SiteID     string `json:"SiteId"`
	SiteName   string
	State      string
	Reason     string
	RequestID  string `json:"RequestId"`
}

// riskWords is what a plan risks. Many machines are confirmed like the gravest kind, whatever is done to them.
func riskWords(p *dispatch.Plan) string {
	if asked := p.Risk(); asked != p.Operation.Risk {
		return fmt.Sprintf("%s; confirmed like %s, since it is %s", p.Operation.Risk, asked, dispatch.Machines(p.Machines()))
	}
	return p.Risk().String()
}

func (a *app) printPlan(p *dispatch.Plan) error {
	if a.flags.jq == "" && (a.flags.output == "" || a.flags.output == "table") {
		_, err := fmt.Fprintf(a.out, "%s (%s)\nconsole %s\n", unity.Clean(p.Line()), riskWords(p), unity.Clean(p.Console))
		for _, c := range slices.Concat(p.Incomplete(), p.Customers(), firstNames(p), p.Found(), p.Notices(), p.Opposed, p.Stale, skippedLines(p)) {
			_, _ = fmt.Fprintf(a.out, "  %s\n", unity.Clean(c))
		}
		for _, b := range p.Batches {
			_, _ = fmt.Fprintf(a.out, "%s %s\n%s\n", b.Request.Method, b.Request.Path, escapeJSON(b.Request.Body))
		}
		_, _ = fmt.Fprintln(a.out, "nothing was sent: this is a dry run")
		return errors.Join(err, incompleteError(p))
	}
	out := planJSON{Action: p.Operation.ID, Command: p.Operation.Name, Console: p.Console, Risk: p.Risk().String(), Machines: len(p.Targets), Sites: p.Sites(),
		Requests: []requestJSON{}, Targets: []targetJSON{}, Warnings: append([]string{}, p.Warnings...), Opposed: append([]string{}, p.Opposed...), Stale: append([]string{}, p.Stale...), Skipped: []resultJSON{},
		Incomplete: p.Incomplete(), Found: p.Found()}
	for _, b := range p.Batches {
		out.Requests = append(out.Requests, requestJSON{b.Request.Method, b.Request.Path, b.Request.Body})
	}
	for _, t := range p.Targets {
		row := targetJSON{EndpointID: string(t.ID), HostName: t.HostName.Raw(), SiteID: string(t.Site), SiteName: t.SiteName.Raw()}
		if !t.LastSeen.IsZero() {
			at := t.LastSeen.UTC()
			row.LastSeen = &at
		}
		if by := t.Found.By; by != "" {
			row.Matched = strings.Split(by, ", ")
		}
		out.Targets = append(out.Targets, row)
	}
	for _, s := range p.Skipped {
		out.Skipped = append(out.Skipped, refJSON(s.Ref, dispatch.Skipped, s.Reason, ""))
	}
	for _, s := range p.Unread {
		out.Skipped = append(out.Skipped, refJSON(s.Ref, dispatch.Failed, s.Reason, ""))
	}
	if a.flags.output == "csv" {
		return errors.Join(a.printTargets(out.Targets), incompleteError(p))
	}
	if err := a.printValue(out); err != nil {
		return err
	}
	return incompleteError(p)
}

// printTargets prints the machines of a plan as CSV: what --from reads.
func (a *app) printTargets(targets []targetJSON) error {
	return printAll(a, targets, nil, func(t *targetJSON) ([]byte, error) { return json.Marshal(t) })
}

// incompleteError is the exit code of a plan that lacks machines which were chosen, nil for one that is whole.
func incompleteError(p *dispatch.Plan) error {
	if len(p.Unread) == 0 {
		return nil
	}
	return &codeError{exitPartly, "the plan is not whole: " + unity.Clean(firstFew(p.Incomplete(), 3))}
}

// namesShown is how many machines a plan names in text; its JSON names all.
const namesShown = 20

// firstNames are the names of the first machines of a plan.
func firstNames(p *dispatch.Plan) []string {
	if len(p.Targets) < 2 {
		return nil // the line names it
	}
	var out []string
	for i, t := range p.Targets {
		if i == namesShown {
			return append(out, fmt.Sprintf("… and %d more", len(p.Targets)-i))
		}
		out = append(out, t.Name()+" · "+t.SiteName.String())
	}
	return out
}

func refJSON(r fleet.Ref, s dispatch.State, reason, requestID string) resultJSON {
	return resultJSON{EndpointID: string(r.ID), HostName: r.HostName.Raw(), SiteID: string(r.Site), SiteName: r.SiteName.Raw(),
		State: string(s), Reason: reason, RequestID: requestID}
}

func (a *app) printValue(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	if a.flags.jq == "" {
		return a.printJSON(raw, nil)
	}
	code, err := compileJQ(a.flags.jq)
	if err != nil {
		return err
	}
	return a.printJSON(raw, code)
}

func resultsOf(j *dispatch.Job) []resultJSON {
	results := make([]resultJSON, 0, len(j.Results))
	for _, r := range j.Results {
		results = append(results, refJSON(r.Ref, r.State, r.Reason, r.RequestID))
	}
	return results
}

// sentJSON is what became of a job.
type sentJSON struct {
	JobID   string `json:"JobId"`
	RetryOf string `json:",omitempty"`
	Results []resultJSON
	// Warnings are those of the plan: what spoke against it, though it was sent.
	Warnings []string `json:",omitempty"`
}

func (a *app) printJob(j *dispatch.Job) error {
	results := resultsOf(j)
	switch a.flags.output {
	case "json":
		return a.printValue(sentJSON{j.ID, j.RetryOf, results, j.Warnings})
	case "ndjson", "csv":
		p, err := newPrinter(a, nil, func(r *resultJSON) ([]byte, error) { return json.Marshal(r) })
		if err != nil {
			return err
		}
		for i := range results {
			if err := p.add(&results[i]); err != nil {
				return err
			}
		}
		return p.flush()
	}
	if a.flags.jq != "" {
		return a.printValue(sentJSON{j.ID, j.RetryOf, results, j.Warnings})
	}
	for _, r := range j.Results {
		_, _ = fmt.Fprintf(a.out, "%-9s %s  %s  %s\n", r.State, r.Ref.Name(), r.Ref.SiteName, unity.Clean(r.Reason))
	}
	_, err := fmt.Fprintf(a.out, "%s\n", j.Words())
	return err
}
