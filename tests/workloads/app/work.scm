; SPDX-License-Identifier: Apache-2.0
(define (triangle n)
  (let loop ((i 0) (sum 0))
    (if (= i n) sum (loop (+ i 1) (+ sum i)))))
(define (repeat n) (if (> n 1) (begin (triangle 1000) (repeat (- n 1))) (triangle 1000)))
(format #t "sum ~a~%" (repeat 100))
