//go:build linux

// Captures writes docs/sign-in.md: what a terminal shows in each way to sign in. The built program runs in pseudo-terminals
// against simulated servers in this process; whatever differs from run to run is masked, so that the same program always
// gives the same page. It needs Linux, whose /proc tells when a terminal has stopped to echo.
//
//	go run ./docs/gen/captures docs/sign-in.md
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: captures FILE")
		os.Exit(2)
	}
	if err := write(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "captures:", err)
		os.Exit(1)
	}
}

func write(ctx context.Context, file string) error {
	text, err := page(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
