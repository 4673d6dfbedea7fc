package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	_ "github.com/unitty/unitty/auth/dbusguard" // keyring talks to D-Bus while it is being loaded

	"github.com/99designs/keyring"
)

// serviceName is the name of unitty's items in keychains.
const serviceName = "unitty"

// winCredLimit is the largest value that Windows' Credential Manager takes.
const winCredLimit = 2560

// How long a session bus may take to let us in. The shorter time is for stores
// that nobody has chosen yet: the next one is tried, or the user is asked.
const (
	busPatience   = 2 * time.Second
	busImpatience = 250 * time.Millisecond
)

// errNoBus means that no session bus let us in in time.
var errNoBus = errors.New("there is no session bus that answers")

// ring is what is used of a keychain.
type ring interface {
	Get(key string) (keyring.Item, error)
	Set(item keyring.Item) error
	Remove(key string) error
}

// KeyringStore keeps secrets in a keychain of the desktop or the kernel.
type KeyringStore struct {
	name  string
	actor *actor
	open  func(ctx context.Context) (ring, error)
	ring  ring // touched by the actor's goroutine only
	limit int
	// awaited means that a person is there to unlock the keychain, so that the
	// first access may take as long as that.
	awaited atomic.Bool
	// hasty means that a bus which does not let us in at once is left.
	hasty atomic.Bool
}

// OpenKeyringStore prepares one of secret-service, keychain, wincred, kwallet,
// keyctl and pass. It reports at once what this build or machine cannot do; the
// keychain itself is opened by the first access, with its deadline.
func OpenKeyringStore(name string) (*KeyringStore, error) {
	backend := keyring.BackendType(name)
	if !slices.Contains(keyringNames(), name) {
		return nil, fmt.Errorf("%q is not a keychain that unitty knows", clean(name, 40))
	}
	if onBus(name) {
		if !busReady() {
			return nil, errors.New(missingReason(name, runtime.GOOS))
		}
		s := newKeyringStore(name, 0, nil)
		s.open = func(ctx context.Context) (ring, error) {
			patience := busPatience
			if s.hasty.Load() {
				patience = busImpatience
			}
			return openOnBus(ctx, name, patience)
		}
		return s, nil
	}
	if !slices.Contains(keyring.AvailableBackends(), backend) {
		return nil, errors.New(missingReason(name, runtime.GOOS))
	}
	limit := 0
	if name == "wincred" {
		limit = winCredLimit
	}
	return newKeyringStore(name, limit, func(context.Context) (ring, error) { return keyring.Open(keyringConfig(backend)) }), nil
}

func keyringNames() []string {
	return []string{"secret-service", "keychain", "wincred", "kwallet", "keyctl", "pass"}
}

// missingReason says why a keychain cannot be had.
func missingReason(name, goos string) string {
	switch {
	case name == "keychain" && goos == "darwin":
		return "this unitty was built without Keychain support (without cgo); use the file store"
	case (name == "secret-service" || name == "kwallet") && goos == "linux":
		return "there is no session bus that answers, so " + name + " cannot be reached"
	default:
		return name + " does not exist on " + goos
	}
}

func keyringConfig(b keyring.BackendType) keyring.Config {
	return keyring.Config{
		AllowedBackends:                []keyring.BackendType{b},
		ServiceName:                    serviceName,
		KeychainTrustApplication:       true,
		KeychainAccessibleWhenUnlocked: true,
		KeyCtlScope:                    "user",
		KeyCtlPerm:                     keyctlPermissions(),
		PassPrefix:                     serviceName,
		WinCredPrefix:                  serviceName,
		// keyring's own file store is neither atomic nor durable; it is never in
		// AllowedBackends, and this keeps a mistake from asking on the terminal.
		FilePasswordFunc: func(string) (string, error) { return "", errors.New("not used") },
	}
}

func newKeyringStore(name string, limit int, open func(context.Context) (ring, error)) *KeyringStore {
	s := &KeyringStore{name: name, open: open, limit: limit}
	s.actor = newActor(s.letGo)
	return s
}

// Name returns the name of the keychain.
func (s *KeyringStore) Name() string { return s.name }

// Close ends the goroutine that owns the keychain, after the running call.
func (s *KeyringStore) Close() error {
	s.actor.stop()
	return nil
}

// Await allows the first access as long as a person needs to unlock the
// keychain, also when it is made in the background.
func (s *KeyringStore) Await() { s.awaited.Store(true) }

// awaiting reports whether the first access is still to come.
func (s *KeyringStore) awaiting() bool { return s.awaited.Load() }

// settling is closed when a call that missed its deadline has returned.
func (s *KeyringStore) settling() <-chan struct{} { return s.actor.settling() }

// Get reads an item and checks that unitty wrote it under this key.
func (s *KeyringStore) Get(ctx context.Context, key string) ([]byte, error) {
	var data []byte
	err := s.with(ctx, key, func(r ring) error {
		item, err := r.Get(key)
		if errors.Is(err, keyring.ErrKeyNotFound) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if item.Key != "" && item.Key != key {
			return errDamaged
		}
		raw, err := base64.RawStdEncoding.DecodeString(string(item.Data))
		if err != nil {
			return errDamaged
		}
		data, err = unframe(nil, key, raw)
		return err
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Set writes an item.
func (s *KeyringStore) Set(ctx context.Context, key string, data []byte) error {
	// Text, because some keychains show items to people and some cut at NUL.
	text := base64.RawStdEncoding.EncodeToString(frame(nil, key, data))
	if s.limit > 0 && len(text) > s.limit {
		return ErrTooLarge
	}
	return s.with(ctx, key, func(r ring) error {
		return r.Set(keyring.Item{Key: key, Data: []byte(text), Label: "unitty", Description: "unitty sign-in"})
	})
}

// Delete removes an item.
func (s *KeyringStore) Delete(ctx context.Context, key string) error {
	return s.with(ctx, key, func(r ring) error {
		err := r.Remove(key)
		if errors.Is(err, keyring.ErrKeyNotFound) {
			return nil
		}
		return err
	})
}

// expire has the kernel's keyring forget an item after a time, which no other
// keychain can.
func (s *KeyringStore) expire(ctx context.Context, key string, after time.Duration) error {
	if s.name != "keyctl" {
		return errors.New(s.name + " keeps items until they are deleted")
	}
	return s.with(ctx, key, func(ring) error { return keyctlExpire(key, after) })
}

// with runs fn on the actor's goroutine, opening the keychain first.
func (s *KeyringStore) with(ctx context.Context, key string, fn func(ring) error) error {
	if !keyShape.MatchString(key) {
		return errors.New("this is not a key of a store")
	}
	if s.awaiting() {
		ctx = Interactive(ctx)
	}
	err := s.actor.do(ctx, func() error {
		if s.ring == nil {
			// Its time is not bound to the caller's: what is begun is finished.
			r, err := s.open(context.WithoutCancel(ctx))
			if errors.Is(err, keyring.ErrNoAvailImpl) {
				return fmt.Errorf("%s could not be opened", s.name)
			}
			if err != nil {
				return err
			}
			s.ring = r
		}
		err := fn(s.ring)
		if d, ok := s.ring.(interface{ broken(error) bool }); ok && err != nil && d.broken(err) {
			s.letGo()
		}
		return err
	})
	if err == nil || errors.Is(err, ErrNotFound) {
		s.awaited.Store(false)
	}
	return err
}

// letGo ends the connection to the keychain; the next access makes another. It
// runs on the actor's goroutine.
func (s *KeyringStore) letGo() {
	if c, ok := s.ring.(interface{ close() }); ok {
		c.close()
	}
	s.ring = nil
}
