//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"time"
)

// run is one process of a loop, from start to end.
type run struct {
	kind       string
	start, end time.Time
	code       int // -1 when a signal ended it
	struck     bool
	errors     string
}

// errorsKept bounds what is kept of what a process says.
const errorsKept = 600

// tokenLoop prints tokens and has each judged in the moment it arrives.
func (t *torture) tokenLoop(ctx context.Context, name string, r *rand.Rand) error {
	return t.loop(ctx, name, r, "token", func() []string { return []string{"token", "--min-ttl", t.opt.minTTL.String()} }, t.judgeToken)
}

// apiLoop reads from the console.
func (t *torture) apiLoop(ctx context.Context, name string, r *rand.Rand) error {
	sites := "/service/api/console/gsm/" + t.house.creds.GSMKey + "/sites"
	return t.loop(ctx, name, r, "api", func() []string {
		if r.IntN(8) == 0 {
			return []string{"api", "GET", "/service/api/health/ping"}
		}
		return []string{"api", "GET", sites}
	}, func(string, time.Time) {})
}

// judgeToken asks the server about what was printed by a process that was started at some time.
func (t *torture) judgeToken(text string, start time.Time) {
	token := strings.TrimSpace(text)
	if token == "" {
		return
	}
	v := t.judge.check(token)
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.verdicts[v]++
	if v == expired {
		t.late = append(t.late, fmt.Sprintf("token judged %.0f ms after its end, %.0f ms after its process was started; the driver stood still for %.0f ms at most",
			ms(now.Sub(t.judge.ended(token))), ms(now.Sub(start)), ms(t.stall)))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// watchStalls measures how long this process is kept from running: nothing can be judged in time that comes later.
func (t *torture) watchStalls(ctx context.Context) error {
	const step = 10 * time.Millisecond
	for at := time.Now(); rest(ctx, step); at = time.Now() {
		if late := time.Since(at) - step; late > 0 {
			t.note(func() { t.stall = max(t.stall, late) })
		}
	}
	return nil
}

func (t *torture) loop(ctx context.Context, name string, r *rand.Rand, kind string, args func() []string, take func(string, time.Time)) error {
	env, err := t.house.environment(name)
	if err != nil {
		return err
	}
	for rest(ctx, time.Duration(r.Float64()*2*float64(t.opt.pause))) {
		if err := t.once(env, kind, args(), take); err != nil {
			return err
		}
	}
	return nil
}

// once runs the program. It is not ended with the run of the driver: what is under way is to finish by itself.
func (t *torture) once(env []string, kind string, args []string, take func(string, time.Time)) error {
	return t.onceOf(t.house.bin, env, kind, args, take)
}

// onceOf runs a program that may be another one than the program under test.
func (t *torture) onceOf(bin string, env []string, kind string, args []string, take func(string, time.Time)) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...) //nolint:gosec // the program under test
	cmd.Env, cmd.Dir = env, t.house.dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	done := run{kind: kind, start: time.Now()}
	if err := cmd.Start(); err != nil {
		return err
	}
	leave := t.crowd.enter(victim{proc: cmd.Process})
	// A token is judged when it arrives, not when the process has ended.
	reader := bufio.NewReader(out)
	for lines := 0; ; lines++ {
		line, err := reader.ReadString('\n')
		if err != nil {
			break // it ends with the process
		}
		if kind == "shifted" || lines == 0 {
			take(line, done.start)
		}
	}
	err = cmd.Wait()
	leave()
	done.end = time.Now()
	done.code, done.errors = cmd.ProcessState.ExitCode(), errs.String()[:min(errs.Len(), errorsKept)]
	done.struck = len(t.crowd.struck(cmd.Process.Pid, done.start)) > 0
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	t.ended(done)
	return nil
}

// ended keeps what is not as it should be.
func (t *torture) ended(r run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.code != 0 {
		t.failures = append(t.failures, r)
	}
	if r.kind != "screen" && r.code == 0 {
		t.reads++
	}
}
