package dispatch

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
)

// Digest is a job as lists show it: what it is and how it went, without its machines. It is read from the last records of the
// journal, so that a list costs the same whatever the jobs' sizes.
type Digest struct {
	ID string
	// Action is the operation's id, Title what the job does ("scan 3 machines").
	Action, Title string
	// Profile is what it was started under, Binding the console it is bound to.
	Profile string
	Binding Binding
	// RetryOf and RevertOf are the job that this one repeats in part or takes back.
	RetryOf, RevertOf string
	// Link says which step of a combined action it is; nil for a job that stands alone.
	Link *Link
	// Started and Finished are by the server's clock and by this computer's; Finished is zero while it has no end.
	Started, Finished time.Time
	State             JobState
	// Holder is the process that runs it, while State is JobRunning.
	Holder journal.Holder
	// OpenCommands counts the sent commands that were not seen at their end yet, Elapsed those whose time was over.
	OpenCommands, Elapsed int

	counts map[State]int
	ended  bool
	// size is the length of the journal that was read.
	size int64
}

// Count gives the number of targets in a state.
func (d *Digest) Count(s State) int { return d.counts[s] }

// Targets is the number of all targets.
func (d *Digest) Targets() int {
	n := 0
	for _, c := range d.counts {
		n += c
	}
	return n
}

// Words sums the job up, as Job.Words does.
func (d *Digest) Words() string { return words(d.Count) }

// Unsent counts the targets that a resume would send to.
func (d *Digest) Unsent() int { return d.Count(Waiting) + d.Count(Cancelled) }

// Open tells that a resume has something to do, as Past.Open does.
func (d *Digest) Open() bool { return resumable(d.State, d.Count) }

// Young tells that agents may still fetch what the job sent: older commands have elapsed, whatever was seen of them.
func (d *Digest) Young(now time.Time) bool { return now.Sub(d.Started) < lookBack }

// followed tells that it is worth looking how the job's commands ended: what elapsed while nobody looked is to be said too.
func (d *Digest) followed(now time.Time) bool { return now.Sub(d.Started) < 2*lookBack }

// Is tells that a job is of a console.
func (d *Digest) Is(b Binding) bool { return d.Binding.Key == b.Key && d.Binding.BaseURL == b.BaseURL }

// Version changes when more is known of the job.
func (d *Digest) Version() string { return fmt.Sprint(d.size, d.State) }

// Past is the job with what the digest knows of it, without targets: for questions about how jobs hang together.
func (d *Digest) Past() *Past {
	return &Past{State: d.State, Holder: d.Holder, Job: Job{ID: d.ID, Binding: d.Binding, Profile: d.Profile, RetryOf: d.RetryOf, RevertOf: d.RevertOf,
		Link: d.Link, Started: d.Started, Finished: d.Finished}}
}

// digestRecord is a digest as the journal holds it, in the end record or behind records of tracking.
type digestRecord struct {
	Action   string        `json:"action"`
	Title    string        `json:"title"`
	Profile  string        `json:"profile,omitempty"`
	BaseURL  string        `json:"base_url"`
	GSMKey   string        `json:"gsm_key"`
	User     string        `json:"user,omitempty"`
	RetryOf  string        `json:"retry_of,omitempty"`
	RevertOf string        `json:"revert_of,omitempty"`
	Chain    *Link         `json:"chain,omitempty"`
	Started  time.Time     `json:"started"`
	Finished time.Time     `json:"finished"`
	Counts   map[State]int `json:"counts"`
	Open     int           `json:"open,omitempty"`
	Elapsed  int           `json:"elapsed,omitempty"`
}

// digest sums a job up.
func (j *Job) digest() *digestRecord {
	out := &digestRecord{Action: j.Operation.ID, Title: j.Title(), Profile: j.Profile, BaseURL: j.Binding.BaseURL, GSMKey: j.Binding.Key.String(), User: j.Binding.User,
		RetryOf: j.RetryOf, RevertOf: j.RevertOf, Chain: j.Link, Started: j.Started, Finished: j.Finished, Counts: map[State]int{}, Open: j.OpenCommands()}
	for i := range j.Results {
		r := &j.Results[i]
		out.Counts[r.State]++
		if r.State == Sent && j.tracked[r.Ref.ID] == unity.StateElapsed {
			out.Elapsed++
		}
	}
	return out
}

// of makes a digest of the record; ended tells that the job has come to its end.
func (r *digestRecord) of(id string, ended bool) Digest {
	return Digest{ID: id, Action: r.Action, Title: r.Title, Profile: r.Profile, Binding: Binding{BaseURL: r.BaseURL, Key: keyOf(r.GSMKey), User: r.User},
		RetryOf: r.RetryOf, RevertOf: r.RevertOf, Link: r.Chain, Started: r.Started, Finished: r.Finished, OpenCommands: r.Open, Elapsed: r.Elapsed,
		counts: r.Counts, ended: ended}
}

