package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

type apiFlags struct {
	fields   []string
	headers  []string
	input    string
	paginate bool
	include  bool
	yes      bool
	expect   int
	note     string
}

func (a *app) apiCommand() *cobra.Command {
	var f apiFlags
	cmd := &cobra.Command{Use: "api METHOD PATH", Short: "Call any method of the API",
		Long: `Calls any method of the API. {gsmKey} in the path stands for the console's keycode.

-f key=value goes into the query of a GET and into the JSON body of anything else. The answer's bytes are passed on as
they are, except to a terminal, where what a terminal would obey is escaped. A change passes the same gate as every
other change: a list of endpoints has to name them, and without a terminal it needs --yes (and --expect with the number
of machines, where it destroys or touches more than 25).`,
		Args: cobra.ExactArgs(2), RunE: func(cmd *cobra.Command, args []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.api(ctx, sess, args[0], args[1], f) })
		}}
	cmd.Flags().StringArrayVarP(&f.fields, "field", "f", nil, "key=value for query or body; repeats")
	cmd.Flags().StringArrayVarP(&f.headers, "header", "H", nil, "further header, 'Name: value'; repeats")
	cmd.Flags().StringVar(&f.input, "input", "", "file with the body; - is standard input")
	cmd.Flags().BoolVar(&f.paginate, "paginate", false, "follow pages and continuations; prints one document a line")
	cmd.Flags().BoolVarP(&f.include, "include", "i", false, "print status and headers too")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().IntVar(&f.expect, "expect", -1, "the number of machines you expect to touch")
	cmd.Flags().StringVar(&f.note, "note", "", "remark for the audit")
	return cmd
}

func (a *app) api(ctx context.Context, sess *session, method, path string, f apiFlags) error {
	req, err := a.apiRequest(sess, method, path, f)
	if err != nil {
		return err
	}
	gate, err := unity.Inspect(req.Method, req.Path, firstOf(req.ContentType, "application/json"), req.Body)
	if err != nil {
		return err
	}
	if gate.Reach == unity.ReachNone {
		return a.apiRead(ctx, sess, req, f)
	}
	if sess.settings.ReadOnly {
		return refusedf("refused: this profile is read-only")
	}
	n, err := a.reach(ctx, sess, gate)
	if err != nil {
		return err
	}
	if err := a.confirmAPI(gate, n, f); err != nil {
		return err
	}
	req.Machines, req.Counted = n, true
	return a.apiChange(ctx, sess, req, gate, f)
}

func (a *app) apiRequest(sess *session, method, path string, f apiFlags) (unity.Request, error) {
	path = strings.ReplaceAll(path, "{gsmKey}", url.PathEscape(sess.client.Key().String()))
	if !strings.HasPrefix(path, "/service/") {
		return unity.Request{}, usagef("the path starts with /service/api/…, for example /service/api/console/gsm/{gsmKey}/sites")
	}
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return unity.Request{}, usagef("the query of the path is not readable")
	}
	r := unity.Request{Method: strings.ToUpper(method), Path: path, Query: values, Header: http.Header{}}
	for _, h := range f.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return r, usagef("-H takes 'Name: value'")
		}
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		switch {
		case name == "Content-Type" && r.Method != http.MethodGet:
			r.ContentType = strings.TrimSpace(value) // the gate refuses what it cannot read
		case unity.OwnHeader(name):
			return r, usagef("-H %s: unitty sets this header itself", unity.Clean(name))
		default:
			r.Header.Add(name, strings.TrimSpace(value))
		}
	}
	if f.input != "" {
		if len(f.fields) > 0 && r.Method != http.MethodGet {
			return r, usagef("--input and -f both give the body")
		}
		if r.Body, err = a.readInput(f.input); err != nil {
			return r, err
		}
	}
	return r, addFields(&r, f.fields)
}

func addFields(r *unity.Request, fields []string) error {
	body := map[string]string{}
	for _, kv := range fields {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return usagef("-f takes key=value")
		}
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			r.Query.Add(k, v)
			continue
		}
		if _, twice := body[k]; twice {
			return refusedf("refused: -f gives %s twice", unity.Clean(k))
		}
		body[k] = v
	}
	if len(body) == 0 {
		return nil
	}
	var err error
	r.Body, err = json.Marshal(body)
	return err
}

// maxInput bounds a body from a file.
const maxInput = 16 << 20

func (a *app) readInput(name string) ([]byte, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usagef("--input: %v", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, usagef("--input: %v", err)
	}
	if len(raw) > maxInput {
		return nil, usagef("--input: the body is too large")
	}
	return raw, nil
}

// reach counts the machines that a change touches.
func (a *app) reach(ctx context.Context, sess *session, g unity.Gate) (int, error) {
	switch g.Reach {
	case unity.ReachListed:
		return len(g.Endpoints), nil
	case unity.ReachSet:
		pages := sess.client.Endpoints(ctx, g.Site, unity.EndpointQuery{})
		if g.Group != "" {
			pages = sess.client.GroupEndpoints(ctx, g.Site, g.Group)
		}
		n := 0
		for page, err := range pages {
			if err != nil {
				return 0, fmt.Errorf("the machines cannot be counted: %w", err)
			}
			n += len(page.Items)
		}
		return n, nil
	default:
		return 0, nil
	}
}

