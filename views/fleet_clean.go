package views

import (
	"errors"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

func cleanSpec() ui.Spec {
	return ui.Spec{ID: "endpoint.clean-duplicates", Title: "deactivate older records", Keys: []string{"X"}, Arity: ui.Many, Risk: ui.RiskDestroy, Hint: 19,
		Help: "In the list of duplicates: deactivates the records that a newer one of the same machine has replaced, of the machines that are chosen."}
}

// cleanAction deactivates the older records of the chosen machines and leaves the newest of each.
func (e *Env) cleanAction(t *twins) ui.Action[picture.Row] {
	return ui.Action[picture.Row]{Spec: cleanSpec(),
		Ready: func(sel ui.Selection[picture.Row]) string {
			if p := e.current(); p == nil || !p.Complete() {
				return "not all sites have been read, so a newer record may be hidden"
			}
			if len(t.older(sel.Items)) == 0 {
				return "no active record of these machines is older than another one"
			}
			return e.sendable(t.older(sel.Items))
		},
		Do: func(sel ui.Selection[picture.Row]) tea.Cmd {
			refs := t.older(sel.Items)
			op, err := dispatch.OperationByID("endpoint.deactivate", nil)
			if err == nil && len(refs) == 0 {
				err = errors.New("no record is older than another one of its machine")
			}
			if err != nil {
				return ui.Fail(err)
			}
			return e.proposeOn(cleanSpec().Title, op, choice{refs: refs})
		}}
}

// older gives, of the machines that rows stand for, the records that a newer one has replaced.
func (t *twins) older(rows []*picture.Row) []fleet.Ref {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shown == nil {
		return nil
	}
	taken := map[int]bool{}
	var records []change.Record
	for _, r := range rows {
		i, ok := t.shown.Group(*r)
		if !ok || taken[i] {
			continue
		}
		taken[i] = true
		for _, record := range t.shown.Groups[i] {
			records = append(records, change.Record{Ref: record.Ref(), Same: strconv.Itoa(i)})
		}
	}
	return change.OlderRecords(records)
}
