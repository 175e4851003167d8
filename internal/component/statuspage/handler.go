package statuspage

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/ausguck/ausguck/internal/component/statuspage/subscribers"
)

// Prefix is the path of all pages.
const Prefix = "/status-page/"

// policy is that of all documents but the pages behind forms; it lacks where forms may be sent.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action %s; frame-ancestors *"

// serve sends what was rendered, and takes the forms of pages with subscribers. Every other path gets the same answer, whether there
// is a page that is not public or none.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	d := (*s.rendered.Load())[name]
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if d != nil && d.list != nil && subscribers.Action(rest) {
		s.subscribers.Serve(w, r, *d.list, rest)
		return
	}
	h.Set("Content-Security-Policy", fmt.Sprintf(policy, "'none'"))
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "send GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	path := ""
	if rest != "" {
		path = "/" + rest
	}
	var c content
	found := false
	if d != nil {
		c, found = d.parts[path]
	}
	if !found {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	if path == pagePath && d.list != nil {
		h.Set("Content-Security-Policy", fmt.Sprintf(policy, "'self'"))
	}
	h.Set("Content-Type", c.kind)
	h.Set("ETag", c.etag)
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(c.cacheSeconds))
	h.Set("Access-Control-Allow-Origin", "*") // everybody may read it anyway
	h.Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), c.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := c.plain
	if c.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = c.gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the client is gone
	}
}
