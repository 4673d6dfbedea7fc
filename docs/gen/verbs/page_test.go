package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestVerbsPageIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../../verbs.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := page(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(want, []byte("\n### unitty command send\n")) {
		t.Error("a verb is missing from the page")
	}
	if !bytes.Equal(have, want) {
		t.Fatal("docs/verbs.md is stale: run `go run ./docs/gen/verbs docs/verbs.md` and commit it")
	}
}

func TestWalkReachesEveryVerbBelow(t *testing.T) {
	help := map[string]string{
		"":       "Top.\n\nAvailable Commands:\n  help        Help\n  site        Sites\n\nFlags:\n  -h\n",
		"site":   "Sites.\n\nAvailable Commands:\n  list        List\n\nGlobal Flags:\n  --x\n\nUse more.\n",
		"site a": "",
	}
	help["site list"] = "List.\n\nFlags:\n  --y\n\nGlobal Flags:\n  --x\n"
	var asked []string
	var b bytes.Buffer
	err := walk(&b, func(verb []string) (string, error) {
		name := strings.Join(verb, " ")
		asked = append(asked, name)
		return help[name], nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"", "site", "site list"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	text := b.String()
	for _, want := range []string{"## unitty\n", "## unitty site\n", "### unitty site list\n", "--y"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(text, "--x") {
		t.Error("global flags are repeated")
	}
}

func TestEmptyHelpIsAnError(t *testing.T) {
	var b bytes.Buffer
	if err := walk(&b, func([]string) (string, error) { return " \n", nil }, nil); err == nil {
		t.Error("no error")
	}
}
