package redminetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	home     = "/usr/share/redmine"                                                         // where Debian keeps the program
	database = "/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default" // what its installation has filled
)

// programs looks for Redmine, and installs it where there is none and this is a Debian
// where that may be done. It gives the server's program.
func programs() (string, error) {
	if !installed() {
		if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
			return "", errors.New("it is not installed; `apt-get install redmine redmine-sqlite puma` as root does that")
		}
		if err := install(); err != nil {
			return "", err
		}
	}
	if !installed() {
		return "", errors.New("it was installed, but not with an SQLite database of its own")
	}
	return exec.LookPath("puma")
}

func installed() bool {
	_, err := exec.LookPath("puma")
	for _, file := range []string{filepath.Join(home, "config.ru"), database} {
		_, missing := os.Stat(file)
		err = errors.Join(err, missing)
	}
	return err == nil
}

// install asks apt for it. Several test binaries may come to this at once, and apt lets one
// at a time look for packages, whichever: they share a lock.
func install() error {
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "trimtab-apt.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil || installed() {
		return err
	}
	// The package fills its database only when these are answered before.
	answers := "redmine redmine/instances/default/dbconfig-install boolean true\n" +
		"redmine redmine/instances/default/database-type select sqlite3\n"
	const wait = "-oDPkg::Lock::Timeout=500"
	if err := run("", "apt-get", wait, "update", "-q"); err != nil {
		return err
	}
	if err := run(answers, "debconf-set-selections"); err != nil {
		return err
	}
	return run("", "apt-get", wait, "install", "-y", "-q", "--no-install-recommends", "redmine", "redmine-sqlite", "puma")
}

func run(input, program string, args ...string) error {
	cmd := exec.Command(program, args...) //nolint:noctx // it is waited for
	cmd.Stdin, cmd.Env = strings.NewReader(input), append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}
