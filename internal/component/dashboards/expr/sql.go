package expr

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

// Anyone who can view a dashboard can send SQL, so each statement is limited: Grafana's limits for cells and time, plus
// our own in bytes.
const (
	sqlTimeout = 10 * time.Second
	maxCells   = 100_000 // of a result
	maxInput   = 100_000 // cells of the tables
	maxTextSQL = 1 << 20 // bytes of one value
	maxAnswer  = 32 << 20
)

// sqlSlots limits how many statements run concurrently in this process; sorts spill to temporary files.
var sqlSlots = make(chan struct{}, 2)

// inflating matches functions that create large values from small input.
var inflating = regexp.MustCompile(`(?i)\b(randomblob|zeroblob|printf|format)\b`)

// dialect is shown to users who write SQL for Grafana.
const dialect = "SQL expressions run on SQLite here, not MySQL: strings are compared case-sensitively, || concatenates strings, and dividing integers gives an integer."

// sqlCommand queries the results of other queries as tables named by refId.
type sqlCommand struct {
	text   string
	tables []string
}

var sqlWord = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// newSQL uses as tables those refIDs that the text mentions.
func newSQL(text string, refIDs []string) *sqlCommand {
	c := &sqlCommand{text: text}
	words := sqlWord.FindAllString(text, -1)
	for _, refID := range refIDs {
		if slices.Contains(words, refID) || strings.Contains(text, "`"+refID+"`") || strings.Contains(text, `"`+refID+`"`) {
			c.tables = append(c.tables, refID)
		}
	}
	return c
}

func (c *sqlCommand) needs() []string { return c.tables }

func (c *sqlCommand) run(context.Context, Vars) (Results, error) {
	return nil, errors.New("a table is not a value")
}

var selects = regexp.MustCompile(`(?is)^\s*(select|with|values)\b`)

// quotes matches tokens that may contain a semicolon: strings, quoted identifiers and comments.
var quotes = regexp.MustCompile("(?s)'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\\*.*?\\*/")

