//go:build race

package soaktest

// The race detector makes everything several times slower; fewer tickets find the same races.
func init() { slow = true }
