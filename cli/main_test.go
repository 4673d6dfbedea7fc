package cli

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the program available as the command unitty, to scripts and to exec.Command alike: the test binary is
// copied under that name into a folder of PATH.
func TestMain(m *testing.M) {
	// The tests mostly wait for a program that waits for a simulator, so more of them than there are cores may run. A
	// -parallel of the command line wins.
	_ = flag.Set("test.parallel", "8")
	testscript.Main(m, map[string]func(){
		"unitty": func() { os.Exit(Main(os.Args[1:])) },
	})
}
