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

// dashboard is one dashboard as it is served. It is never changed once it is made.
type dashboard struct {
	uid, title, slug     string
	tags                 []string
	folderUID            string // empty is General
	version              int64
	created, updated     time.Time
	createdBy, updatedBy string
	notices              []string
	// content tells whether two are the same but for id, uid and version.
	content [sha256.Size]byte
	packed  []byte
	lower   string // title, for search
	// provisioned says which file it is from, nil for a saved one.
	provisioned *provenance
}

// provenance is where a provisioned dashboard is from.
type provenance struct {
	provider       string
	path           string // as people see it
	external       string // path below the provider's folder
	allowUIUpdates bool
	builtIn        bool
}

// identity is what a dashboard is known by besides its body.
type identity struct {
	uid, folderUID       string
	version              int64
	created, updated     time.Time
	createdBy, updatedBy string
}

// newDashboard takes body over, which is classic and has a title.
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

// json is the whole body with id, uid and version, compact.
func (d *dashboard) json() (json.RawMessage, error) {
	body, err := io.ReadAll(flate.NewReader(bytes.NewReader(d.packed)))
	if err != nil {
		return nil, fmt.Errorf("unpack dashboard %s: %w", d.uid, err)
	}
	return body, nil
}

// body is json, decoded.
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

// pack compresses: hundreds of dashboards stay in memory, so that the last good state outlives a broken file.
func pack(b []byte) []byte {
	var buf bytes.Buffer
	w, _ := flate.NewWriter(&buf, flate.BestSpeed) // only an unknown level fails
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

	provider string // of a folder that is there because of provisioning
}

func (f *folder) id() int64 { return grafana.StableID("folder", f.UID) }

const (
	generalUID   = "general" // stands for no folder in requests
	generalTitle = "General"
)

// folderFor is the folder that a request or file means by uid.
func folderFor(uid string) string {
	if uid == generalUID {
		return ""
	}
	return uid
}

var (
	// ErrNoDashboard answers for a dashboard that is not there.
	ErrNoDashboard = grafana.Fail(http.StatusNotFound, "Dashboard not found").With("status", "not-found")
	errNoFolder    = grafana.Fail(http.StatusNotFound, "folder not found").With("status", "not-found")
)
