package unity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	// Total is how many rows the server says there are, or -1.
	Total int
	// Asked is the page size that was asked for, Got what the server says it used, or 0.
	Asked, Got int
}

// IncompleteError tells that a list ended before all announced rows were seen, though it was walked more than once.
type IncompleteError struct {
	Path string
	// Total is how many rows the server announced, or -1 when it announced more without saying how many.
	Seen, Total int
}

// Error says how many rows are missing.
func (e *IncompleteError) Error() string {
	if e.Total < 0 {
		return fmt.Sprintf("%d rows were read, the server announces more but does not give them [GET %s]", e.Seen, Clean(e.Path))
	}
	return fmt.Sprintf("%d of %d rows were read, the list changes faster than it can be read [GET %s]", e.Seen, e.Total, Clean(e.Path))
}

// Is makes it an ErrProtocol.
func (e *IncompleteError) Is(target error) bool { return errors.Is(ErrProtocol, target) }

// DefaultPageSize is what unitty asks for where the server states no maximum (§1.6).
const DefaultPageSize = 1000

// lister describes a list of the console that is read by page number.
type lister[T any] struct {
	path  string
	query url.Values
	key   string // envelope key of the rows
	size  int
	id    func(*T) string
	// loose says that two rows may have the same id, since the API gives them none of their own.
	loose bool
	make  func(json.RawMessage) (T, error)
}

// maxWalks is how often a list that moves while it is read is walked.
const maxWalks = 3

// maxPages ends a list that does not end by itself.
const maxPages = 20_000

// walk is the state of one way through the pages.
type walk struct {
	seen    map[string]bool // in this walk
	read    int             // rows, repeated ones too
	total   int             // as announced last, or -1
	shrunk  bool            // rows were removed while we read, so that others may have been passed over
	partial bool            // it ended though the server announces more
}

// complete tells whether all announced rows were seen.
func (w *walk) complete(loose bool) bool {
	switch {
	case w.partial, w.shrunk:
		return false
	case loose:
		return w.total < 0 || w.read >= w.total
	default:
		return w.total < 0 || len(w.seen) >= w.total
	}
}

// pages walks all pages. Rows are passed on once, also when they move under the walk; when some were passed over, the
// walk is repeated, and an IncompleteError ends it only if that did not help.
func (l lister[T]) pages(ctx context.Context, c *Client) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		given := map[string]bool{}
		size := l.size
		if size <= 0 {
			size = DefaultPageSize
		}
		var last walk
		for n := 0; n < maxWalks; n++ {
			w, err := l.walk(ctx, c, size, given, yield)
			switch {
			case errors.Is(err, errStopped):
				return
			case err != nil:
				if size = lessOf(err, size); size > 0 {
					n--
					continue
				}
				yield(Page[T]{}, err)
				return
			case w.complete(l.loose):
				return
			}
			last = w
		}
		total := last.total
		if last.partial {
			total = -1
		}
		yield(Page[T]{}, &IncompleteError{Path: l.path, Seen: len(given), Total: total})
	}
}

// errStopped says that the reader of the pages wants no more.
var errStopped = errors.New("stopped")

// walk reads the pages from the first one on and passes on the rows that were not given yet.
func (l lister[T]) walk(ctx context.Context, c *Client, size int, given map[string]bool, yield func(Page[T], error) bool) (walk, error) {
	w := walk{seen: map[string]bool{}, total: -1}
	for nr := 1; ; nr++ {
		env, err := l.page(ctx, c, nr, size)
		if err != nil {
			return w, err
		}
		if env.total >= 0 {
			w.shrunk = w.shrunk || env.total < w.total
			w.total = env.total
		}
		w.read += len(env.items)
		before := len(w.seen)
		fresh := l.fresh(env.items, w.seen, given)
		if len(fresh) > 0 || nr == 1 {
			if !yield(Page[T]{Items: fresh, Total: env.total, Asked: size, Got: env.size}, nil) {
				return w, errStopped
			}
		}
		switch done, partial := env.last(w.read, len(w.seen)-before); {
		case done:
			w.partial = partial
			return w, nil
		case nr >= maxPages:
			return w, protocolError(l.path, errors.New("the pages do not end"))
		}
	}
}

// lessOf gives the page size to go on with after a gateway gave up on a large page (§4), or 0.
func lessOf(err error, size int) int {
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusGatewayTimeout && size > 50 {
		return max(50, size/4)
	}
	return 0
}

// fresh gives the rows that were not given yet, and notes all of them as seen. Rows without an id of their own that look
// the same on one page are different ones; on different pages they are taken for one that moved. The rows stay in their place
// in memory: those that were given before are overwritten.
func (l lister[T]) fresh(items []T, seen, given map[string]bool) []T {
	out := items[:0]
	twins := map[string]int{}
	for i := range items {
		id := l.id(&items[i])
		if l.loose {
			twins[id]++
			id += "\x00" + strconv.Itoa(twins[id])
		}
		seen[id] = true
		if !given[id] {
			given[id] = true
			out = append(out, items[i])
		}
	}
	return out
}

type envelope[T any] struct {
	items []T
	total int
	size  int
	more  Bool
	// fields are the members of the envelope, nil where the rows stand bare.
	fields []field
}

// last tells whether this was the last page, and whether the server announces more all the same. A server that clamps the
// page size or repeats a page must not end the walk early or keep it going for ever. fresh counts the rows of the page
// that this walk had not seen.
func (e envelope[T]) last(read, fresh int) (done, partial bool) {
	switch {
	case e.more.Known:
		return !e.more.On || fresh == 0, e.more.On && fresh == 0
	case e.total >= 0:
		return read >= e.total || fresh == 0, false
	default:
		return fresh == 0 || e.size > 0 && len(e.items) < e.size, false
	}
}

