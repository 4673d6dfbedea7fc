package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// keptJSON writes a machine of the picture on disk under the names of the API. The picture keeps the documented values only:
// what the server sent beside them, and its machine id, are left out; what the server left out stays missing.
func keptJSON(now func() time.Time) func(*fleet.Machine) ([]byte, error) {
	return func(m *fleet.Machine) ([]byte, error) {
		row := []unity.Extra{{Name: "EndpointId", Value: m.ID}, {Name: "HostName", Value: m.HostName}}
		add := func(there bool, name string, value any) {
			if there {
				row = append(row, unity.Extra{Name: name, Value: value})
			}
		}
		at := func(name string, t unity.Time) { add(t.Known() || t.Text() != "", name, t) }
		at("FirstSeen", m.FirstSeen)
		at("LastSeen", m.LastSeen)
		at("LastInfected", m.LastInfected)
		add(!m.AgentVersion.Empty(), "AgentVersion", m.AgentVersion)
		add(m.Deactivated.Known, "Deactivated", m.Deactivated.On)
		add(m.GroupID != "", "GroupId", m.GroupID)
		group, policy := nameOf(m.GroupName, m.Group), nameOf(m.PolicyName, m.Policy)
		add(!group.Empty(), "GroupName", group)
		add(m.PolicyID != "", "PolicyId", m.PolicyID)
		add(!policy.Empty(), "PolicyName", policy)
		row = append(row, machineExtras(m, now())...)
		return membersJSON(append(row, unity.Extra{Name: "ReadAt", Value: m.ReadAt.UTC()}))
	}
}

// nameOf is the name in the machine's own row, or else in the list that names are read from.
func nameOf(own, given unity.Text) unity.Text {
	if own.Empty() {
		return given
	}
	return own
}

// membersJSON writes an object whose keys stand in the given order.
func membersJSON(members []unity.Extra) ([]byte, error) {
	b := []byte{'{'}
	for i, x := range members {
		if i > 0 {
			b = append(b, ',')
		}
		for j, v := range []any{x.Name, x.Value} {
			raw, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", x.Name, err)
			}
			if j > 0 {
				b = append(b, ':')
			}
			b = append(b, raw...)
		}
	}
	return append(b, '}'), nil
}
