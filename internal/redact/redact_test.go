package redact_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/redact"
)

func TestYAML(t *testing.T) {
	shown := redact.YAML([]byte(`# kept
common:
  storage:
    s3:
      s3: s3://key:word1@region/bucket
      access_key_id: word2
      secret_access_key: word3
      bucketnames: logs
      http_config: {insecure_skip_verify: true}
clients:
  - url: https://user:word4@loki.example.org/loki/api/v1/push
    basic_auth: {username: reader, password: "word5"}
    headers: {Authorization: [word6, "Bearer word7"]}
    bearer_token_file: /run/secrets/token
    oauth2: {client_id: me, client_secret: word8, token_url: https://id.example.org/token}
limits_config: {retention_period: 15d}
tokens: &t [word9]
again: {password: *t}
`))
	for _, word := range []string{"word1", "word2", "word3", "word4", "word5", "word6", "word7", "word8", "word9"} {
		require.NotContains(t, shown, word)
	}
	for _, kept := range []string{
		"# kept", "bucketnames: logs", "username: reader", "client_secret: <secret>", "/run/secrets/token", "https://id.example.org/token",
		"client_id: me", "retention_period: 15d", "insecure_skip_verify: true", "https://secret@loki.example.org/loki/api/v1/push",
	} {
		require.Contains(t, shown, kept)
	}
	require.NotContains(t, redact.YAML([]byte("a: [password: word")), "word\n", "what cannot be read is not shown")
}
