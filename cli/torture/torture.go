//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest"
)

// The exit codes of unitty that matter here.
const (
	codeSignIn      = 3
	codeInterrupted = 130
)

// absence is a time in which there is no sign-in, or none that lives.
type absence struct{ from, to time.Time }

// torture is one run.
type torture struct {
	opt    options
	server *unitytest.Server
	judge  *judge
	house  *household
	crowd  *crowd
	began  time.Time
	wg     sync.WaitGroup

	mu        sync.Mutex
	verdicts  map[verdict]int
	reads     int
	failures  []run
	absences  []absence
	losses    []loss
	logins    int
	logouts   int
	jumps     int
	shifts    int // jumps of the clocks of processes
	troubles  []error
	late      []string // what is known of tokens that had expired
	stall     time.Duration
	arrivals  chan struct{}
	decisions chan refreshing
}

// torment does a whole run and gives what came of it.
func torment(ctx context.Context, o options) (rep report, err error) {
	server := unitytest.New(unitytest.Options{Sites: 4, Endpoints: 20, Seed: o.seed, AccessTTL: o.ttl, Variants: []string{"family-revoke"}})
	if err := server.Err(); err != nil {
		return rep, err
	}
	creds := server.CredentialsOf(unitytest.UserSuper)
	t := &torture{opt: o, server: server, judge: newJudge(server, o), crowd: &crowd{}, verdicts: map[verdict]int{},
		arrivals: make(chan struct{}, 64), decisions: make(chan refreshing, 4096)}
	t.judge.probe = "/service/api/console/gsm/" + creds.GSMKey + "/sites"
	t.judge.heard = func() {
		select {
		case t.arrivals <- struct{}{}:
		default:
		}
	}
	t.judge.tell = func(r refreshing) { t.decisions <- r }
	if o.mode == modeFaults {
		t.judge.faults = &mischief{server: server, random: rand.New(rand.NewPCG(o.seed, 1<<33)), hits: map[string]int{}} //nolint:gosec // a run that can be repeated
	}
	url, stop, err := driver.Serve(ctx, t.judge)
	if err != nil {
		return rep, err
	}
	defer stop()
	if t.house, err = newHousehold(o, url, creds); err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, t.house.clear()) }()
	if err := t.house.build(ctx); err != nil {
		return rep, err
	}
	if err := t.house.login(ctx); err != nil {
		return rep, err
	}
	before := driver.LoadAverage()
	t.live(ctx)
	if t.judge.faults != nil && t.judge.faults.err != nil {
		t.trouble(t.judge.faults.err)
	}
	rep = t.report()
	rep.LoadBefore, rep.LoadAfter = before, driver.LoadAverage()
	return rep, errors.Join(t.troubles...)
}

// live runs the crowd and what disturbs it for the time of the run, and waits until all have gone home.
func (t *torture) live(ctx context.Context) {
	t.began = time.Now()
	ctx, cancel := context.WithTimeout(ctx, t.opt.duration)
	defer cancel()
	api := max(1, (t.opt.processes-t.opt.screens)/4)
	for i := range t.opt.processes {
		r := rand.New(rand.NewPCG(t.opt.seed, uint64(i))) //nolint:gosec // a run that can be repeated
		body, kind := t.tokenLoop, "token"
		switch {
		case t.opt.mode == modeClock && i >= t.opt.screens && i%4 == 3:
			body, kind = t.shiftedLoop, "shifted"
		case i < t.opt.screens:
			body, kind = t.screenLoop, "screen"
		case i < t.opt.screens+api:
			body, kind = t.apiLoop, "api"
		}
		t.spawn(func() error { return body(ctx, fmt.Sprintf("%s-%d", kind, i), r) })
	}
	var others sync.WaitGroup
	stop := make(chan struct{})
	others.Go(func() { t.nurse(stop) })
	t.spawn(func() error { return t.watchStalls(ctx) })
	disturb := t.disturber()
	t.spawn(func() error { return disturb(ctx, rand.New(rand.NewPCG(t.opt.seed, 1<<32))) }) //nolint:gosec // a run that can be repeated
	t.wg.Wait()
	close(stop)
	others.Wait()
}

func (t *torture) spawn(f func() error) {
	t.wg.Go(func() {
		if err := f(); err != nil {
			t.trouble(err)
		}
	})
}

// trouble notes what went wrong with the rig itself.
func (t *torture) trouble(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.troubles = append(t.troubles, err)
}
