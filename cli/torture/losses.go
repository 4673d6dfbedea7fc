//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// loss is a chain that the server has ended because a spent refresh token was shown again.
type loss struct {
	// At is when the refresh token was spent whose successor nobody has.
	At time.Time `json:"at"`
	// Explained tells that the text names a process that was killed in the window, this host and the time.
	Explained bool `json:"explained"`
	// Detected tells that the first request after the loss found it.
	Detected bool `json:"detected"`
	// Window is the time from the server's decision to the kill; below zero the answer was never waited for.
	Window time.Duration `json:"window_ns"`
	// Text is what the next process says.
	Text string `json:"text"`
	// Why says what is missing in the explanation.
	Why string `json:"why,omitempty"`
}

// nurse looks after refused refreshes until the run is over: has the next process an explanation? Then it signs in again.
func (t *torture) nurse(stop <-chan struct{}) {
	for {
		select {
		case r := <-t.decisions:
			if !r.ok {
				t.treat(r)
			}
		case <-stop:
			return
		}
	}
}

// treat examines one refusal.
func (t *torture) treat(r refreshing) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	spent, found := t.judge.of(r.hash)
	if !found || !r.reuse {
		return // the sums show it as refused; there is nothing to explain
	}
	t.mu.Lock()
	again := len(t.losses) > 0 && t.losses[len(t.losses)-1].At.Equal(spent.decided)
	t.mu.Unlock()
	if again {
		return // another process was killed before it could note what it had found
	}
	l := loss{At: spent.decided, Detected: r.after == r.hash}
	if !t.explain(ctx, r.hash, &l) {
		l.Why = "no process says that the sign-in is lost"
	} else if t.opt.mode == modeFaults {
		t.swallowed(spent, &l)
	} else {
		t.weigh(spent, &l)
	}
	t.note(func() { t.losses = append(t.losses, l) })
	if err := t.signIn(ctx, spent.arrived); err != nil {
		t.trouble(err)
	}
}

// explain asks for a token until a process says that there is none to be had.
func (t *torture) explain(ctx context.Context, hash string, l *loss) bool {
	for range 100 {
		code, text, err := t.house.probe(ctx)
		if err != nil {
			t.trouble(err)
			return false
		}
		if n := t.house.read(); code == codeSignIn && n.Dead != nil && n.Dead.Hash == hash {
			l.Text = text
			return true
		}
		if !rest(ctx, 20*time.Millisecond) {
			return false
		}
	}
	return false
}

var interrupted = regexp.MustCompile(`pid (\d+), host ([^,]+), (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)`)

// slack is what clocks and schedulers of one machine may be apart.
const slack = 50 * time.Millisecond

// weigh compares the explanation with what the driver has done. Where several processes died with the same token, each is
// named, and one of them has to be the one.
func (t *torture) weigh(spent refreshing, l *loss) {
	found := interrupted.FindAllStringSubmatch(l.Text, -1)
	if found == nil {
		l.Why = "the text names no process, host and time"
	}
	for _, m := range found {
		if l.Why = t.fits(spent, m, &l.Window); l.Why == "" {
			l.Explained = true
			return
		}
	}
}

// fits tells what is wrong with a process that is said to have been interrupted, and when it was killed.
func (t *torture) fits(spent refreshing, m []string, window *time.Duration) string {
	pid, err := strconv.Atoi(m[1])
	host, herr := os.Hostname()
	at, terr := time.ParseInLocation("2006-01-02 15:04:05", m[3], time.Local)
	switch {
	case err != nil || herr != nil || terr != nil || host != m[2]:
		return "the text names another host, or no time"
	case at.After(spent.arrived.Add(slack)) || spent.arrived.Sub(at) > 2*time.Second:
		return fmt.Sprintf("the text names %s, but the request came at %s", m[3], spent.arrived.Format(time.TimeOnly))
	}
	for _, b := range t.crowd.struck(pid, at) {
		if b.sig != syscall.SIGKILL {
			continue
		}
		if b.at.Before(spent.arrived.Add(-slack)) {
			return "the process was killed before its request came"
		}
		*window = b.at.Sub(spent.decided)
		return ""
	}
	return fmt.Sprintf("process %d was not killed", pid)
}
