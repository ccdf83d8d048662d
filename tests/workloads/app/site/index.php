<?php
// SPDX-License-Identifier: Apache-2.0
require __DIR__ . '/part.php';
echo part((int)$_GET['n']), "\n";
