package cli

import (
	"fmt"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// withoutChanged leaves out, where nobody can be asked, what is no longer as it was when it was chosen: machines that were renamed,
// deactivated or moved to another group. They stay in the result as skipped. A plan of which nothing is left is refused.
func (a *app) withoutChanged(p *dispatch.Plan) error {
	if a.terminal {
		return nil
	}
	if err := p.WithoutChanged(); err != nil {
		return err
	}
	if left := p.LeftOut(); len(left) > 0 && len(p.Targets) == 0 && len(p.Unread) == 0 {
		return refusedf("refused: %s; nothing was sent. Where it is meant all the same, name it by --endpoint", changedWords(left))
	}
	return nil
}

// changedWords names machines with what is different about each.
func changedWords(left []dispatch.Skip) string {
	lines := make([]string, len(left))
	for i, s := range left {
		lines[i] = dispatch.Named(s.Ref) + ": " + s.Reason
	}
	return unity.Clean(firstFew(lines, 3))
}

// confirmChanged asks on a terminal about machines that are no longer as they were when they were chosen, where --yes answers the
// other questions beforehand.
func (a *app) confirmChanged(p *dispatch.Plan, flags sendFlags) error {
	changed := p.Changed()
	if len(changed) == 0 || !a.terminal || !flags.yes {
		return nil
	}
	_, _ = fmt.Fprintf(a.err, "Not all machines are as they were when they were chosen: %s.\nGo on with %s? y/N ", changedWords(changed), dispatch.Machines(len(p.Targets)))
	return a.goOn()
}

// confirmForeign asks about machines that are to leave the console, whatever else was answered beforehand: a keycode of none of its
// sites may be a mistyped one.
func (a *app) confirmForeign(p *dispatch.Plan, flags sendFlags) error {
	switch {
	case p.Foreign == "" || flags.foreign, a.terminal && !flags.yes: // the plan's question names it
		return nil
	case !a.terminal:
		return refusedf("refused: %s; --foreign-keycode sends all the same", unity.Clean(p.Foreign))
	}
	_, _ = fmt.Fprintf(a.err, "%s.\nGo on? y/N ", unity.Clean(p.Foreign))
	return a.goOn()
}

// goOn reads the answer to a question; everything but y is a no.
func (a *app) goOn() error {
	if answer, err := a.readLine(); err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return refusedf("cancelled: nothing was sent")
	}
	return nil
}
