package unity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Paginate follows the pages of any read by the marks its answers carry (§1.6): a continuation token, MoreAvailable, or a
// total. It yields the answers as they are.
func (c *Client) Paginate(ctx context.Context, r Request) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		if r.Method != http.MethodGet {
			yield(nil, refuse("only reads have pages"))
			return
		}
		query := url.Values{}
		for k, v := range r.Query {
			query[k] = v
		}
		read := 0
		for nr := 1; nr < maxBatches; nr++ {
			r.Query = query
			resp, err := c.Do(ctx, r)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(resp.Body, nil) {
				return
			}
			rows, next, err := nextPage(resp.Body, query, nr, read)
			if err != nil {
				yield(nil, protocolError(r.Path, err))
				return
			}
			if next == nil {
				return
			}
			read += rows
			query = next
		}
	}
}

// nextPage gives the query of the next page, or nil at the end.
func nextPage(body []byte, query url.Values, nr, read int) (int, url.Values, error) {
	fields, err := objectFields(bytes.TrimSpace(body))
	if err != nil {
		return 0, nil, errors.New("the answer is no JSON object, so it has no pages")
	}
	next := url.Values{}
	for k, v := range query {
		if !strings.EqualFold(k, "pageNr") && !strings.EqualFold(k, "continuation") {
			next[k] = v
		}
	}
	var token Text
	if v, ok := member(fields, "ContinuationToken"); ok && token.UnmarshalJSON(v) == nil && token.Raw() != "" {
		next.Set("continuation", token.Raw())
		if next.Encode() == query.Encode() {
			return 0, nil, errors.New("the continuation leads back to where it was")
		}
		return 0, next, nil
	}
	rows := longestList(fields)
	var more Bool
	if v, ok := member(fields, "MoreAvailable"); ok && more.UnmarshalJSON(v) == nil && more.Known {
		if !more.On || rows == 0 {
			return rows, nil, nil
		}
	} else if total := intMember(fields, -1, "TotalAvailable"); total < 0 || read+rows >= total || rows == 0 {
		return rows, nil, nil
	}
	first := intMember(fields, nr, "PageNr")
	next.Set("pageNr", strconv.Itoa(first+1))
	return rows, next, nil
}

func longestList(fields []field) int {
	longest := 0
	for _, f := range fields {
		var list []json.RawMessage
		if bytes.HasPrefix(bytes.TrimSpace(f.value), []byte("[")) && json.Unmarshal(f.value, &list) == nil {
			longest = max(longest, len(list))
		}
	}
	return longest
}
