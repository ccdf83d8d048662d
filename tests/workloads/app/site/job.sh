# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
echo 'job on a volume'
