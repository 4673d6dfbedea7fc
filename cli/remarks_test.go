package cli

import (
	"bytes"
	"errors"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// TestRemarksCount: what a list does not show is said in good English, for one and for several.
func TestRemarksCount(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		hidden, unknown int
		want            string
	}{
		{0, 0, ""},
		{1, 1, "unitty: 1 site is not readable for this user\n" +
			"unitty: 1 machine is left out: what the selector asks (agent status, or a name) is not known of it for certain\n"},
		{2, 3, "unitty: 2 sites are not readable for this user\n" +
			"unitty: 3 machines are left out: what the selector asks (agent status, or a name) is not known of them for certain\n"},
	} {
		var said bytes.Buffer
		a := &app{err: &said}
		if err := a.remarks(&fleet.Fleet{Hidden: x.hidden}, x.unknown); err != nil || said.String() != x.want {
			t.Errorf("%q, not %q: %v", said.String(), x.want, err)
		}
	}
	var said bytes.Buffer
	f := &fleet.Fleet{Failed: []fleet.SiteError{{Name: unity.NewText("Harbour\x1b[2J"), Err: errors.New("gone\x1b")}}}
	if err := (&app{err: &said}).remarks(f, 0); exitCode(err) != exitPartly || bytes.ContainsRune(said.Bytes(), '\x1b') || !bytes.Contains(said.Bytes(), []byte(" is missing: gone")) {
		t.Errorf("%q, %v", said.String(), err)
	}
}
