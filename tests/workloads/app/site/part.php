<?php
// SPDX-License-Identifier: Apache-2.0
function part(int $n): string
{
	return "copied $n";
}
