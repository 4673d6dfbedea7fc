package views_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
)

// TestAnEditNoticesWhatMovedMeanwhile has a colleague change fields while a form is open: one that the form changes too ends the
// edit with words, another one is neither sent nor shown as ours.
func TestAnEditNoticesWhatMovedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ colleague, words, sent string }{
		{`{"Seats":400}`, "Seats was changed by somebody else while the form was open", ""},
		{`{"Comments":"theirs"}`, "> 777", `{"Seats":777}`},
	} {
		c := tall(t)
		s := c.plainSite()
		c.Press("E")
		c.Settle()
		r, err := c.env.Client.EditSiteRequest(unity.SiteID(s.ID), json.RawMessage(tc.colleague))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.env.Client.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		before := len(c.changes())
		c.fillSeats(s, "777")
		c.want(tc.words)
		c.Press("y")
		c.Settle()
		if got := c.changes()[before:]; (tc.sent == "") != (len(got) == 0) || tc.sent != "" && !strings.HasSuffix(c.last(), tc.sent) {
			t.Errorf("%s: sent %v", tc.colleague, got)
		}
	}
}
