package change

import (
	"fmt"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// DefaultGroup finds the group that machines of a site are in when nobody has put them elsewhere. The API does not mark it, so
// it is the one that is called so; when none or several are, the error is a fleet.AmbiguousError with all groups.
func DefaultGroup(groups []unity.Group) (*unity.Group, error) {
	var hits []*unity.Group
	for i := range groups {
		switch unity.Fold(groups[i].Name.Raw()) {
		case "default group", "default":
			hits = append(hits, &groups[i])
		}
	}
	if len(hits) == 1 {
		return hits[0], nil
	}
	e := &fleet.AmbiguousError{Kind: "group", Name: "the default group of the site"}
	for i := range groups {
		e.Candidates = append(e.Candidates, fmt.Sprintf("%s  %s", groups[i].ID, groups[i].Name))
	}
	if len(groups) == 0 {
		e.Why = "the site has no groups"
	}
	return nil, e
}
