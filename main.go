// Unitty is the console of the Webroot Unity API for the terminal.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	// The guard has to run before the keyring library reaches for the session bus, so it stands here and in auth.
	"github.com/unitty/unitty/auth/dbusguard"
	"github.com/unitty/unitty/cli"
)

func main() {
	os.Exit(run())
}

// run is the last resort: whatever panics outside the full-screen program ends with a readable line and exit code 1.
func run() (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "unitty: this is a defect in unitty: %v\n%s", p, debug.Stack())
			code = 1
		}
	}()
	dbusguard.Restore()
	return cli.Main(os.Args[1:])
}
