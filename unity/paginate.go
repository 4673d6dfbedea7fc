package unity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Paginate follows the pages of any read by the marks its answers carry (§1.6): a continuation token, a position,
// MoreAvailable, or a total. It yields the answers as they are.
func (c *Client) Paginate(ctx context.Context, r Request) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		if r.Method != http.MethodGet {
			yield(nil, refuse("only reads have pages"))
			return
		}
		query, err := splitQuery(&r)
		if err != nil {
			yield(nil, err)
			return
		}
		seen := map[string]bool{}
		for nr, read := 1, 0; nr <= maxPages; nr++ {
			seen[query.Encode()] = true
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
			switch {
			case err != nil:
				yield(nil, protocolError(r.Path, err))
				return
			case next == nil:
				return
			case seen[next.Encode()]:
				yield(nil, protocolError(r.Path, errors.New("the next page is one that was read already")))
				return
			}
			read += rows
			query = next
		}
		yield(nil, protocolError(r.Path, errors.New("the pages do not end")))
	}
}

// splitQuery takes the query out of the path, so that a page number in it is not sent twice.
func splitQuery(r *Request) (url.Values, error) {
	path, text, _ := strings.Cut(r.Path, "?")
	query, err := url.ParseQuery(text)
	if err != nil {
		return nil, refuse("the query is not readable")
	}
	for k, v := range r.Query {
		query[k] = v
	}
	r.Path = path
	return query, nil
}

// without copies a query without the named parameters, in any case.
func without(query url.Values, names ...string) url.Values {
	next := url.Values{}
	for k, v := range query {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, k) }) {
			next[k] = v
		}
	}
	return next
}

// nextPage gives the number of rows and the query of the next page, or nil at the end.
func nextPage(body []byte, query url.Values, nr, read int) (int, url.Values, error) {
	fields, err := objectFields(trimBody(body))
	if err != nil {
		return 0, nil, errors.New("the answer is no JSON object, so it has no pages")
	}
	if token := textMember(fields, "ContinuationToken"); token != "" {
		next := without(query, "pageNr", "continuation")
		next.Set("continuation", token)
		return 0, next, nil
	}
	rows := longestList(fields)
	var more Bool
	if v, ok := member(fields, "MoreAvailable"); ok && more.UnmarshalJSON(v) == nil && more.Known {
		if !more.On {
			return rows, nil, nil
		}
		if position := textMember(fields, "NextPosition"); position != "" {
			next := without(query, "position")
			next.Set("position", position)
			return rows, next, nil
		}
		if rows == 0 {
			return 0, nil, errors.New("the server announces more, but the page is empty")
		}
	} else if total := intMember(fields, -1, "TotalAvailable"); total < 0 || read+rows >= total || rows == 0 {
		return rows, nil, nil
	}
	next := without(query, "pageNr")
	next.Set("pageNr", strconv.Itoa(intMember(fields, nr, "PageNr")+1))
	return rows, next, nil
}

func textMember(fields []field, name string) string {
	var t Text
	if v, ok := member(fields, name); !ok || t.UnmarshalJSON(v) != nil {
		return ""
	}
	return t.Raw()
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
