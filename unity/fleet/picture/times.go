package picture

import (
	"time"

	"github.com/unitty/unitty/unity/fleet/selector"
)

// span is a range of instants, both ends in it.
type span struct{ from, to ticks }

// spans are the instants that an age asks for. An instant that never was is older than any age; it is asked for apart, as
// never.
func spans(t *selector.Test, now time.Time) (in []span, never bool) {
	const last = ticks(1<<63 - 1)
	for _, w := range t.Wants {
		if w.Never {
			never = true
			continue
		}
		at := now.Add(-w.Age)
		// Rows have steps of 100 ns, and the limit may lie between two steps.
		floor := ticksOf(at)
		ceil := floor
		if at.Nanosecond()%100 != 0 {
			ceil++
		}
		switch t.Op {
		case ">":
			in, never = append(in, span{1, ceil - 1}), true
		case ">=":
			in, never = append(in, span{1, floor}), true
		case "<":
			in = append(in, span{floor + 1, last})
		case "<=":
			in = append(in, span{max(ceil, 1), last})
		}
	}
	return in, never
}

// byAge compares instants of the past as numbers.
func byAge(t *selector.Test, of func(*Chunk, int) ticks, zeroIsUnknown bool) ask {
	return func(c *Chunk, m *memo, yes, unknown bitmap) {
		if m.spans == nil {
			m.spans, m.never = spans(t, m.now)
		}
		for i := range c.n {
			at := of(c, i)
			if at == 0 && zeroIsUnknown {
				unknown.set(i)
				continue
			}
			hit := at == 0 && m.never
			for _, s := range m.spans {
				hit = hit || at >= s.from && at <= s.to
			}
			if hit != t.Neg {
				yes.set(i)
			}
		}
	}
}
