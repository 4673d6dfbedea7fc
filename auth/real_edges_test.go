//go:build linux

package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The edges of a refresh, in the order in which it comes past them.
const (
	refreshLocked    = "lock held"
	refreshAhead     = "write ahead done"
	refreshMarked    = "pending mark saved"
	refreshAnswered  = "answer received"
	refreshSaved     = "successor saved"
	refreshPublished = "sidecar saved"
)

// dying kills this process when it comes to the edge.
type dying struct{ edge string }

func (d dying) reach(edge string) {
	if d.edge == edge {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// dyingStore is a file store whose user may die between two accesses.
type dyingStore struct {
	*FileStore
	dying
	sets int
}

func (s *dyingStore) Set(ctx context.Context, key string, data []byte) error {
	edge := refreshAhead
	if s.sets++; s.sets > 1 {
		edge = refreshSaved
	}
	err := s.FileStore.Set(ctx, key, data)
	s.reach(edge)
	return err
}

// dyingBlob is a sidecar whose user may die after a save, or before the first
// look under the lock.
type dyingBlob struct {
	blobStore
	dying
	loads, saves int
}

func (b *dyingBlob) load(ctx context.Context) ([]byte, error) {
	if b.loads++; b.loads > 1 {
		b.reach(refreshLocked) // the first load is made without the lock
	}
	return b.blobStore.load(ctx)
}

func (b *dyingBlob) save(ctx context.Context, data []byte) error {
	err := b.blobStore.save(ctx, data)
	if b.saves++; b.saves == 1 {
		b.reach(refreshMarked)
	} else {
		b.reach(refreshPublished)
	}
	return err
}

// dyingProvider is a token endpoint whose user may die with the answer in hand.
type dyingProvider struct {
	Provider
	dying
}

func (p dyingProvider) Refresh(ctx context.Context, c Client, rt Secret, scope []string) (Grant, error) {
	g, err := p.Provider.Refresh(ctx, c, rt, scope)
	p.reach(refreshAnswered)
	return g, err
}

// TestRealDyingRefreshChild refreshes once and is killed on the way.
func TestRealDyingRefreshChild(t *testing.T) {
	isChild(t, "refresh")
	d := dying{os.Getenv("UNITTY_TEST_EDGE")}
	dir, base, clk := os.Getenv("UNITTY_TEST_DIR"), os.Getenv("UNITTY_TEST_BASE"), &clock{}
	var ahead time.Duration
	if _, err := fmt.Sscan(os.Getenv("UNITTY_TEST_AHEAD"), (*int64)(&ahead)); err != nil {
		t.Fatal(err)
	}
	clk.jump(ahead)
	p, err := NewUnityProvider(base, "unitty/test", nil, clk.now)
	if err != nil {
		t.Fatal(err)
	}
	store := &dyingStore{FileStore: fileStore(t, dir), dying: d}
	e := setup{base: base, store: store, prov: dyingProvider{p, d}, dir: dir, clock: clk}.engine(t)
	e.chain.side = &dyingBlob{blobStore: e.chain.side, dying: d}
	_, err = e.Token(t.Context())
	t.Fatalf("the refresh came to its end: %v", err)
}

// TestRealRefreshKilledAtEveryEdge kills a process at every edge of a refresh.
// The next one goes on with the chain, and no refresh token is shown twice to the
// server. Only between the server's decision and the save is the chain lost, and
// then the next process says who was interrupted, where and when.
func TestRealRefreshKilledAtEveryEdge(t *testing.T) {
	need(t)
	srv, dir, clk := newTokenServer(t), privateDir(t), &clock{}
	first := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
	mustSignIn(t, first)
	for _, edge := range []string{refreshLocked, refreshAhead, refreshMarked, refreshAnswered, refreshSaved, refreshPublished} {
		t.Run(edge, func(t *testing.T) {
			clk.jump(299 * time.Second)
			_, _, reusedBefore := srv.counts()
			pid := killedRefresh(t, edge, srv.URL, dir, clk.off)
			next := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
			token, err := next.Token(t.Context())
			_, _, reused := srv.counts()
			if edge != refreshAnswered {
				srv.set(func() {
					if err != nil || !srv.access[token] || reused != reusedBefore {
						t.Errorf("%q, %v, %d reused", token, err, reused-reusedBefore)
					}
				})
				return
			}
			host, _ := os.Hostname()
			if want := fmt.Sprintf("pid %d, host %s, ", pid, host); !errors.Is(err, ErrNeedsLogin) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not hold %q", err, want)
			}
			mustSignIn(t, next)
		})
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*age*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// killedRefresh runs the child above and gives its process id.
func killedRefresh(t *testing.T, edge, base, dir string, ahead time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestRealDyingRefreshChild$", "-test.v") //nolint:gosec // our own test binary
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, realTask + "=refresh", "UNITTY_TEST_DIR=" + dir, "UNITTY_TEST_BASE=" + base, "UNITTY_TEST_EDGE=" + edge, fmt.Sprintf("UNITTY_TEST_AHEAD=%d", ahead)}
	out, err := cmd.CombinedOutput()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || !ok || status.Signal() != syscall.SIGKILL || ctx.Err() != nil {
		t.Fatalf("the refresh was to be killed: %v\n%s", err, out)
	}
	return cmd.Process.Pid
}

func TestWritersSweepWhatKilledOnesLeft(t *testing.T) {
	dir := privateDir(t)
	s := fileStore(t, dir)
	if err := s.Set(t.Context(), "v1-x-a", []byte("one")); err != nil {
		t.Fatal(err)
	}
	side := fileBlob{path: filepath.Join(dir, "v1-x.json")}
	if err := side.save(t.Context(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{".v1-x-a.age123": true, "v1-canary-0011.age": true, ".v1-canary-0011.age9": true, ".v1-x.json77": true,
		".v1-x-b.age123": false, ".v1-x-a.agexyz": false, "v1-y-a.age": false}
	long := time.Now().Add(-2 * leftover)
	for name := range names {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	young := filepath.Join(dir, ".v1-x-a.age55")
	if err := os.WriteFile(young, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Set(t.Context(), "v1-x-a", []byte("two")), side.save(t.Context(), []byte("{}"))); err != nil {
		t.Fatal(err)
	}
	for name, gone := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err != nil) != gone {
			t.Errorf("%s: gone %v, want %v", name, err != nil, gone)
		}
	}
	if _, err := os.Lstat(young); err != nil {
		t.Errorf("a write that may be under way was disturbed: %v", err)
	}
	if got, err := s.Get(t.Context(), "v1-x-a"); err != nil || string(got) != "two" {
		t.Errorf("%q %v", got, err)
	}
}
