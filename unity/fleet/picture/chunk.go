package picture

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Site is the customer that a chunk's machines belong to.
type Site struct {
	ID   unity.SiteID
	Name unity.Text
	Key  unity.Keycode
}

// flag are the truths of a row.
type flag uint16

const (
	// The first ones decide on the state of a machine; see healthFlags.
	deactivated flag = 1 << iota
	joined
	infected
	infectedKnown
	attention
	// threatened tells that threatsKnown is set and the number above 0.
	threatened
	attentionKnown
	deactivatedKnown
	managed
	managedKnown
	threatsKnown
	hasMachineID
	// odd marks a row with an instant that could not be read; its text is in Chunk.odd.
	odd
	// asked tells that the report, or that there is none, is what asking for this one machine gave, at statusAt.
	asked
)

// oddKey names an instant of a row.
type oddKey struct {
	row   uint32
	which instant
}

type instant uint8

const (
	firstSeen instant = iota
	lastSeen
	lastInfected
	reportSeen
	lastScan
)

// Chunk holds the machines of one site as columns. It is immutable.
type Chunk struct {
	site       Site
	foldedSite string
	// foldedKey is the keycode as the selector compares it: folded, without dashes.
	foldedKey string
	n         int
	// slot is where the chunk stands in the picture that took it in last: likely, but not surely, in others too.
	slot   atomic.Int32
	readAt ticks

	// flags are of both kinds of columns.
	flags    []flag
	isJoined bitmap
	*own
	*heard
	odd map[oddKey][]byte

	// byID finds rows by id; it is made when a picture that differs little from another is asked.
	indexed sync.Once
	byID    index

	// The masks tell which rows may have a word with gaps; they are made by the first search that asks.
	masked             sync.Once
	hostMask, userMask []uint64

	// usual is the policy of most machines of each group; it is made when somebody asks for what drifts.
	polled sync.Once
	usual  map[word]label
}

// own are the columns of what the console says. Chunks share them that differ in reports only.
type own struct {
	// idsFolded tells that all ids are as the selector compares them.
	idsFolded bool
	// machine is nil where no machine has an id of its agent.
	machine                       []fleet.MachineKey
	first, last, infectedAt, read stamps
	id, host, fHost               texts // the names that begin with f are folded, for scans
	group, policy                 labels
	agent                         words
}

// heard are the columns of what agents reported.
type heard struct {
	// threats are read only where threatsKnown is set; nil where they are all 0.
	threats                          []int64
	report, scanned, statusAt        stamps
	user, ip, mac, fUser, fIPs, fMAC texts
	client, os, device, public, note words
}

// Len is the number of machines.
func (c *Chunk) Len() int {
	if c == nil {
		return 0
	}
	return c.n
}

// Site is the customer.
func (c *Chunk) Site() Site { return c.site }

// ReadAt is when the oldest of the rows was read from the server; zero for a chunk without rows that was never read.
func (c *Chunk) ReadAt() time.Time { return c.readAt.time() }

// Row is the machine at an index from 0 to Len()-1.
func (c *Chunk) Row(i int) Row { return Row{c, int32(i)} } //nolint:gosec // a site has no two billion machines
