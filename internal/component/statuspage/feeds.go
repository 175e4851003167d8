package statuspage

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"html/template"
	"strings"
	"time"
)

// jsonPage is status.json.
type jsonPage struct {
	Title      string          `json:"title"`
	Status     string          `json:"status"`
	Updated    time.Time       `json:"updated"`
	Components []jsonComponent `json:"components"`
	Incidents  []jsonEvent     `json:"incidents"`
	Planned    []jsonEvent     `json:"maintenance"`
}

type jsonComponent struct {
	Group        string   `json:"group"`
	Name         string   `json:"name"`
	Status       string   `json:"status"`
	Availability *float64 `json:"availability"` // 0 to 1 over the known days, null if there is none
}

type jsonEvent struct {
	ID         int64     `json:"id"`
	Title      string    `json:"title"`
	Components []string  `json:"components"`
	Starts     time.Time `json:"starts"`
	Ends       time.Time `json:"ends,omitzero"`
	Updates    []Update  `json:"updates"`
}

func (s *snapshot) json() jsonPage {
	v := jsonPage{Title: s.page.Title, Status: s.overall().String(), Updated: s.at.UTC().Truncate(time.Second), Components: []jsonComponent{}, Incidents: []jsonEvent{}, Planned: []jsonEvent{}}
	for _, g := range s.page.Groups {
		for _, c := range g.Components {
			one := jsonComponent{Group: g.Name, Name: c.Name, Status: s.conditions[c.Name].String()}
			if share, known := s.availability(c.Name); known {
				one.Availability = &share
			}
			v.Components = append(v.Components, one)
		}
	}
	for _, e := range s.events {
		one := jsonEvent{ID: e.ID, Title: e.Title, Components: e.Components, Starts: e.Starts.UTC(), Ends: e.Ends.UTC(), Updates: e.Updates}
		if e.Planned {
			v.Planned = append(v.Planned, one)
		} else {
			v.Incidents = append(v.Incidents, one)
		}
	}
	return v
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Author  string      `xml:"author>name"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Title   string   `xml:"title"`
	ID      string   `xml:"id"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Content atomText `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// changed is when something was last said about an event.
func (e *Event) changed() time.Time {
	if len(e.Updates) > 0 {
		return e.Updates[len(e.Updates)-1].Time
	}
	return e.Starts
}

// html is the text of an event for feed readers.
func (e *Event) html(w words) string {
	var b strings.Builder
	v := e.view(w, "")
	if v.Span != "" {
		fmt.Fprintf(&b, "<p>%s</p>", template.HTMLEscapeString(v.Span))
	}
	for _, u := range v.Updates {
		fmt.Fprintf(&b, "<p>%s <strong>%s</strong> %s</p>", u.Clock, template.HTMLEscapeString(u.Stage), template.HTMLEscapeString(u.Text))
	}
	return b.String()
}

func (s *snapshot) atom(url string) []byte {
	w := languages[s.page.Language]
	f := atomFeed{
		Title: s.page.Title, ID: url, Author: s.page.Title, Updated: time.Unix(0, 0).UTC().Format(time.RFC3339),
		Links: []atomLink{{Rel: "self", Href: url + atomPath}, {Href: url}},
	}
	for i := range s.events {
		e := &s.events[i]
		updated := e.changed().UTC().Format(time.RFC3339)
		f.Updated = max(f.Updated, updated)
		f.Entries = append(f.Entries, atomEntry{
			Title: e.Title, ID: fmt.Sprintf("%s#%d", url, e.ID), Updated: updated, Link: atomLink{Href: url}, Content: atomText{"html", e.html(w)},
		})
	}
	return marshalXML(f)
}

type rssFeed struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Channel struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link"`
		Description string    `xml:"description"`
		Items       []rssItem `xml:"item"`
	} `xml:"channel"`
}

type rssItem struct {
	Title       string `xml:"title"`
	Link        string `xml:"link"`
	Description string `xml:"description"`
	Date        string `xml:"pubDate"`
	GUID        rssID  `xml:"guid"`
}

type rssID struct {
	Permalink bool   `xml:"isPermaLink,attr"`
	Text      string `xml:",chardata"`
}

func (s *snapshot) rss(url string) []byte {
	w := languages[s.page.Language]
	f := rssFeed{Version: "2.0"}
	f.Channel.Title, f.Channel.Link, f.Channel.Description = s.page.Title, url, s.page.Title
	for i := range s.events {
		e := &s.events[i]
		f.Channel.Items = append(f.Channel.Items, rssItem{
			Title: e.Title, Link: url, Description: e.html(w), Date: e.changed().UTC().Format(time.RFC1123Z), GUID: rssID{Text: fmt.Sprintf("%s#%d", url, e.ID)},
		})
	}
	return marshalXML(f)
}

func marshalXML(v any) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	_ = xml.NewEncoder(&b).Encode(v) // of strings
	return b.Bytes()
}

// badge is an image with a name and its state, in the usual form.
func badge(name string, c condition, w words) []byte {
	colour := map[condition]string{operational: "#1a7f37", maintenance: "#0969da", unknown: "#57606a", degraded: "#9a6700", down: "#cf222e"}[c]
	state := c.text(w)
	left, right := 12+7*len([]rune(name)), 12+7*len([]rune(state))
	name, state = template.HTMLEscapeString(name), template.HTMLEscapeString(state)
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" role="img" aria-label="%s: %s"><title>%s: %s</title>`+
		`<rect width="%d" height="20" fill="#24292f"/><rect x="%d" width="%d" height="20" fill="%s"/>`+
		`<g fill="#fff" font-family="Verdana,sans-serif" font-size="11"><text x="6" y="14">%s</text><text x="%d" y="14">%s</text></g></svg>`,
		left+right, name, state, name, state, left, left, right, colour, name, left+6, state)
}
