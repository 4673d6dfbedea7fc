package entry

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Address is a base URL for clients whose transport is Direct; nothing listens there.
const Address = "https://sim.example"

// Direct hands requests to a handler in the same process. A handler that breaks the connection off becomes an error, or a body
// that ends too early when part of it was written. After the first request Handler and Before are not to be changed while
// requests are under way.
type Direct struct {
	Handler http.Handler
	// Before, when set, answers in the handler's place; neither answer nor error lets the request through.
	Before func(*http.Request) (*http.Response, error)
}

// RoundTrip serves a request by the handler.
func (d *Direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if d.Before != nil {
		if answer, err := d.Before(r); answer != nil || err != nil {
			return answer, err
		}
	}
	rec := httptest.NewRecorder()
	whole := serve(d.Handler, rec, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if whole {
		return rec.Result(), nil
	}
	if rec.Body.Len() == 0 {
		return nil, errors.New("connection reset by peer")
	}
	answer := rec.Result()
	answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(rec.Body.Bytes()), Cut{}))
	return answer, nil
}

func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (whole bool) {
	defer func() {
		if x := recover(); x != nil && x != http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
			panic(x)
		}
	}()
	h.ServeHTTP(w, r)
	return true
}

// Cut is a body that broke off.
type Cut struct{}

// Read always gives io.ErrUnexpectedEOF.
func (Cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Refusal is an answer of a status code with the API's error document.
func Refusal(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"statusCode":0,"error_description":"no"}`))}
}
