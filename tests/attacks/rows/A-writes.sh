# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016
# 1A, A25: every mechanism that writes files, making a new one and changing one of the image.

row_writes() {
	attack "A25-$1" "written by $2"
	does "$3"' $v/prog new && run ./new; '"$3"' $v/prog $v/prog.too && mv $v/prog.too $v/script && run $v/script'
	event exec added '$t/new'
	event exec added '$v/script'
	twin "$3"' $v/data new; run $v/prog'
	attack "A25-$1-in" "of the image, written by $2"
	does 'cp $v/prog from; '"$3"' from $v/prog && run $v/prog'
	event exec "${4:-modified}" '$v/prog'
	twin 'cp $v/data from; '"$3"' from $v/data; run $v/prog'
}

row_writes copy-range 'copy_file_range' 'write-by copy-range'
row_writes reflink 'a reflink' 'write-by reflink'
row_writes sendfile 'sendfile' 'write-by sendfile'
row_writes splice 'vmsplice and splice' 'write-by splice'
row_writes direct 'O_DIRECT' 'write-by direct'
row_writes aio 'aio' 'write-by aio'
row_writes mapping 'a shared mapping' 'write-by mapping'
row_writes unnamed 'O_TMPFILE and linkat' 'write-by unnamed' added
row_writes vector 'pwritev2' 'write-by vector'
row_writes uring 'io_uring alone' 'write-uring'
