/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Preloaded into the daemon with umockdev, which has no database of udev's: a mocked disk's uevent file
 * says itself whether udev has processed it.
 */

#include <libudev.h>
#include <stddef.h>

__attribute__((visibility("default"))) int udev_device_get_is_initialized(
	struct udev_device *device)
{
	return udev_device_get_property_value(device, "USEC_INITIALIZED") != NULL;
}
