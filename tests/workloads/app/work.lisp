; SPDX-License-Identifier: Apache-2.0
(defun triangle (n)
  (declare (fixnum n) (optimize (speed 3)))
  (let ((sum 0))
    (declare (fixnum sum))
    (dotimes (i n sum) (incf sum i))))
(compile 'triangle)
