package ui_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
)

// TestTheQuestionKeepsTheCustomer of a machine that has an id only.
func TestTheQuestionKeepsTheCustomer(t *testing.T) {
	w := newWorld(t, 1)
	w.machines[0].name, w.machines[0].site = "09034aab-85e8-4df1-a892-4a7ffafd28bf", "Redwood Dental Practice"
	d := w.start(80, 24)
	d.Press("s")
	want(t, d, "scan 09034aa", "Redwood Dental Practice", "y send, any other key cancels")
}

// TestCallsShowWhatTheyDifferIn where there is no room for their whole paths.
func TestCallsShowWhatTheyDifferIn(t *testing.T) {
	w := newWorld(t, 1)
	w.cfg.Calls = func() []ui.Call {
		var out []ui.Call
		for i, end := range []string{"sites/09034aab-85e8-4df1-a892-4a7ffafd28bf/groups", "status?machineId=4C3DD245E3B%3A%3A%3A4D5B775CCA893AAE18F06AAEE5C21A5F"} {
			out = append(out, ui.Call{N: uint64(i + 1), At: time.Now(), Method: "GET", Status: 200, Took: time.Second, //nolint:gosec // small
				Path: "/service/api/console/gsm/B84F-0001-0002-0003-0004/" + end, RequestID: "11112222-3333-4444-5555-666677778888"})
		}
		return out
	}
	for _, width := range []int{80, 70} {
		d := w.start(width, 24)
		d.Press("L")
		want(t, d, "sites/09034aab~/groups", "status?machineId=4C3DD245~", "200  1000 ms")
	}
	d := w.start(200, 24)
	d.Press("L")
	want(t, d, "GET /service/api/console/gsm/B84F-0001-0002-0003-0004/sites/09034aab-85e8-4df1-a892-4a7ffafd28bf/groups", "11112222-3333-4444-5555-666677778888")
}

// TestAnExportedFileKeepsItsName in a message, and in the list of messages.
func TestAnExportedFileKeepsItsName(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	if h, err := os.UserHomeDir(); err != nil || h != home {
		t.Skip("this system does not take the home folder from HOME")
	}
	w := newWorld(t, 3)
	w.cfg.ExportDir = filepath.Join(home, ".local", "state", "unitty", "a-folder-of-a-long-name", "exports")
	d := w.start(80, 24)
	d.Press("e", "enter")
	d.Settle()
	files, err := os.ReadDir(w.cfg.ExportDir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	want(t, d, "3 rows written to ~", files[0].Name())
	d.Press("M")
	want(t, d, "3 rows written to ~", files[0].Name(), "enter copies a message")
	d.Press("enter")
	d.Settle()
	if got := d.Clipboard(); !strings.Contains(got, filepath.Join("~", ".local", "state", "unitty")) || !strings.HasSuffix(got, files[0].Name()) {
		t.Errorf("copied %q", got)
	}
}

// TestAnUnknownErrorSaysWhatItIs and not that something failed, twice.
func TestAnUnknownErrorSaysWhatItIs(t *testing.T) {
	w := newWorld(t, 1)
	w.cfg.Explain = nil
	d := w.start(80, 24)
	d.Deliver(ui.Fail(errors.New("the folder is full"))())
	want(t, d, "failed: the folder is full (")
	d.Press("d")
	want(t, d, "Problem", "the folder is full")
}

// TestHelpExplainsTheSigns of lists, where there is one.
func TestHelpExplainsTheSigns(t *testing.T) {
	d := newWorld(t, 3).start(80, 24)
	d.Press("?")
	want(t, d, "~ row changed by the last reading", "^ beside the headings: more rows above")
	d.Press("esc")
	d.Deliver(ui.Push(ui.NewText("Text", "nothing"))())
	d.Press("?")
	want(t, d, "Help")
	wantNot(t, d, "changed by the last reading")
}

// TestThePaletteBeginsWithWhatCanBeDone, and what is typed finds that before its namesake of another screen.
func TestThePaletteBeginsWithWhatCanBeDone(t *testing.T) {
	w := newWorld(t, 3)
	went := 0
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "go.policies", Title: "go to policies", Help: "Shows the policies."}, Do: func() tea.Cmd { went++; return nil }}}
	w.cfg.Catalog = append(w.cfg.Catalog, ui.Spec{ID: "site.policies", Title: "policies", Help: "Shows the policies of the site.", Keys: []string{"p"}, Beside: "elsewhere"})
	d := w.start(120, 100)
	d.Press(":")
	place := func(id string) int { return strings.Index(d.Screen(), "  "+id+" ") }
	for _, can := range []string{"machine.scan", "table.raw", "go.policies", "app.quit"} {
		for _, cannot := range []string{"machine.never", "table.problems", "app.profile", "site.policies"} {
			if a, b := place(can), place(cannot); a < 0 || b < 0 || a > b {
				t.Errorf("%s at %d, which can be done, stands behind %s at %d, which cannot", can, a, cannot, b)
			}
		}
	}
	want(t, d, "site.policies")
	d.Type("policies")
	want(t, d, "site.policies")
	d.Press("enter")
	if went != 1 {
		t.Errorf("enter did not go to the policies\n%s", d.Screen())
	}
}

// TestSignsAreDrawnInASCII with signs of ASCII, names keep their letters, and what is to be typed may be typed as it is shown.
func TestSignsAreDrawnInASCII(t *testing.T) {
	for glyphs, sep := range map[string]string{"ascii": " - ", "unicode": " · "} {
		w := newWorld(t, 1)
		w.machines[0].name, w.machines[0].site = "TILL · 1", "Paral·lel"
		th, err := theme.New("", glyphs, true)
		if err != nil {
			t.Fatal(err)
		}
		w.cfg.Theme = th
		d := w.start(80, 24)
		want(t, d, "1 row"+sep+"just read", "TILL"+sep+"1", "Paral·lel")
		if title := d.Root.View().WindowTitle; title != "unitty"+sep+"main" {
			t.Errorf("the title is %q", title)
		}
		d.Press("U")
		want(t, d, "type the host name to confirm: TILL"+sep+"1", "uninstall TILL"+sep+"1"+sep+"Paral·lel")
		d.Press("backspace")
		d.Type("TILL - 2")
		d.Press("enter")
		if w.sentNames() != "" {
			t.Fatal("sent for another name")
		}
		d.Press("backspace")
		d.Type("1")
		d.Press("enter")
		d.Settle()
		if sent := w.sentNames() != ""; sent != (glyphs == "ascii") {
			t.Errorf("%s: sent %v", glyphs, sent)
		}
	}
}
