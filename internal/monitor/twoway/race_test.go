//go:build race

package twoway

// The race detector makes everything several times slower; fewer tickets find the same races.
func init() { slow = true }