// keyOf reads the key of a console as it was written down.
func keyOf(text string) unity.Keycode {
	if key, err := unity.ParseKeycode(text); err == nil {
		return key
	}
	return unity.Keycode(text) // as it was; a client of that key has the same
}

// lastDigest looks for a digest in the last records of a journal. Whatever says more of the targets after it makes it out of date.
type lastDigest struct{ found *digestRecord }

// take is called with records from the last one backwards.
func (l *lastDigest) take(r journal.Record) (enough bool) {
	switch r.Kind {
	case recordEnd:
		var end endRecord
		if json.Unmarshal(r.Data, &end) == nil && end.Digest != nil {
			l.found = end.Digest
			l.found.Finished = r.At
		}
		return true
	case recordDigest:
		var d digestRecord
		if json.Unmarshal(r.Data, &d) == nil {
			l.found = &d
		}
		return true
	case recordPlan, recordIntent, recordOutcome, recordTrack, recordResume:
		return true
	}
	return false // says nothing of the targets
}

// digests remembers what was read of journals. It is safe for concurrent use.
type digests struct {
	mu sync.Mutex
	of map[string]knownDigest
}

// knownDigest is a digest, or why there is none, for a journal of that length.
type knownDigest struct {
	size   int64
	digest Digest
	err    error
	// at is when the whole journal was read, took how long that took; zero where its end was enough.
	at   time.Time
	took time.Duration
}

// again tells that a journal is to be read again. One that grows all the time, since a process runs the job, is read whole for a
// small part of the time only.
func (k knownDigest) again(size int64) bool {
	const part = 20
	return k.size != size && (k.err != nil || k.digest.ended || time.Since(k.at) >= part*k.took)
}

// Digests gives all jobs, the newest first, and the journals that cannot be read. Of journals whose jobs came to an end only that end
// is looked at: damage before it is found by whoever loads the job. A journal that was cut before its plan was whole is no job.
func (js *Jobs) Digests() ([]Digest, []Unreadable, error) {
	if js == nil || js.dir == nil {
		return nil, nil, nil
	}
	ids, err := js.dir.IDs()
	if err != nil {
		return nil, nil, err
	}
	var out []Digest
	var bad []Unreadable
	there := make(map[string]bool, len(ids))
	for _, id := range ids {
		there[id] = true
		switch d, err := js.Digest(id); {
		case err == nil:
			out = append(out, d)
		case !errors.Is(err, journal.ErrNoBeginning) && !errors.Is(err, journal.ErrNoJob):
			bad = append(bad, Unreadable{id, err})
		}
	}
	js.known.mu.Lock()
	maps.DeleteFunc(js.known.of, func(id string, _ knownDigest) bool { return !there[id] })
	js.known.mu.Unlock()
	slices.SortStableFunc(out, func(a, b Digest) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
	})
	return out, bad, nil
}

// outlines are all jobs without their targets, for questions about how they hang together.
func (js *Jobs) outlines() ([]*Past, error) {
	all, _, err := js.Digests()
	out := make([]*Past, len(all))
	for i := range all {
		out[i] = all[i].Past()
	}
	return out, err
}

// Digest gives one job as lists show it; the id is a whole one.
func (js *Jobs) Digest(id string) (Digest, error) {
	size, err := js.dir.Size(id)
	if err != nil {
		return Digest{}, err
	}
	js.known.mu.Lock()
	k, there := js.known.of[id]
	js.known.mu.Unlock()
	if !there || k.again(size) {
		k = js.readDigest(id, size)
		js.known.mu.Lock()
		js.known.of[id] = k
		js.known.mu.Unlock()
	}
	if k.err != nil {
		return Digest{}, k.err
	}
	d, held := k.digest, false
	if !d.ended { // one that has come to its end says so itself
		d.Holder, held = js.dir.Held(id)
	}
	d.State = stateOf(held, d.ended, d.Count)
	return d, nil
}

// readDigest reads the end of a journal, or all of it. The size was taken before, so that what is written meanwhile is read the
// next time.
func (js *Jobs) readDigest(id string, size int64) knownDigest {
	out := knownDigest{size: size}
	var last lastDigest
	if _, err := js.dir.Tail(id, last.take); err == nil && last.found != nil {
		out.digest = last.found.of(id, true)
	} else {
		out.at = time.Now()
		out.digest, out.err = js.wholeDigest(id)
		out.took = time.Since(out.at)
	}
	out.digest.size = size
	return out
}

// wholeDigest sums up a job of which all is read.
func (js *Jobs) wholeDigest(id string) (Digest, error) {
	records, err := js.dir.Read(id)
	if err != nil {
		return Digest{}, err
	}
	s, err := readStory(records)
	if err != nil {
		return Digest{}, err
	}
	return s.job.digest().of(id, s.ended), nil
}
