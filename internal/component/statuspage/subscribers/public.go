package subscribers

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/ausguck/ausguck/internal/bounds"
)

// The actions of visitors, by their path below the page.
const (
	actionSubscribe = "subscribe"
	actionConfirm   = "confirm"
	actionLeave     = "unsubscribe"
)

// Action reports whether a path below a page is an action of visitors.
func Action(path string) bool {
	return path == actionSubscribe || path == actionConfirm || path == actionLeave
}

// maxForm is the maximum size of a form, in bytes.
const maxForm = 4 << 10

// tokenForm is the form of tokens; what has another form was not made here.
var tokenForm = regexp.MustCompile(`^[A-Z2-7]{26}$`)

//go:embed action.html
var actionHTML string

var actionTemplate = template.Must(template.New("action").Parse(actionHTML))

// answer is the page after a form or behind a link.
type answer struct {
	Language, Title, Path, Message, Back string
	// Button is the text of the button, which posts to Action; empty if there is none.
	Button, Action string
}

func (l List) reply(message string) answer {
	return answer{Language: l.Language, Title: l.Title, Path: l.Path, Message: message, Back: fmt.Sprintf(languages[l.Language].Back, l.Title)}
}

// Serve answers an action of a visitor of a page. Links in mails only show a button, because programs that look for malicious mails
// follow them.
func (l *Lists) Serve(w http.ResponseWriter, r *http.Request, list List, action string) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	post := r.Method == http.MethodPost
	if !post && (action == actionSubscribe || r.Method != http.MethodGet && r.Method != http.MethodHead) {
		h.Set("Allow", map[bool]string{true: "POST", false: "GET, HEAD, POST"}[action == actionSubscribe])
		http.Error(w, "send "+h.Get("Allow"), http.StatusMethodNotAllowed)
		return
	}
	form, status := readForm(w, r)
	if status != 0 {
		http.Error(w, "the form could not be read", status)
		return
	}
	a, status := l.act(r, list, action, post, form)
	h.Set("Content-Type", "text/html; charset=utf-8")
	if status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(1/float64(requestRate)))))
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = actionTemplate.Execute(w, a) // the client is gone
	}
}

// readForm reads the body to its end. The status is 0 if it could be read.
func readForm(w http.ResponseWriter, r *http.Request) (form url.Values, status int) {
	body, err := bounds.Head(w, r, maxForm)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge
	case err != nil:
		return nil, http.StatusBadRequest
	}
	form, err = url.ParseQuery(string(body))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return form, 0
}

// act does what a visitor asks for. What it answers does not depend on whether an address is subscribed, or a link to unsubscribe
// was ever valid.
func (l *Lists) act(r *http.Request, list List, action string, post bool, form url.Values) (answer, int) {
	words := languages[list.Language]
	if action == actionSubscribe {
		return l.subscribe(r, list, form.Get("email"))
	}
	token := r.URL.Query().Get("token")
	if !tokenForm.MatchString(token) {
		return list.reply(words.NotConfirmed), http.StatusNotFound
	}
	a := list.reply("")
	a.Action = list.Path + "/" + action + "?token=" + token
	switch {
	case action == actionConfirm && !post:
		a.Message, a.Button = fmt.Sprintf(words.ConfirmQuestion, list.Title), words.Confirm
	case action == actionConfirm:
		confirmed, err := l.store.confirm(r.Context(), list.Page, token, l.options.Now())
		if err != nil {
			return l.failed(list, err)
		}
		if !confirmed {
			return list.reply(words.NotConfirmed), http.StatusNotFound
		}
		a.Message = words.Confirmed
	case !post:
		a.Message, a.Button = fmt.Sprintf(words.LeaveQuestion, list.Title), words.Leave
	default:
		if err := l.store.leave(r.Context(), list.Page, token); err != nil {
			return l.failed(list, err)
		}
		a.Message = words.Left
	}
	return a, http.StatusOK
}

func (l *Lists) subscribe(r *http.Request, list List, text string) (answer, int) {
	words := languages[list.Language]
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	if l.clients.Take(l.options.Network(client), l.options.Now()) > 0 {
		return list.reply(words.TooMany), http.StatusTooManyRequests
	}
	address, ok := parseAddress(text)
	if !ok {
		return list.reply(words.NoAddress), http.StatusBadRequest
	}
	queued, err := l.store.request(r.Context(), list.Page, address, l.options.Now())
	if err != nil {
		return l.failed(list, err)
	}
	if !queued {
		l.calm.Warn("Request to subscribe to a status page ignored", "page", list.Page, "reason", "too many addresses were entered")
	}
	l.Wake()
	return list.reply(words.Asked), http.StatusOK
}

func (l *Lists) failed(list List, err error) (answer, int) {
	l.calm.Error("Form of a status page not stored", "page", list.Page, "err", err)
	return list.reply(http.StatusText(http.StatusServiceUnavailable)), http.StatusServiceUnavailable
}
