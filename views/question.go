package views

import (
	"fmt"
	"strings"

	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// What a question shows of requests: up to alike of one kind by themselves, and the first ids of a long list.
const (
	alikeShown = 3
	idsShown   = 5
)

// requests write out what a plan sends. Where many requests of one kind go out, the first stands for the others.
func requests(batches []dispatch.Batch) []string {
	of := func(b *dispatch.Batch) string { return b.Request.Method + " " + b.Op.ID }
	kinds, machines := map[string]int{}, map[string]int{}
	for i := range batches {
		kinds[of(&batches[i])]++
		machines[of(&batches[i])] += len(batches[i].Refs)
	}
	var out []string
	told := map[string]bool{}
	for i := range batches {
		b := &batches[i]
		kind := of(b)
		if told[kind] {
			continue
		}
		out = append(out, requestText(b))
		if n := kinds[kind]; n > alikeShown {
			told[kind] = true
			out[len(out)-1] += fmt.Sprintf("\nand %s like it, with the other %s", counted(n-1, "request", "requests"),
				counted(machines[kind]-len(b.Refs), "machine", "machines"))
		}
	}
	return out
}

// requestText is one request with its body, in which a long list of ids is cut.
func requestText(b *dispatch.Batch) string {
	path := b.Request.Path
	if len(b.Request.Query) > 0 {
		path += "?" + b.Request.Query.Encode()
	}
	return strings.TrimSpace(b.Request.Method + " " + path + "\n" + fewIDs(string(b.Request.Body), b.Refs))
}

// fewIDs leaves all but the first ids of a body out. A body that does not hold them one after another stays as it is.
func fewIDs(body string, refs []fleet.Ref) string {
	if len(refs) <= 2*idsShown {
		return body
	}
	from := strings.Index(body, string(refs[idsShown].ID))
	last := string(refs[len(refs)-1].ID)
	to := strings.Index(body, last)
	if from < 0 || to < from {
		return body
	}
	return fmt.Sprintf("%s… and %s …%s", body[:from], counted(len(refs)-idsShown, "id", "ids"), body[to+len(last):])
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// servers names the machines that are servers, and words how many of several are. Of some the system may not be known: no agent
// has reported it, or nobody may read the reports.
func (e *Env) servers(refs []fleet.Ref) (names []string, words string) {
	p := e.current()
	obscure := 0
	for _, ref := range refs {
		os := ""
		if p != nil {
			if r, ok := p.Get(ref.ID); ok {
				os = strings.ToLower(r.OS())
			}
		}
		switch {
		case os == "":
			obscure++
		case strings.Contains(os, "server"):
			names = append(names, dispatch.Named(ref))
		}
	}
	if len(refs) < 2 {
		return names, ""
	}
	words = "none"
	if n := len(names); n > 0 {
		words = thousands(n) + " of them"
	}
	switch obscure {
	case 0:
	case len(refs):
		words = "the machines' systems are not known"
	default:
		words += ", " + thousands(obscure) + " of unknown system"
	}
	return names, words
}

// gravity says why a change that destroys is one.
func gravity(p *dispatch.Plan) string {
	switch {
	case !p.HasInverse():
		return "cannot simply be taken back"
	case p.Operation.ID == "endpoint.deactivate":
		return "a revert brings back the record, not an uninstalled agent"
	}
	return "takes something away until it is reverted"
}
