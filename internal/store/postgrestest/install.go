package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// programs finds the folder of the server's programs, and installs them if there are none
// and this is a Debian where that may be done.
func programs() (string, error) {
	if bin := installed(); bin != "" {
		return bin, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return "", errors.New("it is not installed; `apt-get install postgresql` as root does that")
	}
	if err := install(); err != nil {
		return "", err
	}
	if bin := installed(); bin != "" {
		return bin, nil
	}
	return "", errors.New("it was installed and cannot be found")
}

// installed is the folder of the newest version, "" without one.
func installed() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is sound
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	return ""
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb)))) // 0 is the oldest
	return n
}

// install asks apt for the server. Several test binaries may come to this at once, and apt
// lets one at a time look for packages, whichever: they share a lock.
func install() error {
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "trimtab-apt.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil || installed() != "" {
		return err
	}
	if err := noCluster(); err != nil {
		return err
	}
	const wait = "-oDPkg::Lock::Timeout=300"
	return errors.Join(apt(wait, "update", "-q"),
		apt(wait, "-oDpkg::Options::=--force-confold", "install", "-y", "-q", "--no-install-recommends", "postgresql"))
}

// noCluster keeps the package from making and starting a server of the machine's own.
func noCluster() error {
	const path = "/etc/postgresql-common/createcluster.conf"
	if _, err := os.Stat(path); err == nil {
		return nil // somebody has said what they want
	}
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("create_main_cluster = false\n"), 0o644))
}

func apt(args ...string) error {
	cmd := exec.Command("apt-get", args...) //nolint:noctx // it is waited for
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get: %w\n%s", err, out)
	}
	return nil
}
