package library_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

func TestFolders(t *testing.T) {
	r := dashtest.Start(t, nil)
	a := r.OK("POST", "/api/folders", `{"uid":"team","title":"Team","description":"ours"}`)
	require.Equal(t, "/dashboards/f/team/team", dashtest.At(t, a, "url"))
	require.Equal(t, 1.0, dashtest.At(t, a, "version"))
	for _, tc := range []struct {
		body, want string
		code       int
	}{
		{`{"title":"Team"}`, "A folder with the same name already exists in the current location", 409},
		{`{"uid":"team","title":"X"}`, "a folder/dashboard with the same uid already exists", 409},
		{`{"title":"general"}`, "A folder already exists with that name", 409},
		{`{"title":" "}`, "folder title cannot be empty", 400},
		{`{"uid":"a/b","title":"X"}`, "invalid uid for folder provided", 400},
		{`{"title":"X","parentUid":"none"}`, "parent folder not found", 404},
		{`{`, "bad request data", 400},
	} {
		got := r.Admin("POST", "/api/folders", tc.body)
		require.Equal(t, tc.code, got.Code, tc.body)
		require.Contains(t, dashtest.At(t, dashtest.Decoded(t, got.Body), "message"), tc.want)
	}
	r.OK("POST", "/api/folders", `{"uid":"sub","title":"Team","parentUid":"team"}`)
	r.OK("POST", "/api/folders", `{"uid":"deep","title":"Deep","parentUid":"sub"}`)
	sub := r.OK("GET", "/api/folders/deep", "")
	require.Equal(t, "sub", dashtest.At(t, sub, "parentUid"))
	require.Equal(t, "team", dashtest.At(t, sub, "parents", 0, "uid"))
	require.Len(t, r.OK("GET", "/api/folders?parentUid=team", ""), 1)
	require.Equal(t, sub, r.OK("GET", fmt.Sprintf("/api/folders/id/%.0f", dashtest.At(t, sub, "id")), ""))

	r.Save(`{"dashboard":{"uid":"d","title":"D"},"folderUid":"sub"}`)
	require.FileExists(t, filepath.Join(r.Dir, "sub", "d.json"))
	require.Equal(t, map[string]any{"folder": 2.0, "dashboard": 1.0, "librarypanel": 0.0, "alertrule": 0.0}, r.OK("GET", "/api/folders/team/counts", ""))

	got := r.Admin("PUT", "/api/folders/team", `{"title":"Crew","version":5}`)
	require.Equal(t, http.StatusPreconditionFailed, got.Code)
	require.Equal(t, "Crew", dashtest.At(t, r.OK("PUT", "/api/folders/team", `{"title":"Crew","version":1}`), "title"))
	require.Equal(t, "ours", dashtest.At(t, r.OK("GET", "/api/folders/team", ""), "description"))
	require.Equal(t, http.StatusBadRequest, r.Admin("POST", "/api/folders/team/move", `{"parentUid":"deep"}`).Code, "into itself")
	require.NotContains(t, r.OK("POST", "/api/folders/deep/move", `{"parentUid":""}`), "parentUid")
	r.OK("POST", "/api/folders/deep/move", `{"parentUid":"team"}`)

	// Saving without a folder keeps the dashboard in place; saving to another folder moves its file.
	r.Save(`{"dashboard":{"uid":"d","title":"D2","version":1}}`)
	require.FileExists(t, filepath.Join(r.Dir, "sub", "d.json"))
	r.Save(`{"dashboard":{"uid":"d","title":"D2","version":2},"folderUid":"general"}`)
	require.FileExists(t, filepath.Join(r.Dir, "general", "d.json"))
	require.NoDirExists(t, filepath.Join(r.Dir, "sub"))
	r.Save(`{"dashboard":{"uid":"d","title":"D2","version":3},"folderUid":"sub"}`)

	before := r.OK("GET", "/api/folders/team", "")
	r.Stop()
	r.Run()
	require.Equal(t, before, r.OK("GET", "/api/folders/team", ""), "after a restart")
	require.Contains(t, r.Admin("DELETE", "/api/folders/team?forceDeleteRules=false", "").Body, "Folder Crew deleted")
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/folders/sub", "").Code)
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/dashboards/uid/d", "").Code)
	require.Equal(t, http.StatusNotFound, r.Admin("DELETE", "/api/folders/team", "").Code)
}
