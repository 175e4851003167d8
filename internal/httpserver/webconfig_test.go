package httpserver_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/httpserver"
)

func TestCheckWebConfig(t *testing.T) {
	tests := map[string]struct {
		content string
		want    []string // PATH is replaced by the file's path
	}{
		"empty":    {"", nil},
		"comments": {"# basic_auth_users:\n", nil},
		"users":    {"basic_auth_users:\n  admin: " + hash(t, "secret") + "\n", nil},
		"syntax":   {"basic_auth_users:\n  admin: [\n", []string{"PATH:2: did not find expected node content"}},
		"unknown fields": {
			"basic_auth_user:\n  admin: x\ntls_server_config:\n  certfile: a\n",
			[]string{"PATH:1: field basic_auth_user not found in type web.Config", "PATH:4: field certfile not found in type web.TLSConfig"},
		},
		"plain passwords": {
			"# users\nbasic_auth_users:\n  admin: secret\n  ops: geheim\n",
			[]string{
				"PATH:3: basic_auth_users: admin: not a bcrypt hash (`htpasswd -nBC 10 admin` creates one): crypto/bcrypt: hashedSecret too short to be a bcrypted password",
				"PATH:4: basic_auth_users: ops: not a bcrypt hash (`htpasswd -nBC 10 ops` creates one): crypto/bcrypt: hashedSecret too short to be a bcrypted password",
			},
		},
		"missing certificate": {
			"tls_server_config:\n  cert_file: /nowhere/a.crt\n  key_file: /nowhere/a.key\n",
			[]string{"PATH:2: failed to read cert_file (/nowhere/a.crt): open /nowhere/a.crt: no such file or directory"},
		},
		"missing key": {"tls_server_config:\n  cert_file: a.crt\n", []string{"PATH: missing one of key or key_file"}},
		"cipher": {
			"tls_server_config:\n  cipher_suites:\n  - ROT13\n",
			[]string{"PATH:3: unknown cipher: ROT13"},
		},
		"header": {
			"http_server_config:\n  headers:\n    Server: me\n",
			[]string{`PATH:3: HTTP header "Server" can not be configured`},
		},
		"wrong type": {"rate_limit:\n  burst: many\n", []string{"PATH:2: cannot unmarshal !!str `many` into int"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, filepath.Join(t.TempDir(), "web.yml"), tt.content)
			var got []string
			for _, err := range httpserver.CheckWebConfig(path) {
				got = append(got, err.Error())
			}
			for i := range tt.want {
				tt.want[i] = path + tt.want[i][len("PATH"):]
			}
			require.Equal(t, tt.want, got)
		})
	}
	require.Empty(t, httpserver.CheckWebConfig(""))
	missing := httpserver.CheckWebConfig(filepath.Join(t.TempDir(), "web.yml"))
	require.Len(t, missing, 1)
	require.ErrorIs(t, missing[0], os.ErrNotExist)
}

func TestNewReportsABadWebConfig(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "web.yml"), "users: {}\n")
	_, err := httpserver.New(httpserver.Options{WebConfigFile: path})
	require.EqualError(t, err, path+":1: field users not found in type web.Config")
}
