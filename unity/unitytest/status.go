package unitytest

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
)

const maxBatch = 1000

// statusGSM is the agent status of every site that the user may see.
func (c *call) statusGSM() reply {
	a := c.s.world.adminOf(c.user)
	visible := map[*site]bool{}
	for _, s := range c.s.world.sites {
		visible[s] = s.level(a, c.now) != levelNone
	}
	return c.status(c.s.world.machines, func(m *machine) bool { return visible[m.site] })
}

// statusSite is the agent status of one site.
func (c *call) statusSite() reply {
	return c.status(c.site.machines, func(*machine) bool { return true })
}

// status walks machines by serial number, so that machines which appear while
// a client walks come last and none is shown twice.
func (c *call) status(machines []*machine, wanted func(*machine) bool) reply {
	size := defaultPageSize
	if text := c.query.Get("batchsize"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxBatch {
			return badRequest("Batch size must be between 1 and 1000")
		}
		size = n
	}
	since, bad := c.date("modifiedsince")
	if bad != nil {
		return *bad
	}
	after := -1
	if token := c.query.Get("continuation"); token != "" {
		n, valid := c.readContinuation(token)
		if !valid {
			return badRequest("The continuation token is invalid.")
		}
		after = n
		if c.s.faults.strikes("rows-inserted") {
			c.mark("rows-inserted")
			at := c.site
			if at == nil {
				at = c.s.world.sites[0]
			}
			c.s.world.appear(at, "AAA-NEW-"+c.s.world.ids.letters(5), c.now)
			if c.site != nil {
				machines = c.site.machines
			} else {
				machines = c.s.world.machines
			}
		}
	}
	machineID := c.query.Get("machineid")
	rows := make(list, 0, min(size, len(machines)))
	last, more := after, false
	for i := searchSerial(machines, after+1); i < len(machines); i++ {
		m := machines[i]
		if m.removed || !wanted(m) || (machineID != "" && !strings.EqualFold(machineID, m.machineID)) ||
			(since != 0 && max(m.modified, m.lastSeen(c.now)) < since) {
			continue
		}
		if len(rows) == size {
			more = true
			break
		}
		rows = append(rows, c.statusRow(m))
		last = m.serial
	}
	var token, uri any
	if more {
		text := c.continuation(last)
		token, uri = text, c.continuationURI(text)
	}
	return ok(object{{"Count", len(rows)}, {"ContinuationToken", token}, {"ContinuationURI", uri}, {"QueryResults", rows}})
}

// searchSerial is the index of the first machine whose serial is n or more.
func searchSerial(machines []*machine, n int) int {
	low, high := 0, len(machines)
	for low < high {
		mid := (low + high) / 2
		if machines[mid].serial < n {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// bound is what a continuation token is good for: the same list and filters.
func (c *call) bound() uint64 {
	h := fnv.New64a()
	for _, part := range []string{strings.ToLower(c.r.URL.Path), c.query.Get("machineid"), c.query.Get("modifiedsince"), c.query.Get("returnedinfo"),
		strconv.FormatUint(c.s.opts.Seed, 10)} {
		_, _ = h.Write([]byte(part + "\x00")) // A hash never fails.
	}
	return h.Sum64()
}

// continuation makes an opaque token of some 200 characters, as the real ones
// are.
func (c *call) continuation(last int) string {
	core := fmt.Sprintf("%016x:%d:", c.bound(), last)
	pad := newRandom(c.bound(), uint64(last)) //nolint:gosec // a serial number is never negative here
	return base64.RawURLEncoding.EncodeToString([]byte(core + pad.hex(160)))
}

func (c *call) readContinuation(token string) (int, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, false
	}
	parts := strings.Split(string(raw), ":")
	if len(parts) != 3 || parts[0] != fmt.Sprintf("%016x", c.bound()) {
		return 0, false
	}
	n, err := strconv.Atoi(parts[1])
	return n, err == nil && c.continuation(n) == token
}

// continuationURI is the absolute address of the next batch at this host.
func (c *call) continuationURI(token string) string {
	q := url.Values{}
	for k, name := range map[string]string{"machineid": "machineId", "returnedinfo": "returnedInfo", "modifiedsince": "modifiedSince", "batchsize": "batchSize"} {
		if v := c.query.Get(k); v != "" {
			q.Set(name, v)
		}
	}
	q.Set("continuation", token)
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host + c.r.URL.EscapedPath() + "?" + q.Encode()
}

// statusRow is one record; sections are left out when returnedInfo names
// others.
func (c *call) statusRow(m *machine) object {
	v := c.s.variants
	o := object{{"HostName", m.host}, {"OS", m.os}, {"IPAddress", m.publicIP}, {"ClientVersion", m.version},
		{"LastSeen", zoneless(m.lastSeen(c.now))}, {"Deactivated", m.deactivated}}
	if v["status-with-ids"] {
		o = append(object{{"KC", c.showKey(m.site)}, {"MachineId", m.machineID}}, o...)
	}
	all := c.query.Get("returnedinfo") == ""
	add := func(name string, section object) {
		if all || c.returned(name) {
			o = append(o, field{name, section})
		}
	}
	kind := "PC"
	if m.mac64 {
		kind = "Mac"
	}
	add("BasicInfo", object{{"DeviceType", kind}, {"AttentionRequired", m.attention || m.infected}, {"Infected", m.infected},
		{"ActiveThreats", m.activeThreats}, {"Managed", m.managed}})
	add("ExtendedInfo", object{{"HasBeenInfected", m.everInfected}})
	add("OSAndVersions", object{{"CurrentUser", nullable(m.user)}, {"IPV4", m.ip}, {"MACAddress", m.mac}, {"PrimaryBrowser", m.browser},
		{"Workgroup", m.workgroup}, {"IsFirewallEnabled", m.firewall}})
	add("TimesAndStats", object{{"ThreatsRemoved", m.threatsRemoved}, {"LastScan", stamp(m.lastScan)}, {"LastDeepScan", stamp(m.lastDeep)}})
	add("Scheduling", object{{"ScheduledScansEnabled", m.scheduled}})
	if c.returned("SystemAnalyzer") {
		o = append(o, field{"SystemAnalyzer", object{}})
	}
	if v["status-extra-keys"] {
		o = append(o, field{"ProtectionStatus", object{{"Isolated", m.isolated}, {"RealtimeShield", true}}}, field{"FutureKey", "value"})
	}
	return o
}
