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
	Path        string
	Seen, Total int
}

// Error says how many rows are missing.
func (e *IncompleteError) Error() string {
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
	make  func(json.RawMessage) (T, error)
}

// pages walks all pages. Rows are passed on once, also when they move under the walk; when some were passed over, the
// walk is repeated, and an IncompleteError ends it only if that did not help.
func (l lister[T]) pages(ctx context.Context, c *Client) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		seen := map[string]bool{}
		size, total := l.size, -1
		if size <= 0 {
			size = DefaultPageSize
		}
		for range 3 {
			done, last := false, 0
			for nr := 1; !done; nr++ {
				env, err := l.page(ctx, c, nr, size)
				if err != nil {
					if smaller := lessOf(err, size); smaller > 0 && nr == 1 {
						size, nr = smaller, 0
						continue
					}
					yield(Page[T]{}, err)
					return
				}
				total, last = env.total, last+len(env.items)
				fresh := l.fresh(env.items, seen)
				if len(fresh) > 0 || nr == 1 {
					if !yield(Page[T]{Items: fresh, Total: total, Asked: size, Got: env.size}, nil) {
						return
					}
				}
				done = env.last(nr, last, len(fresh))
			}
			if total < 0 || len(seen) >= total {
				return
			}
		}
		yield(Page[T]{}, &IncompleteError{Path: l.path, Seen: len(seen), Total: total})
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

func (l lister[T]) fresh(items []T, seen map[string]bool) []T {
	var out []T
	for i := range items {
		id := l.id(&items[i])
		if id != "" && seen[id] {
			continue
		}
		if id == "" {
			id = "#" + strconv.Itoa(len(seen))
		}
		seen[id] = true
		out = append(out, items[i])
	}
	return out
}

type envelope[T any] struct {
	items []T
	total int
	size  int
	more  Bool
}

// last tells whether this was the last page. A server that clamps the page size or repeats a page must not end the walk
// early or keep it going for ever.
func (e envelope[T]) last(nr, read, fresh int) bool {
	switch {
	case len(e.items) == 0, nr > 100_000:
		return true
	case e.more.Known:
		return !e.more.On || fresh == 0
	case e.total >= 0:
		return read >= e.total || fresh == 0 && nr > 1
	default:
		return e.size > 0 && len(e.items) < e.size || fresh == 0
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

// decodeList reads an envelope. A body without its list is an error: an empty parse would look like "no customers".
func decodeList[T any](body []byte, key string, mk func(json.RawMessage) (T, error)) (envelope[T], error) {
	env := envelope[T]{total: -1}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	rows := json.RawMessage(body)
	if !bytes.HasPrefix(body, []byte("[")) {
		fields, err := objectFields(body)
		if err != nil {
			return env, fmt.Errorf("the body is not the JSON the API documents: %w", err)
		}
		var ok bool
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
	var raws []json.RawMessage
	if err := json.Unmarshal(rows, &raws); err != nil {
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

// decodeRow makes the decoder of a row type that keeps its raw form.
func decodeRow[T any](keep func(*T) *Record) func(json.RawMessage) (T, error) {
	return func(raw json.RawMessage) (T, error) {
		var row T
		if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
			return row, errors.New("a row is not an object")
		}
		if err := json.Unmarshal(raw, &row); err != nil {
			return row, fmt.Errorf("row: %w", err)
		}
		keep(&row).raw = bytes.Clone(raw)
		return row, nil
	}
}

// decodeOne reads a single object that may stand bare or as the only element of its list envelope: the documents do not
// show which.
func decodeOne[T any](body []byte, key string, mk func(json.RawMessage) (T, error)) (T, error) {
	var none T
	fields, err := objectFields(bytes.TrimSpace(body))
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
