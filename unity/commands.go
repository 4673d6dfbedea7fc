package unity

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Names of agent commands (§3.8.1).
const (
	CommandScan          = "scan"
	CommandCleanup       = "cleanup"
	CommandUninstall     = "uninstall"
	CommandChangeKeycode = "changekeycode"
	CommandRestart       = "restart"
	CommandIsolate       = "sysisolate" // Parameters: "on" or "off"
)

// CommandState is how far an issued command is (§3.8.3).
type CommandState int64

// The four states.
const (
	StateElapsed        CommandState = 1
	StateNotYetReceived CommandState = 2
	StateExecuted       CommandState = 3
	StateScheduled      CommandState = 4
)

// String words a state as far as the API tells: "executed" only means that the command was handed to the agent.
func (s CommandState) String() string {
	switch s {
	case StateElapsed:
		return "elapsed"
	case StateNotYetReceived:
		return "not yet received"
	case StateExecuted:
		return "sent to agent"
	case StateScheduled:
		return "scheduled"
	case 0:
		return "unknown"
	default:
		return "state " + strconv.FormatInt(int64(s), 10)
	}
}

// Open tells that the agent may still pick the command up.
func (s CommandState) Open() bool { return s == StateNotYetReceived || s == StateScheduled }

// UnmarshalJSON accepts a number or a numeric string.
func (s *CommandState) UnmarshalJSON(b []byte) error {
	var n Int
	if err := n.UnmarshalJSON(b); err != nil {
		return err
	}
	*s = CommandState(n.N)
	return nil
}

// Command is an issued agent command (§3.8.3). The API gives it no id.
type Command struct {
	Record        Record `json:"-"`
	DateRequested Time
	EndpointID    EndpointID `json:"EndpointId"`
	HostName      Text
	StartDate     Time
	EndDate       Time
	Command       Text
	Parameters    Text
	State         CommandState `json:"CommandState"`
}

// Key tells issued commands apart as well as the API allows.
func (c *Command) Key() string {
	return strings.Join([]string{string(c.EndpointID), c.Command.Raw(), c.Parameters.Raw(), c.DateRequested.raw,
		strconv.FormatInt(c.DateRequested.UnixNano(), 36)}, "\x00")
}

// Words is the command as unitty names it: sysisolate on and off are isolate and release.
func (c *Command) Words() string {
	if c.Command.Raw() == CommandIsolate {
		switch strings.ToLower(c.Parameters.Raw()) {
		case "on":
			return "isolate"
		case "off":
			return "release"
		}
	}
	return c.Command.String()
}

func commandRow(raw json.RawMessage) (Command, error) {
	c, err := decodeRow(func(c *Command) *Record { return &c.Record })(raw)
	c.EndpointID = EndpointID(lower(string(c.EndpointID)))
	return c, err
}

// CommandQuery narrows a list of issued commands (§3.8.3).
type CommandQuery struct {
	// Endpoint, in a site's list only.
	Endpoint EndpointID
	// Command and State; zero means all.
	Command string
	State   CommandState
	// Since and Until bound the request date, inclusive.
	Since, Until time.Time
	PageSize     int
}

func (q CommandQuery) values() url.Values {
	v := url.Values{}
	if q.Endpoint != "" {
		v.Set("endpointId", string(q.Endpoint))
	}
	if q.Command != "" {
		v.Set("command", q.Command)
	}
	if q.State != 0 {
		v.Set("commandState", strconv.FormatInt(int64(q.State), 10))
	}
	setTime(v, "startDate", q.Since)
	setTime(v, "endDate", q.Until)
	return v
}

