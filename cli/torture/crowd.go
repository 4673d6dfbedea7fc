//go:build unix

package main

import (
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// victim is a process of the crowd that lives.
type victim struct {
	proc   *os.Process
	screen bool
	hangUp func()
}

// blow is a signal that was sent.
type blow struct {
	pid int
	at  time.Time
	sig syscall.Signal
}

// crowd knows the living processes of the loops and screens.
type crowd struct {
	mu    sync.Mutex
	alive map[int]victim
	most  int
	runs  int
	blows []blow
}

// enter registers a process and returns how it leaves again.
func (c *crowd) enter(v victim) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.alive == nil {
		c.alive = map[int]victim{}
	}
	c.alive[v.proc.Pid] = v
	c.most, c.runs = max(c.most, len(c.alive)), c.runs+1
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.alive, v.proc.Pid)
	}
}

// pick chooses one of the living.
func (c *crowd) pick(r *rand.Rand) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pids := make([]int, 0, len(c.alive))
	for pid := range c.alive {
		pids = append(pids, pid)
	}
	if len(pids) == 0 {
		return 0, false
	}
	slices.Sort(pids)
	return pids[r.IntN(len(pids))], true
}

// strike sends a signal to a process of the crowd, and to no other. A screen whose terminal is to hang up gets no signal
// from here: the kernel sends it.
func (c *crowd) strike(pid int, sig syscall.Signal, hangUp bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.alive[pid]
	if !ok {
		return false
	}
	at := time.Now()
	if hangUp && v.screen {
		v.hangUp()
	} else if v.proc.Signal(sig) != nil {
		return false
	}
	c.blows = append(c.blows, blow{pid, at, sig})
	return true
}

// struck gives the signals that were sent to a process since it was started; numbers of processes come again.
func (c *crowd) struck(pid int, since time.Time) []blow {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []blow
	for _, b := range c.blows {
		if b.pid == pid && !b.at.Before(since) {
			out = append(out, b)
		}
	}
	return out
}

// sums gives the number of runs, of signals, and the most processes that lived at once.
func (c *crowd) sums() (runs, blows, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs, len(c.blows), c.most
}
