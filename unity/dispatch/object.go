package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// ObjectChange is one request that changes something other than machines named in a list: a site, a group, an admin. All
// of it but Verify goes into the journal, so that a job can be settled after a crash too.
type ObjectChange struct {
	// ID is the action's id ("site.suspend"), Verb what is done ("suspend"), Kind to what ("site") and Name to which one.
	ID   string `json:"id"`
	Verb string `json:"verb"`
	Kind string `json:"kind"`
	Name string `json:"name"`
	Risk Risk   `json:"risk"`
	// Site is the customer concerned, "" for the console's own objects. ObjectID is "" while the object does not exist yet.
	Site     unity.SiteID `json:"site,omitempty"`
	SiteName string       `json:"site_name,omitempty"`
	ObjectID string       `json:"object_id,omitempty"`
	// Request is what is sent, byte for byte.
	Request unity.Request `json:"-"`
	// Touches is how many machines the change counts as: set-wide methods touch all of their set.
	Touches int `json:"touches,omitempty"`
	// Before and After are the object as it was read and as it will be; Diff says the same field by field.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	Diff   []FieldChange   `json:"diff,omitempty"`
	// Warnings are sentences for the person who confirms.
	Warnings []string `json:"warnings,omitempty"`
	// Typed is what has to be typed for a destroy, TypedLabel what it is; "" means the object's name.
	Typed      string `json:"typed,omitempty"`
	TypedLabel string `json:"typed_label,omitempty"`
	// Check tells by plain data how to find out, by reading, whether the change arrived; nil means that nothing tells.
	Check *Check `json:"check,omitempty"`
	// Verify finds out the same by code while the program runs; it goes before Check. It gives Sent, or Unknown and why.
	Verify func(context.Context, *unity.Client) (State, string) `json:"-"`
	// Again makes the same change anew from the object as it is now. It is asked when the change was looked at for long; a change
	// that would be another one now does not go out. Nil tells that it can only be planned anew.
	Again func(context.Context, *unity.Client) (*ObjectChange, error) `json:"-"`
	// Revert is the request that undoes the change, where there is one.
	Revert *RevertSpec `json:"revert,omitempty"`
	// Lag says in words that the server may show the change late ("admin changes take a few minutes to show").
	Lag string `json:"lag,omitempty"`
}

// FieldChange is one field of an object before and after a change, as text for people.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// RevertSpec is the change that takes another one back: the same object, another request.
type RevertSpec struct {
	ID       string          `json:"id"`
	Verb     string          `json:"verb"`
	Risk     Risk            `json:"risk"`
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Body     json.RawMessage `json:"body,omitempty"`
	Machines int             `json:"machines,omitempty"`
	Check    *Check          `json:"check,omitempty"`
}

// errNoObject is the refusal of a change that names nothing.
var errNoObject = errors.New("the change names no object")

// MakeObject plans the change of one object. What it touches has been counted by the caller; the gate holds all the same.
func MakeObject(ctx context.Context, c *unity.Client, ch ObjectChange, o PlanOptions) (*Plan, error) {
	if ch.ID == "" || ch.Verb == "" || ch.Kind == "" || ch.Name == "" || ch.Risk < Change || ch.Risk > Destroy {
		return nil, errNoObject
	}
	if b := o.Binding; b != (Binding{}) && (b.Key != c.Key() || b.BaseURL != c.BaseURL()) {
		return nil, errors.New("the object was chosen on another console than the one in use")
	}
	if _, err := unity.Inspect(ch.Request.Method, ch.Request.Path, "application/json", ch.Request.Body); err != nil {
		return nil, err
	}
	b := o.Binding
	if b == (Binding{}) {
		b = Binding{BaseURL: c.BaseURL(), Key: c.Key()}
	}
	p := &Plan{Operation: Operation{ID: ch.ID, Name: ch.Verb, Risk: ch.Risk}, Object: &ch, Binding: b, Console: o.Console, MadeAt: c.Now(),
		Warnings: append([]string(nil), ch.Warnings...), RetryOf: o.RetryOf, RevertOf: o.RevertOf}
	if p.Console == "" {
		console, err := c.Console(ctx)
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		p.Console = console.Name.String()
	}
	m := maker{client: c, plan: p, options: o}
	m.skew()
	ref := fleet.Ref{Site: ch.Site, SiteName: unity.NewText(ch.SiteName), HostName: unity.NewText(ch.Name)}
	p.Targets = []fleet.Ref{ref}
	p.Batches = []Batch{{Refs: p.Targets, Op: p.Operation, Request: ch.Request}}
	return p, nil
}

// objectRecord is an object change as the journal holds it.
type objectRecord struct {
	ObjectChange
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query,omitempty"`
	// Body is not kept as JSON, which would be written in another way.
	Body     []byte `json:"body,omitempty"`
	Machines int    `json:"machines,omitempty"`
	Counted  bool   `json:"counted,omitempty"`
}

func (ch *ObjectChange) record() *objectRecord {
	if ch == nil {
		return nil
	}
	r := ch.Request
	return &objectRecord{ObjectChange: *ch, Method: r.Method, Path: r.Path, Query: r.Query.Encode(), Body: r.Body, Machines: r.Machines, Counted: r.Counted}
}

// title is the change in words: "suspend Harbour Dental".
func (ch *ObjectChange) title() string { return unity.Clean(ch.Verb + " " + ch.Name) }

// differs says what is different about a change that was made anew, as far as somebody has confirmed it; "" for nothing.
func (ch *ObjectChange) differs(now *ObjectChange) string {
	was := map[string]string{}
	for _, d := range ch.Diff {
		was[d.Field] = d.Before
	}
	for _, d := range now.Diff {
		if before, shown := was[d.Field]; shown && before != d.Before {
			return unity.Clean(fmt.Sprintf("%s is %q and was %q", d.Field, d.Before, before))
		}
	}
	a, b := ch.Request, now.Request
	switch {
	case ch.Name != now.Name:
		return "it is called " + unity.Clean(now.Name)
	case ch.Touches != now.Touches:
		return fmt.Sprintf("it concerns %s and concerned %d", Machines(now.Touches), ch.Touches)
	case a.Method != b.Method || a.Path != b.Path || a.Query.Encode() != b.Query.Encode() || !bytes.Equal(a.Body, b.Body):
		return "something else would be sent"
	case now.Risk > ch.Risk:
		return "it is a " + now.Risk.String()
	}
	for _, w := range now.Warnings {
		if !slices.Contains(ch.Warnings, w) {
			return w
		}
	}
	return ""
}
