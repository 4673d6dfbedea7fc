//go:build linux

// Captures writes docs/sign-in.md: what a terminal shows in each way to sign in. The built program runs in pseudo-terminals
// against simulated servers in this process; whatever differs from run to run is masked, so that the same program always
// gives the same page. It needs Linux, whose /proc tells when a terminal has stopped to echo.
//
//	go run ./docs/gen/captures docs/sign-in.md
package main

import "github.com/unitty/unitty/docs/gen/gen"

func main() { gen.Main("captures", page) }
