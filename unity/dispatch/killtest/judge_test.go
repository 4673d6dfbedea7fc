//go:build unix

package main

import (
	"fmt"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

type dispatchState = dispatch.State

// pastOf is a job of which the first target has the state and all others are unknown.
func pastOf(s dispatch.State) (*dispatch.Past, string) {
	p := &dispatch.Past{}
	for i := range targets {
		p.Results = append(p.Results, dispatch.Result{Ref: fleet.Ref{ID: unity.EndpointID(fmt.Sprint("id-", i))}, State: dispatch.Unknown})
	}
	p.Results[0].State = s
	return p, "id-0"
}
