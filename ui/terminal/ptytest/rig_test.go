package ptytest

import (
	"slices"
	"testing"
)

// TestRig: what was kept for the end runs whatever happened, the last first, and the first failure is given.
func TestRig(t *testing.T) {
	var r Rig
	var did []string
	did1 := func(what string) func() { return func() { did = append(did, what) } }
	err := r.Apart(func() {
		r.Cleanup(did1("first"))
		r.Cleanup(func() { r.Fatalf("a failure of the end") })
		r.Cleanup(did1("last"))
		r.Fatalf("a failure of %s", "its own")
		did = append(did, "never")
	})
	if err == nil || err.Error() != "a failure of its own" || !slices.Equal(did, []string{"last", "first"}) {
		t.Errorf("%v, did %q", err, did)
	}
	var fine Rig
	if err := fine.Apart(func() { fine.Cleanup(did1("again")) }); err != nil || did[len(did)-1] != "again" {
		t.Errorf("%v, did %q", err, did)
	}
}
