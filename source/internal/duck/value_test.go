package duck

import (
	"fmt"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
)

// What the driver gives for each SQL type, and what a fact keeps of it.
func TestValueOfSQL(t *testing.T) {
	db := openOn(t, t.TempDir())
	day := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	for expr, want := range map[string]any{
		"NULL": nil, "true": true, "'x'": "x", "''": "",
		"(-128)::TINYINT": int64(-128), "(-7)::SMALLINT": int64(-7), "7::INTEGER": int64(7), "9223372036854775807": int64(9223372036854775807),
		"255::UTINYINT": int64(255), "65535::USMALLINT": int64(65535), "4294967295::UINTEGER": int64(4294967295),
		"18446744073709551615::UBIGINT": exact("18446744073709551615"), "170141183460469231731687303715884105727::HUGEINT": exact("170141183460469231731687303715884105727"),
		"0.1::DECIMAL(5,3)": exact("0.1"), "(-0.000000000001)::DECIMAL(38,12)": exact("-0.000000000001"),
		"sum(1)": exact("1"), "0.25::DOUBLE": 0.25, "0.25::FLOAT": 0.25,
		"DATE '2026-09-01'": day, "TIMESTAMP '2026-09-01 10:30:00'": day.Add(10*time.Hour + 30*time.Minute),
		"TIMESTAMPTZ '2026-09-01 02:00:00+02:00'": day,
		"MAP {'a': 'x', 'b': NULL}":               map[string]string{"a": "x"}, "{'a': 1, 'b': NULL}": map[string]string{"a": "1"},
	} {
		var v any
		if err := db.QueryRowContext(t.Context(), "SELECT "+expr).Scan(&v); err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if got := Value(v); !same(got, want) {
			t.Errorf("%s: %T %v, want %T %v", expr, got, got, want, want)
		}
	}
}

// The kinds of Go that no SQL type above gives.
func TestValueOfGo(t *testing.T) {
	there := time.FixedZone("there", 7200)
	cases := []struct{ give, want any }{
		{int(-5), int64(-5)},
		{uint(5), int64(5)},
		{uint64(1 << 63), exact("9223372036854775808")},
		{big.NewInt(12), exact("12")},
		{float32(1.5), 1.5},
		{duckdb.Decimal{Width: 4, Scale: 2, Value: big.NewInt(-1250)}, exact("-12.50")},
		{time.Date(2026, 9, 1, 2, 0, 0, 0, there), time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)},
	}
	for _, c := range cases {
		if got := Value(c.give); !same(got, c.want) {
			t.Errorf("%T %v: %T %v, want %T %v", c.give, c.give, got, got, c.want, c.want)
		}
	}
}

func exact(text string) trimtab.Decimal { return decimal.RequireFromString(text) }

// same compares type and value; decimals by value, times by moment and zone.
func same(a, b any) bool {
	if x, ok := a.(trimtab.Decimal); ok {
		y, ok := b.(trimtab.Decimal)
		return ok && x.Equal(y)
	}
	return reflect.DeepEqual(a, b) && fmt.Sprint(a) == fmt.Sprint(b)
}
