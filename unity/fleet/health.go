package fleet

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
)

// Health is what decides on the state of a machine.
type Health struct {
	Deactivated bool
	// Joined tells that there is a report; what follows comes from it.
	Joined    bool
	Infected  unity.Bool
	Attention bool
	Threats   int64
	// Seen is the later of what console and report say; zero is never.
	Seen time.Time
}

// State is the first that holds of deactivated, infected, attention, stale and ok. known is false where that would take
// an agent report that is not there.
func (h Health) State(now time.Time, staleAfter time.Duration) (state string, known bool) {
	switch {
	case h.Deactivated:
		return StateGone, true
	case !h.Joined:
		return StateUnknown, false
	case h.Infected.On || h.Threats > 0:
		return StateInfected, true
	case h.Attention:
		return StateAttention, true
	case !h.Infected.Known:
		return StateUnknown, false
	case Silent(h.Seen, now, staleAfter):
		return StateStale, true
	default:
		return StateOK, true
	}
}

// Silent tells that a machine has not been seen for longer than staleAfter; 0 means DefaultStaleAfter. One that was never
// seen is silent.
func Silent(seen, now time.Time, staleAfter time.Duration) bool {
	if staleAfter <= 0 {
		staleAfter = DefaultStaleAfter
	}
	return seen.IsZero() || now.Sub(seen) > staleAfter
}

// DeviceType is "pc", "mac" or "" for anything else that a report may say.
func DeviceType(raw string) string {
	switch strings.ToLower(raw) {
	case "pc":
		return "pc"
	case "mac":
		return "mac"
	}
	return ""
}

// Addresses are a machine's own and its public address, blank-separated.
func Addresses(own, public unity.Text) string {
	return strings.TrimSpace(own.String() + " " + public.String())
}

// Label is the first name that is there, or the id.
func Label(given, own unity.Text, id string) string {
	switch {
	case !given.Empty():
		return given.String()
	case !own.Empty():
		return own.String()
	}
	return id
}

// Days is whole days from an instant until now, or -1 for an instant that never was.
func Days(seen, now time.Time) int {
	if seen.IsZero() {
		return -1
	}
	return max(0, int(now.Sub(seen)/(24*time.Hour)))
}

// MachineKey is a digest of a machine id. Machine ids are long; two with one digest will not be met.
type MachineKey = [16]byte

// KeyOf is the digest of a machine id, in any case of its letters. An empty or blank id has the zero key.
func KeyOf(id unity.MachineID) (key MachineKey) {
	folded := unity.Fold(string(id))
	if folded == "" {
		return key
	}
	sum := sha256.Sum256([]byte(folded))
	copy(key[:], sum[:])
	return key
}
