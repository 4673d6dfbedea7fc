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

// Status is what an agent reported about its machine (§3.13). Rows need not carry MachineID or Keycode.
type Status struct {
	Record        Record    `json:"-"`
	MachineID     MachineID `json:"MachineId"`
	Keycode       Keycode   `json:"KC"`
	HostName      Text
	OS            Text
	IPAddress     Text // public
	ClientVersion Text
	LastSeen      Time
	Deactivated   Bool
	BasicInfo     struct {
		DeviceType        Text
		AttentionRequired Bool
		Infected          Bool
		ActiveThreats     Int
		Managed           Bool
	}
	ExtendedInfo  struct{ HasBeenInfected Bool }
	OSAndVersions StatusSystem
	TimesAndStats StatusTimes
	Scheduling    struct{ ScheduledScansEnabled Bool }
}

// StatusSystem is the OSAndVersions section.
type StatusSystem struct {
	CurrentUser       Text
	IPV4              Text
	MACAddress        Text
	PrimaryBrowser    Text
	Workgroup         Text
	IsFirewallEnabled Bool
}

// StatusTimes is the TimesAndStats section.
type StatusTimes struct {
	ThreatsRemoved Int
	LastScan       Time
	LastDeepScan   Time
}

func statusRow(raw json.RawMessage) (Status, error) {
	s, err := decodeRow(func(s *Status) *Record { return &s.Record })(raw)
	s.MachineID = MachineID(Clean(string(s.MachineID)))
	return s, err
}

// StatusQuery narrows agent status (§3.13).
type StatusQuery struct {
	MachineID MachineID
	// Since asks for rows modified at or after.
	Since time.Time
	// BatchSize is 1 to 1000; 0 means 1000.
	BatchSize int
}

// GSMStatus walks the agent status of the whole console: GET /status/gsm/{keyCode} (§3.13).
func (c *Client) GSMStatus(ctx context.Context, q StatusQuery) iter.Seq2[Page[Status], error] {
	return c.status(ctx, "/service/api/status/gsm/"+url.PathEscape(c.key.String()), q)
}

// SiteStatus walks the agent status of one site by its keycode: GET /status/site/{keyCode} (§3.13).
func (c *Client) SiteStatus(ctx context.Context, key Keycode, q StatusQuery) iter.Seq2[Page[Status], error] {
	return c.status(ctx, "/service/api/status/site/"+url.PathEscape(key.String()), q)
}

// maxBatches ends a chain of continuations that does not end by itself.
const maxBatches = 20_000

// status follows continuation tokens to the end. The token is sent back as a parameter; ContinuationURI is used only
// where there is no token, and only on the same host.
func (c *Client) status(ctx context.Context, path string, q StatusQuery) iter.Seq2[Page[Status], error] {
	return func(yield func(Page[Status], error) bool) {
		size := q.BatchSize
		if size <= 0 || size > 1000 {
			size = 1000
		}
		first := url.Values{"batchSize": {strconv.Itoa(size)}}
		if q.MachineID != "" {
			first.Set("machineId", string(q.MachineID))
		}
		setTime(first, "modifiedSince", q.Since)
		seen := map[string]bool{}
		query, at := first, path
		for range maxBatches {
			resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: at, Query: query})
			if less := lessOf(err, size); less > 0 {
				// The gateway gave up on a large batch: the walk goes on from the same place in smaller ones.
				size = less
				query = withSize(query, size)
				first = withSize(first, size)
				continue
			}
			if err != nil {
				yield(Page[Status]{}, err)
				return
			}
			env, next, err := c.statusPage(resp.Body, path, first)
			if err != nil {
				yield(Page[Status]{}, protocolError(path, err))
				return
			}
			if !yield(Page[Status]{Items: env.items, Total: -1, Asked: size}, nil) || next == nil {
				return
			}
			mark := next.Encode()
			if seen[mark] {
				yield(Page[Status]{}, protocolError(path, errors.New("the continuation leads back to where it was")))
				return
			}
			seen[mark] = true
			query = next
		}
		yield(Page[Status]{}, protocolError(path, errors.New("the continuation does not end")))
	}
}

func withSize(query url.Values, size int) url.Values {
	next := without(query, "batchSize")
	next.Set("batchSize", strconv.Itoa(size))
	return next
}

func (c *Client) statusPage(body []byte, path string, first url.Values) (envelope[Status], url.Values, error) {
	env, err := decodeList(body, "QueryResults", statusRow)
	if err != nil {
		return env, nil, err
	}
	if env.fields == nil {
		return env, nil, errors.New("the rows stand bare, without what tells where to go on")
	}
	token, address := textMember(env.fields, "ContinuationToken"), textMember(env.fields, "ContinuationURI")
	if token != "" {
		q := url.Values{}
		for k, v := range first {
			q[k] = v
		}
		q.Set("continuation", token)
		return env, q, nil
	}
	if address == "" {
		return env, nil, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return env, nil, errors.New("the continuation address is not readable")
	}
	if (u.IsAbs() || u.Host != "") && (!strings.EqualFold(u.Host, c.base.Host) || u.Scheme != c.base.Scheme) {
		return env, nil, errors.New("the continuation address leads to another host")
	}
	if !strings.EqualFold(strings.TrimRight(u.Path, "/"), strings.TrimRight(c.base.Path, "/")+path) {
		return env, nil, errors.New("the continuation address leads to another method")
	}
	return env, u.Query(), nil
}
