package ui

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// keymap answers which keys an action has in this configuration.
type keymap struct {
	custom map[string][]string
	specs  map[string]Spec
}

func newKeymap(cfg Config) *keymap {
	m := &keymap{custom: cfg.Keys, specs: map[string]Spec{}}
	for _, s := range Builtins() {
		m.specs[s.ID] = s
	}
	return m
}

func (m *keymap) builtin(id string) Spec { return m.specs[id] }

// keys are the keys in force for the action.
func (m *keymap) keys(s Spec) []string {
	if k, ok := m.custom[s.ID]; ok {
		return k
	}
	return s.Keys
}

func (m *keymap) has(s Spec, key string) bool { return slices.Contains(m.keys(s), key) }

// label is the first key as shown in hints, or "".
func (m *keymap) label(s Spec) string {
	if k := m.keys(s); len(k) > 0 {
		return k[0]
	}
	return ""
}

// find returns the first command that the key stands for.
func (m *keymap) find(cmds []Command, key string) (Command, bool) {
	for _, c := range cmds {
		if m.has(c.Spec, key) {
			return c, true
		}
	}
	return Command{}, false
}

// keyName is the name of a key as the configuration writes it.
func keyName(k tea.KeyPressMsg) string { return k.String() }

func scopeOf(id string) string {
	s, _, _ := strings.Cut(id, ".")
	return s
}

// CheckKeys finds what is wrong with the keys of a configuration: unknown action ids, keys that must not be bound, key names
// nobody can press, and two actions on one key where both can be reached. The error names all of them, one a line.
func CheckKeys(cfg Config) error {
	c := keyCheck{map[string]Spec{}, map[string][]Spec{}, newKeymap(cfg), nil}
	c.collect(cfg)
	for _, id := range sortedKeys(cfg.Keys) {
		if _, ok := c.known[id]; !ok {
			c.fail("%q is not an action (unitty config --keys lists them)", id)
			continue
		}
		for _, k := range cfg.Keys[id] {
			c.checkKey(id, k)
		}
	}
	for _, chain := range c.chains() {
		c.checkChain(chain)
	}
	slices.Sort(c.faults)
	var errs []error
	for _, f := range slices.Compact(c.faults) {
		errs = append(errs, errors.New(f))
	}
	return errors.Join(errs...)
}

type keyCheck struct {
	known  map[string]Spec
	scopes map[string][]Spec
	keys   *keymap
	faults []string
}

func (c *keyCheck) fail(format string, args ...any) {
	c.faults = append(c.faults, "keys: "+fmt.Sprintf(format, args...))
}

func (c *keyCheck) add(scope string, s Spec) {
	if _, ok := c.known[s.ID]; ok {
		return
	}
	c.known[s.ID] = s
	c.scopes[scope] = append(c.scopes[scope], s)
	for _, k := range s.Keys {
		c.checkKey(s.ID, k)
	}
}

func (c *keyCheck) collect(cfg Config) {
	for _, s := range Builtins() {
		c.add(scopeOf(s.ID), s)
	}
	for _, cmd := range cfg.Commands {
		c.add("app", cmd.Spec)
	}
	for _, s := range cfg.Catalog {
		scope := scopeOf(s.ID)
		if s.Beside != "" {
			scope = s.Beside
		}
		c.add(scope, s)
	}
}

// closed are the scopes that hide all others.
func closed() []string {
	return []string{"filter", "pick", "form", "line", "dialog", "problem", "jobs"}
}

// typing are the scopes in which printable keys are text.
func typing() []string { return []string{"filter", "pick", "form"} }

// chains are the sets of actions that can be reached at the same time.
func (c *keyCheck) chains() [][]Spec {
	cancel := []Spec{c.known["app.cancel"]}
	var out [][]Spec
	for _, s := range closed() {
		out = append(out, slices.Concat(c.scopes[s], cancel))
	}
	base := slices.Concat(c.scopes["table"], c.scopes["pane"], c.scopes["app"])
	out = append(out, base)
	for scope, specs := range c.scopes {
		if scope == "table" || scope == "pane" || scope == "app" || slices.Contains(closed(), scope) {
			continue
		}
		others := base
		if scope == "board" {
			others = slices.DeleteFunc(slices.Clone(base), givesWay)
		}
		out = append(out, slices.Concat(specs, others))
	}
	return out
}

// givesWay tells of actions whose keys mean something else among numbers as long as there is a column on that side.
func givesWay(s Spec) bool { return s.ID == "table.open" || s.ID == "app.back" }

func (c *keyCheck) checkChain(chain []Spec) {
	owner := map[string]string{}
	for _, s := range chain {
		for _, k := range c.keys.keys(s) {
			other, taken := owner[k]
			switch {
			case !taken:
				owner[k] = s.ID
			case other != s.ID:
				a, b := min(other, s.ID), max(other, s.ID)
				c.fail("%s and %s are both on %q", a, b, k)
			}
		}
	}
}

// forbidden are prefixes of tmux and screen, flow control, keys that are other keys in disguise, and the bell that ends a reply of
// the terminal.
func forbidden() []string {
	return []string{"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q", "ctrl+g", "ctrl+h", "ctrl+m", "ctrl+i", "ctrl+j"}
}

func (c *keyCheck) checkKey(id, key string) {
	switch {
	case slices.Contains(forbidden(), key):
		c.fail("%s must not be on %q: terminals use that key for themselves", id, key)
	case !validKey(key):
		c.fail("%s: %q is not the name of a key", id, key)
	case slices.Contains(typing(), scopeOf(id)) && utf8.RuneCountInString(key) == 1:
		c.fail("%s must not be on %q: it would be text there", id, key)
	case key == "ctrl+c" && id != "app.cancel":
		c.fail("%s must not be on \"ctrl+c\": that key always cancels", id)
	}
}

func validKey(key string) bool {
	rest := key
	for {
		head, tail, ok := strings.Cut(rest, "+")
		if !ok || tail == "" || !slices.Contains([]string{"ctrl", "alt", "shift", "meta", "super", "hyper"}, head) {
			break
		}
		rest = tail
	}
	if utf8.RuneCountInString(rest) == 1 {
		r, _ := utf8.DecodeRuneInString(rest)
		return r > ' ' && r != 0x7f && r != utf8.RuneError
	}
	named := []string{"space", "enter", "esc", "tab", "backspace", "delete", "insert", "up", "down", "left", "right", "home", "end",
		"pgup", "pgdown"}
	if slices.Contains(named, rest) {
		return true
	}
	var n int
	_, err := fmt.Sscanf(rest, "f%d", &n)
	return err == nil && n >= 1 && n <= 24 && rest == fmt.Sprintf("f%d", n)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
