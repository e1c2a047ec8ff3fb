package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/internal/lifecycle"
	"github.com/trimtab/trimtab/internal/store"
	"github.com/trimtab/trimtab/source"
)

func fresh(t *testing.T) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trimtab.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, path
}

// value draws a value of the rule language.
var value = rapid.Custom(func(t *rapid.T) any {
	amount := decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-20, 5).Draw(t, "exponent"))
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		return rapid.Bool().Draw(t, "bool")
	case 1:
		return rapid.Int64().Draw(t, "int")
	case 2:
		return rapid.Float64().Draw(t, "float")
	case 3:
		return time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "time")).UTC()
	case 4:
		return trimtab.Money{Amount: amount, Currency: "USD"}
	case 5:
		return amount
	case 6:
		return rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "map")
	}
	return rapid.String().Draw(t, "string")
})

// written is how a value comes back: numbers by their digits, the rest as text.
func written(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case trimtab.Money:
		return v.String()
	case trimtab.Decimal:
		return v.String()
	case map[string]string:
		all := make(map[string]any, len(v))
		for k, text := range v {
			all[k] = text
		}
		return fmt.Sprint(all)
	}
	return fmt.Sprint(v)
}

// Facts come back as they were kept, to the last digit of the smallest amount.
func TestGatheredExactly(t *testing.T) {
	s, _ := fresh(t)
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.MapOf(rapid.StringMatching(`[a-z_]{1,8}`), value)
		kept := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) source.Fact {
			return source.Fact{Type: rapid.SampledFrom([]string{"A", "B"}).Draw(t, "type"), Fields: fields.Draw(t, "fields")}
		}), 0, 5).Draw(t, "facts")
		var all []store.Gathered
		err := s.Write(t.Context(), func(tx *store.Tx) (err error) {
			if err := tx.SaveGathered(store.Gathered{Source: "s", Facts: kept}); err != nil {
				return err
			}
			all, err = tx.Gathered()
			return err
		})
		if err != nil || len(all) != 1 || len(all[0].Facts) != len(kept) {
			t.Fatalf("%v, %v", all, err)
		}
		for i, f := range kept {
			sameFact(t, f, all[0].Facts[i])
		}
	})
}

func sameFact(t *rapid.T, kept, got source.Fact) {
	t.Helper()
	if got.Type != kept.Type || len(got.Fields) != len(kept.Fields) {
		t.Fatalf("%v became %v", kept, got)
	}
	for name, v := range kept.Fields {
		back := got.Fields[name]
		if n, ok := back.(json.Number); ok {
			if f, isFloat := v.(float64); isFloat {
				if read, err := n.Float64(); err != nil || read != f {
					t.Fatalf("%s: %v became %v", name, v, back)
				}
				continue
			}
			back = n.String()
		}
		if fmt.Sprint(back) != written(v) {
			t.Fatalf("%s: %T %v became %v", name, v, v, back)
		}
	}
}

// A process that dies before the commit leaves nothing, one that dies after it
// leaves all; both get an error.
func TestDoors(t *testing.T) {
	died := errors.New("died")
	for _, door := range []store.Door{store.BeforeCommit, store.AfterCommit} {
		s, path := fresh(t)
		var passed []store.Door
		s.Jam(func(d store.Door) error {
			passed = append(passed, d)
			if d == door {
				return died
			}
			return nil
		})
		err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.SaveWatermark("b", store.Watermark{At: time.UnixMilli(7)}) })
		if !errors.Is(err, died) || passed[len(passed)-1] != door {
			t.Errorf("%s: %v, passed %v", door, err, passed)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if kept := !watermark(t, s).IsZero(); kept != (door == store.AfterCommit) {
			t.Errorf("%s: kept %t", door, kept)
		}
		_ = s.Close()
	}
}

// A failed transaction does not come to a door: nothing is there to commit.
func TestNoDoorWithoutCommit(t *testing.T) {
	s, _ := fresh(t)
	s.Jam(func(d store.Door) error {
		t.Errorf("%s was passed", d)
		return nil
	})
	broken := errors.New("broken")
	if err := s.Write(t.Context(), func(*store.Tx) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if err := s.Read(t.Context(), func(*store.Tx) error { return nil }); err != nil {
		t.Error(err)
	}
}

func watermark(t *testing.T, s *store.Store) (at time.Time) {
	t.Helper()
	err := s.Read(t.Context(), func(tx *store.Tx) error {
		w, err := tx.Watermark("b")
		at = w.At
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A state that a newer Trimtab has migrated is left alone.
func TestNewerSchema(t *testing.T) {
	s, path := fresh(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := connect(path, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO schema_migrations VALUES ('schema/999_from_the_future.sql')`); err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path)
	if trimtab.CodeOf(err) != trimtab.Invalid || trimtab.NextOf(err) == "" {
		t.Errorf("for writing: %v", err)
	}
	reader, err := OpenRead(t.Context(), path)
	if trimtab.CodeOf(err) != trimtab.Invalid || trimtab.NextOf(err) == "" {
		t.Errorf("for reading: %v", err)
	}
	if reader != nil {
		_ = reader.Close()
	}
}

// A reading transaction sees one moment, whatever is committed meanwhile; the
// next one sees the rest.
func TestReadersBesideAWriter(t *testing.T) {
	writer, path := fresh(t)
	reader, err := OpenRead(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	for _, s := range []*store.Store{writer, reader} {
		var before, after int
		err := s.Read(t.Context(), func(tx *store.Tx) (err error) {
			if before, err = episodes(tx); err != nil {
				return err
			}
			err = writer.Write(t.Context(), func(tx *store.Tx) error {
				return tx.SaveEpisode(&store.Episode{Key: trimtab.Key(fmt.Sprint(before)), Number: 1, State: lifecycle.State{Workflow: trimtab.New}})
			})
			if err != nil {
				return err
			}
			after, err = episodes(tx)
			return err
		})
		if err != nil || before != after {
			t.Errorf("one reading saw %d and then %d episodes, %v", before, after, err)
		}
		if err := s.Read(t.Context(), func(tx *store.Tx) (err error) { after, err = episodes(tx); return err }); err != nil || after != before+1 {
			t.Errorf("the next reading saw %d, %v", after, err)
		}
	}
}

func episodes(tx *store.Tx) (int, error) {
	open, err := tx.OpenEpisodes()
	return len(open), err
}

// People's own SQL reads; it cannot write, not even the second time that its
// connection is used.
func TestQueryOnlyReads(t *testing.T) {
	s, _ := fresh(t)
	for range 9 {
		for _, query := range []string{"DELETE FROM installation", "DROP TABLE ops", "INSERT INTO watermarks VALUES ('x', 1, '')"} {
			err := s.Read(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Query(query)
				return err
			})
			if err == nil {
				t.Fatalf("%s: was carried out", query)
			}
		}
	}
}
