package views_test

import (
	"testing"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/views"
)

// TestEveryActionIsInThePalette finds each action on rows by its id, wherever it belongs, and no two on one key.
func TestEveryActionIsInThePalette(t *testing.T) {
	t.Parallel()
	c := open(t, 140, 50, unitytest.Options{Seed: 1, Sites: 4, Endpoints: 40})
	for _, s := range views.Catalog() {
		if s.Title == "" || s.Help == "" {
			t.Errorf("%s has no words", s.ID)
		}
		c.Press(":")
		c.Type(s.ID)
		if !c.Has(s.Title) || !c.Has(s.ID) {
			t.Errorf("%s is not in the palette:\n%s", s.ID, c.Screen())
		}
		c.Press("esc")
	}
	if err := ui.CheckKeys(ui.Config{Catalog: views.Catalog(), Commands: c.env.Places()}); err != nil {
		t.Error(err)
	}
}