func (c *sqlCommand) frames(ctx context.Context, in map[string][]*dsquery.Frame) ([]*dsquery.Frame, error) {
	if !selects.MatchString(c.text) || strings.Contains(strings.TrimRight(quotes.ReplaceAllString(c.text, " "), "; \t\r\n"), ";") {
		return nil, errors.New("only one SELECT is allowed")
	}
	if name := inflating.FindString(c.text); name != "" {
		return nil, fmt.Errorf("%s is not allowed", name)
	}
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	select {
	case sqlSlots <- struct{}{}:
		defer func() { <-sqlSlots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("timed out after %s waiting for other SQL expressions", sqlTimeout)
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	// Queries cannot access files: attaching is disabled, and the in-memory data is read-only.
	for limit, value := range map[int]int{sqlite3.SQLITE_LIMIT_ATTACHED: 0, sqlite3.SQLITE_LIMIT_LENGTH: maxTextSQL, sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200} {
		if _, err := sqlite.Limit(conn, limit, value); err != nil {
			return nil, err
		}
	}
	for _, refID := range c.tables {
		if err := load(ctx, conn, refID, in[refID]); err != nil {
			return nil, fmt.Errorf("create a table from %s: %w", refID, err)
		}
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = ON"); err != nil {
		return nil, err
	}
	f, err := c.query(ctx, conn)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("the SQL took longer than %s", sqlTimeout)
	case err != nil:
		return nil, fmt.Errorf("%w (%s)", err, dialect)
	}
	return []*dsquery.Frame{f}, nil
}

// load creates the table for one refId.
func load(ctx context.Context, conn *sql.Conn, name string, frames []*dsquery.Frame) error {
	t := longTable(frames)
	columns, places := []string{}, []string{}
	for _, column := range t.columns {
		columns, places = append(columns, quoted(column.Name)+" "+sqlType(column)), append(places, "?")
	}
	if len(columns) == 0 {
		columns, places = []string{"time DATETIME", "__value__ REAL"}, []string{"?", "?"}
	}
	if _, err := conn.ExecContext(ctx, "CREATE TABLE "+quoted(name)+" ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	if t.rows*len(t.columns) > maxInput {
		return fmt.Errorf("more than %d cells; reduce the time range or the number of series", maxInput)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if t.rows > 0 {
		insert, err := tx.PrepareContext(ctx, "INSERT INTO "+quoted(name)+" VALUES ("+strings.Join(places, ", ")+")")
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }()
		for row := range t.rows {
			values := make([]any, len(t.columns))
			for i, column := range t.columns {
				values[i] = cell(column, row)
			}
			if _, err := insert.ExecContext(ctx, values...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func sqlType(f *dsquery.Field) string {
	switch {
	case f.Times != nil:
		return "DATETIME"
	case f.Points != nil || f.Numbers != nil:
		return "REAL"
	}
	return "TEXT"
}

const sqlTime = "2006-01-02 15:04:05.999999999"

func cell(f *dsquery.Field, row int) any {
	switch {
	case f.Times != nil:
		return f.Times[row].UTC().Format(sqlTime)
	case f.Points != nil:
		if f.Points[row] == nil || math.IsNaN(*f.Points[row]) {
			return nil
		}
		return *f.Points[row]
	case f.Numbers != nil:
		if math.IsNaN(f.Numbers[row]) {
			return nil
		}
		return f.Numbers[row]
	case f.Texts != nil:
		return f.Texts[row]
	}
	return fmt.Sprint(f.Values[row])
}

// table is the tabular form of the frames of one refId.
type table struct {
	columns []*dsquery.Field
	rows    int
}

// longTable converts frames to a table: frames with strings stay unchanged, series and numbers get Grafana's long form
// with a row per value, including its name and labels.
func longTable(frames []*dsquery.Frame) table {
	if len(frames) == 1 && slices.ContainsFunc(frames[0].Fields, func(f *dsquery.Field) bool { return f.Texts != nil }) {
		t := table{columns: frames[0].Fields}
		for _, f := range t.columns {
			t.rows = max(t.rows, len(f.Times), len(f.Points), len(f.Numbers), len(f.Texts), len(f.Values))
		}
		return t
	}
	at, value := &dsquery.Field{Name: "time", Times: []time.Time{}}, &dsquery.Field{Name: "__value__", Points: []*float64{}}
	name := &dsquery.Field{Name: "__metric_name__", Texts: []string{}}
	display := &dsquery.Field{Name: "__display_name__", Texts: []string{}}
	labels := map[string]*dsquery.Field{}
	hasTime, hasDisplay, rows := false, false, 0
	for _, f := range frames {
		for _, field := range f.Fields {
			for label := range field.Labels {
				labels[label] = &dsquery.Field{Name: label, Texts: []string{}}
			}
		}
	}
	for _, f := range frames {
		var times []time.Time
		for _, field := range f.Fields {
			if field.Times != nil {
				times = field.Times
				hasTime = hasTime || f.Meta["type"] != "numeric-multi"
			}
			if field.Points == nil && field.Numbers == nil {
				continue
			}
			shown, _ := field.Config["displayNameFromDS"].(string)
			hasDisplay = hasDisplay || shown != ""
			for row, p := range field.Nullable() {
				t := time.Time{}
				if row < len(times) {
					t = times[row]
				}
				at.Times, value.Points = append(at.Times, t), append(value.Points, p)
				name.Texts, display.Texts = append(name.Texts, field.Name), append(display.Texts, shown)
				for label, column := range labels {
					column.Texts = append(column.Texts, field.Labels[label])
				}
				rows++
			}
		}
	}
	columns := []*dsquery.Field{}
	if hasTime {
		columns = append(columns, at)
	}
	columns = append(columns, value, name)
	if hasDisplay {
		columns = append(columns, display)
	}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		columns = append(columns, labels[label])
	}
	if len(frames) == 0 || rows == 0 {
		return table{}
	}
	return table{columns, rows}
}

// query runs the statement and returns its rows as a frame.
func (c *sqlCommand) query(ctx context.Context, conn *sql.Conn) (*dsquery.Frame, error) {
	rows, err := conn.QueryContext(ctx, c.text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	notices := []any{map[string]any{"severity": "info", "text": dialect}}
	columns := make([][]any, len(names))
	size := 0
	for cells := 0; rows.Next(); cells += len(names) {
		if cells+len(names) > maxCells {
			notices = append(notices, map[string]any{"severity": "warning", "text": fmt.Sprintf("The result has more than %d cells; only the first are shown.", maxCells)})
			break
		}
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, v := range row {
			columns[i] = append(columns[i], v)
			size += sizeOf(v)
		}
		if size > maxAnswer {
			return nil, fmt.Errorf("the result is larger than %d MiB", maxAnswer>>20)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	f := &dsquery.Frame{Meta: map[string]any{"preferredVisualisationType": "table", "executedQueryString": c.text, "notices": notices}, Fields: []*dsquery.Field{}}
	for i, name := range names {
		f.Fields = append(f.Fields, column(name, columns[i]))
	}
	return f, nil
}

// sizeOf returns the size of a string value.
func sizeOf(v any) int {
	switch t := v.(type) {
	case string:
		return len(t)
	case []byte:
		return len(t)
	}
	return 0
}

// column returns a field of the type shared by all values; mixed types become text.
func column(name string, values []any) *dsquery.Field {
	all := func(ok func(any) bool) bool {
		return len(values) > 0 && !slices.ContainsFunc(values, func(v any) bool { return !ok(v) })
	}
	f := &dsquery.Field{Name: name}
	switch {
	case all(func(v any) bool { _, ok := v.(time.Time); return ok }):
		for _, v := range values {
			f.Times = append(f.Times, v.(time.Time))
		}
	case all(func(v any) bool { return v == nil || asNumber(v) != nil }):
		for _, v := range values {
			f.Points = append(f.Points, asNumber(v))
		}
	default:
		f.Texts = []string{}
		for _, v := range values {
			f.Texts = append(f.Texts, asText(v))
		}
	}
	return f
}

func asNumber(v any) *float64 {
	switch n := v.(type) {
	case float64:
		return &n
	case int64:
		return float(float64(n))
	}
	return nil
}

func asText(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(t)
	case time.Time:
		return t.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}
