package unitytest

import (
	"sort"
	"strconv"
	"strings"
)

func (c *call) validCommand(name string) bool {
	switch name {
	case "scan", "cleanup", "uninstall", "changekeycode", "restart", "sysisolate":
		return true
	case "deactivate", "reactivate":
		return c.s.variants["commands-deactivate"]
	}
	return false
}

// checkParameters applies what the reference demands of Parameters.
func checkParameters(name, parameters string) string {
	switch name {
	case "changekeycode":
		key := bareKey(parameters)
		if len(key) != 20 || strings.Trim(key, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return "Parameters must be the target keycode."
		}
	case "sysisolate":
		if !strings.EqualFold(parameters, "on") && !strings.EqualFold(parameters, "off") {
			return "Parameters must be on or off."
		}
	}
	return ""
}

func (c *call) sendCommand() reply {
	var q selection
	if r := c.decode(&q); r != nil {
		return *r
	}
	if blank(q.Command) {
		return c.invalid("Command is required.")
	}
	name := strings.ToLower(strings.TrimSpace(*q.Command))
	if !c.validCommand(name) {
		return c.invalid("The command is not valid.")
	}
	parameters := ""
	if q.Parameters != nil {
		parameters = *q.Parameters
	}
	if problem := checkParameters(name, parameters); problem != "" {
		return c.invalid(problem)
	}
	hit, bad := c.targets(q.EndpointsList)
	if bad != nil {
		return *bad
	}
	lag := int64(0)
	if c.lagged {
		lag = int64(c.s.lag)
	}
	for _, m := range hit {
		c.s.world.give(m, name, parameters, q.Parameters != nil && parameters != "", c.now, c.now, lag)
	}
	c.commit()
	return noContent()
}

// commandFilter is what the query of a command list asks for.
type commandFilter struct {
	endpoint, name string
	state          int
	from, to       int64
}

func (c *call) commandFilter() (commandFilter, *reply) {
	f := commandFilter{name: strings.ToLower(c.query.Get("command"))}
	var bad *reply
	if f.from, bad = c.date("startdate"); bad != nil {
		return f, bad
	}
	if f.to, bad = c.date("enddate"); bad != nil {
		return f, bad
	}
	if text := c.query.Get("commandstate"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < stateElapsed || n > stateScheduled {
			r := badRequest("The command state must be between 1 and 4.")
			return f, &r
		}
		f.state = n
	}
	if c.group == nil && c.machine == nil {
		f.endpoint = strings.ToLower(c.query.Get("endpointid"))
	} else {
		f.from = max(f.from, c.at.AddDate(0, -6, 0).UnixNano())
	}
	return f, nil
}

func (f commandFilter) takes(x *command, now int64) bool {
	return x.visibleAt <= now && (f.from == 0 || x.requested >= f.from) && (f.to == 0 || x.requested <= f.to) &&
		(f.endpoint == "" || x.machine.id == f.endpoint) && (f.name == "" || x.name == f.name) && (f.state == 0 || x.stateAt(now) == f.state)
}

// listCommands serves the lists of a site, of a group and of one endpoint,
// newest first unless the query asks otherwise.
func (c *call) listCommands() reply {
	p, bad := c.page()
	if bad != nil {
		return *bad
	}
	f, bad := c.commandFilter()
	if bad != nil {
		return *bad
	}
	source := c.site.commands
	if c.machine != nil {
		source = c.machine.commands
	}
	rows := make([]*command, 0, min(len(source), 4096))
	for _, x := range source {
		if f.takes(x, c.now) && (c.group == nil || x.machine.group == c.group) {
			rows = append(rows, x)
		}
	}
	c.orderCommands(rows)
	out := make(list, 0, min(p.size, len(rows)))
	for _, x := range cut(rows, p) {
		out = append(out, commandRow(x, c.now))
	}
	return ok(object{{"TotalAvailable", len(rows)}, {"PageNr", p.number}, {"PageSize", p.size}, {"Commands", out}})
}

func commandRow(x *command, now int64) object {
	var parameters any
	if x.hasParameters {
		parameters = x.parameters
	}
	return object{{"DateRequested", stamp(x.requested)}, {"EndpointId", x.machine.id}, {"HostName", x.machine.host}, {"StartDate", stamp(x.start)},
		{"EndDate", stamp(x.end)}, {"Command", x.name}, {"Parameters", parameters}, {"CommandState", x.stateAt(now)}}
}

// orderCommands sorts rows, which come by the time of the request.
func (c *call) orderCommands(rows []*command) {
	var less func(a, b *command) bool
	switch strings.ToLower(c.query.Get("order")) {
	case "hostname":
		less = func(a, b *command) bool { return strings.ToLower(a.machine.host) < strings.ToLower(b.machine.host) }
	case "commandstate":
		less = func(a, b *command) bool { return a.stateAt(c.now) < b.stateAt(c.now) }
	case "command":
		less = func(a, b *command) bool { return a.name < b.name }
	}
	if less != nil {
		sort.SliceStable(rows, func(i, j int) bool { return less(rows[i], rows[j]) })
	}
	if !strings.EqualFold(c.query.Get("orderdirection"), "A") {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
}
