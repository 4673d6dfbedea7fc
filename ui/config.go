package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/form"
)

// Level is how loud a message is.
type Level int

// The levels. Info and Good fade; Warn and Bad stay until dismissed, but for remarks on a key.
const (
	Info Level = iota
	Good
	Warn
	Bad
)

// Problem is an error as a person reads it.
type Problem struct {
	// Title says what did not work, where more is known than that something did not; Text what happened, Advice what to do.
	Title, Text, Advice string
	// SignIn is true for what only a sign-in mends.
	SignIn bool
	// Status, Code, RequestID, Method and Path as far as there was a request.
	Status                        int
	Code, RequestID, Method, Path string
	// Retry does it again; nil when that is not offered.
	Retry tea.Cmd
}

// Auth is what the shell shows of the sign-in. It never holds a token.
type Auth struct {
	// State is a word for the header: "signed in", "refreshing", "sign-in needed".
	State string
	Level Level
	// SignedIn is true while requests can be made; Needed when a person has to sign in.
	SignedIn, Needed bool
	// Text says what happened and what is next; "" when all is well.
	Text string
	// AccessUntil and RefreshUntil are the ends of the two lives; Next is the time of the next step.
	AccessUntil, RefreshUntil, Next time.Time
	Gen                             uint64
}

// StepState is where a step of the sign-in is.
type StepState int

// The states of a step.
const (
	StepWaiting StepState = iota
	StepRunning
	StepDone
	StepFailed
)

// Step is one step of the sign-in: reach, client, user, scopes, console key, sites.
type Step struct {
	Name  string
	State StepState
	Note  string
}

// SignIn is the sign-in as a form and a function.
type SignIn struct {
	Title, Intro string
	Fields       []form.Field
	// Focus is the field that has the keys at first; "" means the first.
	Focus string
	// Run signs in and reports steps. The error names the fields at fault as far as they are known.
	Run func(ctx context.Context, values map[string]string, step func([]Step)) (faults []string, err error)
	// Next gives the configuration to go on with after a sign-in for another account, nil to stay; it may be nil itself.
	Next func() (*Config, error)
}

// Header is the standing part of the top line.
type Header struct {
	Profile, Console, User string
	ReadOnly, Demo         bool
	// Tone marks the profile's colour.
	Tone theme.Tone
}

// Connection is the reach of the server.
type Connection struct {
	Level Level
	// Text is "online", "retrying in 8 s", "out of reach since 12:03".
	Text string
}

// Call is one API call for the live pane.
type Call struct {
	N                    uint64
	At                   time.Time
	Method, Path         string
	Status               int
	Took                 time.Duration
	RequestID, Err, Curl string
}

// Hit is a finding of "find any machine".
type Hit struct {
	// Key keeps the cursor on its hit while later hits arrive.
	Key, Title, Sub, Kind string
	Tone                  theme.Tone
	Open                  func() tea.Cmd
	// Actions are what can be done to it without opening it; nil means nothing.
	Actions func() []Command
}

// Session is what is restored at the next start.
type Session struct {
	// Stack are the Path values of the screens, root first.
	Stack []string `json:"stack"`
	// Lists keep sort and columns by resource path or kind.
	Lists map[string]ListState `json:"lists"`
}

// ListState is the remembered part of a list.
type ListState struct {
	Sort []string `json:"sort,omitempty"` // column IDs, "-" before descending ones
	// Filter lasts as long as the program runs: whoever starts it expects to see everything.
	Filter  string   `json:"-"`
	Columns []string `json:"columns,omitempty"`
	Cursor  string   `json:"cursor,omitempty"`
}

// Config is everything the shell is given.
type Config struct {
	Version string
	Theme   theme.Theme
	// Mouse turns mouse reports on; SyncOutput is "auto", "on" or "off"; IdleLock is how long without a key before a change asks.
	Mouse      bool
	SyncOutput string
	IdleLock   time.Duration

	Header func() Header
	// Jobs is where jobs are written down; nil has none.
	Jobs *JobBook
	// Home makes the first screen; Restore makes a screen from its path, or nil.
	Home    func() Screen
	Restore func(path string) Screen
	// Touched is told which invalidation keys a change has touched, before the lists are; it must not block. Nil tells nobody.
	Touched func(keys []string)
	// Warnings are shown once, at the start.
	Warnings []string
	// Commands are the global actions: places, profile switch, documentation.
	Commands []Command
	// Catalog lists the specs of all row actions, for help and for checking [keys].
	Catalog []Spec
	// Keys replaces default keys by action ID.
	Keys map[string][]string

	Auth    <-chan Auth
	SignIn  *SignIn
	Network <-chan Connection
	// Calls gives the latest API calls, oldest first.
	Calls func() []Call
	// Find searches everywhere; emit replaces the list of hits; progress is a line such as "searched 12 of 40 sites".
	Find func(ctx context.Context, query string, emit func(hits []Hit, progress string))
	// Explain turns an error into a Problem.
	Explain func(error) Problem
	// Profiles lists profile names; UseProfile switches and returns the configuration to go on with.
	Profiles   func() []Profile
	UseProfile func(name string) (*Config, error)

	Session     Session
	SaveSession func(Session)
	// ExportDir is where exports and the last-resort clipboard file go.
	ExportDir string
	// Tips are the lines of the first-run card; empty means none.
	Tips []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Profile is a line of the profile list.
type Profile struct {
	Name, Detail string
	Current      bool
}
