/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library that is preloaded into the daemon beside umockdev's. umockdev does not mock udev's database, in which udev
 * notes that it has processed a device. With this library a mocked disk counts as processed if its uevent file has
 * USEC_INITIALIZED.
 */

#include <libudev.h>
#include <stddef.h>

__attribute__((visibility("default"))) int udev_device_get_is_initialized(
	struct udev_device *device)
{
	return udev_device_get_property_value(device, "USEC_INITIALIZED") != NULL;
}
