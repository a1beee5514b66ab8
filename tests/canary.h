/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The CloudStack keys that the tests and the demo give to the programs. No key may appear in what a program or a
 * test writes. `./quickstart test` searches the logs of the whole suite for each quoted text of this file, and
 * tests/demo reads its keys from here. A test that finds a key must therefore report where it is, and never print it.
 */

#define CANARY_SECRET       "canary-Q7mZ2vX9-this-must-be-seen-nowhere"
#define CANARY_API_KEY      "canary-apikey-W3kT8-not-to-be-seen"
#define CANARY_WRONG_SECRET "canary-w9Rr4-that-CloudStack-does-not-have"

#define CANARIES CANARY_SECRET, CANARY_API_KEY, CANARY_WRONG_SECRET
