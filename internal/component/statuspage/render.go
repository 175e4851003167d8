package statuspage

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/component/statuspage/subscribers"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS []byte

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// content is a response that is ready to be sent.
type content struct {
	kind         string // of media
	plain, gzip  []byte
	etag         string
	cacheSeconds int
}

func newContent(kind string, body []byte, cacheSeconds int) content {
	sum := sha256.Sum256(body)
	c := content{kind: kind, plain: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, cacheSeconds: cacheSeconds}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(body)                                  // a buffer takes everything
	_ = w.Close()
	if b.Len() < len(body) {
		c.gzip = b.Bytes()
	}
	return c
}

// document is everything that can be asked of a page, by the path below it.
type document struct {
	parts map[string]content
	// list is that of the subscribers; nil if nobody can subscribe.
	list *subscribers.List
}

// The time for which browsers and proxies may keep what they got.
const (
	stateSeconds = 15
	fixedSeconds = 3600
)

// Paths of a page's documents below it.
const (
	pagePath  = ""
	stylePath = "/style.css"
	logoPath  = "/logo"
	jsonPath  = "/status.json"
	atomPath  = "/feed.atom"
	rssPath   = "/feed.rss"
	badgePath = "/badge.svg"
)

// render returns all documents of a page. Links within it begin with root.
func render(s *snapshot, base, root string) *document {
	p, w := s.page, languages[s.page.Language]
	d := &document{list: p.list(base, root), parts: map[string]content{stylePath: newContent("text/css; charset=utf-8", styleCSS, fixedSeconds)}}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, s.view(root)); err != nil { // the template is fixed, and a test renders everything
		b.Reset()
		fmt.Fprintf(&b, "<!doctype html><title>%s</title>", template.HTMLEscapeString(p.Title))
	}
	d.parts[pagePath] = newContent("text/html; charset=utf-8", b.Bytes(), stateSeconds)
	if p.logo != nil {
		d.parts[logoPath] = newContent(p.contentType, p.logo, fixedSeconds)
	}
	text, _ := json.Marshal(s.json()) // of strings and numbers
	d.parts[jsonPath] = newContent("application/json", append(text, '\n'), stateSeconds)
	url := p.address(base)
	d.parts[atomPath] = newContent("application/atom+xml; charset=utf-8", s.atom(url), stateSeconds)
	d.parts[rssPath] = newContent("application/rss+xml; charset=utf-8", s.rss(url), stateSeconds)
	d.parts[badgePath] = newContent("image/svg+xml", badge(p.Title, s.overall(), w), stateSeconds)
	for i, c := range p.components() {
		d.parts["/badge/"+strconv.Itoa(i+1)+".svg"] = newContent("image/svg+xml", badge(c.Name, s.conditions[c.Name], w), stateSeconds)
	}
	return d
}

// address returns the URL of a page for visitors who reach the server at base.
func (p *Page) address(base string) string { return strings.TrimSuffix(base, "/") + Prefix + p.Name }

// Views of the template.
type (
	pageView struct {
		Language, Title, URL, Root, Summary, Time, Clock string
		Overall                                          condition
		Logo, Subscribe                                  bool
		Words                                            words
		Groups                                           []groupView
		Active, Planned, Past                            []eventView
	}
	groupView struct {
		Name       string
		Components []componentView
	}
	componentView struct {
		Name, Description, State, Label string
		Condition                       condition
		Width                           int
		Bars                            []barView
	}
	barView struct {
		X           int
		Class, Text string
	}
	eventView struct {
		Title, Class, Span, Components string
		Updates                        []updateView
	}
	updateView struct{ Stage, Text, Time, Clock string }
)

// barWidth is that of a day in the drawing, with its gap.
const barWidth = 6

func (s *snapshot) view(root string) pageView {
	p, w := s.page, languages[s.page.Language]
	v := pageView{
		Language: p.Language, Title: p.Title, URL: p.URL, Root: root + Prefix + p.Name, Logo: p.logo != nil, Subscribe: p.Subscribers != nil, Words: w,
		Overall: s.overall(), Summary: s.summary(w), Time: s.at.UTC().Format(time.RFC3339), Clock: clock(s.at),
	}
	for _, g := range p.Groups {
		group := groupView{Name: g.Name}
		for _, c := range g.Components {
			group.Components = append(group.Components, s.componentView(c, w))
		}
		v.Groups = append(v.Groups, group)
	}
	for i := range s.events {
		e := &s.events[i]
		switch {
		case e.active(s.at):
			v.Active = append(v.Active, e.view(w, "open"))
		case s.at.Before(e.Starts):
			v.Planned = append(v.Planned, e.view(w, ""))
		default:
			v.Past = append(v.Past, e.view(w, ""))
		}
	}
	return v
}

func (s *snapshot) summary(w words) string {
	switch s.overall() {
	case operational:
		return w.AllOperational
	case maintenance:
		return w.InMaintenance
	case degraded:
		return w.SomeDegraded
	case down:
		return w.SomeDown
	}
	return w.Unknown
}

func (s *snapshot) componentView(c *Component, w words) componentView {
	condition := s.conditions[c.Name]
	v := componentView{Name: c.Name, Description: c.Description, Condition: condition, State: condition.text(w), Width: historyDays*barWidth - 2}
	v.Label = w.NoData
	if share, known := s.availability(c.Name); known {
		v.Label = fmt.Sprintf(w.Available, percent(share))
	}
	today := dayOf(s.at)
	for i := range int64(historyDays) {
		day := today - historyDays + 1 + i
		bar := barView{X: int(i) * barWidth, Class: "none", Text: time.Unix(day*86_400, 0).UTC().Format(time.DateOnly) + ": " + w.NoData}
		if available, known := s.days[c.Name][day]; known {
			bar.Class = barClass(available)
			bar.Text = time.Unix(day*86_400, 0).UTC().Format(time.DateOnly) + ": " + fmt.Sprintf(w.Available, percent(available))
		}
		v.Bars = append(v.Bars, bar)
	}
	return v
}

// barClass returns the colour of a day: less than three quarters of an hour of outage is orange.
func barClass(available float64) string {
	switch {
	case available >= 0.9995:
		return "full"
	case available >= 0.97:
		return "most"
	}
	return "less"
}

// percent rounds down, so that 100 means no outage.
func percent(share float64) string {
	return strconv.FormatFloat(math.Floor(share*10_000)/100, 'f', -1, 64)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

func (e *Event) view(w words, class string) eventView {
	v := eventView{Title: e.Title, Class: class, Components: strings.Join(e.Components, ", ")}
	if e.Planned {
		v.Class = "planned"
		v.Span = fmt.Sprintf("%s %s %s %s", w.From, clock(e.Starts), w.To, clock(e.Ends))
	}
	for i := len(e.Updates) - 1; i >= 0; i-- {
		u := e.Updates[i]
		view := updateView{Text: u.Text, Time: u.Time.UTC().Format(time.RFC3339), Clock: clock(u.Time)}
		if !e.Planned {
			view.Stage = u.Stage.text(w)
		}
		v.Updates = append(v.Updates, view)
	}
	return v
}

func (s Stage) text(w words) string {
	switch s {
	case Identified:
		return w.Identified
	case Monitoring:
		return w.Monitoring
	case Resolved:
		return w.Resolved
	}
	return w.Investigating
}
