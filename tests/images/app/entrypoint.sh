#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The images' entrypoint: a script of the image that runs programs of the image.
/opt/app/bin/hello || exit 1
[ $# -eq 0 ] || exec "$@"
