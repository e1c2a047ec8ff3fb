package duck

import (
	"fmt"
	"math/big"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/shopspring/decimal"

	"github.com/trimtab/trimtab"
)

// Value turns what the driver gives into a value of a fact: exact numbers stay
// exact, NULL is nil.
func Value(v any) any {
	switch v := v.(type) {
	case duckdb.Decimal:
		return Decimal(v)
	case *big.Int:
		return trimtab.Decimal(decimal.NewFromBigInt(v, 0))
	case int8, int16, int32, uint8, uint16, uint32, int, uint:
		return whole(v)
	case uint64:
		return trimtab.Decimal(decimal.NewFromBigInt(new(big.Int).SetUint64(v), 0))
	case float32:
		return float64(v)
	case time.Time:
		return v.UTC()
	case duckdb.OrderedMap: // a MAP
		return textMap(v.Keys(), v.Values())
	case map[string]any: // a STRUCT or a JSON object
		return textMap(unzip(v))
	}
	return v
}

// whole widens the kinds that int64 holds without loss.
func whole(v any) int64 {
	switch v := v.(type) {
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case int:
		return int64(v)
	}
	return int64(v.(uint)) //nolint:forcetypeassert // the last kind that Value sends here
}

// Decimal turns a DuckDB decimal into ours.
func Decimal(d duckdb.Decimal) trimtab.Decimal {
	return decimal.NewFromBigInt(d.Value, -int32(d.Scale))
}

// textMap is the only map that the rule language knows: of text to text.
func textMap[K any](keys []K, values []any) map[string]string {
	text := make(map[string]string, len(keys))
	for i, k := range keys {
		if values[i] != nil {
			text[fmt.Sprint(k)] = fmt.Sprint(values[i])
		}
	}
	return text
}

// unzip gives keys and values in one order, which two ranges over a map would not.
func unzip(m map[string]any) (keys []string, values []any) {
	for k, v := range m {
		keys, values = append(keys, k), append(values, v)
	}
	return keys, values
}
