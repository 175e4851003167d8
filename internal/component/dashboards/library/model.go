package library

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/grafana"
)

// dashboard is one dashboard as it is served. It is immutable.
type dashboard struct {
	uid, title, slug     string
	tags                 []string
	folderUID            string // empty means General
	version              int64
	created, updated     time.Time
	createdBy, updatedBy string
	notices              []string
	// content is a hash that is equal for dashboards that differ only in id, uid and version.
	content [sha256.Size]byte
	packed  []byte
	lower   string // title, for search
	// provisioned is the file the dashboard comes from, nil for a saved one.
	provisioned *provenance
}

// provenance is the origin of a provisioned dashboard.
type provenance struct {
	provider       string
	path           string // as shown to users
	external       string // path relative to the provider's directory
	allowUIUpdates bool
	builtIn        bool
}

// identity holds what identifies a dashboard besides its body.
type identity struct {
	uid, folderUID       string
	version              int64
	created, updated     time.Time
	createdBy, updatedBy string
}

// newDashboard takes ownership of body, which must be classic and have a title.
func newDashboard(body *dashjson.Object, id identity) (*dashboard, error) {
	body.Delete("id")
	body.Delete("uid")
	body.Delete("version")
	plain, err := dashjson.Encode(body)
	if err != nil {
		return nil, fmt.Errorf("encode dashboard: %w", err)
	}
	d := &dashboard{
		uid: id.uid, folderUID: id.folderUID, version: id.version,
		created: id.created, updated: id.updated, createdBy: id.createdBy, updatedBy: id.updatedBy,
		title: body.Text("title"), content: sha256.Sum256(plain), tags: []string{},
	}
	for _, tag := range body.List("tags") {
		if text, ok := tag.(string); ok && text != "" {
			d.tags = append(d.tags, text)
		}
	}
	d.slug, d.lower = grafana.Slug(d.title), strings.ToLower(d.title)
	body.SetFirst("uid", d.uid)
	body.SetFirst("id", json.Number(fmt.Sprint(d.id())))
	body.Set("version", json.Number(fmt.Sprint(d.version)))
	full, err := dashjson.Encode(body)
	if err != nil {
		return nil, fmt.Errorf("encode dashboard: %w", err)
	}
	d.packed = pack(full)
	return d, nil
}

func (d *dashboard) id() int64 { return grafana.StableID("dashboard", d.uid) }

// json returns the whole body with id, uid and version as compact JSON.
func (d *dashboard) json() (json.RawMessage, error) {
	body, err := io.ReadAll(flate.NewReader(bytes.NewReader(d.packed)))
	if err != nil {
		return nil, fmt.Errorf("unpack dashboard %s: %w", d.uid, err)
	}
	return body, nil
}

// body returns the decoded json.
func (d *dashboard) body() (*dashjson.Object, error) {
	raw, err := d.json()
	if err != nil {
		return nil, err
	}
	v, err := dashjson.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", d.uid, err)
	}
	return v.(*dashjson.Object), nil
}

// pack compresses: hundreds of dashboards stay in memory so that the last good state survives a broken file.
func pack(b []byte) []byte {
	var buf bytes.Buffer
	w, _ := flate.NewWriter(&buf, flate.BestSpeed) // fails only for an unknown level
	_, _ = w.Write(b)
	_ = w.Close()
	return bytes.Clone(buf.Bytes())
}

// folder is a folder of dashboards.
type folder struct {
	UID       string    `json:"uid"`
	Title     string    `json:"title"`
	ParentUID string    `json:"parentUid,omitempty"`
	Version   int64     `json:"version"`
	Created   time.Time `json:"created"`
	Updated   time.Time `json:"updated"`
	CreatedBy string    `json:"createdBy,omitempty"`
	UpdatedBy string    `json:"updatedBy,omitempty"`
	// Description is shown below the title.
	Description string `json:"description,omitempty"`

	provider string // of a folder that exists because of provisioning
}

func (f *folder) id() int64 { return grafana.StableID("folder", f.UID) }

const (
	generalUID   = "general" // means no folder in requests
	generalTitle = "General"
)

// folderFor returns the folder that a request or file refers to by uid.
func folderFor(uid string) string {
	if uid == generalUID {
		return ""
	}
	return uid
}

var (
	// ErrNoDashboard is returned for a dashboard that does not exist.
	ErrNoDashboard = grafana.Fail(http.StatusNotFound, "Dashboard not found").With("status", "not-found")
	errNoFolder    = grafana.Fail(http.StatusNotFound, "folder not found").With("status", "not-found")
)
