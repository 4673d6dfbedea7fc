package auth

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/unitty/unitty/auth/atomicfile"
)

// sidecarVersion is the format number of a sidecar.
const sidecarVersion = 1

// sidecar is what processes tell each other about a chain. It holds no secret.
type sidecar struct {
	Version int `json:"v"`
	// Gen is the newest generation that was saved.
	Gen uint64 `json:"gen"`
	// RTHash names the refresh token of that generation.
	RTHash string `json:"rt_hash,omitempty"`
	// Pending is set while a refresh token is being spent. One that is found
	// later means that the process died in between.
	Pending *pendingMark `json:"pending,omitempty"`
	// Unsaved is set when a process holds a newer generation that the store did
	// not take.
	Unsaved *unsavedMark `json:"unsaved,omitempty"`
	// NotBefore is when the server allows the next request.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Dead names a refresh token that the server has refused.
	Dead *deadMark `json:"dead,omitempty"`
	// Limit is set when the server was seen to allow only so many refreshes.
	Limit *limitMark `json:"refresh_limit,omitempty"`
	// LastClass is the class of the last failure.
	LastClass Class `json:"last_error_class,omitempty"`

	extra map[string]json.RawMessage
}

type pendingMark struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
	RTHash  string    `json:"rt_hash"`
	// Sends counts the requests with this token whose fate is unknown, where the
	// server limits them.
	Sends int `json:"sends,omitempty"`
	// Earlier are the processes that died with the same token before, oldest
	// first; any of them may have spent it.
	Earlier []pendingMark `json:"earlier,omitempty"`
}

// maxEarlier bounds how many interruptions are remembered.
const maxEarlier = 3

// interruptions lists a mark with those before it, oldest first and bounded.
func (p *pendingMark) interruptions() []pendingMark {
	if p == nil {
		return nil
	}
	last := *p
	last.Earlier = nil
	all := append(slices.Clone(p.Earlier), last)
	return all[max(0, len(all)-maxEarlier):]
}

type unsavedMark struct {
	PID  int    `json:"pid"`
	Host string `json:"host"`
	Gen  uint64 `json:"gen"`
}

type deadMark struct {
	RTHash string    `json:"rt_hash"`
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
}

// blobStore is where a sidecar lies.
type blobStore interface {
	load(ctx context.Context) ([]byte, error) // nil when there is none
	save(ctx context.Context, data []byte) error
	remove(ctx context.Context) error
}

// fileBlob is a small file beside the lock.
type fileBlob struct{ path string }

func (f fileBlob) load(context.Context) ([]byte, error) {
	data, err := atomicfile.Read(f.path, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (f fileBlob) save(_ context.Context, data []byte) error {
	if err := atomicfile.EnsureDir(filepath.Dir(f.path)); err != nil {
		return err
	}
	atomicfile.Sweep(filepath.Dir(f.path), leftover, "."+filepath.Base(f.path)+"[0-9]*")
	return atomicfile.Write(f.path, data)
}

func (f fileBlob) remove(context.Context) error {
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// itemBlob is an item of a store that no other process sees.
type itemBlob struct {
	store Store
	key   string
}

func (i itemBlob) load(ctx context.Context) ([]byte, error) {
	data, err := i.store.Get(ctx, i.key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return data, err
}

func (i itemBlob) save(ctx context.Context, data []byte) error {
	return i.store.Set(ctx, i.key, data)
}
func (i itemBlob) remove(ctx context.Context) error { return i.store.Delete(ctx, i.key) }

// loadSidecar reads a sidecar. A damaged one counts as empty: it is advice, and
// the slots hold the truth. A newer one is refused.
func loadSidecar(ctx context.Context, b blobStore) (sidecar, error) {
	data, err := b.load(ctx)
	if err != nil {
		return sidecar{}, err
	}
	return decodeSidecar(data)
}

func decodeSidecar(data []byte) (sidecar, error) {
	empty := sidecar{Version: sidecarVersion}
	var s sidecar
	if len(data) == 0 || json.Unmarshal(data, &s) != nil || s.Version < 1 {
		return empty, nil //nolint:nilerr // damaged: it counts as empty
	}
	if s.Version > sidecarVersion {
		return empty, errNewerFormat
	}
	extra, err := extraFields(data, "v", "gen", "rt_hash", "pending", "unsaved", "not_before", "dead", "refresh_limit", "last_error_class")
	if err != nil {
		return empty, nil //nolint:nilerr // damaged: it counts as empty
	}
	s.extra = extra
	return s, nil
}

func (s sidecar) encode() ([]byte, error) {
	data, err := json.Marshal(s)
	if err != nil || len(s.extra) == 0 {
		return data, err
	}
	return mergeExtra(data, s.extra)
}

func saveSidecar(ctx context.Context, b blobStore, s sidecar) error {
	data, err := s.encode()
	if err != nil {
		return err
	}
	return b.save(ctx, data)
}
