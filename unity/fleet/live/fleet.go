package live

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/snapshot"
)

// Options configure a Fleet.
type Options struct {
	Client *unity.Client
	// StaleAfter is the silence after which a machine counts as stale; 0 means fleet.DefaultStaleAfter.
	StaleAfter time.Duration
	// WithStatus tells whether the token has the scope of the agents' reports; nil means that the server will say.
	WithStatus func() bool
	// Snapshot is where the picture is kept on disk; nil means nowhere.
	Snapshot *snapshot.File
	// Open gives the Snapshot when it is first needed, for places that take time to open; nil where there is none. It is
	// not asked when Snapshot is set.
	Open func(context.Context) (*snapshot.File, error)
	// Every is how long Run waits from one delta to the next; 0 means DefaultEvery.
	Every time.Duration
	// Now is the clock of this machine; nil means time.Now.
	Now func() time.Time
	// Random gives numbers from 0 to 1, which spread the deltas of many processes; nil means one of our own.
	Random func() float64
}

// Times of the schedule.
const (
	// DefaultEvery is the time from one delta to the next.
	DefaultEvery = 15 * time.Minute
	// rotation is the time in which every site is read once, changed or not.
	rotation = 24 * time.Hour
	// fullAfter is the age at which a picture from disk is read anew as a whole.
	fullAfter = time.Hour
	// publishEvery is the least time between two pictures while a sync is under way.
	publishEvery = 250 * time.Millisecond
	// overlap is how far deltas reach back before the last one, for rows that were on their way.
	overlap = 2 * time.Minute
)

// Phase is what a Fleet is doing.
type Phase string

// Phases.
const (
	PhaseIdle     Phase = "idle"
	PhaseLoading  Phase = "loading"  // from disk
	PhaseSites    Phase = "sites"    // the list of sites
	PhaseMachines Phase = "machines" // the machines of the sites, and the reports beside them
	PhaseReports  Phase = "reports"  // the reports that were not there yet
	PhaseDelta    Phase = "delta"    // what changed
)

// State says what a Fleet is doing and how current it is.
type State struct {
	Phase Phase
	// Done of Total sites have answered in this sync; Failed of them could not be read.
	Done, Total, Failed int
	// Calls is the number of API calls made since the start, repeated ones included.
	Calls int64
	// LastFull and LastDelta are when the last sync and the last delta were finished, by the server's clock.
	LastFull, LastDelta time.Time
	// Err is why the last sync or delta could not be finished; nil when it could. Since is when that began, by the server's clock:
	// at the first of the readings in a row that could not be.
	Err   error
	Since time.Time
	// Nameless are the lists that names come from and that could not be read: the policies of the console, the groups of sites.
	// Those whose failure may pass are read again.
	Nameless []fleet.SiteError
	// Source is "disk", "server" or "" while there is no picture.
	Source string
	// Disk says what went wrong with the snapshot; nil for nothing.
	Disk error
}

