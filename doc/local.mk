# SPDX-License-Identifier: LGPL-2.1-or-later
dist_doc_DATA = \
	HACKING.md \
	README.md \
	doc/ARCHITECTURE.md \
	doc/storage.md \
	$(NULL)
