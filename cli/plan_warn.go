package cli

import (
	"fmt"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// warnPlan says on stderr what speaks against a plan that nobody is asked about.
func (a *app) warnPlan(p *dispatch.Plan) {
	const most = 10
	lines := p.Notices()
	for i, line := range lines {
		if i == most {
			_, _ = fmt.Fprintf(a.err, "unitty: warning: … and %d more\n", len(lines)-most)
			break
		}
		_, _ = fmt.Fprintf(a.err, "unitty: warning: %s\n", unity.Clean(line))
	}
	if len(p.Stale) > 0 {
		_, _ = fmt.Fprintf(a.err, "unitty: warning: silent: %s\n", unity.Clean(firstFew(p.Stale, 3)))
	}
}
