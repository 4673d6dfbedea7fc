package ui_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/ui/uitest"
)

type machineID string

type machine struct {
	id         machineID
	name, site string
}

// world is a console of machines with what was sent to them.
type world struct {
	t        testing.TB
	mu       sync.Mutex
	machines []*machine
	sent     []string
	loads    int
	loadErr  error
	problems []string
	// outcome decides how sending to a machine ends.
	outcome func(name string) (ui.Outcome, string)
	// gate, when set, holds jobs back until it is closed or the job is cancelled.
	gate  chan struct{}
	marks *table.Marks[machineID]
	cfg   ui.Config
	// every is the refresh interval of lists.
	every time.Duration
	saved ui.Session
}

func newWorld(t testing.TB, n int) *world {
	t.Helper()
	w := &world{t: t, marks: table.NewMarks[machineID]()}
	for i := range n {
		w.machines = append(w.machines, &machine{machineID(fmt.Sprintf("id-%03d", i)), fmt.Sprintf("HOST-%03d", i), []string{"Harbour", "Lakeside"}[i%2]})
	}
	th, err := theme.New("", "", true)
	if err != nil {
		t.Fatal(err)
	}
	w.cfg = ui.Config{
		Version: "1", Theme: th, SyncOutput: "off", ExportDir: t.TempDir(),
		Header:      func() ui.Header { return ui.Header{Profile: "main", Console: "Acme MSP"} },
		Home:        func() ui.Screen { return ui.NewList(w.resource()) },
		Catalog:     w.catalog(),
		SaveSession: func(s ui.Session) { w.mu.Lock(); defer w.mu.Unlock(); w.saved = s },
		Explain: func(err error) ui.Problem {
			return ui.Problem{Title: "it failed", Text: err.Error(), RequestID: "req-77", Method: "GET", Path: "/machines", Status: 504}
		},
	}
	return w
}

func (w *world) catalog() []ui.Spec {
	var out []ui.Spec
	for _, a := range w.resource().Actions {
		out = append(out, a.Spec)
	}
	return out
}

func (w *world) resource() ui.Resource[machine, machineID] {
	return ui.Resource[machine, machineID]{
		Kind: "machine", Title: "Machines", Path: "/machines", Every: w.every, Depends: []string{"machines"},
		Key:  func(m *machine) machineID { return m.id },
		Name: func(m *machine) string { return m.name },
		Columns: []table.Column[machine]{
			{ID: "name", Title: "NAME", Min: 8, Max: 20, Text: func(m *machine) string { return m.name }},
			{ID: "site", Title: "SITE", Min: 8, Flex: 1, Priority: 1, Text: func(m *machine) string { return m.site }},
		},
		Sort: []table.SortKey{{Column: "name"}},
		Load: w.load,
		Enter: func(m *machine) tea.Cmd {
			return ui.Push(ui.NewDetail(w.resource(), m))
		},
		Detail: func(m *machine) []ui.Field {
			return []ui.Field{{Section: "Machine", Name: "Name", Value: m.name}, {Section: "Machine", Name: "Site", Value: m.site}}
		},
		Raw:   func(m *machine) []byte { return []byte(`{"HostName":"` + m.name + `"}`) },
		Marks: w.marks,
		Actions: []ui.Action[machine]{
			w.action("machine.scan", "scan", "s", ui.RiskChange),
			w.action("machine.restart", "restart", "R", ui.RiskDisrupt),
			w.action("machine.uninstall", "uninstall", "U", ui.RiskDestroy),
			{Spec: ui.Spec{ID: "machine.never", Title: "never", Help: "Is never ready.", Keys: []string{"N"}, Arity: ui.One},
				Ready: func(ui.Selection[machine]) string { return "the moon is not full" }, Do: func(ui.Selection[machine]) tea.Cmd { return nil }},
		},
		Empty: "no machines",
	}
}

