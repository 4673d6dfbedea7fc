package dispatch

import (
	"context"
	"fmt"
	"sort"
	"sync/atomic"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Plan is what will be done: shown in the dialog, printed by --dry-run, carried out by Run.
type Plan struct {
	Operation Operation
	Binding   Binding
	// Console is the console's name as read from the server.
	Console string
	Targets []fleet.Ref
	Skipped []Skip
	// Warnings are sentences about the whole or about single machines; Stale names the silent ones.
	Warnings []string
	Stale    []string
	// Batches are the exact requests.
	Batches []Batch
	// MadeAt is the time of the plan by the server's clock.
	MadeAt time.Time
	// before holds the like commands that were there already, for telling afterwards whether ours arrived. A site whose
	// list could not be read is not in it.
	before map[unity.SiteID]known
	// ran is 1 once the plan is being carried out: what was confirmed once is sent once.
	ran atomic.Int32
}

// Skip is a machine that was chosen but is left out, and why.
type Skip struct {
	Ref    fleet.Ref
	Reason string
}

// Batch is one request for machines of one site.
type Batch struct {
	Targets unity.Targets
	Refs    []fleet.Ref
	Request unity.Request
}

// PlanOptions say how a plan is made.
type PlanOptions struct {
	// Sites are what is known of the sites; those that are missing are read.
	Sites []unity.Site
	// Console is the console's name; "" means that it is read.
	Console string
	// Again also sends where the same command is still open.
	Again bool
	// BatchSize is the number of ids per request; 0 means 100, and 25 for what destroys.
	BatchSize int
}

// Batch sizes.
const (
	batchSize        = 100
	batchSizeDestroy = 25
)

// Make plans an operation. It reads the targets again where the risk or the number asks for it, reads the touched
// sites' open commands, and builds the requests.
func Make(ctx context.Context, c *unity.Client, op Operation, targets Frozen, o PlanOptions) (*Plan, error) {
	if targets.Len() == 0 {
		return nil, ErrNoTargets
	}
	if targets.binding.Key != c.Key() || targets.binding.BaseURL != c.BaseURL() {
		return nil, fmt.Errorf("the machines were chosen on another console than the one in use")
	}
	p := &Plan{Operation: op, Binding: targets.binding, Console: o.Console, MadeAt: c.Now(), before: map[unity.SiteID]known{}}
	if p.Console == "" {
		console, err := c.Console(ctx)
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		p.Console = console.Name.String()
	}
	m := maker{client: c, plan: p, options: o}
	refs := targets.Refs()
	if op.Asks(len(refs)) >= Disrupt {
		var err error
		if refs, err = m.reread(ctx, refs); err != nil {
			return nil, err
		}
	}
	if err := m.sites(ctx, refs); err != nil {
		return nil, err
	}
	refs, err := m.openCommands(ctx, refs)
	if err != nil {
		return nil, err
	}
	m.stale(refs)
	p.Targets = refs
	return p, m.batches(refs)
}

// Sites counts the sites that are touched.
func (p *Plan) Sites() int {
	seen := map[unity.SiteID]bool{}
	for _, t := range p.Targets {
		seen[t.Site] = true
	}
	return len(seen)
}

// Customers lists the touched sites with their numbers of machines, the largest first.
func (p *Plan) Customers() []string {
	type customer struct {
		name string
		n    int
	}
	by := map[unity.SiteID]*customer{}
	var order []*customer
	for _, t := range p.Targets {
		if by[t.Site] == nil {
			by[t.Site] = &customer{name: siteLabel(t)}
			order = append(order, by[t.Site])
		}
		by[t.Site].n++
	}
	sort.SliceStable(order, func(i, j int) bool { return order[i].n > order[j].n })
	out := make([]string, len(order))
	for i, c := range order {
		out[i] = fmt.Sprintf("%s · %s", c.name, Machines(c.n))
	}
	return out
}

func siteLabel(r fleet.Ref) string {
	if r.SiteName.Empty() {
		return string(r.Site)
	}
	return r.SiteName.String()
}

// Machines words a number of machines.
func Machines(n int) string { return count(n, "machine") }

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// Line is the plan in one line: "scan FRONTDESK-02 · Harbour Dental · seen 4 min ago".
func (p *Plan) Line() string {
	if len(p.Targets) == 1 {
		t := p.Targets[0]
		return fmt.Sprintf("%s %s · %s · %s", p.Operation.Name, t.Name(), siteLabel(t), seenWords(t.LastSeen, p.MadeAt))
	}
	return fmt.Sprintf("%s %s · %s", p.Operation.Name, Machines(len(p.Targets)), count(p.Sites(), "site"))
}

func seenWords(at, now time.Time) string {
	if at.IsZero() {
		return "never seen"
	}
	return "seen " + AgeWords(now.Sub(at)) + " ago"
}

// AgeWords words a length of time: "4 min", "3 h", "12 days".
func AgeWords(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	default:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	}
}

// Risk is the risk with which the plan is asked about.
func (p *Plan) Risk() Risk { return p.Operation.Asks(len(p.Targets)) }

// Typed is what has to be typed for a destroy, and what it is.
func (p *Plan) Typed() (text, label string) {
	if p.Risk() != Destroy {
		return "", ""
	}
	if len(p.Targets) == 1 {
		return p.Targets[0].Name(), "host name"
	}
	return fmt.Sprint(len(p.Targets)), "number of machines"
}
