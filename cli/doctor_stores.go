package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/atomicfile"
	"github.com/unitty/unitty/unity"
)

// storeCheck tells whether a secret store can be used here.
type storeCheck struct {
	Name  string
	State string // works, refused or not tried
	// Reason says why it does not work or was not tried.
	Reason string
	InUse  bool
	// CanaryMS is how long writing, reading and deleting a test item took, in milliseconds; null when it was not tried.
	CanaryMS *float64
	// UnlockedUntil is when the passphrase of the file store is asked for again unless it is used before; left out when it is asked
	// for now.
	UnlockedUntil *time.Time `json:",omitempty"`
	// Tested is false for stores that unitty's own tests have never met.
	Tested bool
}

// Words for the state of a store.
const (
	storeWorks   = "works"
	storeRefused = "refused"
	storeUntried = "not tried"
)

// storeTime bounds one canary.
const storeTime = 10 * time.Second

// checkStores looks at every store there is. used is the one of the profile, nil when there is none or when it could not
// be opened, which openErr says.
func checkStores(ctx context.Context, s *settings, used auth.Store, openErr error) []storeCheck {
	wanted := firstOf(named(s.Store), named(s.Pinned))
	if used != nil {
		wanted = used.Name()
	}
	var out []storeCheck
	for _, name := range []string{"secret-service", "keychain", "wincred", "kwallet", "keyctl", "pass", "file", "memory"} {
		c := storeCheck{Name: name, State: storeUntried, InUse: name == wanted,
			Tested: name != "keychain" && name != "wincred" && name != "kwallet"}
		switch {
		case c.InUse && used != nil:
			c.try(ctx, used)
		case c.InUse && openErr != nil:
			c.State, c.Reason = storeRefused, unity.Clean(openErr.Error())
		case name == "memory":
			c.State, c.Reason = storeWorks, "ends with the process"
		case name == "file":
			c.checkFile(ctx, s)
		case name == "pass":
			c.Reason = "used only when it is named: it makes a commit of every refresh"
		default:
			c.checkKeyring(ctx)
		}
		if name == "file" {
			c.unlocked(ctx, s.paths.secrets())
		}
		out = append(out, c)
	}
	return out
}

// unlocked notes until when the file store opens without its passphrase.
func (c *storeCheck) unlocked(ctx context.Context, dir string) {
	if until := auth.FileKeyUntil(ctx, dir); !until.IsZero() {
		c.UnlockedUntil = &until
	}
}

func named(store string) string {
	if store == "auto" {
		return ""
	}
	return store
}

// try puts a test item into the store.
func (c *storeCheck) try(ctx context.Context, s auth.Store) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	var err error
	if f, ok := s.(*auth.FileStore); ok {
		err = f.Unlock(ctx) // slow by design, and not what is measured
	}
	if err == nil {
		start := time.Now()
		err = auth.Canary(ctx, s)
		ms := float64(time.Since(start).Microseconds()) / 1000
		c.CanaryMS = &ms
	}
	if err != nil {
		c.State, c.Reason = storeRefused, unity.Clean(err.Error())
		return
	}
	c.State = storeWorks
}

func (c *storeCheck) checkKeyring(ctx context.Context) {
	s, err := auth.OpenKeyringStore(c.Name)
	if err != nil {
		c.State, c.Reason = storeRefused, unity.Clean(err.Error())
		return
	}
	defer func() { _ = s.Close() }()
	c.try(ctx, s)
}

// checkFile tries a file store that exists and can be unlocked without a question. It makes none.
func (c *storeCheck) checkFile(ctx context.Context, s *settings) {
	dir := s.paths.secrets()
	held, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(held) == 0:
		c.Reason = "not set up"
		return
	case err == nil:
		err = atomicfile.CheckDir(dir)
	}
	if err != nil {
		c.State, c.Reason = storeRefused, unity.Clean(err.Error())
		return
	}
	if s.PassphraseFile == "" {
		c.Reason = "set up; its passphrase is asked for only when it is in use"
		return
	}
	store, err := auth.OpenFileStore(auth.FileOptions{Dir: dir, PassphraseFile: s.PassphraseFile})
	if err != nil {
		c.State, c.Reason = storeRefused, unity.Clean(err.Error())
		return
	}
	defer func() { _ = store.Close() }()
	c.try(ctx, store)
}
