package unitytest

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// page is the window of a list that a call asks for.
type page struct{ number, size int }

const (
	defaultPageSize = 50
	maxPage         = 1_000_000 // keeps products of number and size small
)

// page reads pageNr and pageSize. Empty values count as absent; values below
// 1 mean the default unless a variant refuses them.
func (c *call) page() (page, *reply) {
	p := page{1, defaultPageSize}
	for name, at := range map[string]*int{"pagenr": &p.number, "pagesize": &p.size} {
		text := c.query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || (n < 1 && c.s.variants["page-size-zero-400"]) {
			r := badRequest("The page number or page size is invalid.")
			return p, &r
		}
		if n >= 1 {
			*at = min(n, maxPage)
		}
	}
	if c.s.variants["page-size-clamp-50"] {
		p.size = min(p.size, defaultPageSize)
	}
	return p, nil
}

// cut returns the rows of a page.
func cut[T any](rows []T, p page) []T {
	if p.number-1 > len(rows)/p.size {
		return nil
	}
	from := min((p.number-1)*p.size, len(rows))
	return rows[from:min(from+min(p.size, len(rows)), len(rows))]
}

// date reads a date of the query in the forms that the reference shows; values
// without a zone are UTC. Absent is zero.
func (c *call) date(name string) (int64, *reply) {
	text := c.query.Get(name)
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixNano(), nil
		}
	}
	r := badRequest("The date " + name + " is invalid.")
	return 0, &r
}

// decode reads a JSON body into v, by names in any case, as the server does.
// Form-encoded bodies are taken as objects of strings. Null and unknown keys
// are fine.
func (c *call) decode(v any) *reply {
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	body := c.body
	if kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			r := badRequest("The body is not a form.")
			return &r
		}
		o := object{}
		for k := range form {
			o = append(o, field{k, form.Get(k)})
		}
		body = encoder{}.json(nil, o)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		r := badRequest("The body could not be read.")
		return &r
	}
	return nil
}

// invalid is the answer to a change whose values break a documented rule.
func (c *call) invalid(description string) reply {
	status := http.StatusBadRequest
	if c.s.variants["validation-422"] {
		status = http.StatusUnprocessableEntity
	}
	return fail(status, "", description)
}

// commit notes that the call has changed the world.
func (c *call) commit() { c.entry.Committed = true }

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if r != '-' {
				return false
			}
		case !strings.ContainsRune("0123456789abcdefABCDEF", r):
			return false
		}
	}
	return true
}

// emptyList tells whether EndpointsList names no endpoint at all.
func emptyList(s *string) bool { return s == nil || strings.Trim(*s, " ,\t\r\n") == "" }

// targets resolves EndpointsList. Missing and empty lists mean every endpoint
// of the site, or of the group when the path names one: this is the trap of
// the real API, kept on purpose.
func (c *call) targets(endpointsList *string) ([]*machine, *reply) {
	if !emptyList(endpointsList) && c.group == nil {
		return c.listed(*endpointsList)
	}
	return c.everyone(), nil
}

func (c *call) everyone() []*machine {
	var all []*machine
	for _, m := range c.site.machines {
		if c.group == nil || m.group == c.group {
			all = append(all, m)
		}
	}
	return all
}

func (c *call) listed(text string) ([]*machine, *reply) {
	var found []*machine
	seen := map[*machine]bool{}
	for id := range strings.SplitSeq(text, ",") {
		id = strings.TrimSpace(id)
		if id == "" {
			continue
		}
		if !isGUID(id) {
			r := c.invalid("EndpointsList contains an invalid endpoint id.")
			return nil, &r
		}
		m := c.s.world.byMachID[strings.ToLower(id)]
		if m == nil || m.site != c.site || m.removed {
			if c.s.variants["unknown-endpoints-ignored"] {
				continue
			}
			r := notFound("An endpoint of EndpointsList")
			return nil, &r
		}
		if !seen[m] {
			seen[m] = true
			found = append(found, m)
		}
	}
	return found, nil
}