// apiRisk is the risk of a change by what it does.
func apiRisk(g unity.Gate, n int) dispatch.Risk {
	switch {
	case g.Reach == unity.ReachSet, n > dispatch.Many:
		return dispatch.Destroy
	case g.Reach == unity.ReachOther:
		return dispatch.Disrupt
	case strings.EqualFold(g.Command, unity.CommandScan), strings.EqualFold(g.Command, unity.CommandIsolate) && strings.EqualFold(g.Parameters, "off"):
		return dispatch.Change
	case strings.EqualFold(g.Command, unity.CommandRestart), strings.EqualFold(g.Command, unity.CommandCleanup), strings.EqualFold(g.Command, unity.CommandIsolate):
		return dispatch.Disrupt
	default:
		return dispatch.Destroy
	}
}

func (a *app) confirmAPI(g unity.Gate, n int, f apiFlags) error {
	risk := apiRisk(g, n)
	counted := g.Reach != unity.ReachOther
	if counted && f.expect >= 0 && f.expect != n {
		return refusedf("refused: this touches %s, not the %d that --expect says; nothing was sent", dispatch.Machines(n), f.expect)
	}
	switch {
	case f.yes && (risk != dispatch.Destroy || f.expect == n):
		return nil
	case !a.terminal && risk == dispatch.Destroy:
		return refusedf("refused: to %s (%s) needs --yes --expect %d", g.What, dispatch.Machines(n), n)
	case !a.terminal:
		return refusedf("refused: a change needs --yes without a terminal")
	}
	_, _ = fmt.Fprintf(a.err, "%s", unity.Clean(g.What))
	if counted {
		_, _ = fmt.Fprintf(a.err, ": %s", dispatch.Machines(n))
	}
	if risk == dispatch.Destroy {
		_, _ = fmt.Fprintf(a.err, "\nType the number of machines (%d) to go on: ", n)
		if answer, err := a.readLine(); err != nil || strings.TrimSpace(answer) != fmt.Sprint(n) {
			return refusedf("cancelled: nothing was sent")
		}
		return nil
	}
	_, _ = fmt.Fprint(a.err, "\nSend? y/N ")
	if answer, err := a.readLine(); err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return refusedf("cancelled: nothing was sent")
	}
	return nil
}

func (a *app) apiChange(ctx context.Context, sess *session, r unity.Request, g unity.Gate, f apiFlags) error {
	entry := dispatch.Entry{Event: "api", Action: "api", BaseURL: sess.client.BaseURL(), GSMKey: sess.client.Key().String(), User: sess.settings.Username,
		Method: r.Method, Path: r.Path, Note: f.note}
	for _, id := range g.Endpoints {
		entry.Targets = append(entry.Targets, dispatch.Target{EndpointID: string(id), SiteID: string(g.Site)})
	}
	if err := sess.audit.Write(entry); err != nil {
		if sess.audit.Required() {
			return fmt.Errorf("the audit cannot be written and this profile requires it: %w", err)
		}
		a.complainAudit(err)
	}
	resp, err := sess.client.Do(ctx, r)
	if err != nil {
		entry.Error = err.Error()
	} else {
		entry.Status = resp.Status
	}
	entry.Event = "api-outcome"
	aerr := sess.audit.Write(entry)
	if err != nil {
		return err
	}
	if aerr != nil && sess.audit.Required() {
		return fmt.Errorf("the change was made, but the audit cannot be written: %w", aerr)
	}
	return a.printResponse(resp, f.include)
}

func (a *app) apiRead(ctx context.Context, sess *session, r unity.Request, f apiFlags) error {
	if !f.paginate {
		resp, err := sess.client.Do(ctx, r)
		if err != nil {
			return err
		}
		return a.printResponse(resp, f.include)
	}
	for doc, err := range sess.client.Paginate(ctx, r) {
		if err != nil {
			return err
		}
		if err := a.printDocument(doc); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printResponse(resp *unity.Response, include bool) error {
	if include {
		_, _ = fmt.Fprintf(a.out, "HTTP %d %s\n", resp.Status, http.StatusText(resp.Status))
		for _, name := range sortedKeys(resp.Header) {
			for _, v := range resp.Header[name] {
				_, _ = fmt.Fprintf(a.out, "%s: %s\n", unity.Clean(name), unity.Clean(v))
			}
		}
		_, _ = fmt.Fprintln(a.out)
	}
	if a.flags.jq != "" {
		code, err := compileJQ(a.flags.jq)
		if err != nil {
			return err
		}
		return a.printJSON(resp.Body, code)
	}
	if !a.tty {
		_, err := a.out.Write(resp.Body)
		return err
	}
	body := resp.Body
	if json.Valid(body) {
		body = escapeJSON(body)
	} else {
		body = []byte(unity.CleanLines(string(body)))
	}
	_, err := fmt.Fprintf(a.out, "%s\n", bytes.TrimRight(body, "\n"))
	return err
}

func (a *app) printDocument(doc []byte) error {
	var line bytes.Buffer
	if err := json.Compact(&line, doc); err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	if a.flags.jq != "" {
		code, err := compileJQ(a.flags.jq)
		if err != nil {
			return err
		}
		return a.printJSON(line.Bytes(), code)
	}
	return a.printJSON(line.Bytes(), nil)
}
