//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// startBudget is how many times as long as an empty program the first useful screen may take.
const startBudget = 1.5

// visitPatience bounds the wait for the first snapshot.
const visitPatience = time.Minute

// startRows measures the time from the start of the program to a screen that is of use, with and without a snapshot.
func startRows(ctx context.Context, b *bench) error {
	bin, err := b.program(ctx)
	if err != nil {
		return err
	}
	empty, err := b.build(ctx, "emptytea", "github.com/unitty/unitty/cli/testdata/emptytea")
	if err != nil {
		return err
	}
	n := 50_000
	if b.quick {
		n = 10_000
	}
	w, err := serve(ctx, unitytest.Options{Sites: n / perSite, Endpoints: n, Latency: 80 * time.Millisecond})
	if err != nil {
		return err
	}
	defer w.close()
	home, err := b.home("home-with-snapshot")
	if err != nil {
		return err
	}
	env, err := b.storeOf(w, home)
	if err != nil {
		return err
	}
	name := firstSite(w)
	if err := b.firstVisit(ctx, bin, home, env, n); err != nil {
		return err
	}
	fresh, err := b.home("home-without")
	if err != nil {
		return err
	}
	base, err := b.firstScreens(ctx, empty, []string{"HOME=" + fresh}, "painted")
	if err != nil {
		return err
	}
	cold, err := b.firstScreens(ctx, bin, w.environment(fresh), name)
	if err != nil {
		return err
	}
	b.add(row{name: fmt.Sprintf("start, no snapshot, %s endpoints, 80 ms a call", count(n)), value: ms(cold), unit: unitMS, yardstick: "empty program", yard: ms(base),
		note: "sign-in and the list of sites over the network"})
	warm, err := b.firstScreens(ctx, bin, env, name)
	if err != nil {
		return err
	}
	b.add(row{name: fmt.Sprintf("start, snapshot of %s endpoints", count(n)), value: ms(warm), unit: unitMS, yardstick: "empty program", yard: ms(base), budget: startBudget})
	return nil
}

// firstSite is how the first row of the list of sites begins.
func firstSite(w *world) string {
	var names []string
	for _, s := range w.sim.World().Sites {
		names = append(names, s.Name)
	}
	first := slices.MinFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	// A narrow column cuts long names.
	return first[:min(len(first), 8)]
}

// storeOf is the environment of a program with a secret store on disk, which a snapshot needs for its key.
func (b *bench) storeOf(w *world, home string) ([]string, error) {
	pass := filepath.Join(home, "passphrase")
	if err := os.WriteFile(pass, []byte("of no use to anybody\n"), 0o600); err != nil {
		return nil, err
	}
	return append(w.environment(home), "UNITTY_KEYRING=file", "UNITTY_KEYRING_PASSPHRASE_FILE="+pass), nil
}

// firstVisit lets the program read the whole console once, until it has left a snapshot of n machines.
func (b *bench) firstVisit(ctx context.Context, bin, home string, env []string, n int) error {
	t, err := start(ctx, 100, 30, env, bin)
	if err != nil {
		return err
	}
	defer t.stop()
	for range visitPatience / settle {
		if err := pause(ctx, settle); err != nil {
			return err
		}
		found, err := filesBelow(filepath.Join(home, "cache"))
		if err != nil || found > n {
			return err
		}
	}
	return fmt.Errorf("there is no snapshot after %s:\n%s", visitPatience, t.text())
}

// filesBelow is the number of bytes in the files of a folder.
func filesBelow(dir string) (int, error) {
	sum := 0
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was being replaced
		}
		if err == nil {
			sum += int(info.Size())
		}
		return err
	})
	return sum, err
}

// firstScreens starts a program several times and gives the middle of the times until a text is on the screen.
func (b *bench) firstScreens(ctx context.Context, bin string, env []string, text string) (time.Duration, error) {
	var all []time.Duration
	for range b.times() {
		began := time.Now()
		t, err := start(ctx, 100, 30, env, bin)
		if err != nil {
			return 0, err
		}
		err = t.await(ctx, 30*time.Second, fmt.Sprintf("text %q", text), func(s string) bool { return strings.Contains(s, text) })
		all = append(all, time.Since(began))
		t.stop()
		if err != nil {
			return 0, err
		}
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}