// Fleet keeps the picture of one console. It is safe for concurrent use.
type Fleet struct {
	o      Options
	client *unity.Client
	calls  atomic.Int64
	// disk gives the snapshot; whoever has the turn may call it.
	disk func(context.Context) (*snapshot.File, error)
	pic  atomic.Pointer[picture.Picture]
	// turn is held by whoever reads the console; of a background reader cancel ends the reading.
	turn    chan struct{}
	changed chan struct{}
	wake    chan struct{}
	ask     chan struct{} // Name has been called
	// identify has a value when Identify has been called; asker asks for machines one by one.
	identify chan struct{}
	asker    *fleet.Asker

	mu        sync.Mutex
	cancel    context.CancelCauseFunc
	awaited   int // readings that a person waits for and that have not begun
	state     State
	meta      picture.Picture
	chunks    map[unity.SiteID]*picture.Chunk
	counts    map[unity.SiteID]int64 // what the list of sites said when a site was last read to the end
	tried     map[unity.SiteID]time.Time
	answered  map[unity.SiteID]bool // sites whose rows are known to hold since the start of the process
	sizes     map[unity.SiteID]int  // page sizes that a gateway could stand
	policies  map[unity.PolicyID]unity.Text
	groups    map[unity.SiteID]map[unity.GroupID]unity.Text
	refused   map[unity.SiteID]refusal // lists of names that could not be read; that of the policies is under ""
	unnamable map[unity.PolicyID]bool  // policies that the list of policies does not have
	touched   map[unity.SiteID]bool
	owed      map[unity.SiteID]bool  // sites that were asked for their own reports in vain
	reread    bool                   // somebody wants everything to be read again
	wanted    map[unity.SiteID]bool  // sites whose groups somebody wants to have names
	loading   map[unity.SiteID]int64 // counts of the snapshot that is being read
	siteScope bool                   // the token may read reports site by site, as far as is known
	// ids are the machine ids of machines that share their name within their site, for sites that were read in this process.
	ids    map[unity.SiteID]map[unity.EndpointID]unity.MachineID
	urgent map[unity.EndpointID]unity.SiteID // machines to be asked for at once
	// infectedAt is when the console last knew machines infected, as it said when they were asked for.
	infectedAt map[unity.EndpointID]time.Time
	mute       map[unity.EndpointID]bool // machines that cannot be asked for before the next delta
	// settled are the chunks of sites of which nobody has to be asked for.
	settled map[unity.SiteID]weak.Pointer[picture.Chunk]
	askFrom time.Time // nobody is asked for before, since it failed
	// idsGiven tells that the reports of the last list all had a machine id.
	idsGiven bool
	// odd are the reports that did not fit the machines of the console when their sites were read because of them.
	odd map[fleet.MachineKey]string
	// misnames are the folded names that reports and machines did not agree on, and when a site was read because of it.
	misnames map[string]time.Time
	changes  []Change
	checked  time.Time // until when machines were looked at for having become stale
	watched  time.Time // since when what happens is a change: the first complete reading, or that of the picture from disk
	full     time.Time // when the whole console was last read, by this machine's clock
	shown    time.Time // when the last picture was published
	timer    *time.Timer
	dirty    bool
}

// New makes a fleet without a picture.
func New(o Options) *Fleet {
	if o.StaleAfter <= 0 {
		o.StaleAfter = fleet.DefaultStaleAfter
	}
	if o.Every <= 0 {
		o.Every = DefaultEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Fleet{o: o, client: o.Client, turn: make(chan struct{}, 1), changed: make(chan struct{}, 1), wake: make(chan struct{}, 1), ask: make(chan struct{}, 1),
		identify: make(chan struct{}, 1), asker: fleet.NewAsker(o.Client), ids: map[unity.SiteID]map[unity.EndpointID]unity.MachineID{}, urgent: map[unity.EndpointID]unity.SiteID{},
		settled: map[unity.SiteID]weak.Pointer[picture.Chunk]{}, mute: map[unity.EndpointID]bool{},
		infectedAt: map[unity.EndpointID]time.Time{},
		state:      State{Phase: PhaseIdle}, chunks: map[unity.SiteID]*picture.Chunk{}, counts: map[unity.SiteID]int64{},
		tried: map[unity.SiteID]time.Time{}, answered: map[unity.SiteID]bool{}, sizes: map[unity.SiteID]int{}, groups: map[unity.SiteID]map[unity.GroupID]unity.Text{},
		refused: map[unity.SiteID]refusal{}, odd: map[fleet.MachineKey]string{}, misnames: map[string]time.Time{},
		touched: map[unity.SiteID]bool{}, owed: map[unity.SiteID]bool{}, wanted: map[unity.SiteID]bool{}, siteScope: true}
	f.disk = func(context.Context) (*snapshot.File, error) { return o.Snapshot, nil }
	if o.Snapshot == nil && o.Open != nil {
		f.disk = once(o.Open)
	}
	f.pic.Store(picture.New(nil, picture.Picture{}))
	return f
}

// once remembers what opening gave, unless it failed because nobody waited for it.
func once(open func(context.Context) (*snapshot.File, error)) func(context.Context) (*snapshot.File, error) {
	var file *snapshot.File
	var err error
	done := false
	return func(ctx context.Context) (*snapshot.File, error) {
		if !done {
			file, err = open(ctx)
			done = ctx.Err() == nil
		}
		return file, err
	}
}

// Current is the latest picture; it is never nil, and empty before the first one.
func (f *Fleet) Current() *picture.Picture { return f.pic.Load() }

// Changed gets a value after pictures or the state have changed; several changes may give one.
func (f *Fleet) Changed() <-chan struct{} { return f.changed }

// State says what is going on.
func (f *Fleet) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.state
	s.Calls = f.calls.Load()
	return s
}

