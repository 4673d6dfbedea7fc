package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// confirm asks by risk, or wants the flags that stand for the answers where nobody can be asked.
func (a *app) confirm(p *dispatch.Plan, flags sendFlags) error {
	n := len(p.Targets)
	if flags.expect >= 0 && flags.expect != n {
		return refusedf("refused: %s would get the command, not the %d that --expect says%s; nothing was sent", dispatch.Machines(n), flags.expect, leftOut(p))
	}
	if n == 0 {
		return nil
	}
	if err := a.confirmIncomplete(p, flags); err != nil {
		return err
	}
	for _, question := range []func(*dispatch.Plan, sendFlags) error{a.confirmOpposed, a.confirmChanged, a.confirmForeign} {
		if err := question(p, flags); err != nil {
			return err
		}
	}
	risk := p.Risk()
	if !a.terminal {
		switch {
		case risk == dispatch.Destroy && (!flags.yes || flags.expect < 0):
			return refusedf("refused: %s needs --yes --expect %d", planWords(p), n)
		case risk == dispatch.Disrupt && !flags.yes:
			return refusedf("refused: %s interrupts somebody's work and needs --yes", p.Operation.Name)
		}
		a.warnPlan(p)
		return nil
	}
	if flags.yes && (risk != dispatch.Destroy || flags.expect == n) {
		a.warnPlan(p)
		return nil
	}
	return a.ask(p)
}

// leftOut says in brackets what a plan lacks of what was chosen: sites that could not be read, and machines that are skipped.
// "" for one that is whole.
func leftOut(p *dispatch.Plan) string {
	if len(p.Unread)+len(p.Skipped) == 0 {
		return ""
	}
	lines := p.Incomplete()
	for _, s := range p.Skipped {
		lines = append(lines, dispatch.Named(s.Ref)+": "+s.Reason)
	}
	return " (" + unity.Clean(firstFew(lines, 3)) + ")"
}

// confirmIncomplete asks about a plan that lacks machines which were chosen, whatever else was answered beforehand. Whoever
// gives the number of those that are left has been told.
func (a *app) confirmIncomplete(p *dispatch.Plan, flags sendFlags) error {
	n := len(p.Targets)
	switch {
	case len(p.Unread) == 0 || flags.yes && flags.expect == n:
		return nil
	case !a.terminal:
		return refusedf("refused: the plan is not whole%s; --yes --expect %d sends to the rest", leftOut(p), n)
	}
	_, _ = fmt.Fprintf(a.err, "Not all machines could be read again: %s.\nGo on with %s? y/N ", unity.Clean(firstFew(p.Incomplete(), 10)), dispatch.Machines(n))
	return a.goOn()
}

// confirmOpposed asks about machines for which the opposite is under way already, whatever else was answered beforehand: which
// of the two an agent obeys last is not known.
func (a *app) confirmOpposed(p *dispatch.Plan, flags sendFlags) error {
	switch {
	case len(p.Opposed) == 0 || flags.again:
		return nil
	case !a.terminal:
		return refusedf("refused: the opposite is under way already (%s); --again sends all the same", unity.Clean(firstFew(p.Opposed, 3)))
	}
	_, _ = fmt.Fprintf(a.err, "The opposite is under way already, and which one an agent obeys last is not known: %s.\nGo on? y/N ", unity.Clean(firstFew(p.Opposed, 10)))
	return a.goOn()
}

// firstFew joins the first lines of a list and counts the rest.
func firstFew(lines []string, n int) string {
	if len(lines) <= n {
		return strings.Join(lines, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(lines[:n], "; "), len(lines)-n)
}

// ask shows the plan on the terminal and asks as the screens do.
func (a *app) ask(p *dispatch.Plan) error {
	_, _ = fmt.Fprintf(a.err, "%s\n  console   %s\n", unity.Clean(p.Line()), unity.Clean(p.Console))
	for _, c := range p.Customers() {
		_, _ = fmt.Fprintf(a.err, "  customer  %s\n", unity.Clean(c))
	}
	for _, group := range []struct {
		name  string
		lines []string
	}{{"left out", p.Incomplete()}, {"found", p.Found()}, {"warning", p.Notices()}, {"stale", p.Stale}, {"skipped", skippedLines(p)}} {
		for i, line := range group.lines {
			if i == 10 {
				_, _ = fmt.Fprintf(a.err, "  %-9s … and %d more\n", group.name, len(group.lines)-10)
				break
			}
			_, _ = fmt.Fprintf(a.err, "  %-9s %s\n", group.name, unity.Clean(line))
		}
	}
	want, label := p.Typed()
	if want != "" {
		_, _ = fmt.Fprintf(a.err, "Type the %s (%s) to go on: ", label, unity.Clean(want))
		if answer, err := a.readLine(); err != nil || strings.TrimSpace(answer) != want {
			return refusedf("cancelled: nothing was sent")
		}
		return nil
	}
	_, _ = fmt.Fprintf(a.err, "Send? y/N ")
	return a.goOn()
}

// planWords names what is about to be done: "uninstall on 3 machines".
func planWords(p *dispatch.Plan) string {
	if p.Object != nil {
		return unity.Clean(p.Line())
	}
	return p.Operation.Name + " on " + dispatch.Machines(len(p.Targets))
}

func skippedLines(p *dispatch.Plan) []string {
	var out []string
	for _, s := range slices.Concat(p.Skipped, p.Unread) {
		out = append(out, s.Ref.Name()+": "+s.Reason)
	}
	return out
}
