package picture

import (
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// healthFlags are what decides on the state of a machine, together with when it was seen.
const healthFlags = deactivated | joined | infected | infectedKnown | attention | threatened

// health is what flags say, for a machine that was seen then.
func (f flag) health(seen time.Time) fleet.Health {
	h := fleet.Health{Deactivated: f&deactivated != 0, Joined: f&joined != 0, Attention: f&attention != 0, Seen: seen,
		Infected: unity.Bool{On: f&infected != 0, Known: f&infectedKnown != 0}}
	if f&threatened != 0 {
		h.Threats = 1
	}
	return h
}

// healthTable has the answer for every machine there can be: by its flags, and by whether it has been silent too long. So a
// million machines are judged by the code that judges one, which is asked a few times only.
type healthTable[T any] struct {
	answers [2][healthFlags + 1]T
	// limit is the last instant that is too long ago.
	limit ticks
}

func newHealthTable[T any](now time.Time, staleAfter time.Duration, say func(h fleet.Health, silent bool) T) *healthTable[T] {
	if staleAfter <= 0 {
		staleAfter = fleet.DefaultStaleAfter
	}
	in, _ := spans(&selector.Test{Kind: selector.Age, Op: ">", Wants: []selector.Want{{Age: staleAfter}}}, now)
	t := &healthTable[T]{limit: in[0].to}
	for f := range healthFlags + 1 {
		t.answers[0][f] = say(f.health(now), false)
		t.answers[1][f] = say(f.health(time.Time{}), true)
	}
	return t
}

func (t *healthTable[T]) of(c *Chunk, i int) T {
	if c.seen(i) <= t.limit {
		return t.answers[1][c.flags[i]&healthFlags]
	}
	return t.answers[0][c.flags[i]&healthFlags]
}

// paintHealth marks the rows of a chunk by the answers for their health.
func paintHealth(t *healthTable[selector.Answer], c *Chunk, yes, unknown bitmap) {
	for w := range yes {
		var y, u uint64
		for i := w * 64; i < min(w*64+64, c.n); i++ {
			a := uint64(t.of(c, i)) //nolint:gosec // one of three small numbers
			y |= a >> 1 << (i & 63)
			u |= a & 1 << (i & 63)
		}
		yes[w], unknown[w] = y, u
	}
}

// byState judges rows by their state.
func (g *Grammar) byState(t *selector.Test) ask {
	staleAfter := g.staleAfter
	return func(c *Chunk, m *memo, yes, unknown bitmap) {
		if m.states == nil {
			m.states = newHealthTable(m.now, staleAfter, func(h fleet.Health, _ bool) selector.Answer {
				state, known := h.State(m.now, staleAfter)
				if !known {
					return t.SayPossible(fleet.States()[1:])
				}
				return t.SayText(state)
			})
		}
		paintHealth(m.states, c, yes, unknown)
	}
}
