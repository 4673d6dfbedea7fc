package snapshot

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Format of the file. The version stands right behind the magic, so that any later unitty can tell it.
const (
	magic      = "unitty\x00\x1a"
	version    = 3 // 1 had rows instead of columns, 2 addresses and times as text and numbers of any length
	headerSize = len(magic) + 2 + 2 + saltSize + 8 + markSize + markSize + markSize
	saltSize   = 16
	markSize   = 16

	// KeySize is the length of the key in bytes.
	KeySize = 32

	// maxFrame caps a sealed frame, maxPlain what it may unfold to, maxFile the whole: far above what a million machines
	// take, far below what would fill a disk or the memory.
	maxFrame = 8 << 20
	maxPlain = 32 << 20
	maxFile  = 1 << 30
)

// Kinds of files that cannot be used.
var (
	// ErrCorrupt means that the file was changed, cut or never was a snapshot.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrForeign means that it belongs to another console or user, or was written with another key.
	ErrForeign = errors.New("the file belongs to another console, user or key")
	// ErrNewer means that a newer unitty wrote it.
	ErrNewer = errors.New("the file was written by a newer unitty")
	// ErrOlder means that an older unitty wrote it in a form that is no longer read.
	ErrOlder = errors.New("the file was written by an older unitty")
	// ErrTooLarge means that the picture does not fit into a file of the greatest size.
	ErrTooLarge = errors.New("the snapshot would be too large")
)

// header is what stands at the beginning, in the clear.
type header struct {
	salt [saltSize]byte
	// at is when the sync that the file holds was finished, in nanoseconds since 1970.
	at int64
	// key names the key, bound what the file belongs to, mac proves the header; all keyed, so that none of them tells
	// anything to whoever lacks the key.
	key, bound, mac [markSize]byte
}

// secrets are derived from the key of the store.
type secrets struct {
	key   [KeySize]byte
	bound []byte
}

func (s *secrets) mark(label string, data ...[]byte) (out [markSize]byte) {
	m := hmac.New(sha256.New, s.key[:])
	_, _ = m.Write([]byte("unitty snapshot " + label + "\x00")) // a hash never fails
	for _, d := range data {
		_, _ = m.Write(d)
	}
	copy(out[:], m.Sum(nil))
	return out
}

func (s *secrets) newHeader(at time.Time) (header, error) {
	h := header{at: at.UnixNano(), key: s.mark("key"), bound: s.mark("bound", s.bound)}
	if _, err := rand.Read(h.salt[:]); err != nil {
		return h, fmt.Errorf("snapshot: no randomness: %w", err)
	}
	h.mac = s.mark("header", h.open())
	return h, nil
}

// open are the bytes before the mac.
func (h *header) open() []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.BigEndian.AppendUint16(b, version)
	b = binary.BigEndian.AppendUint16(b, 0) // flags, of which there are none yet
	b = append(b, h.salt[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.at)) //nolint:gosec // the bits of a time, read back the same way
	b = append(b, h.key[:]...)
	return append(b, h.bound[:]...)
}

func (h *header) bytes() []byte { return append(h.open(), h.mac[:]...) }

// readHeader reads and proves the header.
func (s *secrets) readHeader(r io.Reader) (header, error) {
	var h header
	raw := make([]byte, headerSize)
	n, err := io.ReadFull(r, raw)
	if n >= len(magic)+2 && string(raw[:len(magic)]) == magic {
		switch v := binary.BigEndian.Uint16(raw[len(magic):]); {
		case v > version:
			return h, ErrNewer
		case v < version:
			return h, ErrOlder
		}
	}
	if err != nil || string(raw[:len(magic)]) != magic {
		return h, ErrCorrupt
	}
	rest := raw[len(magic)+4:]
	for _, field := range [][]byte{h.salt[:], nil, h.key[:], h.bound[:], h.mac[:]} {
		if field == nil {
			h.at = int64(binary.BigEndian.Uint64(rest)) //nolint:gosec // the bits of a time, written the same way
			rest = rest[8:]
			continue
		}
		rest = rest[copy(field, rest):]
	}
	switch {
	case h.key != s.mark("key"):
		return h, ErrForeign
	case h.mac != s.mark("header", raw[:headerSize-markSize]):
		return h, ErrCorrupt
	case h.bound != s.mark("bound", s.bound):
		return h, ErrForeign
	}
	return h, nil
}

// sealer makes the cipher of one file, and what every frame of it is bound to.
func (s *secrets) sealer(h *header) (cipher.AEAD, []byte, error) {
	key, err := hkdf.Key(sha256.New, s.key[:], h.salt[:], "unitty snapshot frames", KeySize)
	if err != nil {
		return nil, nil, fmt.Errorf("snapshot: key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, fmt.Errorf("snapshot: cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, fmt.Errorf("snapshot: cipher: %w", err)
	}
	return aead, append(h.bytes(), s.bound...), nil
}

// nonce is the number of a frame. The key is used for one file only, so no nonce comes twice.
func nonce(n uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 4, 12), n)
}

// frameEnd is the kind of the last frame; the others are the codec's.
const frameEnd = 'E'

// frameWriter seals frames.
type frameWriter struct {
	to     *bufio.Writer
	aead   cipher.AEAD
	bind   []byte
	n      uint64
	size   int64
	plain  bytes.Buffer
	pack   *flate.Writer
	sealed []byte
}

func newFrameWriter(w io.Writer, s *secrets, h *header) (*frameWriter, error) {
	aead, bind, err := s.sealer(h)
	if err != nil {
		return nil, err
	}
	f := &frameWriter{to: bufio.NewWriterSize(w, 1<<16), aead: aead, bind: bind, size: int64(headerSize)}
	// The fastest level: it packs columns of names and versions to a third, and the next levels take three times as long
	// for a tenth less.
	if f.pack, err = flate.NewWriter(&f.plain, flate.BestSpeed); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	_, err = f.to.Write(h.bytes())
	return f, err
}

// write seals one frame: its kind, what cannot be compressed, and what can.
func (f *frameWriter) write(kind byte, data, noise []byte) error {
	if len(data) > maxPlain-1 {
		return ErrTooLarge
	}
	f.plain.Reset()
	f.plain.WriteByte(kind)
	f.plain.Write(binary.AppendUvarint(nil, uint64(len(noise))))
	f.plain.Write(noise)
	f.plain.Write(binary.AppendUvarint(nil, uint64(len(data))))
	f.pack.Reset(&f.plain)
	if _, err := f.pack.Write(data); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if err := f.pack.Close(); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	f.sealed = f.aead.Seal(f.sealed[:0], nonce(f.n), f.plain.Bytes(), f.bind)
	f.n++
	f.size += int64(len(f.sealed)) + 4
	if len(f.sealed) > maxFrame || f.size > maxFile {
		return ErrTooLarge
	}
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(f.sealed))) //nolint:gosec // capped above
	if _, err := f.to.Write(size[:]); err != nil {
		return err
	}
	_, err := f.to.Write(f.sealed)
	return err
}

// end writes the end marker and hands everything on.
func (f *frameWriter) end() error {
	if err := f.write(frameEnd, nil, nil); err != nil {
		return err
	}
	return f.to.Flush()
}
