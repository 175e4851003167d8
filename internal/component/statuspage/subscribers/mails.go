package subscribers

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	texttemplate "text/template"
)

// Mail is a mail to one address. Nobody sees the addresses of others.
type Mail struct {
	To, Subject, Text, HTML string
	// Headers are additional ones.
	Headers map[string]string
}

// Notice is news about an incident or a maintenance, in the language of the page.
type Notice struct {
	Title string `json:"title"`
	// State is what has changed, such as Investigating.
	State string `json:"state"`
	// Details are lines such as the affected components and the time.
	Details []string `json:"details"`
	Text    string   `json:"text"`
}

//go:embed mail.html
var mailHTML string

//go:embed mail.txt
var mailText string

var (
	htmlMail = template.Must(template.New("mail").Parse(mailHTML))
	textMail = texttemplate.Must(texttemplate.New("mail").Parse(mailText))
)

// letter is what the templates show.
type letter struct {
	Language, Title string
	Notice          Notice
	// URL is a link, with its text.
	URL, Link string
	// Leave is the link at the end; empty if the address is not subscribed.
	Leave string
	Words words
	Page  string // the title
	End   string // why the mail was sent
}

func (l letter) mail(to, subject string) (Mail, error) {
	var text, html strings.Builder
	if err := textMail.Execute(&text, l); err != nil {
		return Mail{}, err
	}
	if err := htmlMail.Execute(&html, l); err != nil {
		return Mail{}, err
	}
	// Programs that answer mails by themselves, such as those of people on holiday, leave these alone.
	return Mail{To: to, Subject: oneLine(subject), Text: text.String(), HTML: html.String(), Headers: map[string]string{"Auto-Submitted": "auto-generated"}}, nil
}

// oneLine replaces line breaks and other control characters, which do not belong in a header.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

// link returns the absolute URL of an action with a token.
func (l List) link(action, token string) string {
	return l.URL + "/" + action + "?" + url.Values{"token": {token}}.Encode()
}

func (l List) noticeMail(to, leave string, n Notice) (Mail, error) {
	w := languages[l.Language]
	unsubscribe := l.link(actionLeave, leave)
	m, err := letter{
		Language: l.Language, Title: n.Title, Notice: n, URL: l.URL, Link: l.URL, Leave: unsubscribe, Words: w, Page: l.Title, End: fmt.Sprintf(w.Because, l.Title),
	}.mail(to, fmt.Sprintf("[%s] %s: %s", l.Title, n.State, n.Title))
	if err != nil {
		return m, err
	}
	m.Headers["List-Unsubscribe"] = "<" + unsubscribe + ">"
	m.Headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click" // RFC 8058
	return m, nil
}

func (l List) confirmMail(to, token string) (Mail, error) {
	w := languages[l.Language]
	subject := fmt.Sprintf(w.ConfirmTitle, l.Title)
	return letter{
		Language: l.Language, Title: subject, Notice: Notice{Text: w.ConfirmText}, URL: l.link(actionConfirm, token), Link: w.Confirm, Words: w, Page: l.Title, End: w.NotYou,
	}.mail(to, subject)
}
