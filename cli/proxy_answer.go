package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/unitty/unitty/unity"
)

// complain writes a line on standard error.
func (d *door) complain(text string) { _, _ = fmt.Fprintln(d.app.err, "unitty: "+unity.Clean(text)) }

// passedHeaders are the headers of an answer that mean something to a script. Cookies, addresses of other hosts and what
// belongs to the connection stay behind.
func passedHeaders() []string {
	return []string{"Content-Type", "Content-Language", "Date", "Etag", "Last-Modified", "Cache-Control", "Retry-After"}
}

// answer passes the API's answer on.
func answer(w http.ResponseWriter, resp *unity.Response) {
	for _, name := range passedHeaders() {
		if v := resp.Header.Values(name); len(v) > 0 {
			w.Header()[name] = v
		}
	}
	send(w, resp.Status, resp.Body)
}

// send writes the body piece by piece; a reader that stops reading is not waited for without end.
func send(w http.ResponseWriter, status int, body []byte) {
	const piece = 64 << 10
	ctl := http.NewResponseController(w)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if status != http.StatusNoContent && status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	for len(body) > 0 {
		_ = ctl.SetWriteDeadline(time.Now().Add(writeTime))
		n, err := w.Write(body[:min(piece, len(body))]) //nolint:gosec // JSON of the API for scripts, sent as such and never sniffed
		if err != nil {
			return
		}
		body = body[n:]
	}
	_ = ctl.SetWriteDeadline(time.Time{})
}

// apiError is the body of an error as the API writes it.
type apiError struct {
	StatusCode  int             `json:"statusCode"`
	RequestID   string          `json:"requestId"`
	Error       *string         `json:"error"`
	Description string          `json:"error_description"`
	Additional  json.RawMessage `json:"AdditionalInformation"`
}

// answerError writes an error in the API's shape, whoever made it.
func answerError(w http.ResponseWriter, err error) {
	body, retry := describe(err)
	if retry > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((retry+time.Second-1)/time.Second), 10))
	}
	raw, merr := json.Marshal(body)
	if merr != nil {
		raw = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	send(w, body.StatusCode, escapeJSON(raw))
}

// describe turns an error into the body that scripts know.
func describe(err error) (apiError, time.Duration) {
	out := apiError{StatusCode: http.StatusBadGateway, RequestID: newRequestID(), Description: unity.Clean(err.Error()), Additional: json.RawMessage("{}")}
	code := func(status int, code string) { out.StatusCode, out.Error = status, &code }
	var own *doorRefusal
	var e *unity.Error
	lacking, signIn := tokenTrouble(err)
	switch {
	case errors.As(err, &own):
		out.StatusCode = own.status
		if own.status == http.StatusForbidden {
			code(http.StatusForbidden, "access_denied")
		}
	case errors.Is(err, unity.ErrRefused):
		code(http.StatusForbidden, "access_denied")
	case lacking && signIn:
		code(http.StatusServiceUnavailable, "login_required")
		out.Description += " — sign in with `unitty login`"
	case lacking:
		code(http.StatusServiceUnavailable, "temporarily_unavailable")
	case errors.As(err, &e):
		return describeCall(e, out), e.RetryAfter
	}
	return out, 0
}

// describeCall gives the API's own words where there are any.
func describeCall(e *unity.Error, out apiError) apiError {
	switch {
	case e.Status >= 400:
		out.StatusCode = e.Status
	case errors.Is(e, context.DeadlineExceeded):
		out.StatusCode = http.StatusGatewayTimeout
	}
	if e.RequestID != "" {
		out.RequestID = e.RequestID
	}
	if e.Code != "" {
		out.Error = &e.Code
	}
	if !e.Description.Empty() {
		out.Description = e.Description.Raw()
	}
	if len(e.Additional) > 0 {
		out.Additional = e.Additional
	}
	if e.Method != http.MethodGet && e.Method != http.MethodHead && !e.Definite() {
		out.Description += " — nobody knows whether the change was made: read before you try again"
	}
	return out
}

// newRequestID makes an id of the form the API uses, for refusals that it never saw.
func newRequestID() string {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return ""
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
