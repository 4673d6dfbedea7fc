package unitytest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reply is an answer before it is written.
type reply struct {
	status  int
	body    object // nil: no body
	failure *failure
	html    bool
	header  map[string]string
	// How the answer is spoilt on its way.
	drop, truncate, slow, malformed bool
}

// failure is the content of an error body; an empty string is null.
type failure struct {
	code, description string
	oauth             bool // the pair of the token endpoint
}

func ok(body object) reply { return reply{status: http.StatusOK, body: body} }

func noContent() reply { return reply{status: http.StatusNoContent} }

func fail(status int, code, description string) reply {
	return reply{status: status, failure: &failure{code: code, description: description}}
}

func badRequest(description string) reply { return fail(http.StatusBadRequest, "", description) }

func notFound(what string) reply { return fail(http.StatusNotFound, "", what+" was not found.") }

func forbidden(description string) reply { return fail(http.StatusForbidden, "", description) }

func htmlPage(status int) reply { return reply{status: status, html: true} }

// errorBody renders an error with all keys of the vendor's guide, section
// Error Response Information, in their documented order.
func (s *Server) errorBody(f *failure, status int, requestID string, asXML bool) ([]byte, string) {
	if f.oauth && !s.variants["token-error-full"] {
		return encoder{}.json(nil, object{{"error", f.code}, {"error_description", f.description}}), "application/json; charset=utf-8"
	}
	code := strconv.Itoa(status)
	if s.variants["error-xml"] || asXML {
		head, tail := `<z:anyType xmlns:z="http://schemas.microsoft.com/2003/10/Serialization/">`, `</z:anyType>`
		if s.variants["error-xml"] {
			head, tail = "<z:anyType>", "</z:AnyType>"
		}
		var b strings.Builder
		b.WriteString(head + "<statusCode>" + code + "</statusCode><requestId>" + requestID + "</requestId><error>")
		encoder{}.xmlValue(&b, "", f.code)
		b.WriteString("</error><error_description>")
		encoder{}.xmlValue(&b, "", f.description)
		b.WriteString("</error_description><AdditionalInformation></AdditionalInformation>" + tail)
		return []byte(b.String()), "application/xml; charset=utf-8"
	}
	var errorCode, description any
	if f.code != "" {
		errorCode = f.code
	}
	if f.description != "" {
		description = f.description
	}
	var extra any = object{}
	if s.variants["error-array"] {
		extra = list{}
	}
	key := "AdditionalInformation"
	if s.variants["error-keys-lower"] {
		key = "additionalInformation"
	}
	return encoder{}.json(nil, object{{"statusCode", status}, {"requestId", requestID}, {"error", errorCode},
		{"error_description", description}, {key, extra}}), "application/json; charset=utf-8"
}

// render makes the bytes of errors and HTML pages; it looks at variants, so
// the lock must be held. Ordinary bodies are encoded later, outside the lock.
func (s *Server) render(c *call, r reply) (body []byte, contentType string) {
	switch {
	case r.html:
		text := http.StatusText(r.status)
		return []byte("<html><head><title>" + strconv.Itoa(r.status) + " " + text + "</title></head><body><h1>" + text + "</h1></body></html>"),
			"text/html"
	case r.failure != nil:
		return s.errorBody(r.failure, r.status, c.requestID, c.wantsXML())
	}
	return nil, ""
}

func (c *call) wantsXML() bool {
	accept := strings.ToLower(c.r.Header.Get("Accept"))
	at := strings.Index(accept, "xml")
	if at < 0 {
		return false
	}
	json := strings.Index(accept, "json")
	return json < 0 || json > at
}

// write sends the answer, spoilt as the faults of the call want it. A panic
// with http.ErrAbortHandler is how net/http is told to cut the connection.
func (c *call) write(w http.ResponseWriter, r reply, body []byte, contentType string) {
	if r.drop {
		panic(http.ErrAbortHandler)
	}
	// The clock that dates everything else dates the answer, too.
	w.Header().Set("Date", c.at.UTC().Format(http.TimeFormat))
	for k, v := range r.header {
		w.Header().Set(k, v)
	}
	if r.body == nil && body == nil {
		w.WriteHeader(r.status)
		return
	}
	if r.malformed {
		body = body[:len(body)/2]
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(r.status)
	switch {
	case r.truncate:
		_, _ = w.Write(body[:len(body)/2])
		flush(w)
		panic(http.ErrAbortHandler)
	case r.slow:
		c.dribble(w, body)
	default:
		_, _ = w.Write(body) // The client may be gone; there is no one to tell.
	}
}

func (c *call) dribble(w http.ResponseWriter, body []byte) {
	const pieces = 5
	size := max(len(body)/pieces, 1)
	for len(body) > 0 {
		n := min(size, len(body))
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		flush(w)
		body = body[n:]
		if !pause(c.r, 20*time.Millisecond) {
			return
		}
	}
}

func flush(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush() // Recorders and wrappers need not support it.
}

// pause waits, and reports false when the client went away meanwhile.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
