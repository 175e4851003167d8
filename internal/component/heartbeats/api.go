package heartbeats

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// listView is the response of the API.
type listView struct {
	Heartbeats []view `json:"heartbeats"`
	// Unused were added on the page and have no effect.
	Unused []unusedView `json:"unused,omitempty"`
	// Token is the new one of a heartbeat that was added or got a new one. It is in no other response.
	Token string `json:"token,omitempty"`
}

// view is a heartbeat in the response.
type view struct {
	Name     string            `json:"name"`
	Group    string            `json:"group"`
	Labels   map[string]string `json:"labels"`
	Every    string            `json:"every,omitempty"`
	Cron     string            `json:"cron,omitempty"`
	Timezone string            `json:"timezone,omitempty"`
	// Seconds.
	Grace       float64 `json:"grace"`
	MaxDuration float64 `json:"maxDuration,omitempty"`
	// Source is the name of the file that has it, and Definition how it was defined on the page. One of them is set.
	Source     string      `json:"source,omitempty"`
	Definition *Definition `json:"definition,omitempty"`

	Status status    `json:"status"`
	Due    time.Time `json:"due"`
	// Result is that of the last ping.
	Result      Result    `json:"result,omitempty"`
	LastPing    time.Time `json:"lastPing,omitzero"`
	LastSuccess time.Time `json:"lastSuccess,omitzero"`
	// RunningSince is absent if no run is in progress.
	RunningSince time.Time         `json:"runningSince,omitzero"`
	Duration     *float64          `json:"lastDuration,omitempty"` // seconds
	ExitCode     *int              `json:"lastExitCode,omitempty"`
	Pings        map[Result]uint64 `json:"pings"`
}

// unusedView is a heartbeat of the page that is not used, and why.
type unusedView struct {
	Definition
	Reason string `json:"reason"`
}

// APIPath is the path of the API.
const APIPath = "/api/ausguck/heartbeats"

// API serves the heartbeats, at APIPath:
//
//	GET                all heartbeats with their states, without tokens
//	POST               adds one, as a JSON object with the fields of heartbeats.yml; the server generates its token
//	PUT, DELETE ?name= changes or removes one that was added
//	POST /token?name=  gives one that was added a new token
//
// All return all heartbeats, and a new token if there is one. Errors are {"message": "…"}.
func (s *Server) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+APIPath, func(w http.ResponseWriter, _ *http.Request) { s.respond(w, "", nil) })
	mux.HandleFunc("POST "+APIPath, func(w http.ResponseWriter, r *http.Request) {
		d, err := readDefinition(w, r)
		var token string
		if err == nil {
			token, err = s.create(r.Context(), d)
		}
		s.respond(w, token, err)
	})
	mux.HandleFunc("PUT "+APIPath, func(w http.ResponseWriter, r *http.Request) {
		d, err := readDefinition(w, r)
		name, unnamed := nameIn(r)
		if err = cmp.Or(err, unnamed); err == nil {
			err = s.change(r.Context(), name, d)
		}
		s.respond(w, "", err)
	})
	mux.HandleFunc("DELETE "+APIPath, func(w http.ResponseWriter, r *http.Request) {
		name, err := nameIn(r)
		if err == nil {
			err = s.remove(r.Context(), name)
		}
		s.respond(w, "", err)
	})
	mux.HandleFunc("POST "+APIPath+"/token", func(w http.ResponseWriter, r *http.Request) {
		name, err := nameIn(r)
		var token string
		if err == nil {
			token, err = s.renew(r.Context(), name)
		}
		s.respond(w, token, err)
	})
	return mux
}

// nameIn returns the name of the heartbeat that is meant. It is not part of the path, because it may contain slashes.
func nameIn(r *http.Request) (string, error) {
	name := r.URL.Query().Get("name")
	if name == "" {
		return "", invalid{errors.New("the parameter name is missing: ?name=NAME selects the heartbeat")}
	}
	return name, nil
}

// maxDefinition is the maximum size of a request that changes a heartbeat.
const maxDefinition = 64 << 10

func readDefinition(w http.ResponseWriter, r *http.Request) (Definition, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDefinition))
	if err != nil {
		return Definition{}, invalid{err}
	}
	d, err := parseDefinition(text)
	if err != nil {
		return d, invalid{err}
	}
	return d, nil
}

func (s *Server) respond(w http.ResponseWriter, token string, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err == nil {
		s.mtx.RLock()
		unused := s.unused
		s.mtx.RUnlock()
		_ = json.NewEncoder(w).Encode(listView{s.views(time.Now()), unused, token}) // fails only if the client has disconnected
		return
	}
	status := http.StatusInternalServerError
	switch {
	case errors.As(err, new(invalid)):
		status = http.StatusBadRequest
	case errors.As(err, new(conflict)):
		status = http.StatusConflict
	case errors.Is(err, errNotFound):
		status = http.StatusNotFound
	case errors.Is(err, errNotRunning), errors.Is(err, errStopping):
		status = http.StatusServiceUnavailable
	default:
		s.logger.Error("Heartbeat of the page not saved", "err", err)
		err = fmt.Errorf("the heartbeat is not saved: %w", err)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": err.Error()})
}

func (s *Server) views(now time.Time) []view {
	views := []view{}
	cfg, store := s.running()
	if store == nil {
		return views
	}
	for _, h := range cfg.Heartbeats {
		r, known := store.record(h.Name)
		if !known {
			continue
		}
		v := view{
			Name: h.Name, Group: h.Group, Labels: h.Labels, Every: h.Every, Cron: h.Cron, Timezone: h.Timezone,
			Grace: h.Grace.Seconds(), MaxDuration: h.MaxDuration.Seconds(),
			Status: h.status(&r, store.up, now), Due: h.due(&r, store.up).UTC(), Result: r.Result,
			LastPing: r.Ping, LastSuccess: r.Success, RunningSince: r.Started, ExitCode: r.ExitCode, Pings: r.Pings,
		}
		if v.Definition = h.added; h.added == nil {
			v.Source = cfg.source
		}
		if v.Labels == nil {
			v.Labels = map[string]string{}
		}
		if v.Pings == nil {
			v.Pings = map[Result]uint64{}
		}
		if r.Duration != nil {
			seconds := r.Duration.Seconds()
			v.Duration = &seconds
		}
		views = append(views, v)
	}
	return views
}

// Missing returns the names of the heartbeats that are missing.
func (s *Server) Missing() (names []string) {
	for _, v := range s.views(time.Now()) {
		if v.Status == statusMissing {
			names = append(names, v.Name)
		}
	}
	return names
}

// Unused returns the names of the heartbeats of the page that have no effect.
func (s *Server) Unused() (names []string) {
	s.mtx.RLock()
	defer s.mtx.RUnlock()
	for _, u := range s.unused {
		names = append(names, u.Name)
	}
	return names
}
