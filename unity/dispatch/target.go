package dispatch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Binding is the console a plan was made for. A job never runs against another one.
type Binding struct {
	BaseURL string
	Key     unity.Keycode
	User    string
}

// Frozen is a list of targets as it was when the person chose: not empty, no id twice. It can only be made by Freeze.
type Frozen struct {
	binding Binding
	refs    []fleet.Ref
}

// ErrNoTargets is returned when there is nothing to act on.
var ErrNoTargets = errors.New("no machine is selected")

// Freeze makes a list of targets for one console.
func Freeze(b Binding, refs []fleet.Ref) (Frozen, error) {
	seen := map[unity.EndpointID]bool{}
	var out []fleet.Ref
	for _, r := range refs {
		if !unity.IsGUID(string(r.ID)) || !unity.IsGUID(string(r.Site)) {
			return Frozen{}, fmt.Errorf("%s has no usable id", r.Name())
		}
		r.ID = unity.EndpointID(strings.ToLower(string(r.ID))) // as the server's answers are read
		if !seen[r.ID] {
			seen[r.ID] = true
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return Frozen{}, ErrNoTargets
	}
	return Frozen{b, out}, nil
}

// Len is the number of targets.
func (f Frozen) Len() int { return len(f.refs) }

// Refs is a copy of the targets.
func (f Frozen) Refs() []fleet.Ref { return append([]fleet.Ref(nil), f.refs...) }
