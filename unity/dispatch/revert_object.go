package dispatch

import (
	"context"
	"fmt"

	"github.com/unitty/unitty/unity"
)

func (p *Past) revertObject(ctx context.Context, c *unity.Client, o PlanOptions) (*Plan, error) {
	spec := p.Object.Revert
	if spec == nil {
		return nil, fmt.Errorf("%s: %w", p.Object.Verb, ErrNoInverse)
	}
	ch := *p.Object
	ch.ID, ch.Verb, ch.Risk, ch.Check, ch.Verify, ch.Revert, ch.Typed, ch.TypedLabel = spec.ID, spec.Verb, spec.Risk, spec.Check, nil, nil, "", ""
	ch.Before, ch.After, ch.Warnings, ch.Touches = p.Object.After, p.Object.Before, nil, spec.Machines
	ch.Diff = nil
	for _, d := range p.Object.Diff {
		ch.Diff = append(ch.Diff, FieldChange{d.Field, d.After, d.Before})
	}
	ch.Request = unity.Request{Method: spec.Method, Path: spec.Path, Body: spec.Body, Machines: spec.Machines, Counted: true}
	return MakeObject(ctx, c, ch, o)
}
