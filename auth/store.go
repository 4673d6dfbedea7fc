package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

// Store keeps secrets by key. Keys are short, lower case and hold no personal
// data. A Store is safe for use by several goroutines.
type Store interface {
	// Name is the name under which users choose the store: "file", "memory" ….
	Name() string
	// Get returns an item, or ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)
	// Set writes an item. When it returns nil the item survives a crash, as far
	// as the store can promise it.
	Set(ctx context.Context, key string, data []byte) error
	// Delete removes an item; a missing one is not an error.
	Delete(ctx context.Context, key string) error
	// Close releases what the store holds. Secrets stay where they are.
	Close() error
}

// errLocked means that a keychain is locked, and errReadOnly that a store takes
// nothing; the state of the sign-in tells them from a store that is broken.
var (
	errLocked   = errors.New("the keychain is locked, and nobody unlocked it")
	errReadOnly = errors.New("the store is read-only")
)

// lockDirer is a Store whose items are covered by a lock in a folder of its own.
type lockDirer interface{ LockDir() string }

// selfLocker is a Store that no other process can see and that keeps its lock
// in memory.
type selfLocker interface {
	lockChain(ctx context.Context) (unlock func(), err error)
}

// canaryPrefix begins the keys of test items.
const canaryPrefix = "v1-canary-"

// Canary proves that a store works by writing, reading back and deleting a
// random item under a random key. Opening a store proves nothing: several kinds
// open without error and fail at the first use.
func Canary(ctx context.Context, s Store) error {
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return fmt.Errorf("no randomness: %w", err)
	}
	key, want := canaryPrefix+hex.EncodeToString(raw[:8]), []byte(hex.EncodeToString(raw))
	if err := s.Set(ctx, key, want); errors.Is(err, errNoBus) {
		return err // it names the store, and nothing was written
	} else if err != nil {
		return fmt.Errorf("%s: writing a test item: %w", s.Name(), err)
	}
	got, err := s.Get(ctx, key)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("the item read back differs from the one written")
	}
	if derr := s.Delete(ctx, key); err == nil {
		err = derr
	}
	if err != nil {
		return fmt.Errorf("%s: test item: %w", s.Name(), err)
	}
	return nil
}

// MemoryStore keeps secrets in this process only; they are gone when it ends.
type MemoryStore struct {
	mu    sync.Mutex
	items map[string][]byte
	sem   chan struct{}
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{items: map[string][]byte{}, sem: make(chan struct{}, 1)}
}

// Name returns "memory".
func (m *MemoryStore) Name() string { return "memory" }

// Get returns a copy of an item, or ErrNotFound.
func (m *MemoryStore) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.items[key]
	if !ok {
		return nil, ErrNotFound
	}
	return bytes.Clone(v), nil
}

// Set keeps a copy of data.
func (m *MemoryStore) Set(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items[key] = bytes.Clone(data)
	return nil
}

// Delete removes an item.
func (m *MemoryStore) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, key)
	return nil
}

// Close does nothing.
func (m *MemoryStore) Close() error { return nil }

// lockChain serialises the engines that share this store.
func (m *MemoryStore) lockChain(ctx context.Context) (func(), error) {
	select {
	case m.sem <- struct{}{}:
		return func() { <-m.sem }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
