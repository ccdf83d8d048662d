/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rule cannot match, told from its condition alone: events that the kernel half need not tell.
 *
 * Owns: reading conditions for that. Must not know: how events are told, or any rule.
 */
#ifndef ENFORCER_DETECT_NARROW_H
#define ENFORCER_DETECT_NARROW_H

#include "bpf-lsm/abi_detect.h"
#include "policies/rules/ast.h"

/**
 * detect_narrow - the switches with which one condition can match events of one type
 * @tree: (borrowed) macros and lists put in
 * @type: of events; what has no narrower form is wanted as a whole
 *
 * Bits of enum hf_detect_want: HOST, CONTAINERS, SUCCESS, FAILURE; READ, WRITE, CREATE for opens. EXECUTABLE and ELF are told if
 * these events alone can match: they hold for a type only if they do for each of its rules. Never leaves out what could match.
 * Cost: a few walks of the tree. Return: 0 if it matches no event of that type.
 */
uint32_t detect_narrow(const struct rule_node *tree, enum hf_detect_type type);

#endif
