package form

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func billing(t *testing.T) *Model {
	return New([]Field{
		{ID: "cycle", Label: "Cycle", Options: []string{"m", "w"}, Labels: []string{"every month", "Weekly"}},
		{ID: "day", Label: "Day", Check: func(v string, all map[string]string) string {
			if all["cycle"] == "w" && len(v) > 1 || v == "" {
				return "a day of the " + all["cycle"]
			}
			return ""
		}},
	}, testTheme(t))
}

// TestAFieldIsCheckedAgainWhenAnotherChanges: what was right becomes wrong by the value of another field, and right again.
func TestAFieldIsCheckedAgainWhenAnotherChanges(t *testing.T) {
	m := billing(t)
	m.Focus("day")
	if m.Fault("day") != "" {
		t.Fatal("called wrong before anybody typed")
	}
	typed(t, m, "28")
	if m.Fault("day") != "" {
		t.Fatalf("28 is a day of a month: %q", m.Fault("day"))
	}
	m.Focus("cycle")
	press(t, m, "right")
	if m.Fault("day") != "a day of the w" {
		t.Fatalf("28 is no day of a week: %q", m.Fault("day"))
	}
	press(t, m, "left")
	if m.Fault("day") != "" {
		t.Fatalf("right again, but %q", m.Fault("day"))
	}
}

// TestAnEmptyFieldIsCheckedWhenTheFormIsSent: Check takes the place of Required.
func TestAnEmptyFieldIsCheckedWhenTheFormIsSent(t *testing.T) {
	m := billing(t)
	m.Focus("day")
	if press(t, m, "enter") {
		t.Fatal("sent without a day")
	}
	if m.Fault("day") == "" || m.Focused() != "day" {
		t.Fatalf("fault %q, focus on %q", m.Fault("day"), m.Focused())
	}
	typed(t, m, "7")
	if m.Fault("day") != "" || !press(t, m, "enter") {
		t.Fatalf("cannot be sent: %q", m.Fault("day"))
	}
}

// TestLabelsAreShownAndOptionsAreSent: a person reads and types the label, the value is the option.
func TestLabelsAreShownAndOptionsAreSent(t *testing.T) {
	m := billing(t)
	if view := ansi.Strip(m.View(60, 10)); !strings.Contains(view, "every month") {
		t.Fatalf("the label is not shown:\n%s", view)
	}
	press(t, m, "W")
	if m.Value("cycle") != "w" {
		t.Fatalf("value %q", m.Value("cycle"))
	}
	m.SetValue("cycle", "m")
	if m.Value("cycle") != "m" {
		t.Fatalf("value %q", m.Value("cycle"))
	}
}
