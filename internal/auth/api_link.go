package auth

import (
	"errors"
	"net/http"
)

// linkUser lets the provider's person with this subject log in as an existing user. Only an admin can establish this; the subject
// is in the log message about the refused sign-in.
func (s *Service) linkUser(r *http.Request, _ Identity, u User) (int, any, error) {
	var in struct{ Subject string }
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	switch {
	case s.opts.SignIn == nil:
		return 0, nil, fail(http.StatusBadRequest, "No sign-in provider is configured; see --auth.oidc.issuer")
	case u.origin != originLocal:
		return 0, nil, fail(http.StatusBadRequest, "Only a user with a password here can be linked; this one is "+whoKnows(u))
	case in.Subject == "":
		return 0, nil, fail(http.StatusBadRequest, "bad request data: subject must be the user's identifier at the provider")
	}
	err := s.store.link(r.Context(), identity{originOIDC, s.opts.SignIn.Provider.Issuer() + " " + in.Subject}, u.ID)
	if errors.Is(err, errTaken) {
		return 0, nil, fail(http.StatusConflict, "This subject belongs to another user; delete that user first")
	}
	return s.saved(err, "User linked")
}

// unlinkUser reverts linkUser and ends the sessions that resulted from it.
func (s *Service) unlinkUser(r *http.Request, _ Identity, u User) (int, any, error) {
	if u.origin != originLocal {
		return 0, nil, fail(http.StatusBadRequest, "This user is "+whoKnows(u)+"; disable or delete it instead")
	}
	return s.saved(s.store.unlink(r.Context(), u.ID), "User unlinked")
}