func (l lister[T]) page(ctx context.Context, c *Client, nr, size int) (envelope[T], error) {
	q := url.Values{}
	for k, v := range l.query {
		q[k] = v
	}
	q.Set("pageSize", strconv.Itoa(size))
	q.Set("pageNr", strconv.Itoa(nr))
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: l.path, Query: q})
	if err != nil {
		return envelope[T]{}, err
	}
	env, err := decodeList(resp.Body, l.key, l.make)
	if err != nil {
		return env, protocolError(l.path, err)
	}
	return env, nil
}

func protocolError(path string, err error) error {
	return &Error{Kind: ErrProtocol, Method: http.MethodGet, Path: path, Status: http.StatusOK, Sent: true, Err: err}
}

// trimBody takes off what may stand before and after the JSON.
func trimBody(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
}

// sameID refuses an answer about another object than was asked for: what is shown and sent would be another one's.
func sameID(path, asked, got string) error {
	if lower(asked) != got {
		return protocolError(path, fmt.Errorf("the answer is about %q", Clean(clip(got, 60))))
	}
	return nil
}

// decodeList reads an envelope. A body without its list is an error: an empty parse would look like "no customers".
func decodeList[T any](body []byte, key string, mk func(json.RawMessage) (T, error)) (envelope[T], error) {
	env := envelope[T]{total: -1}
	body = trimBody(body)
	rows := json.RawMessage(body)
	if bytes.HasPrefix(body, []byte("[")) && !json.Valid(body) {
		return env, fmt.Errorf("%q is not a list", key)
	}
	if !bytes.HasPrefix(body, []byte("[")) {
		fields, ok := splitObject(body)
		if !ok {
			var err error
			if fields, err = objectFields(body); err != nil {
				return env, fmt.Errorf("the body is not the JSON the API documents: %w", err)
			}
		}
		env.fields = fields
		if rows, ok = member(fields, key); !ok {
			return env, fmt.Errorf("the body has no %q", key)
		}
		env.total = intMember(fields, -1, "TotalAvailable", "TotalCount")
		env.size = intMember(fields, 0, "PageSize")
		if v, ok := member(fields, "MoreAvailable"); ok {
			if err := env.more.UnmarshalJSON(v); err != nil {
				return env, err
			}
		}
	}
	if bytes.Equal(bytes.TrimSpace(rows), []byte("null")) {
		if env.total > 0 {
			return env, fmt.Errorf("%q is null, though there are %d rows", key, env.total)
		}
		return env, nil
	}
	raws, ok := splitArray(rows)
	if !ok {
		return env, fmt.Errorf("%q is not a list", key)
	}
	env.items = make([]T, 0, len(raws))
	for _, raw := range raws {
		item, err := mk(raw)
		if err != nil {
			return env, fmt.Errorf("%q: %w", key, err)
		}
		env.items = append(env.items, item)
	}
	return env, nil
}

func intMember(fields []field, missing int, names ...string) int {
	for _, name := range names {
		if v, ok := member(fields, name); ok {
			var n Int
			if n.UnmarshalJSON(v) == nil && n.Known && n.N >= 0 && n.N < 1<<31 {
				return int(n.N)
			}
		}
	}
	return missing
}

// Collect reads pages to the end.
func Collect[T any](pages iter.Seq2[Page[T], error]) ([]T, error) {
	var out []T
	for p, err := range pages {
		if err != nil {
			return out, err
		}
		out = append(out, p.Items...)
	}
	return out, nil
}

// decodeRow makes the decoder of a row type that keeps its raw form, as a part of the body that it came in. A member of another shape than documented must not
// cost the row, so it is left out.
func decodeRow[T any](keep func(*T) *Record) func(json.RawMessage) (T, error) {
	return func(raw json.RawMessage) (T, error) {
		var row T
		if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
			return row, errors.New("a row is not an object")
		}
		// Unmarshal reads the rest before it reports a member of the wrong type.
		var odd *json.UnmarshalTypeError
		if err := json.Unmarshal(raw, &row); err != nil && !errors.As(err, &odd) {
			return row, fmt.Errorf("row: %w", err)
		}
		keep(&row).raw = raw
		return row, nil
	}
}

// decodeOne reads a single object that may stand bare or as the only element of its list envelope: the documents do not
// show which.
func decodeOne[T any](body []byte, key string, mk func(json.RawMessage) (T, error)) (T, error) {
	var none T
	body = trimBody(body)
	fields, err := objectFields(body)
	if err != nil {
		return none, fmt.Errorf("the body is not the JSON the API documents: %w", err)
	}
	if _, ok := member(fields, key); !ok {
		return mk(body)
	}
	env, err := decodeList(body, key, mk)
	switch {
	case err != nil:
		return none, err
	case len(env.items) != 1:
		return none, fmt.Errorf("%d rows where one was asked for", len(env.items))
	}
	return env.items[0], nil
}

func getOne[T any](ctx context.Context, c *Client, path, key string, mk func(json.RawMessage) (T, error)) (T, error) {
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path})
	if err != nil {
		var none T
		return none, err
	}
	row, err := decodeOne(resp.Body, key, mk)
	if err != nil {
		return row, protocolError(path, err)
	}
	return row, nil
}

func getAll[T any](ctx context.Context, c *Client, path, key string, mk func(json.RawMessage) (T, error)) ([]T, error) {
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return nil, err
	}
	env, err := decodeList(resp.Body, key, mk)
	if err != nil {
		return nil, protocolError(path, err)
	}
	if env.total > len(env.items) {
		return env.items, &IncompleteError{Path: path, Seen: len(env.items), Total: env.total}
	}
	return env.items, nil
}
