// SPDX-License-Identifier: LGPL-2.1-or-later

// Volume creates a volume and attaches it to the appliance, or detaches and deletes it. To build it, in a copy of this
// folder:
//
//	go mod tidy && go build
//
//	volume new NAME GIB     create and attach it: prints its id and its device
//	volume drop UUID        detach and delete it
package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/godbus/dbus/v5"
)

const name = "org.migratekit.Volume1"

type options map[string]dbus.Variant

// token is an operation's id: when this program is run again, it makes no second volume.
func token(volume, what string) options {
	id := regexp.MustCompile("[^A-Za-z0-9]").ReplaceAllString(volume, "_")
	if len(id) > 56 {
		id = id[:56]
	}
	return options{"token": dbus.MakeVariant(id + "_" + what)}
}

// do calls a method of the manager and waits for its operation's end.
func do(bus *dbus.Conn, method string, args ...interface{}) (options, error) {
	var path dbus.ObjectPath
	manager := bus.Object(name, "/org/migratekit/Volume1")
	if err := manager.Call(name+"."+method, 0, args...).Store(&path); err != nil {
		return nil, err
	}

	for {
		var state string
		var result options
		err := bus.Object(name, path).Call(name+".Operation.Wait", 0, uint64(20000000)).Store(&state, &result)
		if err != nil || state == "succeeded" {
			return result, err
		}
	}
}

func create(bus *dbus.Conn, volume, gib string) error {
	size, err := strconv.ParseUint(gib, 10, 20)
	if err != nil {
		return err
	}
	made, err := do(bus, "CreateVolume", "oma", volume, size<<30, token(volume, "create"))
	if err != nil {
		return err
	}
	id := made["Volume"].Value().(string)
	attached, err := do(bus, "AttachVolume", "oma", id, "", token(volume, "attach"))
	if err != nil {
		return err
	}
	fmt.Println(id, attached["Device"].Value())
	return nil
}

func drop(bus *dbus.Conn, id string) error {
	if _, err := do(bus, "DetachVolume", id, options{}); err != nil { // InUse while it is mounted
		return err
	}
	if _, err := do(bus, "DeleteVolume", id, options{}); err != nil {
		return err
	}
	fmt.Println("dropped", id)
	return nil
}

func run(args []string) error {
	bus, err := dbus.ConnectSystemBus()
	if err != nil {
		return err
	}
	defer bus.Close()

	switch {
	case len(args) == 3 && args[0] == "new":
		return create(bus, args[1], args[2])
	case len(args) == 2 && args[0] == "drop":
		return drop(bus, args[1])
	}
	return fmt.Errorf("usage: volume new NAME GIB | volume drop UUID")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		if e, ok := err.(dbus.Error); ok {
			fmt.Fprintf(os.Stderr, "%s: %v\n", e.Name, e.Body)
		} else {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
}
