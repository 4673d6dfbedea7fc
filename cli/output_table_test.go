//go:build unix

package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"github.com/unitty/unitty/unity/unitytest"
)

// onTerminal gives the lines that a verb prints on a terminal of some columns.
func onTerminal(t *testing.T, sim *testSim, home string, columns uint16, args ...string) []string {
	t.Helper()
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ours.Close() }()
	if err := pty.Setsize(theirs, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	printed := make(chan []byte)
	go func() {
		raw, _ := io.ReadAll(ours) // it ends with an error when the last writer is gone
		printed <- raw
	}()
	code, said := runInto(t, sim, home, theirs, args...)
	_ = theirs.Close()
	raw := <-printed
	if code != exitDone {
		t.Fatalf("%v: exit code %d, %s", args, code, said)
	}
	return strings.Split(strings.TrimRight(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n"), "\n")
}

// TestTablesFitTheTerminal: no line breaks, whatever the width; a pipe gets every column whole.
func TestTablesFitTheTerminal(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 3})
	home, of := t.TempDir(), plainSites(sim)[0]
	long := strings.Repeat("ABSURDLY-LONG-", 20)
	if _, err := sim.InsertEndpoint(of.site.ID, long); err != nil {
		t.Fatal(err)
	}
	for _, verb := range [][]string{{"endpoint", "list"}, {"endpoint", "list", "--columns", "host,id,site"}, {"find", "a"}, {"site", "list"}, {"usage"}, {"group", "list", "--site", of.site.Name},
		{"policy", "list"}, {"admin", "list"}, {"command", "list", "--site", of.site.Name}, {"config", "--keys"}} {
		var piped bytes.Buffer
		if code, said := runInto(t, sim, home, &piped, verb...); code != exitDone {
			t.Fatalf("%v: exit code %d, %s", verb, code, said)
		}
		whole := strings.Split(strings.TrimRight(piped.String(), "\n"), "\n")
		columns := len(strings.Fields(whole[0]))
		for _, width := range []uint16{40, 80, 120, 500} {
			lines := onTerminal(t, sim, home, width, verb...)
			if len(lines) != len(whole) {
				t.Errorf("%v at %d: %d lines, %d in a pipe", verb, width, len(lines), len(whole))
			}
			for _, line := range lines {
				if n := ansi.StringWidth(line); n >= int(width) {
					t.Errorf("%v at %d: a line of %d cells: %q", verb, width, n, line)
				}
			}
			now := len(strings.Fields(lines[0]))
			if strings.Fields(lines[0])[0] != strings.Fields(whole[0])[0] || now > columns || width == 500 && now != columns {
				t.Errorf("%v at %d has the heading %q, in a pipe %q", verb, width, lines[0], whole[0])
			}
		}
	}
	var piped bytes.Buffer
	if code, _ := runInto(t, sim, home, &piped, "endpoint", "list"); code != exitDone || !strings.Contains(piped.String(), long) {
		t.Errorf("a pipe does not get the whole name: exit code %d", code)
	}
}

// TestOneObjectOnANarrowTerminal: what has no room in a line is written one value a line, and nothing is lost.
func TestOneObjectOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 3})
	home, of := t.TempDir(), plainSites(sim)[0]
	heading := strings.Fields(onTerminal(t, sim, home, 500, "site", "show", of.site.Name)[0])
	lines := onTerminal(t, sim, home, 60, "site", "show", of.site.Name)
	if len(lines) != len(heading) {
		t.Fatalf("%d lines for %q: %q", len(lines), heading, lines)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, heading[i]) {
			t.Errorf("line %d is %q, not of %s", i, line, heading[i])
		}
	}
	if !strings.Contains(lines[0], of.site.Name) {
		t.Errorf("the name is cut: %q", lines[0])
	}
}
