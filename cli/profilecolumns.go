package cli

import (
	"github.com/unitty/unitty/ui/table"
)

func profileColumns() []table.Column[profileRow] {
	return []table.Column[profileRow]{
		{ID: "name", Title: "Name", Min: 8, Text: func(r *profileRow) string {
			if r.Default {
				return r.Name + " *"
			}
			return r.Name
		}},
		{ID: "gsm-key", Title: "GSM key", Min: 24, Priority: 1, Text: func(r *profileRow) string { return r.GSMKey }},
		{ID: "user", Title: "User", Min: 10, Priority: 2, Text: func(r *profileRow) string { return r.Username }},
		{ID: "store", Title: "Store", Priority: 4, Text: func(r *profileRow) string { return r.Store }},
		{ID: "read-only", Title: "Read-only", Min: 9, Priority: 3, Text: func(r *profileRow) string {
			if r.ReadOnly {
				return "yes"
			}
			return ""
		}},
		{ID: "base-url", Title: "Base URL", Min: 16, Priority: 5, Text: func(r *profileRow) string { return r.BaseURL }},
	}
}
