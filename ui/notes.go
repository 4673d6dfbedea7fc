package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// fadeAfter is how long a message of success stays.
const fadeAfter = 4 * time.Second

// How long warnings stay that nobody has to act on: remarks on a key, and what is said once at the start.
const (
	remarkFor = 8 * time.Second
	warnedFor = 30 * time.Second
)

// notesKept bounds the history of messages.
const notesKept = 200

type fadeMsg struct{ n uint64 }

// note is one message.
type note struct {
	n       uint64
	at      time.Time
	level   Level
	text    string
	problem *Problem
	shown   bool
	times   int
	// brief is true for what goes with the next key, fades for what goes by itself.
	brief, fades bool
}

// notes are the messages: those on the screen and the history.
type notes struct {
	all []note
	n   uint64
}

func (l Level) tone() theme.Tone {
	switch l {
	case Good:
		return theme.Good
	case Warn:
		return theme.Warn
	case Bad:
		return theme.Bad
	default:
		return theme.Info
	}
}

func (l Level) word() string {
	switch l {
	case Good:
		return "done"
	case Warn:
		return "warning"
	case Bad:
		return "failed"
	default:
		return "note"
	}
}

// add shows a message. The same message again is counted instead of shown twice.
func (s *notes) add(e *env, m toastMsg) tea.Cmd {
	s.n++
	x := note{n: s.n, at: e.now(), level: m.level, text: strings.TrimSpace(strings.ReplaceAll(clean(m.text), "\n", " ")), problem: m.problem, shown: true, times: 1,
		brief: m.brief}
	life := m.life
	switch {
	case life > 0:
	case m.brief:
		life = remarkFor
	case m.level < Warn:
		life = fadeAfter
	}
	x.fades = life > 0
	if last := len(s.all) - 1; last >= 0 && s.all[last].shown && s.all[last].text == x.text && s.all[last].level == x.level {
		x.times += s.all[last].times
		s.all = s.all[:last]
	}
	s.all = append(s.all, x)
	if len(s.all) > notesKept {
		s.all = s.all[len(s.all)-notesKept:]
	}
	if !x.fades {
		return nil
	}
	return after(life, fadeMsg{x.n})
}

func (s *notes) fade(n uint64) {
	for i := range s.all {
		if s.all[i].n == n {
			s.all[i].shown = false
		}
	}
}

// settle takes off what would have faded, since its timers end with the epoch.
func (s *notes) settle() {
	for i := range s.all {
		if s.all[i].fades {
			s.all[i].shown = false
		}
	}
}

// passed takes remarks on the key before off the screen.
func (s *notes) passed() {
	for i := range s.all {
		if s.all[i].brief {
			s.all[i].shown = false
		}
	}
}

func (s *notes) dismiss() {
	for i := range s.all {
		s.all[i].shown = false
	}
}

// latest is the newest problem with details, or nil.
func (s *notes) latest() *Problem {
	for i := len(s.all) - 1; i >= 0; i-- {
		if s.all[i].problem != nil {
			return s.all[i].problem
		}
	}
	return nil
}

// lines draws the newest messages, the newest last, right above the footer. inForce tells whether a key of the shell works now.
func (s *notes) lines(e *env, w, most int, inForce func(id string) bool) []string {
	var out []string
	for i := len(s.all) - 1; i >= 0 && len(out) < most; i-- {
		x := s.all[i]
		if !x.shown {
			continue
		}
		text := x.level.word() + ": " + x.text
		if x.times > 1 {
			text += " (" + group(x.times) + " times)"
		}
		var keys []string
		if !x.fades && inForce("app.dismiss") {
			keys = append(keys, e.keys.label(e.keys.builtin("app.dismiss"))+" dismiss")
		}
		if !x.fades && x.problem != nil && inForce("app.problem") {
			keys = append(keys, e.keys.label(e.keys.builtin("app.problem"))+" details")
		}
		tail := ""
		if len(keys) > 0 {
			tail = " (" + strings.Join(keys, ", ") + ")"
		}
		if ansi.StringWidth(tail) > w/2 {
			tail = ""
		}
		text = shorten(text, max(w-ansi.StringWidth(tail), 0), e.th.Glyphs.Ellipsis) + tail
		out = append([]string{e.th.Paint(x.level.tone(), fit(text, w, ""))}, out...)
	}
	return out
}

// messages lists all messages, the newest first; Enter shows details or the whole text.
func (r *Root) messages() tea.Cmd {
	var items []item
	byID := map[string]note{}
	for i := len(r.notes.all) - 1; i >= 0; i-- {
		x := r.notes.all[i]
		id := itoa(int(x.n)) //nolint:gosec // a count of messages in one run
		byID[id] = x
		items = append(items, item{id: id, title: x.at.Format("15:04:05") + " " + x.level.word() + ": " + x.text, tone: x.level.tone()})
	}
	p := newPicker(r.e, "Messages", items, func(it item) tea.Cmd {
		x := byID[it.id]
		if x.problem != nil {
			return Show(*x.problem)
		}
		return Copy("the message", x.text)
	})
	p.empty, p.note, p.wide = "there was no message yet", "enter copies a message, or shows the details of a problem", 100
	return r.openOver(p)
}

type copiedMsg struct {
	cmd  tea.Cmd
	text string
}
