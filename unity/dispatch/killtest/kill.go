//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/creack/pty"
)

// childVariable holds the order of a child process.
const childVariable = "UNITTY_KILLTEST"

// exitBusy is how a child ends that finds the job held by another process.
const exitBusy = 5

func childCommand(ctx context.Context, o order) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env, err := o.environment()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self) //nolint:gosec // our own binary
	cmd.Env = append(os.Environ(), env)
	return cmd, nil
}

// kill starts the job and ends its process at the trial's edge.
func (t trial) kill(ctx context.Context, l *lab, o order) error {
	cmd, err := childCommand(ctx, o)
	if err != nil {
		return err
	}
	events, told, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = events.Close() }()
	var output bytes.Buffer
	cmd.ExtraFiles = []*os.File{told}
	var terminal *os.File
	if t.death == closed {
		terminal, err = pty.Start(cmd)
	} else {
		cmd.Stdout, cmd.Stderr = &output, &output
		err = cmd.Start()
	}
	_ = told.Close()
	if err != nil {
		return err
	}
	reached := make(chan bool, 1)
	go func() {
		line, _ := bufio.NewReader(events).ReadString('\n')
		reached <- line == "edge\n"
	}()
	select {
	case ok := <-reached:
		if !ok {
			return fmt.Errorf("the child ended before the edge: %w: %s", cmd.Wait(), &output)
		}
	case <-l.out:
	case <-ctx.Done():
		return ctx.Err()
	}
	switch t.death {
	case killed:
		err = cmd.Process.Kill()
	case hungUp:
		err = cmd.Process.Signal(syscall.SIGHUP)
	case closed:
		err = terminal.Close()
	}
	_ = cmd.Wait() // it was killed, or ended with what it could not send
	close(l.gone)
	return err
}

// resumeAll has so many processes go on with the job at once, until one has. It counts those that were refused because
// another one had it.
func resumeAll(ctx context.Context, o order, n int) (busy int, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := 0
	for range n {
		wg.Go(func() {
			code, e := resumeOne(ctx, o)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case e != nil:
				err = errors.Join(err, e)
			case code == exitBusy:
				busy++
			case code == 0:
				done++
			}
		})
	}
	wg.Wait()
	if err == nil && done == 0 {
		err = errors.New("nobody has resumed the job")
	}
	return busy, err
}

func resumeOne(ctx context.Context, o order) (int, error) {
	cmd, err := childCommand(ctx, o)
	if err != nil {
		return 0, err
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &output
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitBusy {
		return exitBusy, nil
	}
	if err != nil {
		return 0, fmt.Errorf("resume: %w: %s", err, &output)
	}
	return 0, nil
}
