package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// view is the response of /api/ausguck/probes.
type view struct {
	Probes []probeView `json:"probes"`
	// Remedy says what to do if Prometheus does not scrape the probes.
	Remedy  string   `json:"remedy,omitempty"`
	Modules []string `json:"modules"`
}

type probeView struct {
	Probe
	// Editable is set if it was added on the page.
	Editable bool `json:"editable"`
	// Reason is why its last probe failed; empty if it did not.
	Reason string `json:"reason,omitempty"`
	// Domain is nil if its expiry is not watched.
	Domain *domainView `json:"domain,omitempty"`
	// ScrapeModule and Address are those of its scrapes.
	ScrapeModule string `json:"scrapeModule"`
	Address      string `json:"address"`
}

// domainView is what is known about the registration of a probe's domain. Before the registry was asked, that is the name only.
type domainView struct {
	// Name is in A-labels.
	Name    string    `json:"name"`
	Expires time.Time `json:"expires,omitzero"`
	// Problem is why the last lookup did not find the date.
	Problem string `json:"problem,omitempty"`
}

// API serves the probes, at /api/ausguck/probes:
//
//	GET                 all probes; with Accept: application/yaml, those of the page as a probes.yml
//	POST                adds one, as a JSON object with the fields of probes.yml
//	PUT, DELETE ?name=  changes or removes one that was added
//
// Errors are {"message": "…"}.
func (p *Prober) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/ausguck/probes", p.serveProbes)
	mux.HandleFunc("POST /api/ausguck/probes", p.serveAdd)
	mux.HandleFunc("PUT /api/ausguck/probes", p.serveReplace)
	mux.HandleFunc("DELETE /api/ausguck/probes", p.serveRemove)
	return mux
}

func (p *Prober) serveProbes(w http.ResponseWriter, r *http.Request) {
	s := p.state.Load()
	if strings.HasPrefix(r.Header.Get("Accept"), "application/yaml") {
		p.serveFile(w, s)
		return
	}
	v := view{Probes: []probeView{}, Modules: p.Applied().Names()}
	if p.o.Scraped != nil {
		v.Remedy = p.o.Scraped()
	}
	for _, e := range s.probes {
		v.Probes = append(v.Probes, probeView{e.Probe, e.editable, p.reason(e), p.domainOf(e), e.moduleName(), e.address})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

func (p *Prober) domainOf(e entry) *domainView {
	if e.domain == "" {
		return nil
	}
	s := p.domains.state(e.domain)
	return &domainView{e.domain, s.Expires.UTC(), s.Problem}
}

// serveFile serves the probes of the page as a probes.yml.
func (p *Prober) serveFile(w http.ResponseWriter, s *state) {
	f := probeFile{Probes: []Probe{}}
	for _, e := range s.probes {
		if e.editable {
			f.Probes = append(f.Probes, e.Probe)
		}
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(text) // the client is gone
}

func (p *Prober) serveAdd(w http.ResponseWriter, r *http.Request) { p.put(w, r, "") }

func (p *Prober) serveReplace(w http.ResponseWriter, r *http.Request) {
	if name, ok := nameIn(w, r); ok {
		p.put(w, r, name)
	}
}

// nameIn returns the name of the probe that is meant, and responds with an error if there is none. It is not part of the path,
// because it may contain slashes.
func nameIn(w http.ResponseWriter, r *http.Request) (name string, ok bool) {
	if name = r.URL.Query().Get("name"); name == "" {
		refuse(w, http.StatusBadRequest, errors.New("the parameter name is missing: ?name=NAME selects the probe"))
	}
	return name, name != ""
}

// maxProbe is the maximum size of a request that changes a probe.
const maxProbe = 64 << 10

// maxProbes is the maximum number of probes that can be added on the page.
const maxProbes = 2000

func (p *Prober) put(w http.ResponseWriter, r *http.Request, replaced string) {
	var probe Probe
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxProbe))
	d.DisallowUnknownFields()
	if err := d.Decode(&probe); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("the probe is not a JSON object with the fields of probes.yml: %w", err))
		return
	}
	if err := p.acceptable(r, &probe); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	p.editing.Lock()
	defer p.editing.Unlock()
	probes := p.state.Load().probes
	if probe.Name != replaced && slices.ContainsFunc(probes, func(e entry) bool { return e.Name == probe.Name }) {
		refuse(w, http.StatusConflict, fmt.Errorf("a probe with the name %q exists", probe.Name))
		return
	}
	if replaced == "" && len(probes) >= maxProbes {
		refuse(w, http.StatusConflict, fmt.Errorf("there are %d probes, and no more can be added on the page; write them into probes.yml", len(probes)))
		return
	}
	p.respond(w, r, p.added.put(r.Context(), replaced, probe))
}

func (p *Prober) serveRemove(w http.ResponseWriter, r *http.Request) {
	name, ok := nameIn(w, r)
	if !ok {
		return
	}
	p.editing.Lock()
	defer p.editing.Unlock()
	p.respond(w, r, p.added.remove(r.Context(), name))
}

// respond applies a change of the database and returns all probes; p.editing is held.
func (p *Prober) respond(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		err = p.reread(context.WithoutCancel(r.Context())) // it is stored: it also applies if the client is gone
	}
	switch {
	case errors.Is(err, errNotFound):
		refuse(w, http.StatusNotFound, err)
	case err != nil:
		refuse(w, http.StatusInternalServerError, fmt.Errorf("the probe is not saved: %w", err))
	default:
		p.serveProbes(w, r)
	}
}

// acceptable completes and checks a probe from the page.
func (p *Prober) acceptable(r *http.Request, probe *Probe) error {
	if err := probe.complete(); err != nil {
		return err
	}
	m, err := p.Applied().of(*probe)
	if err != nil {
		return err
	}
	for _, d := range probe.DependsOn {
		if !slices.ContainsFunc(p.state.Load().probes, func(e entry) bool { return e.Name == d }) {
			return unknownDependency{probe.Name, d}
		}
	}
	t, err := probe.target()
	if err != nil {
		return err
	}
	host, port := hostOf(m.Prober, t.address)
	number, _ := strconv.ParseUint(port, 10, 16)
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if found, err := net.DefaultResolver.LookupNetIP(r.Context(), "ip", host); err == nil {
		ips = found
	}
	for _, ip := range ips {
		if err := p.refuse(r.Context(), netip.AddrPortFrom(ip, uint16(number))); err != nil {
			return err
		}
	}
	return nil
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": err.Error()}) // the client is gone
}
