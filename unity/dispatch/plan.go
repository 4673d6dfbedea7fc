package dispatch

import (
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
	// Object is the change of an object; nil for operations on endpoints. Its only target stands in Targets without an id.
	Object  *ObjectChange
	Binding Binding
	// Console is the console's name as read from the server.
	Console string
	Targets []fleet.Ref
	Skipped []Skip
	// Unread are chosen machines that could not be read again, because their site did not answer. Nothing is sent to them, and
	// the job counts them as failed. A plan with some is not what was chosen, so it is asked about by itself.
	Unread []Skip
	// Warnings are sentences about the whole or about single machines; Stale names the silent ones.
	Warnings []string
	Stale    []string
	// Opposed names the machines for which a command is waiting that does the opposite, and which: a question of its own.
	Opposed []string
	// Foreign says that the machines leave the console, since their new keycode is of none of its sites: a question of its own.
	// "" for all others.
	Foreign string
	// Link says which step of a combined action the plan is; nil for one that stands alone.
	Link *Link
	// Batches are the exact requests.
	Batches []Batch
	// MadeAt is the time of the plan by the server's clock.
	MadeAt time.Time
	// RetryOf and RevertOf are the id of the job that this one repeats in part or takes back; "" for an ordinary one.
	RetryOf, RevertOf string
	// each holds the arguments of machines that differ from the operation's: a revert puts machines back where each was.
	each map[unity.EndpointID]Args
	// values are what can be put back, as read before.
	values map[unity.EndpointID]Values
	// before holds the like commands that were there already, for telling afterwards whether ours arrived. A site whose
	// list could not be read is not in it.
	before map[unity.SiteID]known
	// named tells of warnings that are said in the same words of several what they are about.
	named map[string]namedWarning
	// changed says of machines that were read again what is no longer as it was when they were chosen.
	changed map[unity.EndpointID]string
	leftOut []Skip
	// sites are what was known of the sites when the plan was made, client is what made it.
	sites  []unity.Site
	client *unity.Client
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
	// Targets is empty for the change of an object.
	Targets unity.Targets
	Refs    []fleet.Ref
	// Op is the operation with the arguments of these machines.
	Op      Operation
	Request unity.Request
}

// Values are those of an endpoint that a change can alter and a revert can put back.
type Values struct {
	Group    unity.GroupID  `json:"group,omitempty"`
	Policy   unity.PolicyID `json:"policy,omitempty"`
	Inactive bool           `json:"inactive,omitempty"`
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
	// Binding is the console and user that the change of an object is for; the zero value means the client's.
	Binding Binding
	// RetryOf and RevertOf name the job that the new one repeats in part or takes back.
	RetryOf, RevertOf string
	// each gives machines arguments of their own.
	each map[unity.EndpointID]Args
}

// Batch sizes.
const (
	batchSize        = 100
	batchSizeDestroy = 25
)

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

// Incomplete says of each site whose machines could not be read again how many are left out, and why. It is empty for a plan
// that is whole.
func (p *Plan) Incomplete() []string {
	n, first, order := map[unity.SiteID]int{}, map[unity.SiteID]Skip{}, []unity.SiteID(nil)
	for _, s := range p.Unread {
		if n[s.Ref.Site]++; n[s.Ref.Site] == 1 {
			order, first[s.Ref.Site] = append(order, s.Ref.Site), s
		}
	}
	out := make([]string, 0, len(order))
	for _, id := range order {
		out = append(out, fmt.Sprintf("%s: %s left out: %s", siteLabel(first[id].Ref), Machines(n[id]), first[id].Reason))
	}
	return out
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
	if p.Object != nil {
		if name := unity.Clean(p.Object.SiteName); name != "" && p.Object.Kind != "site" {
			return p.Object.title() + " · " + name
		}
		return p.Object.title()
	}
	if len(p.Targets) == 1 {
		t := p.Targets[0]
		return fmt.Sprintf("%s %s · %s · %s", p.Operation.Words(), t.Name(), siteLabel(t), seenWords(t.LastSeen, p.MadeAt))
	}
	return fmt.Sprintf("%s %s · %s", p.Operation.Words(), Machines(len(p.Targets)), count(p.Sites(), "site"))
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

// Machines is how many machines the plan touches: its targets, or what the change of an object counts as.
func (p *Plan) Machines() int {
	if p.Object != nil {
		return p.Object.Touches
	}
	return len(p.Targets)
}

// Risk is the risk with which the plan is asked about.
func (p *Plan) Risk() Risk { return p.Operation.Asks(p.Machines()) }

// Typed is what has to be typed for a destroy, and what it is.
func (p *Plan) Typed() (text, label string) {
	switch {
	case p.Risk() != Destroy:
		return "", ""
	case p.Object != nil && p.Object.Typed != "":
		if p.Object.TypedLabel == "" {
			return p.Object.Typed, "name of the " + p.Object.Kind
		}
		return p.Object.Typed, p.Object.TypedLabel
	case p.Object != nil:
		return p.Object.Name, "name of the " + p.Object.Kind
	case len(p.Targets) == 1:
		return p.Targets[0].Name(), "host name"
	}
	return fmt.Sprint(len(p.Targets)), "number of machines"
}
