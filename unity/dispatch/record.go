package dispatch

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
)

// Kinds of records in a job's journal.
const (
	recordPlan    = "plan"    // what was confirmed: the first record
	recordIntent  = "intent"  // a request is about to be sent for these targets
	recordOutcome = "outcome" // what became of these targets
	recordEnd     = "end"     // every target has an outcome
	recordResume  = "resume"  // it goes on after an end: what was cancelled is to be sent after all
	recordTrack   = "track"   // how far the agents are
	recordPolls   = "polls"   // when these machines were heard of
	recordDigest  = "digest"  // the job as lists show it, with what the records of tracking before it tell
)

// planRecord is a confirmed plan as the journal holds it.
type planRecord struct {
	ID       string         `json:"id"`
	Action   string         `json:"action"`
	Verb     string         `json:"verb"`
	Risk     Risk           `json:"risk"`
	Args     Args           `json:"args,omitempty"`
	Profile  string         `json:"profile,omitempty"`
	BaseURL  string         `json:"base_url"`
	GSMKey   string         `json:"gsm_key"`
	User     string         `json:"user,omitempty"`
	Console  string         `json:"console,omitempty"`
	Note     string         `json:"note,omitempty"`
	MadeAt   time.Time      `json:"made_at"`
	Started  time.Time      `json:"started"`
	RetryOf  string         `json:"retry_of,omitempty"`
	RevertOf string         `json:"revert_of,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Found    []string       `json:"found,omitempty"`
	Batch    int            `json:"batch,omitempty"`
	Targets  []targetRecord `json:"targets"`
	// Known holds, of the sites whose commands were read, the like commands that were there before, one as often as it was.
	Known map[unity.SiteID][]string `json:"known,omitempty"`
	// Chain says which step of a combined action it is.
	Chain  *Link         `json:"chain,omitempty"`
	Object *objectRecord `json:"object,omitempty"`
}

type targetRecord struct {
	ID       unity.EndpointID `json:"id,omitempty"`
	Site     unity.SiteID     `json:"site,omitempty"`
	SiteName string           `json:"site_name,omitempty"`
	Host     string           `json:"host,omitempty"`
	LastSeen *time.Time       `json:"last_seen,omitempty"`
	Inactive bool             `json:"inactive,omitempty"`
	Args     Args             `json:"args,omitempty"`
	Values   *Values          `json:"values,omitempty"`
	Skipped  string           `json:"skipped,omitempty"`
	// Unread tells that it was skipped because it could not be read again: that counts as failed.
	Unread bool `json:"unread,omitempty"`
}

// intentRecord names targets by their place in the plan.
type intentRecord struct {
	Targets []int     `json:"t"`
	From    time.Time `json:"from"`
}

type outcomeRecord struct {
	Targets   []int     `json:"t"`
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	To        time.Time `json:"to"`
	// Settled tells that it was found out by reading, later than the answer.
	Settled bool `json:"settled,omitempty"`
}

type endRecord struct {
	Words string `json:"words"`
	// Digest is the job as lists show it; nil in journals of earlier versions.
	Digest *digestRecord `json:"digest,omitempty"`
}

type trackRecord struct {
	Targets []int              `json:"t"`
	State   unity.CommandState `json:"state"`
}

// pollsRecord holds the seconds since 1970 in which machines were heard of, the latest last.
type pollsRecord struct {
	Targets []int     `json:"t"`
	Seen    [][]int64 `json:"seen"`
}

// record is the plan with what was skipped when it was made or begun.
func (r *runner) record() planRecord {
	p := r.plan
	out := planRecord{ID: r.job.ID, Action: p.Operation.ID, Verb: p.Operation.Name, Risk: p.Operation.Risk, Args: p.Operation.Args, Profile: r.options.Profile,
		BaseURL: p.Binding.BaseURL, GSMKey: p.Binding.Key.String(), User: p.Binding.User, Console: p.Console, Note: r.options.Note,
		MadeAt: p.MadeAt, Started: r.job.Started, RetryOf: p.RetryOf, RevertOf: p.RevertOf, Warnings: p.Warnings, Found: p.Found(), Object: p.Object.record(), Chain: p.Link,
		Targets: make([]targetRecord, 0, len(r.job.Results)), Known: map[unity.SiteID][]string{}}
	for _, b := range p.Batches {
		out.Batch = max(out.Batch, len(b.Refs))
	}
	ids, unreadable := map[unity.EndpointID]bool{}, map[unity.EndpointID]string{}
	for _, s := range p.Unread {
		unreadable[s.Ref.ID] = s.Reason
	}
	for i := range r.job.Results {
		res := &r.job.Results[i]
		t := targetRecord{ID: res.Ref.ID, Site: res.Ref.Site, SiteName: res.Ref.SiteName.Raw(), Host: res.Ref.HostName.Raw(), Inactive: res.Ref.Inactive,
			Args: p.each[res.Ref.ID]}
		if at := res.Ref.LastSeen; !at.IsZero() {
			t.LastSeen = &at
		}
		if v, ok := p.values[res.Ref.ID]; ok {
			t.Values = &v
		}
		if res.State == Skipped {
			t.Skipped = res.Reason
		}
		if why, unread := unreadable[res.Ref.ID]; unread {
			t.Skipped, t.Unread = why, true
		}
		ids[res.Ref.ID] = true
		out.Targets = append(out.Targets, t)
	}
	for site, keys := range p.before {
		out.Known[site] = []string{}
		for key, n := range keys {
			if id, _, _ := strings.Cut(key, "\x00"); ids[unity.EndpointID(id)] {
				out.Known[site] = append(out.Known[site], slices.Repeat([]string{key}, n)...)
			}
		}
	}
	return out
}

// story is a job as its journal tells it.
type story struct {
	head  planRecord
	job   *Job
	plan  *Plan
	spans map[int]span
	// requests are, for each target whose outcome is unknown, all targets of its request.
	requests map[int][]int
	// doubtful are the targets whose last outcome is unknown: an intent that follows is for a second request.
	doubtful map[int]bool
	ended    bool
}

// read makes the story of a journal's records.
func readStory(records []journal.Record) (*story, error) {
	if len(records) < 2 || records[1].Kind != recordPlan {
		return nil, journal.ErrNoBeginning
	}
	s := &story{spans: map[int]span{}, requests: map[int][]int{}, doubtful: map[int]bool{}}
	if err := json.Unmarshal(records[1].Data, &s.head); err != nil {
		return nil, fmt.Errorf("%w: %w", journal.ErrCorrupt, err)
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	for _, r := range records[2:] {
		if err := s.take(r); err != nil {
			return nil, err
		}
	}
	s.job.spans = map[unity.EndpointID]span{}
	for i, at := range s.spans {
		s.job.spans[s.job.Results[i].Ref.ID] = at
	}
	return s, nil
}

func (s *story) begin() error {
	h := &s.head
	var err error
	op := Operation{ID: h.Action, Name: h.Verb, Risk: h.Risk}
	if h.Object == nil {
		if op, err = OperationByID(h.Action, h.Args); err != nil {
			return err
		}
		op.Risk = max(op.Risk, h.Risk)
	}
	binding := Binding{BaseURL: h.BaseURL, Key: keyOf(h.GSMKey), User: h.User}
	s.plan = &Plan{Operation: op, Binding: binding, Console: h.Console, MadeAt: h.MadeAt, RetryOf: h.RetryOf, RevertOf: h.RevertOf, Warnings: h.Warnings, Link: h.Chain,
		before: map[unity.SiteID]known{}, each: map[unity.EndpointID]Args{}, values: map[unity.EndpointID]Values{}}
	if s.plan.Object, err = h.Object.change(); err != nil {
		return err
	}
	for site, keys := range h.Known {
		s.plan.before[site] = known{}
		for _, k := range keys {
			s.plan.before[site][k]++
		}
	}
	s.job = &Job{ID: h.ID, Operation: op, Object: s.plan.Object, Binding: binding, Profile: h.Profile, Remark: h.Note, RetryOf: h.RetryOf, RevertOf: h.RevertOf,
		Link: h.Chain, Warnings: h.Warnings, Started: h.Started, before: s.plan.before, tracked: map[unity.EndpointID]unity.CommandState{}, polls: map[unity.EndpointID][]time.Time{}}
	for _, t := range h.Targets {
		ref := fleet.Ref{ID: t.ID, Site: t.Site, SiteName: unity.NewText(t.SiteName), HostName: unity.NewText(t.Host), Inactive: t.Inactive, ReadAt: h.MadeAt}
		if t.LastSeen != nil {
			ref.LastSeen = *t.LastSeen
		}
		if t.Values != nil {
			s.plan.values[t.ID] = *t.Values
		}
		if t.Args != nil {
			s.plan.each[t.ID] = t.Args
		}
		res := Result{Ref: ref, State: Waiting}
		if t.Unread {
			s.plan.Unread = append(s.plan.Unread, Skip{ref, t.Skipped})
			res = unreadResult(Skip{ref, t.Skipped})
		} else if t.Skipped != "" {
			res.State, res.Reason = Skipped, t.Skipped
			s.plan.Skipped = append(s.plan.Skipped, Skip{ref, t.Skipped})
		} else {
			s.plan.Targets = append(s.plan.Targets, ref)
		}
		s.job.Results = append(s.job.Results, res)
	}
	return nil
}

// take takes one record over.
func (s *story) take(r journal.Record) error {
	var (
		in  intentRecord
		out outcomeRecord
		tr  trackRecord
		pr  pollsRecord
		err error
	)
	switch r.Kind {
	case recordIntent:
		if err = json.Unmarshal(r.Data, &in); err == nil {
			if err = s.within(in.Targets); err == nil {
				s.intend(in)
			}
		}
	case recordOutcome:
		if err = json.Unmarshal(r.Data, &out); err == nil {
			if err = s.within(out.Targets); err == nil {
				s.conclude(out)
			}
		}
	case recordTrack:
		if err = json.Unmarshal(r.Data, &tr); err == nil {
			if err = s.within(tr.Targets); err == nil {
				for _, i := range tr.Targets {
					s.job.tracked[s.job.Results[i].Ref.ID] = tr.State
				}
			}
		}
	case recordPolls:
		if err = json.Unmarshal(r.Data, &pr); err == nil {
			if err = s.within(pr.Targets); err == nil {
				s.heard(pr)
			}
		}
	case recordResume:
		s.reopen()
	case recordEnd:
		s.ended, s.job.Finished = true, r.At
	}
	if err != nil {
		return fmt.Errorf("%w: record %d: %w", journal.ErrCorrupt, r.Seq, err)
	}
	return nil
}

func (s *story) within(targets []int) error {
	for _, i := range targets {
		if i < 0 || i >= len(s.job.Results) {
			return fmt.Errorf("there is no target %d", i)
		}
	}
	if len(targets) == 0 {
		return fmt.Errorf("it names no target")
	}
	return nil
}

// heard takes over when machines were heard of.
func (s *story) heard(r pollsRecord) {
	for k, i := range r.Targets {
		if k >= len(r.Seen) {
			return
		}
		polls := make([]time.Time, 0, len(r.Seen[k]))
		for _, at := range r.Seen[k] {
			polls = append(polls, time.Unix(at, 0))
		}
		s.job.polls[s.job.Results[i].Ref.ID] = polls
	}
}

// inDoubt is the reason of targets whose request was on its way when the run ended.
const inDoubt = "the run ended while it was being sent"

func (s *story) intend(in intentRecord) {
	s.ended, s.job.Finished = false, time.Time{} // the job goes on after an earlier end
	for _, i := range in.Targets {
		res := &s.job.Results[i]
		res.State, res.Reason, res.RequestID = Unknown, inDoubt, ""
		from := in.From
		if s.doubtful[i] {
			from = s.spans[i].from // the first request may have arrived, too
		}
		s.spans[i] = span{from, in.From.Add(crashWindow)}
		s.requests[i] = in.Targets
	}
}

// reopen lets the job go on after an earlier end.
func (s *story) reopen() {
	s.ended, s.job.Finished = false, time.Time{}
	for i := range s.job.Results {
		if res := &s.job.Results[i]; res.State == Cancelled {
			*res = Result{Ref: res.Ref, State: Waiting}
		}
	}
}

func (s *story) conclude(out outcomeRecord) {
	for _, i := range out.Targets {
		if s.doubtful[i] = out.State == Unknown; !s.doubtful[i] {
			delete(s.requests, i)
		}
		res := &s.job.Results[i]
		res.State, res.Reason, res.RequestID, res.At = out.State, out.Reason, out.RequestID, out.To
		if sp, ok := s.spans[i]; ok && !out.Settled {
			s.spans[i] = span{sp.from, out.To}
		}
	}
}

// change makes the change of an object again from its record; nil gives nil.
func (r *objectRecord) change() (*ObjectChange, error) {
	if r == nil {
		return nil, nil //nolint:nilnil // an operation on endpoints has no object
	}
	ch := r.ObjectChange
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", journal.ErrCorrupt, err)
	}
	ch.Request = unity.Request{Method: r.Method, Path: r.Path, Query: query, Body: r.Body, Machines: r.Machines, Counted: r.Counted}
	return &ch, nil
}
