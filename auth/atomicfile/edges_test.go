//go:build unix

package atomicfile

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// edgeVariable names the edge at which a child process dies.
const edgeVariable = "UNITTY_TEST_EDGE"

func oldContent() []byte { return bytes.Repeat([]byte("old "), 3000) }
func newContent() []byte { return bytes.Repeat([]byte("new "), 5000) }

// TestKilledAtTheEdgeChild is not a test: it writes and is killed on the way.
func TestKilledAtTheEdgeChild(t *testing.T) {
	edge, path, _ := strings.Cut(os.Getenv(edgeVariable), ":")
	if edge == "" {
		t.Skip("a child process of another test")
	}
	w := writer{at: func(reached string) {
		if reached == edge {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	if err := w.write(path, newContent()); err != nil {
		t.Fatal(err)
	}
	fmt.Println("the write came to its end")
}

// dieAt lets a process write a file and die at an edge.
func dieAt(t *testing.T, edge, path string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledAtTheEdgeChild$", "-test.v") //nolint:gosec // our own test binary
	cmd.Env = []string{edgeVariable + "=" + edge + ":" + path}
	out, err := cmd.CombinedOutput()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s: the writer was to be killed: %v\n%s", edge, err, out)
	}
}

// TestKilledAtEveryEdge kills a writer at every edge. The next reader sees the
// old content up to the rename and the new one after it, and never neither.
func TestKilledAtEveryEdge(t *testing.T) {
	edges := []string{edgeBegin, edgeCreated, edgeHalf, edgeWritten, edgeSynced, edgeRenamed, edgeDone}
	for i, edge := range edges {
		t.Run(edge, func(t *testing.T) {
			d := dir(t)
			path := filepath.Join(d, "item")
			for _, there := range []bool{false, true} {
				if there {
					if err := Write(path, oldContent()); err != nil {
						t.Fatal(err)
					}
				}
				dieAt(t, edge, path)
				got, err := Read(path, 1<<20)
				switch renamed := i >= 5; {
				case renamed && (err != nil || !bytes.Equal(got, newContent())):
					t.Errorf("after the rename: %d bytes, %v", len(got), err)
				case !renamed && there && (err != nil || !bytes.Equal(got, oldContent())):
					t.Errorf("before the rename: %d bytes, %v", len(got), err)
				case !renamed && !there && !os.IsNotExist(err):
					t.Errorf("before the first rename: %d bytes, %v", len(got), err)
				}
				if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			leftAlone(t, d, i > 0 && i < 5)
		})
	}
}

// leftAlone looks at what the killed writers left: private, and gone after a
// sweep, but not while it is young.
func leftAlone(t *testing.T, d string, something bool) {
	t.Helper()
	left, err := os.ReadDir(d)
	if err != nil || (len(left) > 0) != something {
		t.Errorf("left behind: %v %v", left, err)
	}
	stranger := filepath.Join(d, ".item.backup")
	if err := os.WriteFile(stranger, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	Sweep(d, time.Hour, ".item[0-9]*")
	if young, err := os.ReadDir(d); err != nil || len(young) != len(left)+1 {
		t.Errorf("what may be in use was removed: %v %v", young, err)
	}
	long := time.Now().Add(-2 * time.Hour)
	for _, e := range append(left, entry(t, stranger)) {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", e.Name(), err)
		}
		if err := os.Chtimes(filepath.Join(d, e.Name()), long, long); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(d, time.Hour, ".item[0-9]*")
	if old, err := os.ReadDir(d); err != nil || len(old) != 1 || old[0].Name() != ".item.backup" {
		t.Errorf("after the sweep: %v %v", old, err)
	}
}

// entry gives a file as it stands in its folder.
func entry(t *testing.T, path string) fs.DirEntry {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fs.FileInfoToDirEntry(info)
}
