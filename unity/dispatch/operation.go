package dispatch

import (
	"fmt"

	"github.com/unitty/unitty/unity"
)

// Risk says how much harm an operation can do.
type Risk int

// The risks, in rising order.
const (
	Change Risk = iota + 1
	Disrupt
	Destroy
)

// String is the word used in plans and audit lines.
func (r Risk) String() string {
	switch r {
	case Change:
		return "change"
	case Disrupt:
		return "disrupt"
	case Destroy:
		return "destroy"
	default:
		return "read"
	}
}

// Many is the number of machines above which any change asks like a destroy.
const Many = 25

// RereadAge is how old, in seconds, the reading of the targets of a disrupt, a destroy, or more than Many machines may
// be when it is sent. Run reads an older plan's targets again.
const RereadAge = 60

// Operation is an agent command as unitty offers it.
type Operation struct {
	// ID is the action's id: "endpoint.scan".
	ID string
	// Name is the verb: "scan".
	Name string
	// Command and Parameters are the API's (§3.8.1).
	Command, Parameters string
	Risk                Risk
}

// The operations that agents know and that can be taken back or repeated. What destroys needs a journal first.
var operations = []Operation{
	{ID: "endpoint.scan", Name: "scan", Command: unity.CommandScan, Risk: Change},
	{ID: "endpoint.cleanup", Name: "cleanup", Command: unity.CommandCleanup, Risk: Disrupt},
	{ID: "endpoint.restart", Name: "restart", Command: unity.CommandRestart, Risk: Disrupt},
	{ID: "endpoint.isolate", Name: "isolate", Command: unity.CommandIsolate, Parameters: "on", Risk: Disrupt},
	{ID: "endpoint.release", Name: "release", Command: unity.CommandIsolate, Parameters: "off", Risk: Change},
}

// Operations lists what can be sent.
func Operations() []Operation { return append([]Operation(nil), operations...) }

// OperationNamed finds an operation by its id, its verb, or the API's command with its parameter.
func OperationNamed(name, parameter string) (Operation, error) {
	for _, op := range operations {
		if (op.ID == name || op.Name == name) && parameter == "" {
			return op, nil
		}
		if op.Command == name && op.Parameters == parameter {
			return op, nil
		}
	}
	if name == unity.CommandIsolate {
		return Operation{}, fmt.Errorf("sysisolate takes --param on or --param off")
	}
	if name == unity.CommandUninstall || name == unity.CommandChangeKeycode {
		return Operation{}, fmt.Errorf("%s is not offered: it cannot be taken back, and this version keeps no journal of changes", name)
	}
	return Operation{}, fmt.Errorf("unknown command %q", unity.Clean(name))
}

// Asks is the risk with which a change on n machines is asked about.
func (op Operation) Asks(n int) Risk {
	if n > Many {
		return Destroy
	}
	return op.Risk
}
