<?php
// SPDX-License-Identifier: Apache-2.0
// A page of the image: a loop that is worth compiling, a session, a data file.
session_start();
$_SESSION['seen'] = ($_SESSION['seen'] ?? 0) + 1;
function triangle(int $n): int
{
	$sum = 0;
	for ($round = 0; $round < 200; $round++) {
		$sum = 0;
		for ($i = 0; $i < $n; $i++) {
			$sum += $i;
		}
	}
	return $sum;
}
file_put_contents('/tmp/data.json', json_encode(['n' => (int)$_GET['n']]));
$n = json_decode(file_get_contents('/tmp/data.json'), true)['n'];
$sum = triangle($n);
$jit = opcache_get_status(false)['jit'] ?? ['buffer_size' => 0, 'buffer_free' => 0];
echo "sum $sum jit ", $jit['buffer_size'] - $jit['buffer_free'], "\n";
