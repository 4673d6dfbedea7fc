package unitytest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// serveControl is the remote control of a simulator that runs on its own. It
// needs no token: whoever can reach the simulator may break it.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/_sim/")
	if name == "log" && r.Method == http.MethodGet {
		s.controlLog(w)
		return
	}
	serve, known := map[string]func([]byte) error{"faults": s.controlFaults, "password": s.controlPassword, "variant": s.controlVariant,
		"clock": s.controlClock}[name]
	switch {
	case !known:
		http.Error(w, "unknown control", http.StatusNotFound)
	case r.Method != http.MethodPost:
		http.Error(w, "use POST", http.StatusMethodNotAllowed)
	default:
		if err := serve(body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) controlLog(w http.ResponseWriter) {
	log := s.Log()
	if log == nil {
		log = []Entry{}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(log) // The reader may be gone; there is no one to tell.
}

func (s *Server) controlFaults(body []byte) error {
	var rates map[string]float64
	if err := json.Unmarshal(body, &rates); err != nil {
		return err
	}
	for name, rate := range rates {
		if err := s.SetFault(name, rate); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) controlVariant(body []byte) error {
	var wanted map[string]bool
	if err := json.Unmarshal(body, &wanted); err != nil {
		return err
	}
	for name, on := range wanted {
		if err := s.SetVariant(name, on); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) controlPassword(body []byte) error {
	var q struct{ User, Password string }
	if err := json.Unmarshal(body, &q); err != nil {
		return err
	}
	if q.User == "" {
		q.User = s.opts.User
	}
	if s.userNamed(q.User) == nil {
		return errNoUser(q.User)
	}
	s.ChangePassword(q.User, q.Password)
	return nil
}

func (s *Server) controlClock(body []byte) error {
	var q struct{ Advance string }
	if err := json.Unmarshal(body, &q); err != nil {
		return err
	}
	d, err := time.ParseDuration(q.Advance)
	if err != nil {
		return err
	}
	s.Advance(d)
	return nil
}
