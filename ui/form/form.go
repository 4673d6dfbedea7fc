package form

import (
	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
)

// Model is a form. It is used through a pointer and inside the update loop only.
type Model struct {
	th     theme.Theme
	inputs []*input
	// at is the focused field; len(inputs) is the button, which exists when a field takes Enter for itself.
	at     int
	button bool
	busy   bool
	// top is the first line in view when the form is higher than its place.
	top int
	// cursorX and cursorY are where the last View drew the text cursor.
	cursorX, cursorY int
	cursorOn         bool
}

// New makes a form with the focus on its first field.
func New(fields []Field, th theme.Theme) *Model {
	m := &Model{th: th}
	for _, f := range fields {
		in := newInput(f)
		in.all = m.Values
		m.inputs = append(m.inputs, in)
		m.button = m.button || (f.Multiline && len(f.Options) == 0)
	}
	m.button = m.button || len(fields) == 0
	m.moveTo(0)
	return m
}

// Update handles a key or a paste. Tab, shift+tab, up and down move; Enter goes to the next field and sends the form from
// the last one. It reports true when the form was sent and nothing was found wrong; the values are then in Values.
// While the form is busy it does nothing. The command is for the caller to return; it may be nil.
func (m *Model) Update(msg tea.Msg) (cmd tea.Cmd, submitted bool) {
	if m.busy {
		return nil, false
	}
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		submitted = m.press(msg)
		if !submitted {
			m.recheck()
		}
		return nil, submitted
	case tea.PasteMsg:
		if in := m.focused(); in != nil {
			in.edit(msg)
		}
	}
	m.recheck()
	return nil, false
}

// recheck looks again at fields whose value may be right or wrong by what stands in another one.
func (m *Model) recheck() {
	for _, in := range m.inputs {
		if in.Check != nil && in.touched {
			in.check(false)
		}
	}
}

func (m *Model) press(msg tea.KeyPressMsg) (submitted bool) {
	in := m.focused()
	area := m.TakesLines()
	switch msg.String() {
	case "tab":
		m.step(1)
	case "shift+tab":
		m.step(-1)
	case "down":
		if !area || in.area.Line() == in.area.LineCount()-1 {
			m.step(1)
			return false
		}
		in.edit(msg)
	case "up":
		if !area || in.area.Line() == 0 {
			m.step(-1)
			return false
		}
		in.edit(msg)
	case "enter":
		if area {
			in.edit(msg)
			return false
		}
		if m.at < m.stops()-1 {
			m.step(1)
			return false
		}
		return m.submit()
	default:
		if in != nil {
			in.edit(msg)
		}
	}
	return false
}

// submit checks all fields and puts the focus on the first that is at fault.
func (m *Model) submit() bool {
	first := -1
	for i, in := range m.inputs {
		in.touched, in.remote = true, false
		in.check(true)
		if in.fault != "" && first < 0 {
			first = i
		}
	}
	if first >= 0 {
		m.moveTo(first)
		return false
	}
	return true
}

// Last reports whether Enter sends the form, since the focus is on its last field or on the button.
func (m *Model) Last() bool { return !m.TakesLines() && m.at == m.stops()-1 }

// TakesLines reports whether Enter begins a new line, since the focus is on a field of several lines.
func (m *Model) TakesLines() bool {
	in := m.focused()
	return in != nil && in.Multiline && !in.isChoice()
}

// Choosing reports whether the focus is on a field of choices.
func (m *Model) Choosing() bool {
	in := m.focused()
	return in != nil && in.isChoice()
}

// Stops is the number of places the focus can be at: the fields, and the button if there is one.
func (m *Model) Stops() int { return m.stops() }

// stops is the number of places the focus can be at.
func (m *Model) stops() int {
	if m.button {
		return len(m.inputs) + 1
	}
	return len(m.inputs)
}

func (m *Model) step(delta int) {
	n := m.stops()
	m.moveTo((m.at + delta + n) % n)
}

func (m *Model) moveTo(i int) {
	if in := m.focused(); in != nil {
		in.focus(false)
	}
	m.at = i
	if in := m.focused(); in != nil {
		in.focus(true)
	}
}

// focused is the field with the focus, or nil when that is on the button.
func (m *Model) focused() *input {
	if m.at < 0 || m.at >= len(m.inputs) {
		return nil
	}
	return m.inputs[m.at]
}

func (m *Model) find(id string) (int, *input) {
	for i, in := range m.inputs {
		if in.ID == id {
			return i, in
		}
	}
	return -1, nil
}

// Values returns what was entered, by field ID.
func (m *Model) Values() map[string]string {
	values := make(map[string]string, len(m.inputs))
	for _, in := range m.inputs {
		values[in.ID] = in.value()
	}
	return values
}

// Value returns what was entered into one field, "" for an unknown one.
func (m *Model) Value(id string) string {
	if _, in := m.find(id); in != nil {
		return in.value()
	}
	return ""
}

// SetValue replaces what was entered into a field; an unknown field or option changes nothing.
func (m *Model) SetValue(id, value string) {
	if _, in := m.find(id); in != nil {
		in.setValue(value)
		in.fault, in.remote, in.notice = "", false, ""
	}
}

// SetFault marks a field as wrong, as found elsewhere, say by the server. It stays until the user changes the value, and does
// not keep the form from being sent again; "" removes it.
func (m *Model) SetFault(id, text string) {
	if _, in := m.find(id); in != nil {
		in.fault, in.remote = text, text != ""
	}
}

// Fault returns what is wrong with a field, or "".
func (m *Model) Fault(id string) string {
	if _, in := m.find(id); in != nil {
		return in.fault
	}
	return ""
}

// Focus puts the focus on a field and reports whether there is such a one.
func (m *Model) Focus(id string) bool {
	i, in := m.find(id)
	if in == nil {
		return false
	}
	m.moveTo(i)
	return true
}

// Focused returns the ID of the field with the focus, "" when that is on the button.
func (m *Model) Focused() string {
	if in := m.focused(); in != nil {
		return in.ID
	}
	return ""
}

// SetBusy makes the form wait: it takes no input and is drawn muted, while what was sent is worked on.
func (m *Model) SetBusy(on bool) { m.busy = on }

// Busy reports whether the form waits.
func (m *Model) Busy() bool { return m.busy }

// SetTheme changes how the form is drawn.
func (m *Model) SetTheme(th theme.Theme) { m.th = th }

// ForgetSecrets empties all secret fields, for when the form leaves the screen.
func (m *Model) ForgetSecrets() {
	for _, in := range m.inputs {
		if in.Secret {
			in.setValue("")
		}
	}
}
