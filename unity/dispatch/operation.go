package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// Names of arguments. Those that end in Name are for people only and never sent.
const (
	ArgKeycode     = "Keycode"       // of endpoint.changekeycode: the target site's keycode
	ArgSite        = "SiteId"        // of endpoint.changekeycode: the target site
	ArgSiteName    = "SiteName"      // of endpoint.changekeycode
	ArgGroup       = "TargetGroupId" // of endpoint.move
	ArgGroupName   = "GroupName"     // of endpoint.move
	ArgInheritance = "Inheritance"   // of endpoint.move: 0 or 1 (§3.7.5)
	ArgPolicy      = "PolicyId"      // of endpoint.set-policy
	ArgPolicyName  = "PolicyName"    // of endpoint.set-policy
)

// Arg is one argument of an operation.
type Arg struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Args are the arguments of an operation, in order.
type Args []Arg

// Get gives the value of an argument, "" when it is not there.
func (a Args) Get(name string) string {
	for _, x := range a {
		if x.Name == name {
			return x.Value
		}
	}
	return ""
}

// Operation is a change as unitty offers it. It can be made again from its ID and Args.
type Operation struct {
	// ID is the action's id: "endpoint.scan".
	ID string
	// Name is the verb: "scan".
	Name string
	// Command and Parameters are the API's (§3.8.1) for agent commands, else "".
	Command, Parameters string
	Risk                Risk
	// Args are what it takes besides the targets; Needs names those that are not given yet.
	Args  Args
	Needs []string
	// Short tells that the verb stands also by itself: "unitty scan".
	Short bool
}

// operations are what can be done to endpoints: all agent commands, and the changes of an endpoint's own record (§3.7.5–7).
var operations = []Operation{
	{ID: "endpoint.scan", Name: "scan", Command: unity.CommandScan, Risk: Change, Short: true},
	{ID: "endpoint.cleanup", Name: "cleanup", Command: unity.CommandCleanup, Risk: Disrupt, Short: true},
	{ID: "endpoint.restart", Name: "restart", Command: unity.CommandRestart, Risk: Disrupt, Short: true},
	{ID: "endpoint.isolate", Name: "isolate", Command: unity.CommandIsolate, Parameters: "on", Risk: Disrupt, Short: true},
	{ID: "endpoint.release", Name: "release", Command: unity.CommandIsolate, Parameters: "off", Risk: Change, Short: true},
	{ID: "endpoint.uninstall", Name: "uninstall", Command: unity.CommandUninstall, Risk: Destroy},
	{ID: "endpoint.changekeycode", Name: "changekeycode", Command: unity.CommandChangeKeycode, Risk: Destroy, Needs: []string{ArgKeycode}},
	{ID: "endpoint.deactivate", Name: "deactivate", Risk: Destroy},
	{ID: "endpoint.reactivate", Name: "reactivate", Risk: Disrupt},
	{ID: "endpoint.move", Name: "move", Risk: Change, Needs: []string{ArgGroup}},
	{ID: "endpoint.set-policy", Name: "set-policy", Risk: Change, Needs: []string{ArgPolicy}},
}

// Operations lists what can be done to endpoints. Those with Needs are completed by With.
func Operations() []Operation { return append([]Operation(nil), operations...) }

// AgentCommand tells an agent command from a change of the endpoint's record.
func (op Operation) AgentCommand() bool { return op.Command != "" }

// With completes an operation by its arguments; an argument that it does not take, or one that is unusable, is an error.
func (op Operation) With(args Args) (Operation, error) { return OperationByID(op.ID, args) }

// OperationByID makes an endpoint operation from its id and arguments, as a journal holds them.
func OperationByID(id string, args Args) (Operation, error) {
	for _, op := range operations {
		if op.ID == id {
			return op.complete(args)
		}
	}
	return Operation{}, fmt.Errorf("unknown operation %q", unity.Clean(id))
}

