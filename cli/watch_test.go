//go:build unix

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// watching is a `unitty watch` in another process, read line by line.
type watching struct {
	*exec.Cmd
	lines, errs *bufio.Reader
	out         io.Closer
}

// startWatch starts the verb and waits until it has read the console once.
func startWatch(t *testing.T, sim *testSim, args ...string) *watching {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "unitty", append([]string{"watch", "--every", "1s"}, args...)...) //nolint:gosec // the test's own arguments
	home := t.TempDir()
	cmd.Env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH"), "UNITTY_KEYRING=memory", "TZ=UTC", detector()}
	for _, kv := range sim.environment(unitytest.UserSuper) {
		cmd.Env = append(cmd.Env, kv[0]+"="+kv[1])
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &watching{Cmd: cmd, lines: bufio.NewReader(out), errs: bufio.NewReader(errs), out: out}
	for {
		line, err := w.errs.ReadString('\n')
		if err != nil {
			t.Fatalf("%v before the watching began", err)
		}
		if strings.Contains(line, "watching") {
			return w
		}
	}
}

func (w *watching) next(t *testing.T) watched {
	t.Helper()
	line, err := w.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("no line: %v", err)
	}
	var got watched
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return got
}

// code waits for the end.
func (w *watching) code(t *testing.T) int {
	t.Helper()
	_, _ = io.Copy(io.Discard, w.errs)
	err := w.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return w.ProcessState.ExitCode()
}

// TestWatch: what appears and leaves is one line of JSON each, at once, with few calls; an interrupt ends it with 130.
func TestWatch(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 6, Endpoints: 60, Seed: 3})
	site := plainSites(sim)[0].site
	w := startWatch(t, sim, "--where", "host:watched", "-o", "ndjson")
	sim.ResetLog()
	id, err := sim.InsertEndpoint(site.ID, "WATCHED-1")
	if err != nil {
		t.Fatal(err)
	}
	got := w.next(t)
	if got.Kind != watchAppeared || got.EndpointID != id || got.HostName != "WATCHED-1" || got.SiteID != site.ID || got.SiteName != site.Name || got.Time.IsZero() {
		t.Errorf("%+v", got)
	}
	if len(got.What) != 1 || got.What[0] != (difference{"Endpoint", "absent", "present"}) {
		t.Errorf("what changed: %+v", got.What)
	}
	if n := sim.count(`^GET \S+/sites/[^/]+/endpoints`); n > 2 {
		t.Errorf("%d lists of endpoints were read for one new machine", n)
	}
	// One that does not match makes no line.
	if err := sim.RemoveEndpoint(id); err != nil {
		t.Fatal(err)
	}
	elsewhere := plainSites(sim)[1].site.ID
	if _, err := sim.InsertEndpoint(elsewhere, "UNSEEN-1"); err != nil {
		t.Fatal(err)
	}
	other, err := sim.InsertEndpoint(elsewhere, "WATCHED-2")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for range 2 {
		line := w.next(t)
		seen[line.EndpointID] = line.Kind
	}
	if len(seen) != 2 || seen[id] != watchLeft || seen[other] != watchAppeared {
		t.Errorf("%v", seen)
	}
	if err := w.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := w.code(t); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
}

// TestWatchValues: a machine that goes on matching makes a line for the values that changed; one that a value takes out or
// brings in has left or appeared, with that value.
func TestWatchValues(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 3, Endpoints: 30, Seed: 3})
	m := plainSites(sim)[0].machines[0]
	report := func(change error) {
		t.Helper()
		if err := errors.Join(change, sim.Poll(m.ID)); err != nil {
			t.Fatal(err)
		}
	}
	all := startWatch(t, sim, "-o", "ndjson", "--where", "id:"+m.ID)
	infected := startWatch(t, sim, "-o", "ndjson", "--where", "status:infected id:"+m.ID)
	steps := []struct {
		change         func() error
		kind, from, to string
	}{
		{func() error { return sim.Infect(m.ID, "x.exe", "W32.Test") }, watchAppeared, "ok", "infected"},
		{func() error { return sim.Clean(m.ID) }, watchLeft, "infected", "ok"},
	}
	for _, step := range steps {
		report(step.change())
		for w, kind := range map[*watching]string{all: watchChanged, infected: step.kind} {
			got := w.next(t)
			if got.Kind != kind || got.EndpointID != m.ID || got.Status == nil || *got.Status != step.to {
				t.Errorf("%+v, want %s", got, kind)
			}
			if !slices.Contains(got.What, difference{"Status", step.from, step.to}) {
				t.Errorf("%+v does not say %s → %s", got.What, step.from, step.to)
			}
		}
	}
}

// TestWatchClosedPipe: when nobody reads the lines any more the verb ends, without a word and without waiting for a change.
func TestWatchClosedPipe(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 3, Endpoints: 20, Seed: 3})
	w := startWatch(t, sim)
	if err := w.out.Close(); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(w.errs)
	if len(rest) > 0 {
		t.Errorf("said %q", rest)
	}
	if code := w.code(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}
