package views_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestViewsSayWhatTheyAreAbout: a machine whose policy drifts stands beside the policy that is usual, and a customer over its seats
// beside the number that it is over.
func TestViewsSayWhatTheyAreAbout(t *testing.T) {
	sim := unitytest.New(unitytest.Options{Sites: 40, Endpoints: 1000, Seed: 5, AccessTTL: 24 * time.Hour})
	b := workbench(t, sim, 160, 40)
	b.press("7")
	rows, unmanaged := b.exported(b.press), 0
	for _, r := range rows {
		policy, usual := r["Policy"], r["Usual policy"]
		rest, un := strings.CutPrefix(usual, "unmanaged; usual: ")
		if un {
			unmanaged++
		}
		if policy == "" || rest == "" || policy == rest && !un {
			t.Errorf("%s has %q, usual is %q", r["Host"], policy, usual)
		}
	}
	if unmanaged == 0 || unmanaged == len(rows) {
		t.Errorf("of %d machines %d are unmanaged", len(rows), unmanaged)
	}
	b.press("8")
	b.want("Over v")
	rows = b.exported(b.press)
	for _, r := range rows {
		used, _ := strconv.Atoi(r["Used"])
		allowed, _ := strconv.Atoi(r["Allowed"])
		if over, err := strconv.Atoi(r["Over"]); err != nil || over <= 0 || over != used-allowed {
			t.Errorf("%s uses %d of %d, over by %q", r["Site"], used, allowed, r["Over"])
		}
	}
	if len(rows) == 0 {
		t.Error("no customer is over its seats: this says nothing")
	}
}
