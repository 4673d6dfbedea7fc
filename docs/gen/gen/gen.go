// Package gen is what the programs that write pages below docs/ share.
package gen

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Main writes a page into the file that is the only argument, and ends the process with 2 for other arguments and with 1 when
// there is no page.
func Main(name string, page func(context.Context) ([]byte, error)) {
	if len(os.Args) != 2 {
		fmt.Fprintf(os.Stderr, "usage: %s FILE\n", name)
		os.Exit(2)
	}
	text, err := page(context.Background())
	if err == nil {
		err = os.WriteFile(os.Args[1], text, 0o600)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Program builds unitty into a folder and gives its path.
func Program(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "unitty")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/unitty/unitty") //nolint:gosec // the go tool, with a path of our own
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return bin, nil
}
