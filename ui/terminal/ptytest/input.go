//go:build unix

package ptytest

import "time"

// keyGap is the time between two keys of Keys. Programs may drop keys that come closer together than a person can
// press them while a dialog is open, and a lone escape is told from alt by the pause after it.
const keyGap = 60 * time.Millisecond

// Keys presses keys one after the other, as a person would, by the names of Bubble Tea: "j", "enter", "ctrl+p",
// "shift+tab", "pgdown". An unknown name ends the test before any key is pressed. The pauses between keys lie between
// the keys only; wait for the screen afterwards.
func (t *Term) Keys(names ...string) {
	t.tb.Helper()
	parts, ok := t.encode(names)
	if !ok {
		return
	}
	for i, p := range parts {
		if i > 0 {
			<-time.After(keyGap)
		}
		t.in.put(p)
	}
}

// Burst sends keys in one write, faster than a person can press them: what a script or a stuck key does.
func (t *Term) Burst(names ...string) {
	t.tb.Helper()
	parts, ok := t.encode(names)
	if !ok {
		return
	}
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	t.in.put(all)
}

// encode turns names into bytes, or ends the test.
func (t *Term) encode(names []string) ([][]byte, bool) {
	t.tb.Helper()
	parts := make([][]byte, 0, len(names))
	for _, name := range names {
		p, err := encodeKey(name)
		if err != nil {
			t.tb.Fatalf("%v", err)
			return nil, false
		}
		parts = append(parts, p)
	}
	return parts, true
}

// Type sends text as typed characters in one write.
func (t *Term) Type(text string) { t.in.put([]byte(text)) }

// Paste sends text as a bracketed paste.
func (t *Term) Paste(text string) { t.in.put([]byte("\x1b[200~" + text + "\x1b[201~")) }

// Send sends bytes as they are: mouse reports, broken replies of odd terminals.
func (t *Term) Send(p []byte) { t.in.put(p) }
