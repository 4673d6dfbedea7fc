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
	if os.Getenv(detectorVariable) == "" {
		_ = os.Setenv(detectorVariable, "atexit_sleep_ms=10")
	}
	testscript.Main(ownLocks{m}, map[string]func(){
		"unitty": func() { os.Exit(Main(os.Args[1:])) },
	})
}

// detectorVariable holds the settings of the race detector. By itself it lets every process that was built with it sleep for a
// second at its end, in case that a race shows meanwhile; the tests start two thousand processes.
const detectorVariable = "GORACE"

// detector hands the settings of the race detector on to a process whose environment is made by a test.
func detector() string { return detectorVariable + "=" + os.Getenv(detectorVariable) }

// ownLocks runs the tests with a folder of their own for the locks of what signs in inside their process. The programs that they
// start get folders from each test.
type ownLocks struct{ *testing.M }

// Run runs the tests and gives their exit code.
func (m ownLocks) Run() int {
	dir, err := os.MkdirTemp("", "unitty-locks-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Setenv("UNITTY_TEST_LOCK_DIR", dir); err != nil {
		panic(err)
	}
	return m.M.Run()
}
