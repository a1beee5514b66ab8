/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The keys that tests and the demo give to the programs. None may be in anything that a program or a test writes:
 * ./quickstart test looks for each text in quotes here in the logs of the whole suite, tests/demo takes its keys from
 * here. So a test that finds one says where, and not what.
 */

#define CANARY_SECRET       "canary-Q7mZ2vX9-this-must-be-seen-nowhere"
#define CANARY_API_KEY      "canary-apikey-W3kT8-not-to-be-seen"
#define CANARY_WRONG_SECRET "canary-w9Rr4-that-CloudStack-does-not-have"

#define CANARIES CANARY_SECRET, CANARY_API_KEY, CANARY_WRONG_SECRET
