# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1C: what exec means.

attack C06 'the loader of the image given a new program'
does 'fresh /bin/true new && $ldso ./new && echo ": ran"'
event mmap added '$t/new'
twin '$ldso /bin/true && echo ": ran"'
