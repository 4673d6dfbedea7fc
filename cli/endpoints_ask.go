package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// askEach asks one by one for the agents' reports that no list tells, of the machines that a verb wants to know of, and says on
// standard error how many calls that took. What cannot be had stays unknown, as the verb says itself.
func (a *app) askEach(ctx context.Context, sess *session, f *fleet.Fleet, wanted func(*fleet.Machine) bool) error {
	seen := a.progress(sess.calls)
	asked, err := f.AskEach(ctx, sess.client, wanted)
	seen.end()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, unity.ErrUnauthenticated) {
		return err
	}
	if asked.Calls > 0 {
		_, _ = fmt.Fprintf(a.err, "unitty: %s for machines that share their name with others of their site; %s\n", numbered(asked.Calls, "call"), toldWords(asked))
	}
	if err != nil {
		_, _ = fmt.Fprintf(a.err, "unitty: asking for single machines ended early: %s\n", unity.Clean(err.Error()))
	}
	return nil
}

func toldWords(asked fleet.Asked) string {
	text := numbered(asked.Told, "report") + " could be told"
	if asked.Left > 0 {
		text += fmt.Sprintf(", and %s were not asked for: narrow by --site", numbered(asked.Left, "machine"))
	}
	return text
}

// chosen are the machines that a selector has, after those of which it could not be told for want of their agents' reports have
// been asked for one by one; unknown counts those of which it still cannot.
func (a *app) chosen(ctx context.Context, sess *session, f *fleet.Fleet, plan *selector.Plan[*fleet.Machine]) (rows []*fleet.Machine, unknown int, err error) {
	if rows, unknown = matching(f.Machines, plan, sess); unknown == 0 || !needs(plan.Fields(), statusFields) {
		return rows, unknown, nil
	}
	now := sess.client.Now()
	if err := a.askEach(ctx, sess, f, func(m *fleet.Machine) bool { return plan.Eval(m, now) == selector.Unknown }); err != nil {
		return nil, 0, err
	}
	rows, unknown = matching(f.Machines, plan, sess)
	return rows, unknown, nil
}
