package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/unitty/unitty/ui"
)

func TestKeysPageIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../../keys.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, page()) {
		t.Fatal("docs/keys.md is stale: run `go run ./docs/gen/keys docs/keys.md` and commit it")
	}
}

func TestEveryActionIsOnThePageOnce(t *testing.T) {
	text := string(page())
	for _, s := range specs() {
		if n := strings.Count(text, "| `"+s.ID+"` |"); n != 1 {
			t.Errorf("%s is on the page %d times", s.ID, n)
		}
	}
}

func TestUnknownScopesAndBarsSurvive(t *testing.T) {
	text := string(render([]ui.Spec{{ID: "novel.act", Help: "Takes a|b.", Keys: []string{"|"}, Arity: ui.Many, Risk: ui.RiskDestroy}}, sections()))
	if want := "## novel\n"; !strings.Contains(text, want) {
		t.Errorf("no heading %q", want)
	}
	if want := "| `\\|` | `novel.act` | Takes a\\|b. | many | destroy |"; !strings.Contains(text, want) {
		t.Errorf("no row %q in %s", want, text)
	}
}
