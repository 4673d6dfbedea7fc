package views

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestVersionRankOrdersLikeVersions compares the numbers that versions sort by with the comparison of versions.
func TestVersionRankOrdersLikeVersions(t *testing.T) {
	version := rapid.Custom(func(t *rapid.T) string {
		var parts []string
		for range rapid.IntRange(0, versionParts).Draw(t, "parts") {
			parts = append(parts, rapid.SampledFrom([]string{"0", "9", "36", "036", "31", "8", "1234", "32766", "x", "1a", ""}).Draw(t, "part"))
		}
		return strings.Join(parts, ".")
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := version.Draw(t, "a"), version.Draw(t, "b")
		if got, want := cmp.Compare(versionRank(a), versionRank(b)), compareVersions(a, b); got != want {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}

func TestVersionRankOfAbsurdVersions(t *testing.T) {
	huge := versionRank(fmt.Sprint("9.", strings.Repeat("9", 400)))
	if huge <= versionRank("9.0.36.40") || huge >= versionRank("10") {
		t.Errorf("a part of 400 digits ranks %d", huge)
	}
	if versionRank("1.2.3.4.5") != versionRank("1.2.3.4") {
		t.Error("a fifth part counts")
	}
}
