package auth_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/auth/oidc"
)

// provider is an OpenID Connect provider that a test controls. test/oidcprovider uses a real one.
type provider struct {
	*httptest.Server
	t   *testing.T
	key *rsa.PrivateKey // signs

	claims   map[string]any // of the token; missing ones get valid defaults
	info     map[string]any
	down     bool
	begun    url.Values // of the last redirected browser
	verified int        // how often PKCE was verified
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p := &provider{t: t, key: key, claims: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"userinfo_endpoint": p.URL + "/info", "end_session_endpoint": p.URL + "/logout", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != p.begun.Get("code_challenge") || r.FormValue("code") != "the code" {
			w.WriteHeader(http.StatusBadRequest)
			p.answer(w, map[string]any{"error": "invalid_grant"})
			return
		}
		p.verified++
		claims := map[string]any{"iss": p.URL, "aud": "ausguck", "sub": "1", "nonce": p.begun.Get("nonce"), "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix()}
		maps.Copy(claims, p.claims)
		p.answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": p.sign(claims)})
	})
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "Bearer access", r.Header.Get("Authorization"))
		info := map[string]any{"sub": "1"}
		if sub, ok := p.claims["sub"]; ok {
			info["sub"] = sub
		}
		maps.Copy(info, p.info)
		p.answer(w, info)
	})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answer(w http.ResponseWriter, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func (p *provider) sign(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	require.NoError(p.t, err)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	require.NoError(p.t, err)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// signInHouse is a house whose users can sign in with the provider.
type signInHouse struct {
	*house
	p *provider
}

func newSignInHouse(t *testing.T, config func(*oidc.Config), signIn func(*auth.SignIn)) *signInHouse {
	t.Helper()
	p := newProvider(t)
	h := &signInHouse{p: p}
	h.house = newHouse(t, func(o *auth.Options) {
		c := oidc.Config{Name: "Dex", Issuer: p.URL, ClientID: "ausguck", ClientSecret: "s", RedirectURL: "http://ausguck.example/login/generic_oauth"}
		if config != nil {
			config(&c)
		}
		o.SignIn = &auth.SignIn{SignUp: true, DefaultRole: auth.Viewer, RoleFromProvider: c.RolePath != "", BackTo: "http://ausguck.example/login"}
		if signIn != nil {
			signIn(o.SignIn)
		}
		var err error
		o.SignIn.Provider, err = oidc.New(c)
		require.NoError(t, err)
	})
	return h
}

func newJar(t *testing.T) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return jar
}

// begin redirects a browser to the provider and returns the query of that request.
func (h *signInHouse) begin(t *testing.T, jar http.CookieJar, query string) url.Values {
	t.Helper()
	a := h.with(t, jar, http.MethodGet, "/login/generic_oauth"+query, "")
	require.Equal(t, http.StatusFound, a.code, a.body)
	to, err := url.Parse(a.header.Get("Location"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(to.String(), h.p.URL+"/auth?"), to)
	h.p.begun = to.Query()
	return h.p.begun
}

// back requests the URL to which the provider redirects the browser.
func (h *signInHouse) back(t *testing.T, jar http.CookieJar, state string) answer {
	t.Helper()
	return h.with(t, jar, http.MethodGet, "/login/generic_oauth?code=the+code&state="+url.QueryEscape(state), "", header("Sec-Fetch-Site", "cross-site"))
}

// signIn does both, with the given claims.
func (h *signInHouse) signIn(t *testing.T, claims map[string]any) (http.CookieJar, answer) {
	t.Helper()
	h.p.claims = claims
	jar := newJar(t)
	return jar, h.back(t, jar, h.begin(t, jar, "?redirectTo=%2Fd%2Fa").Get("state"))
}
