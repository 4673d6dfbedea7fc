package unity

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// UsageKind is a way of counting endpoints in a usage report (§3.14). The three counts differ, so none of them may be
// shown without its name and its date.
type UsageKind string

// The ways of counting.
const (
	// UsageActive counts the endpoints that were active on the date, hidden ones included.
	UsageActive UsageKind = "ActiveEndpoints"
	// UsageActiveShown counts the active endpoints without hidden ones; it matches what the web console shows.
	UsageActiveShown UsageKind = "ActiveEndpointsWithoutHidden"
	// UsageSeen counts the endpoints that were seen within the 30 days before the date; it is the API's default.
	UsageSeen UsageKind = "EndpointsSeenInLast30Days"
)

// SiteUsage is a site's count in a usage report (§3.14).
type SiteUsage struct {
	Record      Record  `json:"-"`
	SiteID      SiteID  `json:"SiteId"`
	SiteKey     Keycode // without dashes
	SiteName    Text
	LicenseType Text
	ExpiryDate  Time
	// Total is the number of endpoints. The reference cuts the row off before that member, so the documented analogy of the
	// other reports decides: the one member whose name begins with "Total".
	Total Int `json:"-"`
}

// UsageReport are the counts of all sites on one date (§3.14).
type UsageReport struct {
	Kind UsageKind
	// Date is the day the report is of; unknown where the server did not say.
	Date  Time
	Sites []SiteUsage
}

func usageRow(raw json.RawMessage) (SiteUsage, error) {
	u, err := decodeRow(func(u *SiteUsage) *Record { return &u.Record })(raw)
	if err != nil {
		return u, err
	}
	u.SiteID = SiteID(lower(string(u.SiteID)))
	fields, err := objectFields(raw)
	if err != nil {
		return u, err
	}
	if v, ok := member(fields, "TotalEndpoints"); ok && u.Total.UnmarshalJSON(v) == nil && u.Total.Known {
		return u, nil
	}
	var totals []Int
	for _, f := range fields {
		var n Int
		if strings.HasPrefix(strings.ToLower(f.name), "total") && n.UnmarshalJSON(f.value) == nil && n.Known {
			totals = append(totals, n)
		}
	}
	u.Total = Int{}
	if len(totals) == 1 {
		u.Total = totals[0]
	}
	return u, nil
}

// SiteUsage reads the endpoint counts of all sites: GET /status/reporting/gsm/{k}/sites (§3.14). A zero date asks for the
// most recent report, which is two days old. The scope is SkyStatus.Reporting.
func (c *Client) SiteUsage(ctx context.Context, kind UsageKind, date time.Time) (*UsageReport, error) {
	path := "/service/api/status/reporting/gsm/" + url.PathEscape(c.key.String()) + "/sites"
	query := url.Values{"reportType": {string(kind)}}
	if !date.IsZero() {
		query.Set("effectiveDate", date.UTC().Format(time.DateOnly))
	}
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: query})
	if err != nil {
		return nil, err
	}
	env, err := decodeList(resp.Body, "Sites", usageRow)
	if err != nil {
		return nil, protocolError(path, err)
	}
	out := &UsageReport{Kind: kind, Sites: env.items}
	var head struct {
		ReportInfo struct {
			Count         Int
			ReportType    Text
			EffectiveDate Time
		}
	}
	// Where the head is not readable the counts are all the same; their date stays unknown then.
	_ = json.Unmarshal(trimBody(resp.Body), &head)
	out.Date = head.ReportInfo.EffectiveDate
	if got := head.ReportInfo.ReportType; !got.Empty() && !strings.EqualFold(got.Raw(), string(kind)) {
		return nil, protocolError(path, fmt.Errorf("asked for %s, the answer is %s", kind, got))
	}
	if n := head.ReportInfo.Count; n.Known && n.N > int64(len(out.Sites)) {
		return out, &IncompleteError{Path: path, Seen: len(out.Sites), Total: int(n.N)}
	}
	return out, nil
}
