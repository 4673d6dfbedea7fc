//go:build linux

package auth

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const killedKey = "v1-killed"

// killedValue is a value that proves itself: a number, filling of a length that
// depends on it, and a sum over both.
func killedValue(n int) []byte {
	text := strconv.Itoa(n) + " " + strings.Repeat("x", 500+n%7*900)
	sum := sha256.Sum256([]byte(text))
	return []byte(text + " " + hex.EncodeToString(sum[:]))
}

// TestRealKilledWriterChild writes one item again and again and says which
// writes have returned, until it is killed.
func TestRealKilledWriterChild(t *testing.T) {
	isChild(t, "kill")
	first, err := strconv.Atoi(os.Getenv("UNITTY_TEST_FIRST"))
	if err != nil {
		t.Fatal(err)
	}
	s := fileStore(t, os.Getenv("UNITTY_TEST_DIR"))
	fmt.Println("SAVED", first-1)
	for n := first; ; n++ {
		if err := s.Set(t.Context(), killedKey, killedValue(n)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("SAVED", n)
	}
}

// killWriter starts a writer, kills it after a random time that covers several
// writes, and gives the number of the last write that had returned.
func killWriter(t *testing.T, dir string, first int, wait time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestRealKilledWriterChild$", "-test.v") //nolint:gosec // our own test binary
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), realTask + "=kill", "UNITTY_TEST_DIR=" + dir, "UNITTY_TEST_FIRST=" + strconv.Itoa(first)}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	saved, started := -1, false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		number, ok := strings.CutPrefix(lines.Text(), "SAVED ")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			break // cut off by the kill
		}
		saved = n
		if !started {
			started = true
			time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || !started || ctx.Err() != nil {
		t.Fatalf("the writer was to be killed: %v, started %v", err, started)
	}
	return saved
}

// readKilled gives the number of the item that is there, first-1 for none.
func readKilled(t *testing.T, dir string, first int) int {
	t.Helper()
	got, err := fileStore(t, dir).Get(t.Context(), killedKey)
	if errors.Is(err, ErrNotFound) {
		return first - 1
	}
	if err != nil {
		t.Fatalf("the store cannot be read after a kill: %v", err)
	}
	number, _, _ := strings.Cut(string(got), " ")
	n, err := strconv.Atoi(number)
	if err != nil || string(got) != string(killedValue(n)) {
		t.Fatalf("the item is neither the old nor the new one: %.40q", got)
	}
	return n
}

// writeTime is how long one write takes here and now.
func writeTime(t *testing.T) time.Duration {
	t.Helper()
	s := fileStore(t, privateDir(t))
	if err := s.Set(t.Context(), killedKey, killedValue(0)); err != nil {
		t.Fatal(err)
	}
	const writes = 10
	begin := time.Now()
	for n := range writes {
		if err := s.Set(t.Context(), killedKey, killedValue(n)); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(begin)/writes + time.Microsecond
}

// TestRealKilledWriter kills writers of the file store with SIGKILL at random
// moments. What was acknowledged is there; at most the write that was under way
// came true on top of it; what is left behind is private and in nobody's way.
func TestRealKilledWriter(t *testing.T) {
	t.Parallel()
	need(t)
	dir, last, moved := privateDir(t), 0, 0
	long := 8 * writeTime(t)
	for range 44 {
		first := last + 1
		saved := killWriter(t, dir, first, time.Duration(rand.Int64N(int64(long)))) //nolint:gosec // no secret
		n := readKilled(t, dir, first)
		if n != saved && n != saved+1 {
			t.Fatalf("%d is there although %d was acknowledged last", n, saved)
		}
		if n > last {
			moved++
		}
		last = n
	}
	if moved == 0 || last < 10 {
		t.Fatalf("hardly anything was written (%d): the kills prove nothing", last)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(left, hidden...) {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s was left with mode %v", path, info.Mode())
		}
	}
	t.Logf("44 kills, %d writes, %d files left over", last, len(left)+len(hidden)-2)
}

// TestRealKilledWhileMakingTheStore kills writers that begin with an empty
// folder, so that the store's own key is half written at times.
func TestRealKilledWhileMakingTheStore(t *testing.T) {
	t.Parallel()
	need(t)
	empty, long := 0, 8*writeTime(t)
	for range 20 {
		dir := privateDir(t)
		saved := killWriter(t, dir, 1, time.Duration(rand.Int64N(int64(long)))) //nolint:gosec // no secret
		if n := readKilled(t, dir, 1); n != saved && n != saved+1 {
			t.Fatalf("%d is there although %d was acknowledged last", n, saved)
		} else if n == 0 {
			empty++
		}
		if err := Canary(t.Context(), fileStore(t, dir)); err != nil {
			t.Fatalf("the store cannot be used after a kill: %v", err)
		}
	}
	t.Logf("20 kills, %d of them before the first item", empty)
}
