package statuspage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// API lets Editors write what pages say, below /api/ausguck/status-pages:
//
//	GET                                 all pages with their events
//	POST {page}/incidents               an incident: title, components, stage, text
//	POST {page}/incidents/{id}/updates  a message about it: stage, text
//	POST {page}/maintenance             a planned maintenance: title, components, text, starts, ends; it silences the alerts of its components
//	DELETE {page}/events/{id}           removes an incident or a maintenance, and its silences
//	GET {page}/subscribers              the addresses that get mails
//	DELETE {page}/subscribers/{id}      ends a subscription
//
// Errors are {"message": "…"}. by returns the name of the user of a request.
func (s *Server) API(by func(*http.Request) string) http.Handler {
	mux := http.NewServeMux()
	const root = "/api/ausguck/status-pages"
	mux.HandleFunc("GET "+root, s.serveList)
	change := func(pattern string, do func(r *http.Request, p *Page, by string) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			p := s.page(r.PathValue("page"))
			if p == nil {
				refuse(w, http.StatusNotFound, fmt.Errorf("status-pages.yml has no page %q", r.PathValue("page")))
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			if err := do(r, p, by(r)); err != nil {
				refuse(w, statusOf(err), err)
				return
			}
			s.wake()
			s.serveList(w, r)
		})
	}
	change("POST "+root+"/{page}/incidents", s.addIncident)
	change("POST "+root+"/{page}/incidents/{id}/updates", s.addUpdate)
	change("POST "+root+"/{page}/maintenance", s.addMaintenance)
	change("DELETE "+root+"/{page}/events/{id}", s.removeEvent)
	change("DELETE "+root+"/{page}/subscribers/{id}", s.removeSubscriber)
	mux.HandleFunc("GET "+root+"/{page}/subscribers", s.serveSubscribers)
	return mux
}

const (
	// maxBody is the maximum size of a request.
	maxBody = 64 << 10
	// maxTitle and maxText are the maximum sizes of texts, in bytes.
	maxTitle, maxText = 200, 10_000
	// maxMaintenance is the longest maintenance.
	maxMaintenance = 30 * 24 * time.Hour
)

// invalid is an error in a request.
type invalid struct{ error }

func bad(format string, args ...any) error { return invalid{fmt.Errorf(format, args...)} }

func statusOf(err error) int {
	var i invalid
	switch {
	case errors.As(err, &i):
		return http.StatusBadRequest
	case errors.Is(err, errNoEvent), errors.Is(err, errNoSubscriber):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": err.Error()}) // the client is gone
}

func (s *Server) page(name string) *Page {
	pages := s.Applied().Pages
	if i := slices.IndexFunc(pages, func(p *Page) bool { return p.Name == name }); i >= 0 {
		return pages[i]
	}
	return nil
}

// listed is a page in the response of the API.
type listed struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Public bool   `json:"public"`
	// URL is its path on this server, whether it is served or not.
	URL string `json:"url"`
	// Subscribers is how many addresses get mails; absent if nobody can subscribe.
	Subscribers *int `json:"subscribers,omitempty"`
	// Status is empty until the state is known.
	Status     string            `json:"status"`
	Components []listedComponent `json:"components"`
	Events     []Event           `json:"events"`
}

type listedComponent struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

func (s *Server) serveList(w http.ResponseWriter, r *http.Request) {
	pages := []listed{}
	for _, p := range s.Applied().Pages {
		one := listed{Name: p.Name, Title: p.Title, Public: p.Public, URL: s.options.Root + Prefix + p.Name, Events: []Event{}}
		seen := (*s.seen.Load())[p.Name]
		if seen != nil {
			one.Status = seen.overall().String()
		}
		n, err := s.subscribers.Count(r.Context(), p.Name)
		if err != nil {
			refuse(w, http.StatusInternalServerError, err)
			return
		}
		if p.Subscribers != nil || n > 0 {
			one.Subscribers = &n
		}
		for _, c := range p.components() {
			v := listedComponent{Name: c.Name}
			if seen != nil {
				v.Status = seen.conditions[c.Name].String()
			}
			one.Components = append(one.Components, v)
		}
		events, err := s.store.events(r.Context(), p.Name, time.Now().Add(-historyDays*24*time.Hour))
		if err != nil {
			refuse(w, http.StatusInternalServerError, err)
			return
		}
		one.Events = append(one.Events, events...)
		pages = append(pages, one)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"pages": pages}) // the client is gone
}

// written is what an Editor sends.
type written struct {
	Title      string    `json:"title"`
	Text       string    `json:"text"`
	Stage      Stage     `json:"stage"`
	Components []string  `json:"components"`
	Starts     time.Time `json:"starts"`
	Ends       time.Time `json:"ends"`
}

func read(r *http.Request, p *Page) (v written, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, bad("the request is not a JSON object with the expected fields: %w", err)
	}
	v.Title, v.Text = strings.TrimSpace(v.Title), strings.TrimSpace(v.Text)
	switch {
	case len(v.Title) > maxTitle:
		return v, bad("the title is longer than %d bytes", maxTitle)
	case len(v.Text) > maxText:
		return v, bad("the text is longer than %d bytes", maxText)
	}
	for _, name := range v.Components {
		if p.component(name) == nil {
			return v, bad("the page has no component %q", name)
		}
	}
	if v.Components == nil {
		v.Components = []string{}
	}
	return v, nil
}

