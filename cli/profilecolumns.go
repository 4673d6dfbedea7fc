package cli

import (
	"github.com/unitty/unitty/ui/table"
)

func profileColumns() []table.Column[profileRow] {
	return []table.Column[profileRow]{
		{ID: "name", Title: "Name", Text: func(r *profileRow) string {
			if r.Default {
				return r.Name + " *"
			}
			return r.Name
		}},
		{ID: "gsm-key", Title: "GSM key", Text: func(r *profileRow) string { return r.GSMKey }},
		{ID: "user", Title: "User", Text: func(r *profileRow) string { return r.Username }},
		{ID: "store", Title: "Store", Text: func(r *profileRow) string { return r.Store }},
		{ID: "read-only", Title: "Read-only", Text: func(r *profileRow) string {
			if r.ReadOnly {
				return "yes"
			}
			return ""
		}},
		{ID: "base-url", Title: "Base URL", Text: func(r *profileRow) string { return r.BaseURL }},
	}
}
