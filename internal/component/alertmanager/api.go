package alertmanager

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"
)

// API serves what Alertmanager's own API does not offer, below /api/ausguck/alerting/:
//
//	GET  notifications  attempts, newest first; receiver=, result=, alertname=, before=<id>, limit=<1…1000, default 100>
//	GET  receivers      each with its integrations and the outcome of the last attempt
//	GET  routes         the routing tree; with labels=<JSON>, the routes that an alert with these labels takes are marked
//	POST test           {"receiver": "…"} sends a test and returns the response of the other side
//
// Errors are {"message": "…"}.
func (s *Server) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/ausguck/alerting/notifications", s.serveNotifications)
	mux.HandleFunc("GET /api/ausguck/alerting/receivers", s.serveReceivers)
	mux.HandleFunc("GET /api/ausguck/alerting/routes", s.serveRoutes)
	mux.HandleFunc("POST /api/ausguck/alerting/test", s.serveTest)
	return mux
}

const maxRows = 1000

func (s *Server) serveNotifications(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f := filter{receiver: q.Get("receiver"), result: Result(q.Get("result")), alertname: q.Get("alertname"), limit: 100}
	if f.result != "" && !slices.Contains(results, f.result) {
		refuse(w, http.StatusBadRequest, "result is delivered, retrying, refused or elsewhere, not %q", f.result)
		return
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxRows {
			refuse(w, http.StatusBadRequest, "limit is a number from 1 to %d, not %q", maxRows, text)
			return
		}
		f.limit = n
	}
	if text := q.Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			refuse(w, http.StatusBadRequest, "before is the id of a notification, not %q", text)
			return
		}
		f.before = n
	}
	attempts, err := s.history.list(r.Context(), f)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "%s", err)
		return
	}
	words := s.Applied().secrets.known() // in rows from before they were removed
	for i := range attempts {
		attempts[i].Error = words.Text(attempts[i].Error)
	}
	answer(w, map[string]any{"notifications": attempts})
}

// receiverState is a receiver and whether it works.
type receiverState struct {
	Name string `json:"name"`
	// Used is false if no route leads to it.
	Used         bool               `json:"used"`
	Integrations []integrationState `json:"integrations"`
}

type integrationState struct {
	Integration string   `json:"integration"`
	Index       int      `json:"index"`
	Last        *Attempt `json:"last"`
}

func (s *Server) serveReceivers(w http.ResponseWriter, r *http.Request) {
	cfg := s.Applied()
	words := cfg.secrets.known()
	receivers := []receiverState{}
	for _, name := range cfg.receiverNames() {
		integrations, used := cfg.integrations[name]
		state := receiverState{Name: name, Used: used, Integrations: []integrationState{}}
		last, err := s.history.lastOf(r.Context(), name)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "%s", err)
			return
		}
		for i := range integrations {
			n := integrationState{Integration: integrations[i].Name(), Index: integrations[i].Index()}
			if a, ok := last[integrations[i].String()]; ok {
				a.Error = words.Text(a.Error)
				n.Last = &a
			}
			state.Integrations = append(state.Integrations, n)
		}
		receivers = append(receivers, state)
	}
	answer(w, map[string]any{"receivers": receivers, "sendsNowhere": cfg.SendsNowhere()})
}

// routeState is a route with its effective settings, including inherited ones.
type routeState struct {
	ID       string   `json:"id"`
	Receiver string   `json:"receiver"`
	Matchers []string `json:"matchers"`
	Continue bool     `json:"continue"`
	// GroupBy is ["..."] for all labels.
	GroupBy             []string     `json:"groupBy"`
	GroupWait           string       `json:"groupWait"`
	GroupInterval       string       `json:"groupInterval"`
	RepeatInterval      string       `json:"repeatInterval"`
	MuteTimeIntervals   []string     `json:"muteTimeIntervals"`
	ActiveTimeIntervals []string     `json:"activeTimeIntervals"`
	Routes              []routeState `json:"routes"`
	// Matches is set for the routes at which an alert with the requested labels ends.
	Matches bool `json:"matches,omitempty"`
}

func (s *Server) serveRoutes(w http.ResponseWriter, r *http.Request) {
	root := s.Applied().routes
	var matched []*dispatch.Route
	if text := r.URL.Query().Get("labels"); text != "" {
		var labels model.LabelSet
		if err := json.Unmarshal([]byte(text), &labels); err != nil {
			refuse(w, http.StatusBadRequest, `labels is JSON such as {"alertname":"X","severity":"critical"}: %s`, err)
			return
		}
		matched = root.Match(labels)
	}
	answer(w, describeRoute(root, matched))
}

func describeRoute(r *dispatch.Route, matched []*dispatch.Route) routeState {
	short := func(d time.Duration) string { return model.Duration(d).String() }
	o := r.RouteOpts
	state := routeState{
		ID: r.ID(), Receiver: o.Receiver, Continue: r.Continue, Matches: slices.Contains(matched, r),
		Matchers: []string{}, GroupBy: []string{}, Routes: []routeState{},
		GroupWait: short(o.GroupWait), GroupInterval: short(o.GroupInterval), RepeatInterval: short(o.RepeatInterval),
		MuteTimeIntervals: append([]string{}, o.MuteTimeIntervals...), ActiveTimeIntervals: append([]string{}, o.ActiveTimeIntervals...),
	}
	for _, m := range r.Matchers {
		state.Matchers = append(state.Matchers, m.String())
	}
	for name := range o.GroupBy {
		state.GroupBy = append(state.GroupBy, string(name))
	}
	slices.SortFunc(state.GroupBy, cmp.Compare[string])
	if o.GroupByAll {
		state.GroupBy = []string{"..."}
	}
	for _, child := range r.Routes {
		state.Routes = append(state.Routes, describeRoute(child, matched))
	}
	return state
}

func (s *Server) serveTest(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Receiver string `json:"receiver"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked); err != nil || asked.Receiver == "" {
		refuse(w, http.StatusBadRequest, `the body is {"receiver": "<name>"}`)
		return
	}
	trials, err := s.TryReceiver(r.Context(), s.Applied(), asked.Receiver)
	if errors.Is(err, errUnknownReceiver) {
		refuse(w, http.StatusNotFound, "%s", err)
		return
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "%s", err)
		return
	}
	answer(w, map[string]any{"receiver": asked.Receiver, "integrations": trials})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

func refuse(w http.ResponseWriter, code int, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": fmt.Sprintf(format, args...)})
}
