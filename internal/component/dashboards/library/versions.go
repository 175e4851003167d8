package library

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/setaside"
)

// keptVersions is the number of versions kept per dashboard.
const keptVersions = 20

// version is one state of a saved dashboard: `<dir>/.versions/<uid>/<n>.json`.
type version struct {
	Version int64     `json:"version"`
	Created time.Time `json:"created"`
	Author  string    `json:"createdBy"`
	Message string    `json:"message"`
	// RestoredFrom is the version that this one restored, 0 for none.
	RestoredFrom int64 `json:"restoredFrom,omitempty"`
	// DashboardCreated and DashboardAuthor are those of the first version, which may have been deleted.
	DashboardCreated time.Time `json:"dashboardCreated"`
	DashboardAuthor  string    `json:"dashboardCreatedBy"`
	// Provisioned is the content hash of the provisioned file that this version is based on. The version remains in
	// effect while the file is unchanged.
	Provisioned string          `json:"provisionedContent,omitempty"`
	Data        json.RawMessage `json:"data"`
}

// versions stores the versions of saved dashboards below dir, in one directory per uid.
type versions struct {
	dir      string
	setAside *setaside.Shelf
}

func (s versions) of(uid string) string { return filepath.Join(s.dir, uid) }

// numbers lists the stored versions, newest first.
func (s versions) numbers(uid string) ([]int64, error) {
	entries, err := os.ReadDir(s.of(uid))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list versions of %s: %w", uid, err)
	}
	var numbers []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if n, err := strconv.ParseInt(name, 10, 64); ok && err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.SortFunc(numbers, func(a, b int64) int { return cmp.Compare(b, a) })
	return numbers, nil
}

func (s versions) file(uid string, n int64) string {
	return filepath.Join(s.of(uid), strconv.FormatInt(n, 10)+".json")
}

// uids lists the dashboards that have versions.
func (s versions) uids() (uids []string) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil // nothing was ever saved
	}
	for _, e := range entries {
		if e.IsDir() {
			uids = append(uids, e.Name())
		}
	}
	return uids
}

// read reads one version and returns nil if it does not exist. A damaged version is set aside.
func (s versions) read(uid string, n int64) (*version, error) {
	path := s.file(uid, n)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	damaged := errors.Is(err, syscall.EISDIR) || errors.Is(err, fs.ErrPermission)
	var v version
	if err == nil {
		err = json.Unmarshal(content, &v)
		damaged = err != nil
	}
	if damaged {
		return nil, s.setAside.Move(setaside.Loss{
			Part: "dashboards", Path: path, Cause: err, Lost: fmt.Sprintf("version %d of the dashboard %s", n, uid),
			Remedy: "check the dashboard, and save it again if it is wrong; the other versions are kept",
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read version %d of %s: %w", n, uid, err)
	}
	v.Version = n
	return &v, nil
}

// latest returns the newest readable version, or nil if there is none.
func (s versions) latest(uid string) *version {
	numbers, _ := s.numbers(uid)
	for _, n := range numbers {
		if v, err := s.read(uid, n); err == nil && v != nil {
			return v
		}
	}
	return nil
}

// add writes v and deletes versions beyond keptVersions.
func (s versions) add(uid string, v *version) error {
	content, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = writeFile(s.file(uid, v.Version), append(content, '\n'))
	}
	if err != nil {
		return fmt.Errorf("save version %d of %s: %w", v.Version, uid, err)
	}
	numbers, err := s.numbers(uid)
	if err != nil {
		return err
	}
	for i, n := range numbers {
		if i >= keptVersions {
			_ = os.Remove(s.file(uid, n))
		}
	}
	return nil
}

func (s versions) remove(uid string) error {
	if err := os.RemoveAll(s.of(uid)); err != nil {
		return fmt.Errorf("delete versions of %s: %w", uid, err)
	}
	return nil
}

// dashboard returns the dashboard as of this version.
func (v *version) dashboard(uid, folderUID string) (*dashboard, error) {
	body, err := dashjson.Decode(v.Data)
	if err != nil {
		return nil, fmt.Errorf("version %d of %s: %w", v.Version, uid, err)
	}
	o, ok := body.(*dashjson.Object)
	if !ok {
		return nil, fmt.Errorf("version %d of %s holds no dashboard", v.Version, uid)
	}
	return newDashboard(o, v.identity(uid, folderUID))
}

func (v *version) identity(uid, folderUID string) identity {
	return identity{
		uid: uid, folderUID: folderUID, version: v.Version,
		created: v.DashboardCreated, createdBy: v.DashboardAuthor, updated: v.Created, updatedBy: v.Author,
	}
}
