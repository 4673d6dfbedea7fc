package views

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// keptAfter is how long somebody who opens a customer waits for the server before the picture is shown meanwhile.
const keptAfter = time.Second

// orKept reads rows of a site, and shows those of the picture where the server does not answer, so that a customer can be looked at
// offline too. While the server is known to be out of reach nobody waits for them, and at the first look not for long. Every page that
// load gives has to be an answer of the server.
func orKept[T any](e *Env, site unity.SiteID, load func(context.Context, func(ui.Page[T])) error, kept func(*picture.Chunk) []*T,
) func(context.Context, func(ui.Page[T])) error {
	var looked atomic.Bool
	return func(ctx context.Context, emit func(ui.Page[T])) error {
		show := func(problems ...string) {
			p := e.current()
			if p == nil {
				return
			}
			if c := p.Chunk(site); c != nil {
				rows := kept(c)
				emit(ui.Page[T]{Items: rows, Total: len(rows), Age: e.here(c.ReadAt()), Problems: problems})
			}
		}
		var mu sync.Mutex
		came, ended := false, false
		switch first := !looked.Swap(true); {
		case e.offline() != "":
			show(e.offlineSince())
		case first:
			late := time.AfterFunc(keptAfter, func() {
				mu.Lock()
				defer mu.Unlock()
				if !came && !ended {
					show()
				}
			})
			defer late.Stop()
		}
		err := load(ctx, func(p ui.Page[T]) {
			mu.Lock()
			defer mu.Unlock()
			came = true
			emit(p)
		})
		mu.Lock()
		defer mu.Unlock()
		ended = true
		if err != nil && !came && unanswered(err) {
			show()
		}
		return err
	}
}

// unanswered tells that the server said nothing on what it was asked for: it is out of reach, down or overloaded.
func unanswered(err error) bool {
	return errors.Is(err, unity.ErrUnreachable) || errors.Is(err, unity.ErrUnavailable) || errors.Is(err, unity.ErrRateLimited)
}

// keptMachines are the machines of a site as the picture has them.
func (e *Env) keptMachines(c *picture.Chunk) []*fleet.Machine {
	out := make([]*fleet.Machine, 0, c.Len())
	for i := range c.Len() {
		out = append(out, c.Row(i).Machine(e.StaleAfter))
	}
	return out
}

// keptGroups are the groups of a site that have machines, headed by the line for all of them.
func keptGroups(c *picture.Chunk) []*groupRow {
	out := []*groupRow{everyGroup()}
	seen := map[unity.GroupID]bool{}
	for i := range c.Len() {
		if row := c.Row(i); row.GroupID() != "" && !seen[row.GroupID()] {
			seen[row.GroupID()] = true
			out = append(out, &groupRow{unity.Group{ID: row.GroupID(), Name: row.Group()}})
		}
	}
	return out
}
