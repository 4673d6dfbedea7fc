package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"

	_ "github.com/unitty/unitty/auth/dbusguard" // keyring talks to D-Bus while it is being loaded

	"github.com/99designs/keyring"
)

// serviceName is the name of unitty's items in keychains.
const serviceName = "unitty"

// winCredLimit is the largest value that Windows' Credential Manager takes.
const winCredLimit = 2560

// KeyringStore keeps secrets in a keychain of the desktop or the kernel.
type KeyringStore struct {
	name  string
	actor *actor
	open  func() (keyring.Keyring, error)
	ring  keyring.Keyring // touched by the actor's goroutine only
	limit int
}

// OpenKeyringStore prepares one of secret-service, keychain, wincred, kwallet,
// keyctl and pass. It reports at once what this build or machine cannot do; the
// keychain itself is opened by the first access, with its deadline.
func OpenKeyringStore(name string) (*KeyringStore, error) {
	backend := keyring.BackendType(name)
	known := false
	for _, n := range keyringNames() {
		known = known || n == name
	}
	if !known {
		return nil, fmt.Errorf("%q is not a keychain that unitty knows", clean(name, 40))
	}
	available := false
	for _, b := range keyring.AvailableBackends() {
		available = available || b == backend
	}
	if !available {
		return nil, errors.New(missingReason(name, runtime.GOOS))
	}
	limit := 0
	if name == "wincred" {
		limit = winCredLimit
	}
	return newKeyringStore(name, limit, func() (keyring.Keyring, error) { return keyring.Open(keyringConfig(backend)) }), nil
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
		AllowedBackends: []keyring.BackendType{b},
		ServiceName:     serviceName,
		// Any other name would make a new collection and ask for a password.
		LibSecretCollectionName:        "login",
		KeychainTrustApplication:       true,
		KeychainAccessibleWhenUnlocked: true,
		KeyCtlScope:                    "user",
		KeyCtlPerm:                     keyctlPermissions(),
		KWalletAppID:                   serviceName,
		KWalletFolder:                  serviceName,
		PassPrefix:                     serviceName,
		WinCredPrefix:                  serviceName,
		// keyring's own file store is neither atomic nor durable; it is never in
		// AllowedBackends, and this keeps a mistake from asking on the terminal.
		FilePasswordFunc: func(string) (string, error) { return "", errors.New("not used") },
	}
}

func newKeyringStore(name string, limit int, open func() (keyring.Keyring, error)) *KeyringStore {
	return &KeyringStore{name: name, actor: newActor(), open: open, limit: limit}
}

// Name returns the name of the keychain.
func (s *KeyringStore) Name() string { return s.name }

// Close ends the goroutine that owns the keychain.
func (s *KeyringStore) Close() error {
	s.actor.stop()
	return nil
}

// settling is closed when a call that missed its deadline has returned.
func (s *KeyringStore) settling() <-chan struct{} { return s.actor.settling() }

// Get reads an item and checks that unitty wrote it under this key.
func (s *KeyringStore) Get(ctx context.Context, key string) ([]byte, error) {
	var data []byte
	err := s.with(ctx, key, func(r keyring.Keyring) error {
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
	return s.with(ctx, key, func(r keyring.Keyring) error {
		return r.Set(keyring.Item{Key: key, Data: []byte(text), Label: "unitty", Description: "unitty sign-in"})
	})
}

// Delete removes an item.
func (s *KeyringStore) Delete(ctx context.Context, key string) error {
	return s.with(ctx, key, func(r keyring.Keyring) error {
		err := r.Remove(key)
		if errors.Is(err, keyring.ErrKeyNotFound) {
			return nil
		}
		return err
	})
}

// with runs fn on the actor's goroutine, opening the keychain first.
func (s *KeyringStore) with(ctx context.Context, key string, fn func(keyring.Keyring) error) error {
	if !keyShape.MatchString(key) {
		return errors.New("this is not a key of a store")
	}
	return s.actor.do(ctx, func() error {
		if s.ring == nil {
			r, err := s.open()
			if errors.Is(err, keyring.ErrNoAvailImpl) {
				return fmt.Errorf("%s could not be opened", s.name)
			}
			if err != nil {
				return err
			}
			s.ring = r
		}
		return fn(s.ring)
	})
}
