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
	case duckdb.Map:
		return textMap(v)
	case map[string]any:
		return textMap(v)
	}
	return v
}

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

func textMap[K comparable](m map[K]any) map[string]string {
	text := make(map[string]string, len(m))
	for k, v := range m {
		if v != nil {
			text[fmt.Sprint(k)] = fmt.Sprint(v)
		}
	}
	return text
}
