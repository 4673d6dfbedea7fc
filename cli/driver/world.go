package driver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"time"
)

// Serve answers on a port of the loopback address, whose URL it gives, until stop is called. Stop ends what is under way.
func Serve(ctx context.Context, h http.Handler) (url string, stop func(), err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // stop is what ends it
	}()
	return "http://" + l.Addr().String(), func() {
		_ = s.Close()
		<-done
	}, nil
}

// Program is the import path of unitty itself.
const Program = "github.com/unitty/unitty"

// Build builds a command of the module in which the process was started. An error holds what the compiler says.
func Build(ctx context.Context, to, command string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, command) //nolint:gosec // the go command, and names of these programs
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", command, err, out)
	}
	return nil
}
