package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

func TestIDsAndPathsGiveWayFirst(t *testing.T) {
	const (
		question = "scan 09034aab-85e8-4df1-a892-4a7ffafd28bf · Redwood Dental · seen 4 min ago"
		call     = "15:04:05 GET /service/api/console/gsm/B84F-0001/sites/77aa/endpoints"
		file     = "done: 3 rows written to ~/.local/state/unitty/exports/unitty-site-20261122-150000.csv"
	)
	for _, tc := range []struct {
		in   string
		w    int
		want string
	}{
		{question, 80, question},
		{question, 60, "scan 09034aab-85e8-4df1-a~ · Redwood Dental · seen 4 min ago"},
		{question, 40, "scan 09034aa~ · Redwood Dental · seen 4~"},
		{call, 40, "15:04:05 GET ~-0001/sites/77aa/endpoints"},
		{file, 80, "done: 3 rows written to ~al/state/unitty/exports/unitty-site-20261122-150000.csv"},
		{"a machine of FRONTDESK-02, and no word that is long", 20, "a machine of FRONTD~"},
	} {
		if got := shorten(tc.in, tc.w, "~"); got != tc.want || ansi.StringWidth(got) > tc.w {
			t.Errorf("in %d cells it is %q", tc.w, got)
		}
	}
}

func TestShortenedLinesAlwaysFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("ab/\\ -株\u0301ü·"))).Draw(t, "s")
		w := rapid.IntRange(0, 90).Draw(t, "w")
		got := shorten(s, w, "~")
		if ansi.StringWidth(got) > w {
			t.Fatalf("%q has %d cells of %d", got, ansi.StringWidth(got), w)
		}
		if ansi.StringWidth(s) <= w && got != s {
			t.Fatalf("%q fits and became %q", s, got)
		}
	})
}

func TestHomeIsWrittenShort(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	if h, err := os.UserHomeDir(); err != nil || h != home {
		t.Skip("this system does not take the home folder from HOME")
	}
	sep := string(filepath.Separator)
	for in, want := range map[string]string{
		filepath.Join(home, "a", "b.csv"): "~" + sep + "a" + sep + "b.csv",
		home + "-other" + sep + "b.csv":   home + "-other" + sep + "b.csv",
		home:                              home,
		"b.csv":                           "b.csv",
	} {
		if got := atHome(in); got != want {
			t.Errorf("%q becomes %q", in, got)
		}
	}
	if t.Setenv("HOME", ""); atHome(home) != home || strings.Contains(atHome("/x"), "~") {
		t.Error("a path was shortened where no home folder is known")
	}
}

func TestIDsInAddressesAreCut(t *testing.T) {
	for in, want := range map[string]string{
		"/service/api/console/gsm/B84F-0001-0002-0003-0004/sites/09034aab-85e8-4df1-a892-4a7ffafd28bf/groups": "/service/api/console/gsm/B84F-000~/sites/09034aab~/groups",
		"/a?machineId=4C3DD245E3B%3A%3A%3A4D5B775CCA893AAE18F06AAEE5C21A5F&pageSize=50":                       "/a?machineId=4C3DD245~&pageSize=50",
		"": "", "/": "/", "//a//": "//a//", "short": "short",
	} {
		if got := shortIDs(in, "~"); got != want {
			t.Errorf("%q becomes %q", in, got)
		}
	}
}
