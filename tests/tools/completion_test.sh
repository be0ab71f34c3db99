#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bash completion of iopf, on a machine made up of files (tree.sh). Each case is a line as it
# is when the user presses the tabulator, and all that bash then offers.
set -euo pipefail
# shellcheck source=tests/tools/tree.sh
. "$(dirname "$0")/tree.sh"

set +u
# shellcheck source=/dev/null
. /usr/share/bash-completion/bash_completion
# shellcheck source=tools/completion/iopf
. "$top/tools/completion/iopf"
set -u

# complete_line LINE: what is offered, a word each, as readline splits words: at colons too.
complete_line()
{
	local line=$1
	COMP_LINE=$line COMP_POINT=${#1} COMP_TYPE=9 COMPREPLY=()
	mapfile -t COMP_WORDS < <(grep -oE ':|[^: ]+' <<<"$line")
	[[ $line != *[\ :] ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	set +u
	_iopf
	set -u
	printf '%s\n' "${COMPREPLY[@]}"
}

# offers LINE WORD...: after iopf, these are offered and no others, in any order.
offers()
{
	diff <(printf '%s\n' "${@:2}" | sort) <(complete_line "$iopf $1" | sort)
}

commands()
{
	local all
	mapfile -t all < <("$iopf" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
	[ "${#all[@]}" -ge 5 ] && offers '' "${all[@]}"
}

good_host
container 3
contained 3 0000:01:00.0 faulting
pci_device 0000:02:00.0 8 nvme dmar0

tap_ok "commands" commands
tap_ok "the beginning of a command" offers un unbind
tap_ok "options of iopf" offers -- --help --version
tap_ok "options of a command" offers 'bind --' --force --help --json --usage --version
tap_ok "the beginning of an option" offers 'list --j' --json
tap_ok "show: containers and their devices" offers 'show ' container3 0000:01:00.0
tap_ok "... a beginning" offers 'show c' container3
tap_ok "... with a colon" offers 'show 0000:01' 01:00.0
tap_ok "bind: all devices" offers 'bind ' 0000:01:00.0 0000:02:00.0
tap_ok "check: the second device, too" offers 'check 0000:01:00.0 0000:02:' 00.0
tap_ok "run: options of its own" offers 'run -' --help --usage --version --wait
tap_ok "... and their arguments" offers "run ls $IOPF_ROOT/sys/cl" "$IOPF_ROOT/sys/class"
tap_ok "list takes nothing" offers 'list ' ''
tap_end
