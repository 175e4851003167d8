package statuspage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/ausguck/ausguck/internal/component/statuspage/subscribers"
)

// list returns what subscribers of a page are sent with; nil if nobody can subscribe.
func (p *Page) list(base, root string) *subscribers.List {
	if p.Subscribers == nil || !p.Public {
		return nil
	}
	return &subscribers.List{
		Page: p.Name, Title: p.Title, Language: p.Language, Receiver: p.Subscribers.Receiver, URL: p.address(base), Path: root + Prefix + p.Name,
	}
}

func (s *Server) lists() (all []subscribers.List) {
	for _, p := range s.Applied().Pages {
		if list := p.list(s.options.Base, s.options.Root); list != nil {
			all = append(all, *list)
		}
	}
	return all
}

// tell stores an event together with the mails about its last change.
func (s *Server) tell(ctx context.Context, p *Page, e *Event) error {
	err := s.store.putEvent(ctx, e, func(tx *sql.Tx) error {
		if p.list("", "") == nil {
			return nil
		}
		return s.subscribers.Announce(ctx, tx, p.Name, e.notice(languages[p.Language]))
	})
	s.subscribers.Wake()
	return err
}

// tellProgress tells subscribers that a maintenance has started or ended. Those that nobody was told about are left alone.
func (s *Server) tellProgress(ctx context.Context, p *Page, snap *snapshot) {
	for i := range snap.events {
		e := snap.events[i]
		if is := e.progress(snap.at); !e.Planned || e.Told == "" || e.Told == is {
			continue
		}
		e.Told = e.progress(snap.at)
		if err := s.tell(ctx, p, &e); err != nil && !errors.Is(err, errNoEvent) && ctx.Err() == nil {
			s.calm.Warn("Subscribers are not told about a maintenance yet", "page", p.Name, "err", err)
		}
	}
}

// notice is what subscribers are told about the last change of an event.
func (e *Event) notice(w words) subscribers.Notice {
	n := subscribers.Notice{Title: e.Title}
	if len(e.Components) > 0 {
		n.Details = append(n.Details, fmt.Sprintf(w.Affected, strings.Join(e.Components, ", ")))
	}
	v := e.view(w, "")
	if v.Span != "" {
		n.Details = append(n.Details, v.Span)
	}
	if len(e.Updates) > 0 {
		n.Text = e.Updates[len(e.Updates)-1].Text
	}
	switch {
	case !e.Planned:
		n.State = e.Updates[len(e.Updates)-1].Stage.text(w)
	case e.Told == planned:
		n.State = w.MaintenancePlanned
	case e.Told == started:
		n.State = w.InMaintenance
	default:
		n.State, n.Text = w.MaintenanceEnded, ""
	}
	return n
}

var errNoSubscriber = errors.New("there is no such subscriber")

// serveSubscribers lists the addresses that get mails, for Editors.
func (s *Server) serveSubscribers(w http.ResponseWriter, r *http.Request) {
	p := s.page(r.PathValue("page"))
	if p == nil {
		refuse(w, http.StatusNotFound, fmt.Errorf("status-pages.yml has no page %q", r.PathValue("page")))
		return
	}
	all, err := s.subscribers.All(r.Context(), p.Name)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{"subscribers": all}) // the client is gone
}

func (s *Server) removeSubscriber(r *http.Request, p *Page, _ string) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return errNoSubscriber
	}
	removed, err := s.subscribers.Remove(r.Context(), p.Name, id)
	if err == nil && !removed {
		err = errNoSubscriber
	}
	return err
}
