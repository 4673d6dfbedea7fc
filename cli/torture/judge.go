//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// verdict is what the server makes of a token that was printed.
type verdict string

// The verdicts.
const (
	accepted verdict = "accepted"
	// outdated tokens died by a jump of the server's clock that nobody could know of.
	outdated verdict = "outdated by a clock jump"
	// orphaned tokens belong to a chain that the server has ended.
	orphaned verdict = "of a chain that was lost"
	expired  verdict = "expired"
	refused  verdict = "refused"
)

// refreshing is one token request with a refresh token, as the server saw it.
type refreshing struct {
	hash    string // of the refresh token, as unitty names it
	arrived time.Time
	decided time.Time
	ok      bool
	// reuse tells that the refresh token had been spent before.
	reuse bool
	// after is the latest refresh before this one that was granted.
	after string
	// fault is what the server did wrong, empty for nothing.
	fault string
}

// issued is what the judge knows of an access token.
type issued struct {
	at    time.Time
	chain int
	epoch int
}

// judge stands in front of the simulated console and keeps the books on tokens.
type judge struct {
	server  http.Handler
	latency time.Duration
	ttl     time.Duration
	probe   string // path of a call that takes a token

	mu        sync.Mutex
	epoch     int // counts clock jumps
	chains    int
	dead      map[int]bool
	access    map[string]issued
	refresh   map[string]int // chain of a refresh token
	spent     map[string]bool
	latest    string
	latestAt  time.Time
	earliest  time.Duration // shortest time from one generation to the next
	requests  []refreshing
	passwords int
	dropped   int // requests whose sender was gone before the decision
	calls     int
	faults    *mischief         // nil for a server that does nothing wrong
	swallowed map[string]string // spent refresh tokens whose successors never arrived, with the fault
	tell      func(refreshing)  // told of each refresh when it is decided
	heard     func()            // told when a refresh arrives
}

func newJudge(server http.Handler, o options) *judge {
	return &judge{server: server, latency: o.latency, ttl: o.ttl, dead: map[int]bool{}, access: map[string]issued{}, refresh: map[string]int{},
		spent: map[string]bool{}, swallowed: map[string]string{}, tell: func(refreshing) {}, heard: func() {}}
}

// hashOf names a token as unitty's notes do: the first eight bytes of its SHA-256.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}

// ServeHTTP passes a request on and notes what is about tokens.
func (j *judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/auth/token" {
		j.mu.Lock()
		j.calls++
		j.mu.Unlock()
		j.server.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = url.Values{}
	}
	arrived := time.Now()
	if form.Get("grant_type") == "refresh_token" {
		j.heard()
	}
	if !rest(r.Context(), j.latency/2) {
		j.mu.Lock()
		j.dropped++
		j.mu.Unlock()
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	whole := j.decide(answer, r, form, arrived)
	// The sender is not looked at any more: what is decided stays decided.
	rest(context.WithoutCancel(r.Context()), j.latency/2)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	if !whole && answer.Body.Len() == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the sender may have been killed
	if !whole {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// rest waits, and tells whether the sender is still there.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// decide lets the server answer and books the answer in the same moment. It reports whether the answer arrives whole.
func (j *judge) decide(answer *httptest.ResponseRecorder, r *http.Request, form url.Values, arrived time.Time) bool {
	j.mu.Lock()
	fault := j.faults.choose(form)
	whole, granted := j.faults.serve(j.server, answer, r, fault)
	now := time.Now()
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	readable := answer.Code == http.StatusOK && json.Unmarshal(answer.Body.Bytes(), &got) == nil
	ok := readable || granted
	var told *refreshing
	chain := 0
	switch form.Get("grant_type") {
	case "password":
		j.passwords++
		if ok {
			j.chains++
			chain = j.chains
		}
	case "refresh_token":
		hash := hashOf(form.Get("refresh_token"))
		chain = j.refresh[hash]
		told = &refreshing{hash: hash, arrived: arrived, decided: now, ok: ok, reuse: j.spent[hash], after: j.latest, fault: fault}
		if told.reuse {
			j.dead[chain] = true
		}
		if ok {
			j.grantedLocked(hash, arrived, fault)
		}
		j.requests = append(j.requests, *told)
	}
	if ok {
		j.access[hashOf(got.Access)] = issued{at: now, chain: chain, epoch: j.epoch}
		if got.Refresh != "" {
			j.refresh[hashOf(got.Refresh)] = chain
		}
		j.latestAt = arrived
	}
	j.faults.spoil(answer, fault)
	j.mu.Unlock()
	if told != nil {
		j.tell(*told)
	}
	return whole
}

// grantedLocked books a refresh that was granted. Processes count a token's life from the moment they ask for it.
func (j *judge) grantedLocked(hash string, arrived time.Time, fault string) {
	j.latest = hash
	if gap := arrived.Sub(j.latestAt); j.earliest == 0 || gap < j.earliest {
		j.earliest = gap
	}
	switch {
	case fault == faultKeep:
		return // the refresh token stays good
	case swallows(fault):
		j.swallowed[hash] = fault
	}
	j.spent[hash] = true
}

// swallowedBy gives the fault that has swallowed the successor of a refresh token.
func (j *judge) swallowedBy(hash string) (fault string, is bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fault, is = j.swallowed[hash]
	return fault, is
}

// jumped notes that the server's clock was moved.
func (j *judge) jumped(move func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	move()
	j.epoch++
}

// check asks the server about a token.
func (j *judge) check(token string) verdict {
	r := httptest.NewRequest(http.MethodGet, j.probe, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("User-Agent", "torture/1")
	answer := httptest.NewRecorder()
	j.server.ServeHTTP(answer, r)
	if answer.Code == http.StatusOK {
		return accepted
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	known, found := j.access[hashOf(token)]
	switch {
	case found && j.dead[known.chain]:
		return orphaned
	case found && known.epoch != j.epoch:
		return outdated
	case found && strings.Contains(answer.Body.String(), "expired"):
		return expired
	}
	return refused
}

// ended is when the life of a token ended.
func (j *judge) ended(token string) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.access[hashOf(token)].at.Add(j.ttl)
}

// of gives the granted refresh that spent a token.
func (j *judge) of(hash string) (refreshing, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range slices.Backward(j.requests) {
		if r.ok && r.hash == hash {
			return r, true
		}
	}
	return refreshing{}, false
}

// books are the judge's sums.
type books struct {
	refreshes, refused, reuse, passwords, dropped, calls int
	earliest                                             time.Duration
}

// close gives the sums of what was decided until a time.
func (j *judge) close(until time.Time) books {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := books{passwords: j.passwords, dropped: j.dropped, calls: j.calls, earliest: j.earliest}
	for _, r := range j.requests {
		switch {
		case r.ok && !r.decided.After(until):
			b.refreshes++
		case !r.ok && !fails(r.fault):
			b.refused++
		}
		if r.reuse {
			b.reuse++
		}
	}
	return b
}
