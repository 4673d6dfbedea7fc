package snapshot

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"time"
)

// sealed is a frame as it stands in the file.
type sealed struct {
	nr   uint64
	data []byte
}

// frameReader gives frames, still sealed.
type frameReader struct {
	from *bufio.Reader
	n    uint64
}

// next reads a frame into a buffer, which is emptied before.
func (f *frameReader) next(into *bytes.Buffer) (sealed, error) {
	var size [4]byte
	if _, err := io.ReadFull(f.from, size[:]); err != nil {
		return sealed{}, ErrCorrupt
	}
	n := int64(binary.BigEndian.Uint32(size[:]))
	if n > maxFrame {
		return sealed{}, ErrCorrupt
	}
	// The length is not proven yet, so memory is taken as the bytes come. A Buffer wants some room to see that there are no
	// more.
	into.Reset()
	into.Grow(int(min(n, frameFill)) + bytes.MinRead)
	if got, err := io.CopyN(into, f.from, n); err != nil || got != n {
		return sealed{}, ErrCorrupt
	}
	f.n++
	return sealed{f.n - 1, into.Bytes()}, nil
}

// opener opens frames, one after the other; its buffers serve for all of them.
type opener struct {
	aead   cipher.AEAD
	bind   []byte
	unpack io.ReadCloser
	frame  bytes.Buffer
	plain  []byte
}

// open opens a frame, and reads what it holds.
func (o *opener) open(f sealed) (piece, error) {
	open, err := o.aead.Open(f.data[:0], nonce(f.nr), f.data, o.bind)
	if err != nil || len(open) == 0 {
		return piece{}, ErrCorrupt
	}
	kind, rest := open[0], open[1:]
	long, n := binary.Uvarint(rest)
	if n <= 0 || long > uint64(len(rest[n:])) {
		return piece{}, ErrCorrupt
	}
	if kind == frameEnd {
		return piece{kind: frameEnd}, nil
	}
	noise, packed := rest[n:n+int(long)], rest[n+int(long):] //nolint:gosec // within the bytes there are
	if packed, err = o.unfold(packed); err != nil {
		return piece{}, err
	}
	return unfold(kind, packed, noise)
}

// unfold gives what was compressed, of which the length stands before it.
func (o *opener) unfold(packed []byte) ([]byte, error) {
	long, n := binary.Uvarint(packed)
	if n <= 0 || long > maxPlain {
		return nil, ErrCorrupt
	}
	from := bytes.NewReader(packed[n:])
	if o.unpack == nil {
		o.unpack = flate.NewReader(from)
	} else if r, ok := o.unpack.(flate.Resetter); !ok || r.Reset(from, nil) != nil {
		return nil, ErrCorrupt
	}
	// Whoever wrote the length has the key.
	o.plain = slices.Grow(o.plain[:0], int(long))[:long]
	if _, err := io.ReadFull(o.unpack, o.plain); err != nil {
		return nil, ErrCorrupt
	}
	var more [1]byte
	if got, err := o.unpack.Read(more[:]); got > 0 || !errors.Is(err, io.EOF) {
		return nil, ErrCorrupt
	}
	return o.plain, nil
}

// result is what opening a frame gave.
type result struct {
	piece piece
	err   error
}

// readFrames passes what the frames hold to the loader, in order. They are opened by several goroutines, which are at most
// a few frames ahead.
func (f *File) readFrames(ctx context.Context, in io.Reader, l *loader) error {
	from := bufio.NewReaderSize(in, 1<<16)
	h, err := f.s.readHeader(from)
	if err != nil {
		return err
	}
	aead, bind, err := f.s.sealer(&h)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	workers := min(4, runtime.GOMAXPROCS(0))
	idle := make(chan *opener, workers)
	for range workers {
		idle <- &opener{aead: aead, bind: bind}
	}
	results := make(chan chan result, workers)
	go produce(ctx, &frameReader{from: from}, idle, results)
	err = consume(ctx, time.Unix(0, h.at).UTC(), results, l)
	cancel()
	for range results { // nobody reads the file any more when this ends
	}
	for range workers {
		<-idle
	}
	return err
}

// produce reads frames and has them opened; the results come in the order of the frames.
func produce(ctx context.Context, r *frameReader, idle chan *opener, results chan<- chan result) {
	defer close(results)
	for {
		out := make(chan result, 1)
		o := <-idle
		frame, err := r.next(&o.frame)
		if err != nil {
			out <- result{err: err}
			idle <- o
		} else {
			last := r.atEnd()
			go func() {
				p, err := o.open(frame)
				if err == nil && (p.kind == frameEnd) != last {
					err = ErrCorrupt // something follows the end marker, or there is none
				}
				out <- result{p, err}
				idle <- o
			}()
			err = io.EOF
			if !last {
				err = nil
			}
		}
		select {
		case results <- out:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// atEnd tells that the file ends here.
func (f *frameReader) atEnd() bool {
	_, err := f.from.Peek(1)
	return errors.Is(err, io.EOF)
}

func consume(ctx context.Context, at time.Time, results <-chan chan result, l *loader) error {
	for out := range results {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch r := <-out; {
		case r.err != nil:
			return r.err
		case r.piece.kind == frameEnd:
			return nil
		default:
			if err := l.take(at, r.piece); err != nil {
				return err
			}
		}
	}
	return ErrCorrupt
}
