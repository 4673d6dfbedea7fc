package auth

import "time"

// State says where the sign-in stands.
type State int

// The states of a sign-in.
const (
	// SignedOut: there is no chain.
	SignedOut State = iota
	// SigningIn: a password or a pasted refresh token is being sent.
	SigningIn
	// Ready: there is a token and nothing is wrong.
	Ready
	// Refreshing: the next token is being fetched.
	Refreshing
	// WaitingForOtherProcess: another process holds the lock.
	WaitingForOtherProcess
	// Degraded: the token is good, but refreshing it fails.
	Degraded
	// Expired: the token is dead and refreshing fails; it is tried again.
	Expired
	// StoreReadOnly: the store takes nothing, so no refresh token is spent.
	StoreReadOnly
	// UnsavedRotation: the newest generation exists in this process only.
	UnsavedRotation
	// NeedsLogin: only a new sign-in helps.
	NeedsLogin
	// Fatal: the configuration is wrong; trying again does not help.
	Fatal
	// Loading: the store has not been read yet, so nobody knows whether there is
	// a chain.
	Loading
	// StoreLocked: the keychain is locked, and nobody unlocked it.
	StoreLocked
	// StoreFailed: the store cannot be read.
	StoreFailed
)

// String returns a short name in lower case.
func (s State) String() string {
	names := [...]string{"signed out", "signing in", "ready", "refreshing", "waiting for another process",
		"degraded", "expired", "store is read-only", "not saved", "sign-in needed", "configuration error", "reading the store",
		"store is locked", "store cannot be read"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// Status is what an engine tells about itself. It never holds a token.
type Status struct {
	// State says where the sign-in stands.
	State State
	// Gen is the generation of the chain; every refresh and sign-in raises it.
	Gen uint64
	// IssuedAt is when the access token was asked for.
	IssuedAt time.Time
	// ExpiresAt is when the access token dies.
	ExpiresAt time.Time
	// RefreshExpiresAt is when the refresh token dies if nobody uses it.
	RefreshExpiresAt time.Time
	// Refreshes is how many refreshes were sent since the sign-in; it is counted
	// only where the server limits them.
	Refreshes int
	// MaxRefreshes is how many refreshes the server allows per sign-in, as far as
	// it is known; 0 means unknown or unlimited.
	MaxRefreshes int
	// NextTry is when the next refresh is due.
	NextTry time.Time
	// Attempt counts the failed tries since the last success.
	Attempt int
	// Class is the class of the last failure, empty when there is none.
	Class Class
	// Text says what happened and what to do, sanitised; empty when all is well.
	Text string
	// Scopes are the granted scopes.
	Scopes []string
	// Store is the name of the secret store.
	Store string
}

// mailbox hands over the latest status and forgets the ones before.
type mailbox struct {
	ch     chan Status
	closed bool
}

// put replaces what lies in the box. Callers serialise their calls.
func (m *mailbox) put(s Status) {
	if m.closed {
		return
	}
	select {
	case <-m.ch:
	default:
	}
	m.ch <- s
}

func (m *mailbox) close() {
	if !m.closed {
		m.closed = true
		close(m.ch)
	}
}

// LockPath is the file by which the processes that share this sign-in take
// turns. It is empty for a store of one process, which needs none.
func (e *Engine) LockPath() string { return e.chain.lockPath }
