package form

import (
	"slices"
	"strings"
	"unicode"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textarea"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// input is a field with what was entered.
type input struct {
	Field
	line textinput.Model
	area textarea.Model
	// option is the place of the chosen option.
	option int
	// touched is true once the user changed the value; before that nothing is called wrong.
	touched bool
	// fault is what is wrong; remote faults come from outside and stay until the value changes.
	fault  string
	remote bool
	// all gives the values of the whole form.
	all func() map[string]string
	// notice says what was done to the value without being asked.
	notice string
}

// title is the label, with the sign of what cannot stay empty.
func (in *input) title() string {
	if in.Required {
		return in.Label + " *"
	}
	return in.Label
}

// areaHeight is how many lines of a multi-line field are drawn.
const areaHeight = 5

func newInput(f Field) *input {
	in := &input{Field: f}
	switch {
	case len(f.Options) > 0:
		in.option = max(0, slices.Index(f.Options, f.Value))
	case f.Multiline:
		in.area = textarea.New()
		in.area.Prompt, in.area.ShowLineNumbers, in.area.CharLimit = "", false, 0
		in.area.KeyMap = areaKeys()
		// Soft wrapping is done when drawing; the editor only has to know lines.
		in.area.SetWidth(4096)
		in.area.MaxHeight = 0
		in.area.SetHeight(areaHeight)
		in.area.SetValue(f.Value)
	default:
		in.line = textinput.New()
		in.line.KeyMap = lineKeys()
		in.line.SetValue(f.Value)
		in.line.CursorEnd()
	}
	return in
}

// lineKeys are the editing keys without those that terminal multiplexers and flow control take, and without ctrl+v:
// the library would start a program of the desktop to read its clipboard. Terminals paste by themselves.
func lineKeys() textinput.KeyMap {
	k := textinput.DefaultKeyMap()
	k.CharacterForward.SetKeys("right")
	k.CharacterBackward.SetKeys("left")
	k.LineStart.SetKeys("home")
	k.Paste = key.NewBinding()
	k.AcceptSuggestion, k.NextSuggestion, k.PrevSuggestion = key.NewBinding(), key.NewBinding(), key.NewBinding()
	return k
}

func areaKeys() textarea.KeyMap {
	k := textarea.DefaultKeyMap()
	k.CharacterForward.SetKeys("right")
	k.CharacterBackward.SetKeys("left")
	k.LineStart.SetKeys("home")
	k.InsertNewline.SetKeys("enter")
	k.Paste, k.SelectAll, k.CopySelection = key.NewBinding(), key.NewBinding(), key.NewBinding()
	return k
}

func (in *input) isChoice() bool { return len(in.Options) > 0 }

// value is what was entered.
func (in *input) value() string {
	switch {
	case in.isChoice():
		return in.Options[in.option]
	case in.Multiline:
		return in.area.Value()
	default:
		return in.line.Value()
	}
}

func (in *input) setValue(v string) {
	switch {
	case in.isChoice():
		if i := slices.Index(in.Options, v); i >= 0 {
			in.option = i
		}
	case in.Multiline:
		in.area.SetValue(v)
	default:
		in.line.SetValue(v)
		in.line.CursorEnd()
	}
}

func (in *input) focus(on bool) {
	switch {
	case in.isChoice():
	case in.Multiline && on:
		_ = in.area.Focus()
	case in.Multiline:
		in.area.Blur()
	case on:
		// The command would start the blinking of a cursor that is drawn here, and that does not blink.
		_ = in.line.Focus()
	default:
		in.line.Blur()
	}
}

// edit passes a message to the editor and takes note of what it did.
func (in *input) edit(msg tea.Msg) {
	before := in.value()
	if paste, ok := msg.(tea.PasteMsg); ok {
		in.paste(paste.Content, before)
	} else {
		in.notice = ""
		in.pass(msg)
	}
	if in.Secret && !in.isChoice() && !in.Multiline {
		// A cursor inside a value that nobody sees would only mislead.
		in.line.CursorEnd()
	}
	if in.value() != before {
		in.touched, in.remote = true, false
		in.check(false)
	}
}

func (in *input) pass(msg tea.Msg) {
	switch {
	case in.isChoice():
		if press, ok := msg.(tea.KeyPressMsg); ok {
			in.choose(press)
		}
	case in.Multiline:
		in.area, _ = in.area.Update(msg)
	default:
		in.line, _ = in.line.Update(msg)
	}
}

// paste enters a pasted text without what copying tends to add around it. In the midst of a text only line breaks at
// the ends go, since a blank may be meant there.
func (in *input) paste(content, before string) {
	trimmed := strings.Trim(content, "\r\n")
	if before == "" {
		trimmed = trimPaste(content)
	}
	if in.isChoice() {
		in.setValue(trimmed)
		return
	}
	in.notice = ""
	if trimmed != content {
		in.notice = "trimmed"
	}
	in.pass(tea.PasteMsg{Content: trimmed})
}

// trimPaste removes outer blanks, line breaks, invisible marks and one pair of quotes.
func trimPaste(s string) string {
	outer := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}
	s = strings.TrimFunc(s, outer)
	for _, pair := range [][2]string{{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"“", "”"}, {"‘", "’"}} {
		if inner, ok := strings.CutPrefix(s, pair[0]); ok {
			if inner, ok = strings.CutSuffix(inner, pair[1]); ok {
				return strings.TrimFunc(inner, outer)
			}
		}
	}
	return s
}

// choose moves among the options: arrows and blank step, a letter goes to the next option that starts with it.
func (in *input) choose(press tea.KeyPressMsg) {
	n := len(in.Options)
	switch press.String() {
	case "right", "space", "l":
		in.option = (in.option + 1) % n
	case "left", "h":
		in.option = (in.option + n - 1) % n
	case "home":
		in.option = 0
	case "end":
		in.option = n - 1
	default:
		in.seek(press.Text)
	}
}

// label is what is shown for an option.
func (in *input) label(i int) string {
	if i < len(in.Labels) {
		return in.Labels[i]
	}
	return in.Options[i]
}

func (in *input) seek(text string) {
	if text == "" {
		return
	}
	n := len(in.Options)
	for step := 1; step <= n; step++ {
		i := (in.option + step) % n
		if strings.HasPrefix(strings.ToLower(in.label(i)), strings.ToLower(text)) {
			in.option = i
			return
		}
	}
}

// check notes what is wrong. A missing value is wrong only when the form is sent.
func (in *input) check(sending bool) {
	if in.remote {
		return
	}
	in.fault = ""
	v := in.value()
	switch {
	case in.Check != nil:
		if sending || in.touched {
			in.fault = in.Check(v, in.all())
		}
	case strings.TrimSpace(v) == "" && in.Required:
		if sending {
			in.fault = "needed"
		}
	case v == "" && !in.Required:
	case in.Validate != nil && (sending || in.touched):
		in.fault = in.Validate(v)
	}
}
