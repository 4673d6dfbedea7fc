package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/unitty/unitty/views"
)

// TestFavouritesOutliveTheProgram keeps favourites in a file that only its owner may read, and leaves a newer file alone.
func TestFavouritesOutliveTheProgram(t *testing.T) {
	set := &settings{paths: paths{Config: t.TempDir(), State: filepath.Join(t.TempDir(), "state"), Cache: t.TempDir()}}
	set.Profile = "main"
	book := openBook(set)
	book.Toggle(views.Place{ID: "s1", Name: "Harbour Dental"})
	book.Visit(views.Place{ID: "s2", Name: "Lakeside"})
	book.Flush()
	path := set.paths.places("main")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v", info.Mode())
	}
	again := openBook(set).Book()
	if len(again.Favourites) != 1 || again.Favourites[0].Name != "Harbour Dental" || len(again.Recent) != 1 || again.Recent[0].ID != "s2" {
		t.Errorf("read again: %+v", again)
	}
	newer := `{"format": 99, "favourites": [{"id": "x", "name": "y"}]}`
	if err := os.WriteFile(path, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	other := openBook(set)
	other.Toggle(views.Place{ID: "s1", Name: "Harbour Dental"})
	other.Flush()
	if raw, err := os.ReadFile(path); err != nil || string(raw) != newer {
		t.Errorf("a newer file was overwritten: %q, %v", raw, err)
	}
	if err := os.WriteFile(path, []byte(`{"format":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := openBook(set).Book(); len(got.Favourites) != 0 {
		t.Errorf("a broken file gave %+v", got)
	}
}

func TestSavedViewsComeFromTheConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	text := "version = 1\n[views.lost-laptops]\nwhere = \"type:pc host:laptop seen:>30d\"\nsort = \"-seen\"\n[views.broken]\nwhere = \"hosst:x\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	saved := c.savedViews()
	if len(saved) != 2 || saved[0].Name != "broken" || saved[1].Sort != "-seen" {
		t.Fatalf("saved views %+v", saved)
	}
	warnings := viewWarnings(&settings{config: c})
	if len(warnings) != 1 || !strings.Contains(warnings[0], `view "broken"`) || !strings.Contains(warnings[0], "column 1") {
		t.Fatalf("warnings %q", warnings)
	}
}
