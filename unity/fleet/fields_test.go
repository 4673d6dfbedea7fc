package fleet

import (
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// TestStatusOfUnjoinedMachines: without a report it is known whether a machine is deactivated, and nothing else.
func TestStatusOfUnjoinedMachines(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }
	language := MachineLanguage(false, now, nil)
	active, gone := &Machine{}, &Machine{Endpoint: unity.Endpoint{Deactivated: unity.Bool{On: true, Known: true}}}
	for expr, want := range map[string][2]selector.Answer{
		"status:deactivated":                 {selector.No, selector.Yes},
		"!status:deactivated":                {selector.Yes, selector.No},
		"status:ok":                          {selector.Unknown, selector.No},
		"!status:ok":                         {selector.Unknown, selector.Yes},
		"status:infected|deactivated":        {selector.Unknown, selector.Yes},
		"status:infected|attention|stale|ok": {selector.Yes, selector.No},
	} {
		plan, err := language.Parse(expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]selector.Answer{plan.Eval(active, now()), plan.Eval(gone, now())}; got != want {
			t.Errorf("%s: active and deactivated give %v, want %v", expr, got, want)
		}
	}
}
