package picture

import (
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// judgeWords answers for each distinct text of a chunk, asking only about those that no chunk had before.
func (m *memo) judgeWords(into []selector.Answer, dict []word, say func(word) selector.Answer) []selector.Answer {
	into = into[:0]
	for _, v := range dict {
		into = append(into, m.judge(v, say))
	}
	return into
}

func (m *memo) judge(v word, say func(word) selector.Answer) selector.Answer {
	if m.words == nil {
		m.words = map[word]selector.Answer{}
	}
	a, ok := m.words[v]
	if !ok {
		a = say(v)
		m.words[v] = a
	}
	return a
}

// byLabel asks each distinct name of a group or policy once.
func byLabel(t *selector.Test, of func(*Chunk) *labels) ask {
	say := func(name word) selector.Answer { return t.SayText(unity.Clean(name.Value())) }
	return func(c *Chunk, m *memo, yes, unknown bitmap) {
		l := of(c)
		m.say = m.say[:0]
		for _, x := range l.dict {
			a := selector.Unknown
			if name, ok := x.known(); ok {
				a = m.judge(name, say)
			}
			m.say = append(m.say, a)
		}
		paint(m.say, &l.codes, c.n, yes, unknown)
	}
}

// byWord asks each distinct text of a report once.
func byWord(t *selector.Test, of func(*Chunk) *words) ask {
	say := func(x word) selector.Answer { return t.SayText(unity.Clean(x.Value())) }
	return func(c *Chunk, m *memo, yes, unknown bitmap) {
		w := of(c)
		m.say = m.judgeWords(m.say, w.dict, say)
		paint(m.say, &w.codes, c.n, yes, unknown)
		onlyJoined(c, yes, unknown)
	}
}

// byType asks each distinct kind of device once.
func byType(t *selector.Test) ask {
	say := func(x word) selector.Answer {
		kind := fleet.DeviceType(x.Value())
		if kind == "" {
			return selector.Unknown
		}
		return t.SayText(kind)
	}
	return func(c *Chunk, m *memo, yes, unknown bitmap) {
		m.say = m.judgeWords(m.say, c.device.dict, say)
		paint(m.say, &c.device.codes, c.n, yes, unknown)
	}
}

// askConsole stands in a table of answers for a report that names no version.
const askConsole selector.Answer = -1

// byVersion asks each distinct version once: the report's, and the console's where the report has none.
func byVersion(t *selector.Test) ask {
	say := func(x word) selector.Answer {
		if v := unity.Clean(x.Value()); v != "" {
			return t.SayText(v)
		}
		return selector.Unknown
	}
	return func(c *Chunk, m *memo, yes, unknown bitmap) {
		m.say = m.judgeWords(m.say, c.agent.dict, say)
		m.more = m.judgeWords(m.more, c.client.dict, say)
		for code, v := range c.client.dict {
			if strings.TrimSpace(v.Value()) == "" {
				m.more[code] = askConsole
			}
		}
		for i := range c.n {
			a := m.more[c.client.codes.at(i)]
			if a == askConsole {
				a = m.say[c.agent.codes.at(i)]
			}
			mark(a, i, yes, unknown)
		}
	}
}
