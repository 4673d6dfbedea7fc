package cli

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the program available as the command unitty, to scripts and to exec.Command alike: the test binary is
// copied under that name into a folder of PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"unitty": func() { os.Exit(Main(os.Args[1:])) },
	})
}
