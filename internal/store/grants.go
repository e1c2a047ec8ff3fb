package store

import (
	"database/sql"
	"errors"
)

// Grant reads what a tracker has granted, sealed, and its version; nothing and 0 if there
// is none.
func (t *Tx) Grant(name string) (sealed []byte, version int64, err error) {
	const query = `SELECT sealed, version FROM grants WHERE name = ?`
	err = t.row(query, name).Scan(&sealed, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	return sealed, version, wrapSQL(query, err)
}

// SaveGrant keeps a grant in the place of the one with a version, which its reader saw;
// writers take turns.
func (t *Tx) SaveGrant(name string, version int64, sealed []byte) error {
	return t.exec(`INSERT INTO grants (name, version, sealed) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET version = excluded.version, sealed = excluded.sealed`, name, version+1, sealed)
}

// Number reads a number that workers share; 0 if there is none.
func (t *Tx) Number(name string) (n int64, err error) {
	const query = `SELECT value FROM marks WHERE name = ?`
	err = t.row(query, name).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, wrapSQL(query, err)
}

// RaiseNumber sets a number, unless it is greater already.
func (t *Tx) RaiseNumber(name string, n int64) error {
	old, err := t.Number(name)
	if err != nil || old >= n {
		return err
	}
	return t.exec(`INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, n)
}