func (op Operation) complete(args Args) (Operation, error) {
	takes := map[string][]string{
		"endpoint.changekeycode": {ArgKeycode, ArgSite, ArgSiteName},
		"endpoint.move":          {ArgGroup, ArgGroupName, ArgInheritance},
		"endpoint.set-policy":    {ArgPolicy, ArgPolicyName},
	}[op.ID]
	op.Args = nil
	for _, name := range takes { // in one order, however they were given
		if value := args.Get(name); value != "" {
			op.Args = append(op.Args, Arg{name, value})
		}
	}
	for _, a := range args {
		if !slices.Contains(takes, a.Name) {
			return Operation{}, fmt.Errorf("%s takes no argument %q", op.Name, unity.Clean(a.Name))
		}
	}
	op.Needs = nil
	switch op.ID {
	case "endpoint.changekeycode":
		key, err := unity.ParseKeycode(op.Args.Get(ArgKeycode))
		if err != nil {
			return Operation{}, fmt.Errorf("changekeycode needs the keycode of the target site: %w", err)
		}
		op.Parameters = key.String()
	case "endpoint.move":
		if !unity.IsGUID(op.Args.Get(ArgGroup)) {
			return Operation{}, errors.New("move needs the id of a group")
		}
		if how := op.Args.Get(ArgInheritance); how != "" && how != "0" && how != "1" {
			return Operation{}, errors.New("move takes 0 or 1 as Inheritance")
		}
	case "endpoint.set-policy":
		if !unity.IsGUID(op.Args.Get(ArgPolicy)) {
			return Operation{}, errors.New("set-policy needs the id of a policy")
		}
	}
	return op, nil
}

// OperationNamed finds an operation by its id, its verb, or the API's command with its parameter. changekeycode takes the
// target's keycode as parameter.
func OperationNamed(name, parameter string) (Operation, error) {
	for _, op := range operations {
		switch {
		case op.Command == unity.CommandChangeKeycode && (op.ID == name || op.Name == name):
			if parameter == "" {
				return Operation{}, errors.New("changekeycode takes --param with the target site")
			}
			return op.complete(Args{{ArgKeycode, parameter}})
		case (op.ID == name || op.Name == name) && parameter == "":
			if len(op.Needs) > 0 {
				return Operation{}, fmt.Errorf("%s needs %s and is no agent command", op.Name, strings.Join(op.Needs, ", "))
			}
			return op, nil
		case op.Command != "" && op.Command == name && op.Parameters == parameter:
			return op, nil
		}
	}
	if name == unity.CommandIsolate {
		return Operation{}, fmt.Errorf("sysisolate takes --param on or --param off")
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

// Words is the operation with what it aims at: "move to Laptops".
func (op Operation) Words() string {
	to := func(verb, name, id string) string {
		if s := op.Args.Get(name); s != "" {
			return verb + " " + unity.Clean(s)
		}
		return verb + " " + unity.Clean(op.Args.Get(id))
	}
	switch {
	case len(op.Args) == 0:
		return op.Name
	case op.ID == "endpoint.move":
		return to("move to", ArgGroupName, ArgGroup)
	case op.ID == "endpoint.set-policy":
		return to("set policy", ArgPolicyName, ArgPolicy)
	case op.ID == "endpoint.changekeycode":
		return to("change keycode to that of", ArgSiteName, ArgKeycode)
	}
	return op.Name
}

// request builds the operation's request for targets of one site.
func (op Operation) request(c *unity.Client, t unity.Targets) (unity.Request, error) {
	switch op.ID {
	case "endpoint.move":
		how, _ := strconv.Atoi(op.Args.Get(ArgInheritance)) // checked by complete; none is 0
		return c.MoveRequest(t, unity.GroupID(op.Args.Get(ArgGroup)), unity.Inheritance(how))
	case "endpoint.set-policy":
		return c.PolicyRequest(t, unity.PolicyID(op.Args.Get(ArgPolicy)))
	case "endpoint.deactivate":
		return c.DeactivateRequest(t)
	case "endpoint.reactivate":
		return c.ReactivateRequest(t)
	}
	if op.Command == "" {
		return unity.Request{}, fmt.Errorf("%s is no operation on endpoints", unity.Clean(op.ID))
	}
	return c.CommandRequest(t, op.Command, op.Parameters)
}
