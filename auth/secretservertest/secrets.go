package secretservertest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// mask is what a masked field shows instead of its value.
const mask = "*** Not Valid For Display ***"

// api answers everything below /api/v1/. The path is still escaped.
func (s *Server) api(w http.ResponseWriter, r *http.Request, path string, e *Entry) {
	a := s.caller(w, r)
	if a == nil {
		return
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		text, err := url.PathUnescape(p)
		if err != nil || text == "" || text == "." || text == ".." {
			refuse(w, http.StatusBadRequest, "API_BadRequest", "The request is invalid.")
			return
		}
		parts[i] = text
	}
	get, post := r.Method == http.MethodGet, r.Method == http.MethodPost
	switch {
	case post && path == "oauth-expiration":
		s.counts.Expirations++
		a.session.ended = true
		reply(w, http.StatusOK, map[string]any{})
	case get && path == "users/current":
		reply(w, http.StatusOK, map[string]any{"id": 2, "userName": s.opts.Username})
	case get && len(parts) == 3 && parts[0] == "secrets" && parts[1] == "lookup":
		if sec := s.find(w, r, parts[2]); sec != nil {
			reply(w, http.StatusOK, map[string]any{"id": sec.ID, "value": sec.name()})
		}
	case get && len(parts) == 2 && parts[0] == "secrets":
		if sec := s.find(w, r, parts[1]); sec != nil && s.open(w, *sec, r.URL.Query().Get("noAutoCheckout") == "true", "") {
			s.counts.Reads++
			reply(w, http.StatusOK, object(*sec))
		}
	case get && len(parts) == 4 && parts[0] == "secrets" && parts[2] == "fields":
		if sec := s.find(w, r, parts[1]); sec != nil && s.open(w, *sec, r.URL.Query().Get("noAutoCheckout") == "true", "") {
			s.field(w, *sec, parts[3])
		}
	case post && len(parts) == 5 && parts[0] == "secrets" && parts[2] == "restricted" && parts[3] == "fields":
		s.restricted(w, r, parts[1], parts[4], e)
	default:
		refuse(w, http.StatusNotFound, "API_NotFound", "No such resource.")
	}
}

// restricted is POST /api/v1/secrets/{id}/restricted/fields/{slug}.
func (s *Server) restricted(w http.ResponseWriter, r *http.Request, id, slug string, e *Entry) {
	var args struct {
		Comment        string `json:"comment"`
		NoAutoCheckout bool   `json:"noAutoCheckout"`
	}
	if json.NewDecoder(r.Body).Decode(&args) != nil {
		refuse(w, http.StatusBadRequest, "API_BadRequest", "The request is invalid.")
		return
	}
	e.Comment = args.Comment
	if sec := s.find(w, r, id); sec != nil && s.open(w, *sec, args.NoAutoCheckout, args.Comment) {
		s.field(w, *sec, slug)
	}
}

// find returns the secret by its id, or by secretPath when the id is 0.
func (s *Server) find(w http.ResponseWriter, r *http.Request, id string) *Secret {
	n, err := strconv.Atoi(id)
	path := r.URL.Query().Get("secretPath")
	for i := range s.opts.Secrets {
		sec := &s.opts.Secrets[i]
		if err == nil && (n > 0 && sec.ID == n || n == 0 && path != "" && strings.EqualFold(sec.Path, path)) {
			return sec
		}
	}
	refuse(w, http.StatusNotFound, "API_NotFound", "The secret does not exist, or you have no access to it.")
	return nil
}

// open tells whether a secret may be read now, and answers itself when not.
func (s *Server) open(w http.ResponseWriter, sec Secret, noCheckout bool, comment string) bool {
	switch {
	case sec.NeedsApproval:
		refuse(w, http.StatusForbidden, "API_ApprovalRequired", "Access to this secret requires approval.")
		return false
	case sec.NeedsComment && strings.TrimSpace(comment) == "":
		refuse(w, http.StatusBadRequest, "API_CommentRequired", "A comment is required to view this secret.")
		return false
	case sec.NeedsCheckout && noCheckout:
		refuse(w, http.StatusForbidden, "API_CheckOutRequired", "This secret must be checked out before it can be viewed.")
		return false
	case sec.NeedsCheckout:
		s.counts.Checkouts++
	}
	return true
}

// field answers with one bare value: a JSON string, or the bytes of a file.
func (s *Server) field(w http.ResponseWriter, sec Secret, slug string) {
	for _, f := range sec.Fields {
		if !strings.EqualFold(f.Slug, slug) {
			continue
		}
		s.counts.Reads++
		if f.File {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write([]byte(f.Value))
			return
		}
		reply(w, http.StatusOK, f.Value)
		return
	}
	refuse(w, http.StatusBadRequest, "API_FieldNotFound", "The field does not exist.")
}

// object is the secret as GET /api/v1/secrets/{id} shows it.
func object(sec Secret) map[string]any {
	items := make([]map[string]any, 0, len(sec.Fields))
	for i, f := range sec.Fields {
		value := f.Value
		if f.File {
			value = ""
		} else if sec.Masked && f.Password {
			value = mask
		}
		items = append(items, map[string]any{"itemId": 1000*sec.ID + i, "fieldId": 100 + i, "fieldName": f.Slug, "slug": f.Slug,
			"itemValue": value, "isFile": f.File, "isNotes": false, "isPassword": f.Password})
	}
	return map[string]any{"id": sec.ID, "name": sec.name(), "folderId": 7, "active": true, "items": items}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, map[string]string{"errorCode": code, "message": message})
}
