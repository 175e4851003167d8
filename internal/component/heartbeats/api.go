package heartbeats

import (
	"encoding/json"
	"net/http"
	"time"
)

// view is a heartbeat in the API's response.
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

// API lists the heartbeats and their states, without tokens.
func (s *Server) API() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"heartbeats": s.views(time.Now())}) // fails only if the client has disconnected
	})
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