func (w *world) load(ctx context.Context, emit func(ui.Page[machine])) error {
	w.mu.Lock()
	w.loads++
	items, err, problems := append([]*machine{}, w.machines...), w.loadErr, w.problems
	w.mu.Unlock()
	if err != nil {
		return err
	}
	emit(ui.Page[machine]{Items: items, Total: len(items), Problems: problems})
	return ctx.Err()
}

func (w *world) action(id, title, key string, risk ui.Risk) ui.Action[machine] {
	return ui.Action[machine]{
		Spec: ui.Spec{ID: id, Title: title, Help: "Does " + title + ".", Keys: []string{key}, Arity: ui.Many, Risk: risk, Hint: 5},
		Do: func(sel ui.Selection[machine]) tea.Cmd {
			return ui.Propose(title, func(context.Context) (ui.Plan, error) { return w.plan(id, title, risk, sel), nil })
		},
	}
}

func (w *world) plan(id, title string, risk ui.Risk, sel ui.Selection[machine]) ui.Plan {
	p := ui.Plan{Action: id, Title: title, Risk: risk, Console: "Acme MSP", Line: title + " " + sel.Items[0].name + " · " + sel.Items[0].site,
		Machines: len(sel.Items), Sites: 1, Hidden: sel.Hidden, Touches: []string{"machines"}}
	for _, m := range sel.Items {
		p.Names = append(p.Names, m.name)
	}
	if risk == ui.RiskDestroy {
		p.Type, p.TypeLabel = sel.Items[0].name, "host name"
	}
	p.Run = func(ctx context.Context, report func(ui.Job)) { w.run(ctx, title, sel.Items, report) }
	return p
}

func (w *world) run(ctx context.Context, title string, items []*machine, report func(ui.Job)) {
	done := func(ts []ui.Target, finished bool) {
		j := ui.Job{ID: "job-1", Title: title, Targets: append([]ui.Target{}, ts...), Started: time.Now()}
		if finished {
			j.Finished = time.Now()
		}
		report(j)
	}
	var ts []ui.Target
	for _, m := range items {
		ts = append(ts, ui.Target{Key: string(m.id), Name: m.name, Site: m.site, Outcome: ui.Waiting})
	}
	done(ts, false)
	if w.gate != nil {
		select {
		case <-w.gate:
		case <-ctx.Done():
			for i := range ts {
				ts[i].Outcome = ui.Cancelled
			}
			done(ts, true)
			return
		}
	}
	for i := range ts {
		ts[i].Outcome = ui.Sent
		if w.outcome != nil {
			ts[i].Outcome, ts[i].Reason = w.outcome(ts[i].Name)
		}
		if ts[i].Outcome == ui.Sent {
			w.mu.Lock()
			w.sent = append(w.sent, ts[i].Name)
			w.mu.Unlock()
		}
	}
	done(ts, true)
}

func (w *world) sentNames() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.sent, " ")
}

func (w *world) loadCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loads
}

func (w *world) start(width, height int) *uitest.Driver {
	w.t.Helper()
	if err := ui.CheckKeys(w.cfg); err != nil {
		w.t.Fatalf("keys: %v", err)
	}
	d := uitest.New(ui.New(w.cfg), width, height)
	w.t.Cleanup(func() {
		if err := d.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	})
	return d
}

func want(t *testing.T, d *uitest.Driver, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !d.Has(s) {
			t.Fatalf("the screen does not show %q:\n%s", s, d.Screen())
		}
	}
}

func wantNot(t *testing.T, d *uitest.Driver, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if d.Has(s) {
			t.Fatalf("the screen shows %q:\n%s", s, d.Screen())
		}
	}
}

// selected is the line that the real cursor stands on.
func selected(t *testing.T, d *uitest.Driver) string {
	t.Helper()
	_, y, ok := d.Cursor()
	if !ok {
		t.Fatalf("no cursor:\n%s", d.Screen())
	}
	return d.Line(y)
}

var errGateway = errors.New("504 gateway time-out")
