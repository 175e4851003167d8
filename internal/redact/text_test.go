package redact_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/redact"
)

func TestShapes(t *testing.T) {
	const s = "S3CRETs3cret"
	for _, text := range []string{
		`Post "https://api.telegram.org/bot123456:` + s + `/sendMessage": dial tcp: i/o timeout`,
		`Post "http://127.0.0.1:9/bot123456:` + s + `/sendMessage": EOF`,
		`https://hooks.slack.com/services/T000/B000/` + s + `: 404`,
		`https://discord.com/api/webhooks/1234/` + s,
		`https://discordapp.com/api/v10/webhooks/1234/` + s + `?wait=true`,
		`https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/` + s + `/x`,
		`https://prod-1.westus.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?api-version=2016&sig=` + s,
		`https://events.pagerduty.com/integration/` + s + `/enqueue`,
		`https://alert.victorops.com/integrations/generic/20131114/alert/` + s + `/team`,
		`https://chat.example/hooks/` + s + `/` + s,
		`http://me:` + s + `@example.com/x`, `tcp://` + s + `@10.0.0.1:2375`,
		`http://example.com/?access_token=` + s + `&a=b`, `https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=a&corpsecret=` + s,
		`Authorization: Bearer ` + s, `Authorization: Basic ` + s, `GenieKey ` + s,
		`{"routing_key":"` + s + `"}`, `{"api_key": "a\"` + s + `"}`,
	} {
		require.NotContains(t, redact.Text(text), s)
		require.Contains(t, redact.Text(text), redact.Secret)
	}
	for _, text := range []string{
		`Post "http://example.com:9093/api/v2/alerts": dial tcp 127.0.0.1:9: connect: connection refused`,
		`unexpected status code 404: no_team`, `a token that is not one`, `mail to me@example.com failed`,
	} {
		require.Equal(t, text, redact.Text(text))
	}
}

func TestWords(t *testing.T) {
	const secret, address = `pass"wörd/+1 x`, "https://user:hunter22@hook.example:8080/services/T0abc1/zzzz9999?k=value77"
	w := redact.NewWords([]string{secret, address, "", "ab", redact.Secret})
	for _, text := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), fmt.Sprintf("%q", secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), address, "/services/T0abc1/zzzz9999", "T0abc1", "zzzz9999", "value77", "hunter22",
		base64.StdEncoding.EncodeToString([]byte("user:hunter22")),
	} {
		got := w.Text("before " + text + " after")
		require.Contains(t, got, redact.Secret, text)
		require.NotContains(t, got, text)
		require.Contains(t, got, "before ")
		require.Contains(t, got, " after")
	}
	for _, user := range []string{"u:", "us:", "use:"} { // at every base64 offset
		text := base64.StdEncoding.EncodeToString([]byte(user + secret + ":x"))
		require.NotContains(t, w.Text(text), text[8:16])
	}
	require.Contains(t, w.Text(address), "hook.example:8080", "who was called may be told")
	require.Equal(t, "ab is too short", w.Text("ab is too short"))

	inner := errors.New("with " + secret)
	err := w.Error(fmt.Errorf("outer: %w", inner))
	require.EqualError(t, err, "outer: with "+redact.Secret)
	require.NotErrorIs(t, err, inner)
	require.NoError(t, w.Error(nil))
	fine := errors.New("fine")
	require.Equal(t, fine, w.Error(fine))
	require.Equal(t, "fine", redact.Words{}.Text("fine"))
}
