package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify/email"
	"github.com/prometheus/common/model"
)

const (
	// mailTimeout bounds the delivery of one mail to the mail server.
	mailTimeout = 30 * time.Second
	// maxMails is how many deliveries run at a time. Upstream does not end those to a server that stops responding.
	maxMails = 4
)

// Mail is a mail that is not about an alert.
type Mail struct {
	To, Subject, Text, HTML string
	// Headers are additional ones.
	Headers map[string]string
}

// HasEmail reports whether a receiver has an email_config, whose settings SendMail uses.
func (c *Config) HasEmail(receiver string) bool { return c.email(receiver) != nil }

func (c *Config) email(receiver string) *config.EmailConfig {
	i := slices.IndexFunc(c.Receivers, func(r config.Receiver) bool { return r.Name == receiver })
	if i < 0 || len(c.Receivers[i].EmailConfigs) == 0 {
		return nil
	}
	return c.Receivers[i].EmailConfigs[0]
}

// SendMail sends a mail with the server, credentials, sender and TLS settings of the first email_config of a receiver. Its `to`
// does not get the mail. It can be called while the server is not running.
func (s *Server) SendMail(ctx context.Context, receiver string, m Mail) error {
	cfg := s.Applied()
	settings := cfg.email(receiver)
	if settings == nil {
		return fmt.Errorf("alertmanager.yml has no receiver %q with email_configs", receiver)
	}
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	select {
	case s.mails <- struct{}{}:
	case <-ctx.Done():
		return errors.New("the mail server does not respond to earlier mails")
	}
	a := m.alert(receiver)
	now := time.Now()
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.mails }()
		_, err := email.New(m.settings(settings), cfg.templates, cfg.secrets.logger(s.options.Logger)).Notify(trialContext(ctx, receiver, a, now), a)
		done <- err
	}()
	select {
	case err := <-done:
		return cfg.secrets.hide(err)
	case <-ctx.Done():
		return fmt.Errorf("the mail server has not accepted the mail: %w", ctx.Err())
	}
}

// alert contains the mail as annotations: what they contain is data for templates, and not a template.
func (m Mail) alert(receiver string) *alert.Alert {
	annotations := model.LabelSet{"to": model.LabelValue(m.To), "subject": model.LabelValue(m.Subject), "text": model.LabelValue(m.Text), "html": model.LabelValue(m.HTML)}
	for name, value := range m.Headers {
		annotations[model.LabelName("header "+name)] = model.LabelValue(value)
	}
	return &alert.Alert{Alert: model.Alert{Labels: model.LabelSet{"alertname": "mail", "receiver": model.LabelValue(receiver)}, Annotations: annotations, StartsAt: time.Now()}}
}

// settings returns those of a receiver for this mail.
func (m Mail) settings(of *config.EmailConfig) *config.EmailConfig {
	c := *of
	c.To, c.Text, c.HTML = `{{ .CommonAnnotations.to }}`, `{{ .CommonAnnotations.text }}`, `{{ .CommonAnnotations.html | safeHtml }}`
	c.Threading = config.ThreadingConfig{}
	c.Headers = map[string]string{"Subject": `{{ .CommonAnnotations.subject }}`}
	for _, kept := range []string{"From", "Reply-To"} {
		if value, ok := of.Headers[kept]; ok {
			c.Headers[kept] = value
		}
	}
	for name := range m.Headers {
		c.Headers[name] = fmt.Sprintf("{{ index .CommonAnnotations %q }}", "header "+name)
	}
	return &c
}
