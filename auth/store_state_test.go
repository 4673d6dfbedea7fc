package auth

import (
	"context"
	"errors"
	"testing"
)

// closedStore gives nothing.
type closedStore struct {
	*MemoryStore
	why error
}

func (s *closedStore) Get(context.Context, string) ([]byte, error) {
	return nil, s.why
}

// TestWhatIsWrongWithTheStoreIsSaid tells a locked keychain and a broken store
// from one that is read-only.
func TestWhatIsWrongWithTheStoreIsSaid(t *testing.T) {
	for want, why := range map[State]error{StoreLocked: errLocked, StoreFailed: errors.New("torn")} {
		store := &closedStore{MemoryStore: NewMemoryStore(), why: why}
		e := setup{store: store, prov: &scriptProvider{}, dir: privateDir(t)}.engine(t)
		if _, err := e.Token(t.Context()); !errors.Is(err, ErrStore) || e.Status().State != want {
			t.Errorf("%v: state %q, want %q: %v", why, e.Status().State, want, err)
		}
	}
	if StoreLocked.String() != "store is locked" || StoreReadOnly.String() != "store is read-only" || State(99).String() != "unknown" {
		t.Errorf("%q %q", StoreLocked, StoreReadOnly)
	}
}