func setTime(v url.Values, name string, at time.Time) {
	if !at.IsZero() {
		v.Set(name, at.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
}

// SiteCommands walks the commands issued at a site: GET …/sites/{s}/commands (§3.8.3), newest first.
func (c *Client) SiteCommands(ctx context.Context, site SiteID, q CommandQuery) iter.Seq2[Page[Command], error] {
	return c.commands(ctx, c.gsmPath("sites", string(site), "commands"), q)
}

// GroupCommands walks the commands of a group, of the past six months: GET …/groups/{g}/commands (§3.8.3).
func (c *Client) GroupCommands(ctx context.Context, site SiteID, group GroupID, q CommandQuery) iter.Seq2[Page[Command], error] {
	return c.commands(ctx, c.gsmPath("sites", string(site), "groups", string(group), "commands"), q)
}

// EndpointCommands walks the commands of one endpoint, of the past six months: GET …/endpoints/{e}/commands (§3.8.3).
func (c *Client) EndpointCommands(ctx context.Context, site SiteID, id EndpointID, q CommandQuery) iter.Seq2[Page[Command], error] {
	q.Endpoint = ""
	return c.commands(ctx, c.gsmPath("sites", string(site), "endpoints", string(id), "commands"), q)
}

func (c *Client) commands(ctx context.Context, path string, q CommandQuery) iter.Seq2[Page[Command], error] {
	return lister[Command]{path: path, query: q.values(), key: "Commands", size: q.PageSize,
		id: (*Command).Key, loose: true, make: commandRow}.pages(ctx, c)
}

// Targets is a list of endpoints of one site that cannot be empty: the zero value is refused wherever it is used.
type Targets struct {
	site SiteID
	ids  []EndpointID
}

// NewTargets freezes a list of endpoint ids of one site: not empty, all GUIDs. Repetitions are dropped.
func NewTargets(site SiteID, ids []EndpointID) (Targets, error) {
	if !IsGUID(string(site)) {
		return Targets{}, refuse("%q is no site id", Clean(clip(string(site), 60)))
	}
	raw := make([]string, len(ids))
	for i, id := range ids {
		if !IsGUID(string(id)) {
			return Targets{}, refuse("%q is no endpoint id", Clean(clip(string(id), 60)))
		}
		raw[i] = string(id)
	}
	unique, err := parseEndpointsList(strings.Join(raw, ","))
	if err != nil {
		return Targets{}, err
	}
	return Targets{site: SiteID(strings.ToLower(string(site))), ids: unique}, nil
}

// Site is the site of the targets.
func (t Targets) Site() SiteID { return t.site }

// IDs is a copy of the ids.
func (t Targets) IDs() []EndpointID { return append([]EndpointID(nil), t.ids...) }

// Len is their number, never 0 for targets made by NewTargets.
func (t Targets) Len() int { return len(t.ids) }

func (t Targets) list() string {
	s := make([]string, len(t.ids))
	for i, id := range t.ids {
		s[i] = string(id)
	}
	return strings.Join(s, ",")
}

// CommandRequest builds the request that sends an agent command to targets: POST …/endpoints/commands (§3.8.2).
// What is planned and shown is this request; what is sent is this request.
func (c *Client) CommandRequest(t Targets, command, parameters string) (Request, error) {
	if t.Len() == 0 {
		return Request{}, refuse("no targets")
	}
	if err := checkCommand(command, parameters); err != nil {
		return Request{}, err
	}
	if key, err := ParseKeycode(parameters); command == CommandChangeKeycode && err == nil {
		parameters = key.String()
	}
	body := struct {
		EndpointsList string
		Command       string
		Parameters    *string `json:",omitempty"`
	}{EndpointsList: t.list(), Command: command}
	if parameters != "" {
		body.Parameters = &parameters
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return Request{}, err
	}
	return Request{Method: http.MethodPost, Path: c.gsmPath("sites", string(t.site), "endpoints", "commands"), Body: raw}, nil
}

func checkCommand(command, parameters string) error {
	switch command {
	case CommandScan, CommandCleanup, CommandUninstall, CommandRestart:
		if parameters != "" {
			return errors.New(command + " takes no parameter")
		}
	case CommandIsolate:
		if parameters != "on" && parameters != "off" {
			return errors.New("sysisolate takes the parameter on or off")
		}
	case CommandChangeKeycode:
		if _, err := ParseKeycode(parameters); err != nil {
			return err
		}
	default:
		return errors.New("unknown agent command " + strconv.Quote(Clean(command)))
	}
	return nil
}