func (v written) update(now time.Time) (Update, error) {
	if v.Text == "" {
		return Update{}, bad("the text is missing")
	}
	if v.Stage == "" {
		v.Stage = Investigating
	}
	if !slices.Contains(stages, v.Stage) {
		return Update{}, bad("stage: %q is not investigating, identified, monitoring or resolved", v.Stage)
	}
	return Update{Time: now.UTC().Truncate(time.Second), Stage: v.Stage, Text: v.Text}, nil
}

func (s *Server) addIncident(r *http.Request, p *Page, _ string) error {
	v, err := read(r, p)
	if err != nil {
		return err
	}
	if v.Title == "" {
		return bad("the title is missing")
	}
	u, err := v.update(time.Now())
	if err != nil {
		return err
	}
	e := Event{Page: p.Name, Title: v.Title, Components: v.Components, Starts: u.Time, Updates: []Update{u}}
	if u.Stage == Resolved {
		e.Ends = u.Time
	}
	return s.tell(r.Context(), p, &e)
}

// eventOf returns the event that a URL names, if it is one of the page.
func (s *Server) eventOf(r *http.Request, p *Page) (Event, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return Event{}, errNoEvent
	}
	e, err := s.store.event(r.Context(), id)
	if err == nil && e.Page != p.Name {
		err = errNoEvent
	}
	return e, err
}

func (s *Server) addUpdate(r *http.Request, p *Page, _ string) error {
	e, err := s.eventOf(r, p)
	if err != nil {
		return err
	}
	if e.Planned {
		return bad("a maintenance has no updates; remove it and plan another one")
	}
	v, err := read(r, p)
	if err != nil {
		return err
	}
	u, err := v.update(time.Now())
	if err != nil {
		return err
	}
	e.Updates = append(e.Updates, u)
	e.Ends = time.Time{} // an incident can be opened again
	if u.Stage == Resolved {
		e.Ends = u.Time
	}
	return s.tell(r.Context(), p, &e)
}

func (s *Server) addMaintenance(r *http.Request, p *Page, by string) error {
	v, err := read(r, p)
	switch {
	case err != nil:
		return err
	case v.Title == "":
		return bad("the title is missing")
	case !v.Ends.After(v.Starts):
		return bad("the maintenance does not end after it starts")
	case v.Ends.Before(time.Now()):
		return bad("the maintenance is in the past")
	case v.Ends.Sub(v.Starts) > maxMaintenance:
		return bad("the maintenance is longer than 30 days")
	case len(v.Components) == 0:
		return bad("components: name those that it affects")
	}
	e := Event{Page: p.Name, Planned: true, Title: v.Title, Components: v.Components, Starts: v.Starts.UTC(), Ends: v.Ends.UTC()}
	if v.Text != "" {
		e.Updates = []Update{{Time: time.Now().UTC().Truncate(time.Second), Text: v.Text}}
	}
	if err := s.silence(r.Context(), p, &e, by); err != nil {
		return fmt.Errorf("the maintenance is not saved, because its silences cannot be created: %w", err)
	}
	e.Told = e.progress(time.Now())
	if err := s.tell(r.Context(), p, &e); err != nil {
		return errors.Join(err, s.unsilence(r.Context(), &e))
	}
	return nil
}

// matcher returns what the alerts about a component have in common; false for those defined by PromQL.
func (c *Component) matcher() (Matcher, bool) {
	switch {
	case c.Probe != "":
		return Matcher{"probe", c.Probe}, true
	case c.Heartbeat != "":
		return Matcher{"heartbeat", c.Heartbeat}, true
	case c.Job != "":
		return Matcher{"job", c.Job}, true
	}
	return Matcher{}, false
}

// silence creates a silence for each component. If one cannot be created, none is left.
func (s *Server) silence(ctx context.Context, p *Page, e *Event, by string) error {
	if s.options.Silence == nil {
		return nil
	}
	for _, name := range e.Components {
		m, ok := p.component(name).matcher()
		if !ok {
			continue
		}
		id, err := s.options.Silence(ctx, *e, []Matcher{m}, by)
		if err != nil {
			return errors.Join(err, s.unsilence(ctx, e))
		}
		e.Silences = append(e.Silences, id)
	}
	return nil
}

func (s *Server) unsilence(ctx context.Context, e *Event) (err error) {
	for _, id := range e.Silences {
		err = errors.Join(err, s.options.Unsilence(ctx, id))
	}
	e.Silences = nil
	return err
}

func (s *Server) removeEvent(r *http.Request, p *Page, _ string) error {
	e, err := s.eventOf(r, p)
	if err != nil {
		return err
	}
	if e.Planned && time.Now().Before(e.Ends) && s.options.Unsilence != nil {
		if err := s.unsilence(r.Context(), &e); err != nil {
			return fmt.Errorf("the silences cannot be ended: %w", err)
		}
	}
	return s.store.removeEvent(r.Context(), e.ID)
}