func (f *Fleet) note(change func(*State)) {
	f.mu.Lock()
	change(&f.state)
	f.mu.Unlock()
	f.tell()
}

// tell wakes whoever watches.
func (f *Fleet) tell() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// errPreempted ends a background reading that somebody's wish goes before.
var errPreempted = errors.New("a reading that is waited for goes first")

// take waits for the turn to read the console. A reading in the background gives way to one that a person waits for, also
// where it has its turn first because it was waiting before.
func (f *Fleet) take(ctx context.Context, background bool) (context.Context, func(), error) {
	if !background {
		f.await(1)
		defer f.await(-1)
	}
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(unity.CountCalls(ctx, &f.calls))
	if background {
		ctx = unity.Background(ctx)
		f.mu.Lock()
		f.cancel = cancel
		if f.awaited > 0 {
			cancel(errPreempted)
		}
		f.mu.Unlock()
	}
	return ctx, func() {
		f.mu.Lock()
		f.cancel = nil
		f.mu.Unlock()
		cancel(nil)
		<-f.turn
	}, nil
}

// await notes that a person waits for a reading, or does not any more.
func (f *Fleet) await(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.awaited += n
	if n > 0 && f.cancel != nil {
		f.cancel(errPreempted)
	}
}

// publish makes the present state of things the picture, at once or as soon as it may. The lock must be held.
func (f *Fleet) publish(now bool) {
	wait := publishEvery - f.o.Now().Sub(f.shown)
	if !now && wait > 0 {
		if f.timer == nil {
			f.timer = time.AfterFunc(wait, f.due)
		}
		f.dirty = true
		return
	}
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	f.dirty = false
	f.shown = f.o.Now()
	f.meta.Revision++
	f.meta.Unjoined, f.meta.Done, f.meta.Total, f.meta.Hidden = 0, 0, 0, 0
	chunks := make([]*picture.Chunk, 0, len(f.chunks))
	for i := range f.meta.Sites {
		s := &f.meta.Sites[i]
		switch {
		case !s.Visible():
			f.meta.Hidden++
			continue
		case f.answered[s.ID]:
			f.meta.Done++
		}
		f.meta.Total++
		if c := f.chunks[s.ID]; c != nil {
			chunks = append(chunks, c)
			f.meta.Unjoined += c.Unjoined()
		}
	}
	f.pic.Store(picture.New(chunks, f.meta))
	f.tell()
}

// due publishes what came while it was too early.
func (f *Fleet) due() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.timer = nil
	if f.dirty {
		f.publish(true)
	}
}

// Touch asks that the list of sites, and these of them, are read again soon, as after a change that unitty made there.
func (f *Fleet) Touch(sites ...unity.SiteID) {
	f.again(sites)
	f.again([]unity.SiteID{theList})
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Reread asks that the whole console is read again now, as a person's wish. It returns at once; Run reads, and the state says how
// far that is.
func (f *Fleet) Reread() {
	f.mu.Lock()
	f.reread = true
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// takeReread tells whether everything is to be read again, and forgets it.
func (f *Fleet) takeReread() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	wanted := f.reread
	f.reread = false
	return wanted
}

// theList stands for the list of sites among those that are touched.
const theList unity.SiteID = ""

// again has sites read at the next occasion.
func (f *Fleet) again(sites []unity.SiteID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range sites {
		f.touched[s] = true
	}
}

// takeTouched gives the sites that are to be read soon, and forgets them.
func (f *Fleet) takeTouched() []unity.SiteID {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Sorted(maps.Keys(f.touched))
	clear(f.touched)
	return out
}

// withStatus tells whether reports are asked for.
func (f *Fleet) withStatus() bool { return f.o.WithStatus == nil || f.o.WithStatus() }
