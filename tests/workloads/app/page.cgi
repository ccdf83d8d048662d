#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A CGI script of the image.
printf 'Content-Type: text/plain\n\nasked for %s\n' "$QUERY_STRING"
