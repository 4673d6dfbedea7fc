package wiretap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strings"
)

// payloads returns texts that attack a terminal or the layout of a screen. Each is inserted into real text.
func payloads() []string {
	return []string{
		"\x1b]52;c;cHduZWQ=\a",                     // writes the clipboard
		"\x1b]0;pwned\a",                           // sets the window title
		"\x1b]2;pwned\x1b\\",                       // the same with the other terminator
		"\x1b]8;;https://evil.example\x1b\\x",      // a link that is never closed
		"\x1b[2J\x1b[H",                            // clears the screen
		"\x1b[31;1m",                               // a style that is never ended
		"\x1b[6n\x1b[c",                            // makes the terminal type
		"\x1bP$qm\x1b\\",                           // a device control string
		"\x1b_Gpayload\x1b\\",                      // an application command
		"\x1bc",                                    // resets the terminal
		"\x1b[?1049l\x1b[?25l",                     // leaves the alternate screen
		"\u009b2J\u009d0;pwned\u009c",              // C1 controls as characters
		"\u202egnp.exe\u202c\u2066x",               // direction overrides
		"\u200b\u200d\ufeff",                       // zero-width characters
		"\r\x1b[Kall machines are clean",           // overwrites the line
		"\b\b\b\b\b\b",                             // moves back over what was drawn
		"line one\nline two\vline three\u2028four", // breaks rows
		"\x00\x07\x0e\x0f\x7f",                     // other controls
		"\t\t\t",                                   // tabs
		"e" + strings.Repeat("\u0301", 60),         // a tower of accents
		"👩‍👩‍👧‍👦🏳️‍🌈",                              // wide and joined characters
		"=HYPERLINK(\"http://evil.example\")",      // a formula for spreadsheets
		"<script>alert(1)</script>&#27;",           // markup
		"%s%n{{.}}${PATH}`id`",                     // templates of other programs
	}
}

// longText is the length in bytes of the longest text that is put in.
const longText = 64 << 10

// hostility rewrites texts. It is a pure function of the seed and the text, so that the same name is hostile in the
// same way on every page that shows it, and safe for concurrent use.
type hostility struct {
	seed uint64
	keep map[string]bool
}

// newHostility returns a rewriter that also leaves the values of the named keys alone.
func newHostility(seed uint64, keep []string) hostility {
	h := hostility{seed: seed, keep: map[string]bool{}}
	for _, name := range append(keptNames(), keep...) {
		h.keep[strings.ToLower(name)] = true
	}
	return h
}

// keptNames are keys, in any case, whose values the protocol needs unharmed and that no suffix in kept covers.
func keptNames() []string {
	return []string{
		"error", "scope", "token_type", "kc", "Continuation", "EndpointsList", "LastSeen", "FirstSeen", "LastInfected",
		"LastScan", "LastDeepScan", "StartDate", "EndDate", "DateRequested", "Timestamp", "CustomerSince", "Period",
		"BillingDate", "EffectiveDate", "CreatedDate", "UpdatedDate", "client_id", "GSMKey",
	}
}

// kept reports whether the value of a key must stay as it is: ids, keycodes, tokens, dates, addresses to follow.
func (h hostility) kept(key string) bool {
	lower := strings.ToLower(key)
	if h.keep[lower] {
		return true
	}
	for _, end := range []string{"id", "ids", "key", "keycode", "token", "date", "uri", "time"} {
		if strings.HasSuffix(lower, end) {
			return true
		}
	}
	return false
}

// text returns the hostile form of a text. The words of the original stay, in order, around the payload, but for the
// rare text that becomes very long. The empty text becomes a bare payload.
func (h hostility) text(s string) string {
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, s)                     // A hash never fails to write.
	rng := rand.New(rand.NewPCG(h.seed, sum.Sum64())) //nolint:gosec // the texts must be repeatable
	list := payloads()
	p := list[rng.IntN(len(list))]
	switch rng.IntN(40) {
	case 0:
		return s + strings.Repeat("long ", longText/5)
	case 1, 2, 3, 4, 5, 6, 7, 8, 9:
		return p + s
	case 10, 11, 12, 13, 14, 15, 16, 17, 18, 19:
		runes := []rune(s)
		cut := len(runes) / 2
		return string(runes[:cut]) + p + string(runes[cut:])
	default:
		return s + p
	}
}

// header returns the hostile form of a header's value: without what would end the line, and short enough for any
// client.
func (h hostility) header(s string) string {
	s = strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(h.text(s))
	if len(s) > 512 {
		s = s[:512]
	}
	return s
}

// json rewrites every string value of a JSON document and keeps everything else as it stands: the order of keys, the
// spelling of numbers, the kept values. It fails on a body that is not JSON.
func (h hostility) json(body []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var out bytes.Buffer
	if err := h.value(d, &out, false); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("wiretap: more than one JSON document")
	}
	return out.Bytes(), nil
}

// value copies one value; keep is true below a key whose strings stay.
func (h hostility) value(d *json.Decoder, out *bytes.Buffer, keep bool) error {
	tok, err := d.Token()
	if err != nil {
		return fmt.Errorf("wiretap: read JSON: %w", err)
	}
	switch tok := tok.(type) {
	case json.Delim:
		if tok == '{' {
			return h.object(d, out)
		}
		return h.array(d, out, keep)
	case string:
		if !keep {
			tok = h.text(tok)
		}
		return writeJSON(out, tok)
	default:
		return writeJSON(out, tok)
	}
}

// object copies the members of an object whose opening brace has been read.
func (h hostility) object(d *json.Decoder, out *bytes.Buffer) error {
	out.WriteByte('{')
	for n := 0; d.More(); n++ {
		if n > 0 {
			out.WriteByte(',')
		}
		tok, err := d.Token()
		if err != nil {
			return fmt.Errorf("wiretap: read JSON: %w", err)
		}
		key, _ := tok.(string) // The decoder gives keys as strings or fails.
		if err := writeJSON(out, key); err != nil {
			return err
		}
		out.WriteByte(':')
		if err := h.value(d, out, h.kept(key)); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	_, err := d.Token()
	return err
}

// array copies the elements of an array whose opening bracket has been read.
func (h hostility) array(d *json.Decoder, out *bytes.Buffer, keep bool) error {
	out.WriteByte('[')
	for n := 0; d.More(); n++ {
		if n > 0 {
			out.WriteByte(',')
		}
		if err := h.value(d, out, keep); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	_, err := d.Token()
	return err
}

// writeJSON appends one key, string, number, boolean or null.
func writeJSON(out *bytes.Buffer, v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("wiretap: write JSON: %w", err)
	}
	out.Write(p)
	return nil
}
