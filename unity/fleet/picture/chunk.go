package picture

import (
	"sync"
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
	readAt    ticks

	flags    []flag
	isJoined bitmap
	// idsFolded tells that all ids are as the selector compares them.
	idsFolded bool
	machine   []fleet.MachineKey
	// threats are read only where threatsKnown is set.
	threats                                                  []int64
	first, last, infectedAt, report, scanned, read, statusAt []ticks

	id, host, user, ip, mac   texts // as the server sent them
	fHost, fUser, fIPs, fMAC  texts // folded, for scans
	hostMask, userMask        []uint64
	group, policy             labels
	agent, client, os, device words
	public, note              words
	odd                       map[oddKey][]byte

	// byID finds rows by id; it is made when a picture that differs little from another is asked.
	indexed sync.Once
	byID    index
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
